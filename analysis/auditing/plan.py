"""How many frames of each stratum are asked about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST = 5  # of each stratum: fewer say nothing of how right the detector is there …
PART = 10  # … and a part of all answers: where all of a few agree, they look surer than they are
_SMALLEST = 1e-3  # deviation: no stratum is so sure that nobody looks any more


def allotted(
    seconds: NDArray[np.float64],
    size: NDArray[np.intp],
    deviation: NDArray[np.float64],
    n: int,
    already: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """n answers in all, by stratum, so that the variance of the sum is smallest (Neyman 1934).

    One after the other, each goes where it takes most from Σ (seconds · deviation)² / answers
    (Wright 2012, The American Statistician 66), after LEAST of each, or one in PART of all.
    seconds, size, deviation: shape (strata,), size in frames. `already` are kept and counted.
    Never more than there are frames.
    """
    before = np.zeros(len(size), np.int64) if already is None else np.asarray(already, np.int64)
    n = min(max(n, int(before.sum())), int(size.sum()))
    counts = before.copy()
    weight = (seconds * np.maximum(deviation, _SMALLEST)) ** 2
    for least in (max(LEAST, n // PART), None):
        while counts.sum() < n:
            wanted = counts < (size if least is None else np.minimum(size, least))
            if not wanted.any():
                break
            gain = np.where(wanted, weight / (counts * (counts + 1.0) + 1e-9), -1.0)
            counts[int(np.argmax(gain))] += 1
    return tuple(counts.tolist())
