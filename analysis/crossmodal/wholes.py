"""What stands for an item as a whole: its encoder's summary, or the mean of its parts' roots.

Which of them matches better across modalities depends on the encoder. It is tried on pairs that
were kept back, with what linear algebra finds at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from analysis.crossmodal.items import Items, Whitening, Whole, pooled_roots, shared_axes
from analysis.crossmodal.measures import both_ways
from analysis.crossmodal.space import Placed, continuous_scores, corrected
from analysis.crossmodal.types import Floats

_TO_WHITEN = 4000  # rows, which are enough for some hundred axes
_SIZE = 256
_BANK = 1000  # items
_BETTER = 1.02  # times as good, before a summary is passed over: less is luck


def whitened(x: np.ndarray, most: int, power: float, *, of_roots: bool = False) -> Whitening:
    """`Whitening.fitted` of at most some thousand rows."""
    if len(x) > _TO_WHITEN:
        x = x[np.sort(np.random.default_rng(0).choice(len(x), _TO_WHITEN, replace=False))]
    return Whitening.fitted(x, most, power, of_roots=of_roots)


def to_be_pooled(
    taught: Mapping[str, Items], held: Mapping[str, Items], axes: int, power: float
) -> set[str]:
    """The modalities that match better by their parts' roots than by their summaries, each tried
    with the others by their summaries."""
    summaries = {name: _Whole.of(taught[name], held[name], axes, power, False) for name in held}
    before = _found(summaries)
    pooled = set()
    for name in held:
        own = _Whole.of(taught[name], held[name], axes, power, True)
        after = _found({**summaries, name: own})
        mine = [pair for pair in before if name in pair]
        if sum(after[pair] for pair in mine) > _BETTER * sum(before[pair] for pair in mine):
            pooled.add(name)
    return pooled


class _Whole:
    """Items of one modality as wholes, whitened."""

    def __init__(self, taught: Floats, groups: Whole, held: Floats, held_groups: Whole) -> None:
        self.taught, self.groups = taught, groups
        self.held, self.held_groups = held, held_groups

    @classmethod
    def of(cls, taught: Items, held: Items, axes: int, power: float, pools: bool) -> _Whole:
        x, y = (pooled_roots(one) if pools else one.summaries for one in (taught, held))
        whitening = whitened(x, axes, power)
        return cls(whitening(x), taught.groups, whitening(y), held.groups)

    def means(self) -> tuple[Whole, Floats]:
        groups, owners = np.unique(self.groups, return_inverse=True)
        total = np.zeros((len(groups), self.taught.shape[1]), np.float32)
        np.add.at(total, owners, self.taught)
        total /= np.bincount(owners)[:, None].astype(np.float32)
        return groups, total


def _found(wholes: Mapping[str, _Whole]) -> dict[tuple[str, str], float]:
    """The mean of 1/rank of held-out pairs, both ways, of each two modalities that meet."""
    axes = shared_axes({name: one.means() for name, one in wholes.items()}, _SIZE)
    held = {name: _placed(one.held @ axes[name]) for name, one in wholes.items()}
    banks = {
        name: _placed(one.taught[:: max(len(one.taught) // _BANK, 1)] @ axes[name])
        for name, one in wholes.items()
    }
    found = {}
    for a, b in combinations(wholes, 2):
        groups = wholes[a].held_groups, wholes[b].held_groups
        rows = np.isin(groups[0], groups[1]), np.isin(groups[1], groups[0])
        if rows[0].any():
            one, other = held[a].some(rows[0]), held[b].some(rows[1])
            scores = corrected(continuous_scores, one, other, banks[a], banks[b])
            found[a, b] = both_ways(scores, groups[0][rows[0]], groups[1][rows[1]])
    return found


def _placed(x: Floats) -> Placed:
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
    return Placed(unit.astype(np.float32), np.zeros((len(x), 1), np.float32))
