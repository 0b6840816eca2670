"""What stands for an item as a whole: its encoder's summary, or the mean of its parts' roots; and
the words that it holds.

Which of them matches better across modalities depends on the encoder. It is tried on pairs that
were kept back, with what linear algebra finds at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from analysis.crossmodal import words
from analysis.crossmodal.items import Items, Whitening, Whole, shared_axes, wholes
from analysis.crossmodal.measures import both_ways
from analysis.crossmodal.space import Placed, continuous_scores, corrected
from analysis.crossmodal.types import Floats

_TO_WHITEN = 4000  # rows, which are enough for some hundred axes
_SIZE = 256
_BANK = 1000  # items
_WORDS_COUNT = 0.7  # of words, beside the numbers of what they mean
_BETTER = 1.02  # times as good, before a summary is passed over: less is luck


def whitened(x: np.ndarray, most: int, power: float, *, of_roots: bool = False) -> Whitening:
    """`Whitening.fitted` of at most some thousand rows."""
    if len(x) > _TO_WHITEN:
        x = x[np.sort(np.random.default_rng(0).choice(len(x), _TO_WHITEN, replace=False))]
    return Whitening.fitted(x, most, power, of_roots=of_roots)


def whitened_wholes(x: np.ndarray, most: int, power: float, *, has_words: bool) -> Whitening:
    """`whitened`, of `items.wholes`: words apart from what is before them."""
    if not has_words:
        return whitened(x, most, power)
    own, said = x[:, : -words.SIZE], x[:, -words.SIZE :]
    return whitened(own, most, power).beside(whitened(said, most, power), _WORDS_COUNT)


def to_be_pooled(
    taught: Mapping[str, Items], held: Mapping[str, Items], axes: int, power: float
) -> set[str]:
    """The modalities that match better by their parts' roots than by their summaries, each tried
    with the others by their summaries."""
    summaries = {name: _Whole.of(taught[name], held[name], axes, power) for name in held}
    pooled = {name: _Whole.of(taught[name], held[name], axes, power, pools=True) for name in held}
    return _better(summaries, pooled)


def to_have_words(
    taught: Mapping[str, Items],
    held: Mapping[str, Items],
    pooled: set[str],
    axes: int,
    power: float,
) -> set[str]:
    """The modalities that match better where the words that an item holds stand beside what it
    means. pooled: from `to_be_pooled`."""
    worded = {
        name: _Whole.of(taught[name], held[name], axes, power, pools=name in pooled, has_words=True)
        for name in held
        if taught[name].words is not None and held[name].words is not None
    }
    if not worded:
        return set()
    wordless = {
        name: _Whole.of(taught[name], held[name], axes, power, pools=name in pooled)
        for name in held
    }
    return _better(wordless, worded)


def _better(before: Mapping[str, _Whole], others: Mapping[str, _Whole]) -> set[str]:
    """The modalities of which the other kind of whole finds more, each tried by itself."""
    found, better = _found(before), set()
    for name, other in others.items():
        after = _found({**before, name: other})
        mine = [pair for pair in found if name in pair]
        if sum(after[pair] for pair in mine) > _BETTER * sum(found[pair] for pair in mine):
            better.add(name)
    return better


class _Whole:
    """Items of one modality as wholes, whitened."""

    def __init__(self, taught: Floats, groups: Whole, held: Floats, held_groups: Whole) -> None:
        self.taught, self.groups = taught, groups
        self.held, self.held_groups = held, held_groups

    @classmethod
    def of(
        cls,
        taught: Items,
        held: Items,
        axes: int,
        power: float,
        *,
        pools: bool = False,
        has_words: bool = False,
    ) -> _Whole:
        x, y = (wholes(one, pools, has_words) for one in (taught, held))
        whitening = whitened_wholes(x, axes, power, has_words=has_words)
        return cls(whitening(x), taught.groups, whitening(y), held.groups)

    def means(self) -> tuple[Whole, Floats]:
        groups, owners = np.unique(self.groups, return_inverse=True)
        total = np.zeros((len(groups), self.taught.shape[1]), np.float32)
        np.add.at(total, owners, self.taught)
        total /= np.bincount(owners)[:, None].astype(np.float32)
        return groups, total


def _found(some: Mapping[str, _Whole]) -> dict[tuple[str, str], float]:
    """The mean of 1/rank of held-out pairs, both ways, of each two modalities that meet."""
    axes = shared_axes({name: one.means() for name, one in some.items()}, _SIZE)
    held = {name: _placed(one.held @ axes[name]) for name, one in some.items()}
    banks = {
        name: _placed(one.taught[:: max(len(one.taught) // _BANK, 1)] @ axes[name])
        for name, one in some.items()
    }
    found = {}
    for a, b in combinations(some, 2):
        groups = some[a].held_groups, some[b].held_groups
        rows = np.isin(groups[0], groups[1]), np.isin(groups[1], groups[0])
        if rows[0].any():
            one, other = held[a].some(rows[0]), held[b].some(rows[1])
            scores = corrected(continuous_scores, one, other, banks[a], banks[b])
            found[a, b] = both_ways(scores, groups[0][rows[0]], groups[1][rows[1]])
    return found


def _placed(x: Floats) -> Placed:
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
    return Placed(unit.astype(np.float32), np.zeros((len(x), 1), np.float32))
