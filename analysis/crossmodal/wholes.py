"""What stands for an item as a whole: its encoder's summary, or the mean of its parts' roots; and
beside either which kinds its parts are of, or the words that it holds.

Which of them matches better across modalities depends on the encoder. It is tried on pairs that
were kept back, with what linear algebra finds at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from analysis.crossmodal.items import Items, Whitening, Whole, shared_axes
from analysis.crossmodal.kinds import Kinds, Taken
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


def whitened_wholes(taken: Taken, x: Floats, most: int, power: float) -> Whitening:
    """`whitened`, of what was `taken` of some items: its pieces apart."""
    first, *others = (whitened(piece, most, power) for piece in taken.parted(x))
    for one, count in zip(others, taken.counts()[1:], strict=True):
        first = first.beside(one, count)
    return first


def chosen(
    taught: Mapping[str, Items], held: Mapping[str, Items], axes: int, power: float
) -> dict[str, Taken]:
    """What is taken of the items of each modality: what finds held-out pairs better, each choice
    tried with the other modalities as they are."""
    taken = dict.fromkeys(taught, Taken())

    def take(trials: Mapping[str, Taken]) -> None:
        better = _better(taught, held, taken, trials, axes, power)
        taken.update({name: trials[name] for name in better})

    take({name: Taken(pools=True) for name in held})
    take(
        {
            name: replace(taken[name], has_words=True)
            for name in held
            if taught[name].words is not None and held[name].words is not None
        }
    )
    kinds = {name: Kinds.fitted(taught[name]) for name in held if taught[name].words is None}
    take({name: replace(taken[name], kinds=some) for name, some in kinds.items() if some})
    return taken


def _better(
    taught: Mapping[str, Items],
    held: Mapping[str, Items],
    taken: Mapping[str, Taken],
    trials: Mapping[str, Taken],
    axes: int,
    power: float,
) -> set[str]:
    """The modalities of which the other choice finds more, each tried by itself."""
    if not trials:
        return set()
    before = {name: _Whole.of(taught[name], held[name], taken[name], axes, power) for name in held}
    found, better = _found(before), set()
    for name, other in trials.items():
        after = _found({**before, name: _Whole.of(taught[name], held[name], other, axes, power)})
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
    def of(cls, taught: Items, held: Items, taken: Taken, axes: int, power: float) -> _Whole:
        x, y = taken(taught), taken(held)
        whitening = whitened_wholes(taken, x, axes, power)
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
