"""From which number on a picture is shown black, and from which on white.

ZScale as IRAF's `display` has it (Tody 1986, SPIE 627, 733; `zscale.x` of NOAO): a line through
the sorted numbers of a sample, fitted with clipping; its slope says how much the sky varies, and
what is far from it, the stars, is left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_CONTRAST = 0.25
_KAPPA = 2.5
_ROUNDS = 5
_MOST_REJECTED = 0.5  # of the sample: then it is no line, and all of it is shown
_LEAST = 5  # pixels that are left
_GROWN = 0.01  # of the sample, around what is clipped


class Limits(NamedTuple):
    """What is shown as black and as white, in the unit of the picture (ADU)."""

    low: float
    high: float


def zscale(sample: NDArray[np.floating]) -> Limits:
    """The limits for a picture of which `sample` holds numbers from all over it.

    sample: shape (n,), finite, in any order. Raises ValueError where it is empty. Some thousand
    are enough: IRAF takes 1,000.
    """
    if not sample.size:
        raise ValueError("no number to find limits for")
    values = np.sort(np.asarray(sample, np.float64).ravel())
    lowest, highest = float(values[0]), float(values[-1])
    middle = float(np.median(values))
    slope = _slope(values)
    if slope is None:
        return Limits(lowest, highest)
    slope /= _CONTRAST
    centre = (len(values) - 1) // 2
    low = max(lowest, middle - centre * slope)
    high = min(highest, middle + (len(values) - centre - 1) * slope)
    return Limits(low, high) if high > low else Limits(lowest, highest)


def _slope(values: NDArray[np.float64]) -> float | None:
    """Of the line through sorted numbers, by their place; None where too many are off it."""
    places = np.arange(len(values), dtype=np.float64)
    kept = np.ones(len(values), np.bool_)
    grown = max(1, int(len(values) * _GROWN))
    least = max(_LEAST, int(len(values) * (1 - _MOST_REJECTED)))
    slope = 0.0
    for _ in range(_ROUNDS):
        if kept.sum() < least:
            return None
        slope, level = np.polyfit(places[kept], values[kept], 1)
        off = values - (level + slope * places)
        clipped = np.abs(off) > _KAPPA * off[kept].std()
        clipped = np.convolve(clipped, np.ones(grown), mode="same") > 0.5
        if (clipped == ~kept).all():
            break
        kept = ~clipped
    return float(slope) if kept.sum() >= least else None


def shown(pixels: NDArray[np.float32], limits: Limits) -> NDArray[np.uint8]:
    """Pixels as grey from 0 to 255 between the limits; what has no number is black."""
    span = max(limits.high - limits.low, 1e-30)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.clip((pixels - limits.low) / span, 0, 1)
    grey: NDArray[np.uint8] = (np.nan_to_num(scaled, nan=0.0) * 255 + 0.5).astype(np.uint8)
    return grey
