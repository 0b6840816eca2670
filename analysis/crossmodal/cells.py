"""Neighbourhoods of a space, so that a question looks into some of them and not at everything.

The inverted file of Sivic and Zisserman 2003, "Video Google", as in Jégou et al. 2011: items are
kept by the centre that is nearest to them (Lloyd's k-means, on a sample), and the first stage of a
search goes through the cells whose centres promise most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.types import Floats

LEAST_ITEMS = 65_536  # below it one cell is all there is: looking at everything is as fast
_EACH = 1000  # items of a cell, about
_LEARNT_FROM = 48  # items a cell, of those the centres are found with
_ROUNDS = 8
_AT_ONCE = 8192

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """rows: int32 (N,), rows of a segment cell by cell, ascending within each; starts: int64
    (cells + 1,), where each begins; centres: float32 (cells, C), the mean of its vectors."""

    rows: NDArray[np.int32]
    starts: Rows
    centres: Floats

    def __len__(self) -> int:
        return len(self.centres)

    def promising(self, promise: Floats, least: int) -> Rows:
        """Places in `rows`, of so many cells that they hold `least` items: those that promise most.

        promise: (cells,), the higher the better. Ascending.
        """
        order = np.argsort(-promise, kind="stable")
        sizes = np.diff(self.starts)
        n_cells = int(np.searchsorted(np.cumsum(sizes[order]), least)) + 1
        chosen = np.sort(order[:n_cells])
        counts = sizes[chosen]
        before = np.concatenate([[0], np.cumsum(counts)])
        return np.arange(before[-1]) + np.repeat(self.starts[chosen] - before[:-1], counts)


def cells_of(vectors: NDArray[np.floating]) -> Cells:
    """The cells of N vectors (N, C); the same for the same vectors."""
    n = len(vectors)
    if n < LEAST_ITEMS:
        mean = vectors.mean(0, dtype=np.float32, keepdims=True) if n else np.zeros((1, 1))
        return Cells(np.arange(n, dtype=np.int32), np.array([0, n]), mean.astype(np.float32))
    rng = np.random.default_rng(0)
    n_cells = n // _EACH
    some = np.sort(rng.choice(n, min(n, n_cells * _LEARNT_FROM), replace=False))
    sample = vectors[some].astype(np.float32)
    centres = sample[rng.choice(len(sample), n_cells, replace=False)]
    for _ in range(_ROUNDS):
        centres = _means(sample, _nearest(sample, centres), centres)
    of = _nearest(vectors, centres)
    rows = np.argsort(of, kind="stable").astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=n_cells))])
    return Cells(rows, starts, _means(vectors, of, centres))


def _nearest(vectors: NDArray[np.floating], centres: Floats) -> NDArray[np.int32]:
    half = (centres**2).sum(1) / 2
    parts = [
        (vectors[at : at + _AT_ONCE].astype(np.float32) @ centres.T - half).argmax(1)
        for at in range(0, len(vectors), _AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.int32)


def _means(vectors: NDArray[np.floating], of: NDArray[np.int32], before: Floats) -> Floats:
    """Of each cell; one that nothing is in stays where it was."""
    order = np.argsort(of, kind="stable")
    counts = np.bincount(of, minlength=len(before))
    ends = np.cumsum(counts)
    means = before.copy()
    for cell in np.flatnonzero(counts).tolist():
        own = order[ends[cell] - counts[cell] : ends[cell]]
        means[cell] = vectors[own].mean(0, dtype=np.float32)
    return means
