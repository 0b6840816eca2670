"""In which assets a brand is on screen for unusually long, or short, beside the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST = 8  # values, below which nobody can say what is usual
LIMIT = 3.5  # of the modified z-score, as its authors recommend
_USUAL = (0.1, 0.9)  # the middle four fifths

Numbers = NDArray[np.float64]


class Unusual(NamedTuple):
    """One value that stands out, and between which the middle four fifths of the rest lie."""

    place: int  # its position among the values
    value: float
    z: float
    low: float
    high: float


def robust_z(values: ArrayLike) -> Numbers:
    """The modified z-score of each value, shape (n,): 0.6745 · (value - median) / MAD.

    MAD is the median distance from the median, so that a few values that stand out do not hide
    themselves by widening what they are measured with (Iglewicz and Hoaglin 1993, “How to Detect
    and Handle Outliers”, ASQC). Where more than half of the values are the same it is 0, and the
    mean distance takes its place (divided by 1.2533, which makes it a standard deviation as well).
    All 0 where all are the same. Raises ValueError for what is no finite number.
    """
    x = np.asarray(values, np.float64)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError("values are finite numbers, one after the other")
    if not len(x):
        return np.zeros(0)
    away = x - np.median(x)
    mad = float(np.median(np.abs(away)))
    scale = mad / 0.6745 if mad > 0 else 1.2533 * float(np.abs(away).mean())
    return away / scale if scale > 0 else np.zeros(len(x))


def unusual(values: Sequence[float], limit: float = LIMIT) -> list[Unusual]:
    """The values whose modified z-score is beyond the limit, in their order; none of fewer than
    eight.

    >>> [one.place for one in unusual([40, 52, 61, 47, 95, 58, 44, 312])]
    [7]
    """
    if len(values) < LEAST:
        return []
    x = np.asarray(values, np.float64)
    z = robust_z(x)
    is_far = np.abs(z) > limit
    low, high = np.quantile(x[~is_far], _USUAL).tolist()
    return [
        Unusual(place, float(x[place]), float(z[place]), low, high)
        for place in np.flatnonzero(is_far).tolist()
    ]
