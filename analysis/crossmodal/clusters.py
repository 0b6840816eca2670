"""Centres of many numbers: k-means in small batches (Sculley 2010) from k-means++ (Arthur and
Vassilvitskii 2007)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.types import Floats
from analysis.errors import Stopped

_STEPS, _BATCH = 80, 4096


def clustered(
    x: Floats, codes: int, rng: np.random.Generator, should_stop: Callable[[], bool]
) -> Floats:
    """Centres of (n, D) data, at most `codes` of them: (V, D). Those that nothing falls to are left
    out. Raises Stopped."""
    centres = _spread_out(x[rng.permutation(len(x))[: 8 * codes]], codes, rng)
    seen = np.zeros(len(centres))
    for _ in range(_STEPS):
        if should_stop():
            raise Stopped
        batch = x[rng.integers(len(x), size=min(_BATCH, len(x)))]
        nearest = _nearest(batch, centres)
        order = np.argsort(nearest, kind="stable")
        hit, starts, counts = np.unique(nearest[order], return_index=True, return_counts=True)
        total = np.add.reduceat(batch[order], starts)
        seen[hit] += counts
        # each centre is the mean of all that ever fell to it
        centres[hit] += (total - counts[:, None] * centres[hit]) / seen[hit, None]
    used = np.bincount(_nearest(x, centres), minlength=len(centres)) > 0
    return np.asarray(centres[used], np.float32)


def _spread_out(x: Floats, codes: int, rng: np.random.Generator) -> Floats:
    """k-means++: each next centre is drawn by its squared distance from those there are."""
    chosen = [int(rng.integers(len(x)))]
    far = squares(x, x[chosen])[:, 0]
    for _ in range(min(codes, len(x)) - 1):
        total = float(far.sum())
        if total <= 0:
            break
        chosen.append(int(rng.choice(len(x), p=far / total)))
        far = np.minimum(far, squares(x, x[chosen[-1:]])[:, 0])
    return np.array(x[chosen], np.float32)


def _nearest(x: Floats, centres: Floats) -> NDArray[np.int64]:
    """The centre of each row: (n,)."""
    half = (centres**2).sum(1) / 2
    found = [(half - x[at : at + _BATCH] @ centres.T).argmin(1) for at in range(0, len(x), _BATCH)]
    return np.concatenate(found)


def squares(x: Floats, centres: Floats) -> Floats:
    """Squared distances of (n, D) to (V, D): (n, V)."""
    squares = (x * x).sum(1, keepdims=True) + (centres**2).sum(1) - 2 * x @ centres.T
    return np.maximum(squares, 0.0)
