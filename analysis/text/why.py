"""Why some words are taken for a brand: the parts that `analysis.text.mentions` goes by.

Nothing here decides anything: the forms, likenesses, limits and the order are the matcher's own,
asked again about one mention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from rapidfuzz.distance import DamerauLevenshtein, Levenshtein

from analysis.text import mentions as matcher
from analysis.text.forms import form, forms
from analysis.text.mentions import Brand, By, Mention, Spoken

MOST_ALTERNATIVES = 6
_AROUND = 4  # words on either side that may be part of another reading
_WORTH = 0.5  # likeness in spelling from which a name that was no match is told


@dataclass(frozen=True, slots=True)
class Part:
    """A word of the mention. weight: its share of the confidence, which they sum up to."""

    text: str
    probability: float
    weight: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two forms beside each other: joined, without case and accents; likeness from 0 to 1."""

    form: str
    name_form: str
    sound: str
    name_sound: str
    spelled: float  # Damerau–Levenshtein
    sounds: float  # Levenshtein over Metaphone

    @classmethod
    def of(cls, shape: str, name: str) -> Likeness:
        """The nearest of the forms that a name has, as “&” may be “and”."""
        return max(
            (_likeness(shape, one) for one in forms(name) or [form(name)]),
            key=lambda one: (one.spelled, one.sounds),
        )


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of these words, or some of them. score: None where it is no match at all."""

    brand: int
    name: str
    text: str
    likeness: Likeness
    score: float | None
    why: str  # why it was turned down, in words


@dataclass(frozen=True, slots=True)
class Why:
    """Of one mention: confidence = score × the mean probability of its words."""

    by: By
    name: str
    score: float
    mean: float
    confidence: float
    parts: tuple[Part, ...]
    likeness: Likeness
    formula: str
    to_miss: tuple[str, ...]
    alternatives: tuple[Alternative, ...]


def explain(
    words: Sequence[Spoken], brands: Sequence[Brand], mention: Mention, *, least: float
) -> Why:
    """The parts of a mention that was found in these words by `find_mentions`.

    least: the score from which a mention is shown. Raises ValueError where the mention does not lie
    in the words.
    """
    start, end = mention.words
    its = words[start:end]
    if not its:
        raise ValueError("the mention lies in none of these words")
    n, shape = len(its), "".join(form(word.text) for word in its)
    parts = [Part(word.text, word.confidence, mention.score * word.confidence / n) for word in its]
    likeness = Likeness.of(shape, mention.name)
    return Why(
        by=mention.by,
        name=mention.name,
        score=mention.score,
        mean=sum(word.confidence for word in its) / n,
        confidence=mention.confidence,
        parts=tuple(parts),
        likeness=likeness,
        formula=_formula(mention, likeness),
        to_miss=tuple(_to_miss(mention, likeness, least)),
        alternatives=tuple(_alternatives(words, brands, mention)),
    )


def _likeness(shape: str, name_form: str) -> Likeness:
    sound, name_sound = matcher.sound_of(shape), matcher.sound_of(name_form)
    return Likeness(
        *(shape, name_form, sound, name_sound),
        spelled=float(DamerauLevenshtein.normalized_similarity(shape, name_form)),
        sounds=float(Levenshtein.normalized_similarity(sound, name_sound)),
    )


def _sounds_the_same(likeness: Likeness) -> bool:
    is_long = len(likeness.sound) >= matcher.SAME_SOUND
    return likeness.sound == likeness.name_sound and is_long


def _formula(mention: Mention, likeness: Likeness) -> str:
    """How the score came about, with its numbers."""
    spelled, sounds, most = likeness.spelled, likeness.sounds, matcher.FUZZY_MOST
    if mention.by == "heard":
        return f"{mention.score:.2f}: how well the sound itself fits the name"
    if mention.by == "name":
        return "1: written as the name is"
    if mention.by == "inflection":
        return f"{matcher.INFLECTED}: the name with an ending ({', '.join(matcher.ENDINGS)})"
    if _sounds_the_same(likeness):
        score = f"{most} × (0.5 + 0.5 × {spelled:.2f} spelling) = {mention.score:.2f}"
        return f"{score}: it sounds the same"
    return (
        f"{most} × {spelled:.2f} spelling × (0.5 + 0.5 × {sounds:.2f} sound) = {mention.score:.2f}"
    )


def _to_miss(mention: Mention, likeness: Likeness, least: float) -> list[str]:
    """What would have been needed for it not to be found."""
    if mention.by == "heard":
        return [f"A score below {least:g} in the sound, or words there that name a brand."]
    if mention.by in ("name", "inflection"):
        return ["Another word: what is written as the name is found, however surely it was heard."]
    n = max(len(likeness.form), len(likeness.name_form))
    edits = round((1 - likeness.spelled) * n)
    more = max(floor((1 - matcher.NEAR) * n + 1e-9) + 1 - edits, 0)
    letters = f"{more} more letter{'' if more == 1 else 's'} of {n} that differ{'s' * (more == 1)}"
    spelling = (
        f"a likeness in spelling below {matcher.NEAR:g}; it is {likeness.spelled:.2f}"
        f"{f', and that takes {letters}' if more else ''}."
    )
    sound = f"a likeness of the sounds below {matcher.SOUNDS:g}; it is {likeness.sounds:.2f}."
    if _sounds_the_same(likeness):
        return [
            f"Another sound with {spelling}",
            f"Or another sound with {sound}",
            f"Or, sounding the same, a likeness in spelling below {matcher.SOUND_LEAST:g}.",
        ]
    return [spelling[0].upper() + spelling[1:], f"Or {sound}"]


def _alternatives(
    words: Sequence[Spoken], brands: Sequence[Brand], mention: Mention
) -> list[Alternative]:
    """Other readings of what the mention is made of, the best for each name, the nearest first."""
    start, end = mention.words
    low, high = max(start - _AROUND, 0), min(end + _AROUND, len(words))
    names = matcher.Names.of(brands)
    runs = matcher.runs_of(words[low:high], names.longest)
    found: dict[tuple[int, str], Alternative] = {}
    for shape, spans in runs.items():
        for first, last in ((low + a, low + b) for a, b in spans):
            if not (first < end and last > start):
                continue
            for brand in brands:
                for name in brand.names:
                    at = (first, last)
                    if (brand.key, name, at) == (mention.brand, mention.name, mention.words):
                        continue
                    text = " ".join(word.text for word in words[first:last])
                    other = _other(shape, brand, name, at, text, mention)
                    best = found.get((brand.key, name))
                    if other and (best is None or _rank(other) > _rank(best)):
                        found[(brand.key, name)] = other
    return sorted(found.values(), key=_rank, reverse=True)[:MOST_ALTERNATIVES]


def _rank(one: Alternative) -> tuple[float, float]:
    return one.score or 0.0, one.likeness.spelled


def _other(
    shape: str, brand: Brand, name: str, at: tuple[int, int], text: str, mention: Mention
) -> Alternative | None:
    likeness = Likeness.of(shape, name)
    score = _score(shape, name, likeness)
    is_itself = brand.key == mention.brand and name == mention.name
    if score is None and (is_itself or likeness.spelled < _WORTH):
        return None
    return Alternative(
        brand.key, name, text, likeness, score, _why_not(brand, name, likeness, score, at, mention)
    )


def _score(shape: str, name: str, likeness: Likeness) -> float | None:
    """As the matcher would have it; None where it is no match."""
    if shape == likeness.name_form:
        return 1.0
    if len(likeness.name_form) > 2 and any(
        shape == likeness.name_form + ending for ending in matcher.ENDINGS
    ):
        return matcher.INFLECTED
    letters = min(map(len, forms(name)), default=0)
    if letters < matcher.SHORTEST:
        return None
    as_name = matcher.Name(0, name, likeness.name_form, 1, likeness.name_sound, letters)
    nearness = matcher.nearness(shape, as_name)
    return nearness[0] if nearness else None


def _why_not(
    brand: Brand,
    name: str,
    likeness: Likeness,
    score: float | None,
    at: tuple[int, int],
    mention: Mention,
) -> str:
    if score is None:
        if min(map(len, forms(name)), default=0) < matcher.SHORTEST:
            return f"a name of fewer than {matcher.SHORTEST} letters has to be written as it is"
        if likeness.spelled < matcher.NEAR:
            return f"spelling {likeness.spelled:.2f}, below {matcher.NEAR:g}, and another sound"
        return f"sound {likeness.sounds:.2f}, below {matcher.SOUNDS:g}"
    if score < mention.score:
        return f"fits less well: {score:.2f} against {mention.score:.2f}"
    if brand.key == mention.brand:
        return "the same brand by another of its names, or in other of the words"
    if brand.is_ordinary:
        return "an ordinary word, and not used as a name here"
    if score == mention.score and at != mention.words:
        return "fits as well, and in fewer or later words"
    return "in words that mean something else, or that another brand took"
