"""Names for codes: the words, labels and examples that each of them fires on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.crossmodal.items import Items, Whole
from analysis.crossmodal.measures import mutual_information
from analysis.crossmodal.space import Space
from analysis.crossmodal.types import Floats

GOOD = 0.3  # F1 of a word that a code can be called by
_AT_ONCE = 2000  # items
_EVERYWHERE = 0.4  # of the items: a word that more of them have sets nothing apart


@dataclass(frozen=True, slots=True)
class Called:
    """How well a word or label says when a code fires.

    purity: of the items that it fires on, the share that the word is said of. coverage: of the
    items that the word is said of, the share that it fires on. f1: of both.
    """

    word: str
    purity: float
    coverage: float

    @property
    def f1(self) -> float:
        both = self.purity + self.coverage
        return 2 * self.purity * self.coverage / both if both else 0.0


@dataclass(frozen=True, slots=True)
class CodeName:
    """fires_on: how many items. words: the best by F1 first. examples: the items in which it fires
    most strongly, by their position."""

    code: int
    fires_on: int
    words: tuple[Called, ...]
    examples: tuple[int, ...]

    @property
    def name(self) -> str:
        """The best words; "" where the code fires on nothing that has any."""
        return ", ".join(called.word for called in self.words[:2])


def without_the_common(said: Sequence[Collection[str]]) -> list[set[str]]:
    """Of each item its words, without those that most items have."""
    often = Counter(word for words in said for word in set(words))
    most = max(_EVERYWHERE * len(said), 3)
    return [{word for word in words if often[word] <= most} for words in said]


def parts_named(
    codes: Whole, said: Mapping[int, Collection[str]], size: int, *, least_parts: int = 3
) -> dict[int, tuple[Called, ...]]:
    """Of each code the labels that lie where it fires, the best by F1 first.

    codes: (M,) the code of each part. said: by part, the labels there, where there are any. size:
    codes in all. Labels of fewer than `least_parts` parts name nothing.
    """
    often = Counter(label for labels in said.values() for label in set(labels))
    fires = np.bincount(codes, minlength=size)
    both: Counter[tuple[int, str]] = Counter(
        (int(codes[part]), label) for part, labels in said.items() for label in set(labels)
    )
    found: dict[int, list[Called]] = {}
    for (code, label), n in both.items():
        if often[label] >= least_parts:
            called = Called(label, n / float(fires[code]), n / often[label])
            found.setdefault(code, []).append(called)
    return {
        code: tuple(sorted(some, key=lambda one: (-one.f1, one.word))[:5])
        for code, some in found.items()
    }


def hard_codes(space: Space, modality: str, items: Items) -> Whole:
    """The code that each part is nearest to: (M,)."""
    found = [
        space.fires(modality, items.parts[at : at + _AT_ONCE]).argmax(1)
        for at in range(0, len(items.parts), _AT_ONCE)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def fired(space: Space, modality: str, items: Items) -> Floats:
    """How many parts of each item are nearest to each code: (N, V)."""
    codes, owners = hard_codes(space, modality, items), items.owners()
    counts = np.zeros((len(items), len(space.codebook)), np.float32)
    np.add.at(counts, (owners, codes), 1.0)
    return counts


def names(
    fires: Floats,
    said: Sequence[Collection[str]],
    *,
    most: int = 5,
    examples: int = 8,
    least_items: int = 3,
) -> list[CodeName]:
    """A name for each code that fires.

    fires: (N, V), as `fired`. said: of each item its words or labels, such as those of its
    captions, whatever modality the item is of. Words of fewer than `least_items` items name
    nothing.
    """
    often = Counter(word for words in said for word in set(words))
    vocabulary = sorted(word for word, n in often.items() if n >= least_items)
    at = {word: n for n, word in enumerate(vocabulary)}
    is_said = np.zeros((len(said), len(vocabulary)), np.float32)
    for row, words in enumerate(said):
        is_said[row, [at[word] for word in set(words) if word in at]] = 1
    does_fire = (fires > 0).astype(np.float32)
    both = does_fire.T @ is_said  # (V, words)
    on, of = does_fire.sum(0), is_said.sum(0)
    found = []
    for code in np.flatnonzero(on):
        f1 = 2 * both[code] / (on[code] + of)
        best = [n for n in np.argsort(-f1, kind="stable")[:most] if f1[n] > 0]
        strongest = np.argsort(-fires[:, code], kind="stable")[:examples]
        found.append(
            CodeName(
                int(code),
                int(on[code]),
                tuple(
                    Called(
                        vocabulary[n], float(both[code, n] / on[code]), float(both[code, n] / of[n])
                    )
                    for n in best
                ),
                tuple(int(n) for n in strongest if fires[n, code] > 0),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Clarity:
    """How well codes can be explained.

    codes: how many fire. named: of them, the share whose best word has an F1 of 0.3 at least.
    purity: of the best words, the mean over codes. information: between the code of a part and the
    word or label that is said of it, normalised, 0 to 1.
    """

    codes: int
    named: float
    purity: float
    information: float


def clarity(called: Sequence[CodeName], codes: Whole, words: Sequence[str]) -> Clarity:
    """called: as `names` gives them. codes, words: of as many parts, the code of each and the word
    or label of it (of its item, where parts have none)."""
    best = [one.words[0] for one in called if one.words]
    _, as_numbers = np.unique(np.array(words), return_inverse=True)
    return Clarity(
        len(called),
        sum(one.f1 >= GOOD for one in best) / len(called) if called else 0.0,
        float(np.mean([one.purity for one in best])) if best else 0.0,
        mutual_information(codes, as_numbers.astype(np.int64)) if len(codes) else 0.0,
    )


def agreement(one: Sequence[CodeName], other: Sequence[CodeName]) -> float:
    """Of the codes that are named in two modalities, the share that has one best word in both."""
    here: Mapping[int, str] = {c.code: c.words[0].word for c in one if c.words}
    there = {c.code: c.words[0].word for c in other if c.words}
    shared = here.keys() & there.keys()
    return sum(here[code] == there[code] for code in shared) / len(shared) if shared else 0.0
