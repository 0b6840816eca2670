"""Brands in words: written as they are, nearly, or only sounding like them.

Every run of neighbouring words is joined to one form, so that “Coca-Cola”, “coca cola” and
“cocacola” are the same, and a name that a recogniser took apart (“Tessa us”) is whole again. Forms
are compared by their spelling (Damerau 1964, Levenshtein 1966) and by their sound in English
(Metaphone, Philips 1990). What is near in spelling has to be near in sound as well: “abode” is no
Adobe.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Protocol

import jellyfish
import numpy as np
from rapidfuzz.distance import DamerauLevenshtein, Levenshtein
from rapidfuzz.process import cdist

from analysis.text.forms import form, forms

By = Literal["name", "inflection", "spelling", "sound", "heard"]  # the last: in the sound itself

_PAUSE_S = 1.0  # words further apart are not one name
_EXTRA = 2  # a name may be taken apart into so many words more than it has
ENDINGS = ("s", "es", "n", "en")
INFLECTED = 0.97
SHORTEST = 5  # letters: a shorter name has too many neighbours
NEAR = 0.78  # likeness in spelling from which it may be the name
SOUNDS = 0.75  # likeness of the sounds that it needs then
SAME_SOUND, SOUND_LEAST = 3, 0.5  # sounds; and likeness in spelling, where they are the same
FUZZY_MOST = 0.9  # however near it is: it is written otherwise


class Spoken(Protocol):
    """A word with its time, such as speech's `Word`."""

    @property
    def text(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def confidence(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Brand:
    """What is looked for, and its false friends: in “apple pie” nobody means the brand.

    is_ordinary: its names are ordinary words too, so that they count only where they are names.
    """

    key: int
    names: tuple[str, ...]  # the name, then its aliases
    not_in: tuple[str, ...] = ()
    is_ordinary: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """A brand in some words.

    words: the positions of the first word and of the one after the last. score: how well they fit
    the name, 0 to 1; confidence: that, and how sure the recogniser was of them.
    """

    brand: int
    name: str
    words: tuple[int, int]
    start_s: float
    end_s: float
    text: str
    by: By
    score: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Name:
    brand: int
    name: str
    form: str
    n_words: int
    sound: str
    letters: int  # without “and” for “&”


@dataclass(slots=True)
class Names:
    """All names of all brands, by form."""

    all: list[Name] = field(default_factory=list)
    exact: dict[str, list[tuple[Name, float, By]]] = field(default_factory=dict)

    @classmethod
    def of(cls, brands: Sequence[Brand]) -> Names:
        names = cls()
        for brand in brands:
            for name in brand.names:
                shapes = forms(name)
                letters = min(map(len, shapes), default=0)
                for shape in shapes:
                    of = brand.key, name, shape, len(name.split())
                    names._add(Name(*of, sound_of(shape), letters))
        return names

    def _add(self, name: Name) -> None:
        self.all.append(name)
        self.exact.setdefault(name.form, []).append((name, 1.0, "name"))
        if len(name.form) > 2:
            for ending in ENDINGS:
                inflected: tuple[Name, float, By] = (name, INFLECTED, "inflection")
                self.exact.setdefault(name.form + ending, []).append(inflected)

    @property
    def longest(self) -> int:
        """Words that a name may have been taken apart into."""
        parts = (max(n.n_words, n.form.count("and") + 1) for n in self.all)
        return max(parts, default=0) + _EXTRA


def find_mentions(
    words: Sequence[Spoken], brands: Sequence[Brand], names: Collection[int] | None = None
) -> list[Mention]:
    """The mentions of brands in words that follow one another, in the order of time.

    names: the positions of the words that are used as names, where somebody looked (as
    `analysis.text.reading` does); else words with a capital are taken for names. No two of the
    mentions share a word, except where brands share a name. A name of one letter counts only where
    it stands alone and is written as the brand writes it.
    """
    sought = Names.of(brands)
    if not sought.all or not words:
        return []
    runs = runs_of(words, sought.longest)
    found = [
        mention
        for shape, name, score, by in _matches(runs, sought)
        for start, end in runs[shape]
        if (mention := _mention(words[start:end], (start, end), name, score, by)) is not None
    ]
    meant = _as_names(found, words, brands, names)
    return _apart(_without_false_friends(meant, words, brands))


def runs_of(words: Sequence[Spoken], longest: int) -> dict[str, list[tuple[int, int]]]:
    """Each form that up to `longest` neighbouring words make, and where."""
    shapes = [form(word.text) for word in words]
    runs: dict[str, list[tuple[int, int]]] = {}
    for start in range(len(words)):
        joined = ""
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            if end - start > 1 and words[end - 1].start_s - words[end - 2].end_s > _PAUSE_S:
                break
            if not shapes[end - 1]:
                break  # a word without a letter ends a name, and begins none
            joined += shapes[end - 1]
            runs.setdefault(joined, []).append((start, end))
    return runs


def _matches(runs: Iterable[str], names: Names) -> Iterator[tuple[str, Name, float, By]]:
    shapes = list(runs)
    for shape in shapes:
        for name, score, by in names.exact.get(shape, ()):
            yield shape, name, score, by
    fuzzy = [name for name in names.all if name.letters >= SHORTEST]
    if not fuzzy:
        return
    alike = cdist(
        shapes,
        [name.form for name in fuzzy],
        scorer=Levenshtein.normalized_similarity,
        score_cutoff=SOUND_LEAST,
        dtype=np.float32,
    )
    for row, column in np.argwhere(alike >= SOUND_LEAST).tolist():
        shape, name = shapes[row], fuzzy[column]
        if shape in names.exact and any(n.brand == name.brand for n, *_ in names.exact[shape]):
            continue
        if (near := nearness(shape, name)) is not None:
            yield shape, name, *near


def nearness(shape: str, name: Name) -> tuple[float, By] | None:
    """How near a form is to a name that it is not; None where it is another word."""
    spelled = DamerauLevenshtein.normalized_similarity(shape, name.form)
    sound = sound_of(shape)
    if sound == name.sound and len(sound) >= SAME_SOUND and spelled >= SOUND_LEAST:
        by: By = "spelling" if spelled >= NEAR else "sound"
        return FUZZY_MOST * (0.5 + 0.5 * spelled), by
    sounds = Levenshtein.normalized_similarity(sound, name.sound)
    if spelled >= NEAR and sounds >= SOUNDS:
        return FUZZY_MOST * spelled * (0.5 + 0.5 * sounds), "spelling"
    return None


@lru_cache(maxsize=1 << 16)
def sound_of(shape: str) -> str:
    return jellyfish.metaphone(shape).replace(" ", "") if shape.isascii() else shape


def _mention(
    words: Sequence[Spoken], at: tuple[int, int], name: Name, score: float, by: By
) -> Mention | None:
    text = " ".join(word.text for word in words)
    if len(name.form) == 1 and text.strip(".,;:!?…\"“”'’()") != name.name:
        return None
    heard = sum(word.confidence for word in words) / len(words)
    return Mention(
        brand=name.brand,
        name=name.name,
        words=at,
        start_s=words[0].start_s,
        end_s=words[-1].end_s,
        text=text,
        by=by,
        score=score,
        confidence=score * heard,
    )


def _as_names(
    found: Sequence[Mention],
    words: Sequence[Spoken],
    brands: Sequence[Brand],
    names: Collection[int] | None,
) -> list[Mention]:
    """Without those of ordinary words in their ordinary sense."""
    ordinary = {brand.key for brand in brands if brand.is_ordinary}

    def is_name(place: int) -> bool:
        return words[place].text.strip()[:1].isupper() if names is None else place in names

    return [
        mention
        for mention in found
        if mention.brand not in ordinary or any(is_name(n) for n in range(*mention.words))
    ]


def _without_false_friends(
    found: Sequence[Mention], words: Sequence[Spoken], brands: Sequence[Brand]
) -> list[Mention]:
    """Those that do not lie in words that mean something else."""
    phrases = {brand.key: {s for p in brand.not_in for s in forms(p)} for brand in brands}
    longest = max((len(p.split()) for b in brands for p in b.not_in), default=0)
    if not longest:
        return list(found)
    covered: Mapping[int, set[int]] = {key: set() for key in phrases}
    for shape, places in runs_of(words, longest + _EXTRA).items():
        for key, shapes in phrases.items():
            if shape in shapes or any(shape == s + "s" for s in shapes):
                covered[key].update(n for start, end in places for n in range(start, end))
    return [m for m in found if not covered[m.brand].issuperset(range(*m.words))]


def _apart(found: Sequence[Mention]) -> list[Mention]:
    """The best of those that share words; all of those that are the same words as well."""
    taken: dict[int, tuple[int, int]] = {}
    kept: dict[tuple[tuple[int, int], int], Mention] = {}
    best_first = sorted(found, key=lambda m: (-m.score, m.words[0] - m.words[1], m.words[0]))
    scores: dict[tuple[int, int], float] = {}
    for mention in best_first:
        at = mention.words
        if any(taken.get(n, at) != at for n in range(*at)):
            continue
        if scores.setdefault(at, mention.score) > mention.score:
            continue
        taken.update(dict.fromkeys(range(*at), at))
        kept.setdefault((at, mention.brand), mention)
    return sorted(kept.values(), key=lambda m: (m.start_s, m.words, m.brand))
