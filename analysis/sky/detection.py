"""What stands out of the score of a difference.

The score is a matched filter's, of deviation 1 in noise, so that a threshold on it means the same
in every picture: noise passes 5 in about one of 3.5 million independent places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from analysis.sky.subtraction import Difference

Numbers = NDArray[np.float64]

THRESHOLD = 5.0
APART = 3  # pixels from a peak within which there is no other


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Points, the most significant first; one a row of each array."""

    x: Numbers  # pixels from the centre of the first pixel
    y: Numbers
    score: Numbers  # signal to noise; negative for what is gone
    flux: Numbers  # in units of the zero points; negative for what is gone
    flux_error: Numbers  # standard deviation of the flux, not of the zero points

    def __len__(self) -> int:
        return len(self.x)


def detect(
    found: Difference, threshold: float = THRESHOLD, *, also_gone: bool = True
) -> Detections:
    """Peaks of the score from the threshold on that no bad pixel has a part in.

    also_gone: what the reference has and the new picture has not is listed as well. Places are the
    tops of parabolas through the peak and the pixels beside it; the flux is taken there.
    Raises ValueError for a threshold that is not above 0.
    """
    if not threshold > 0:
        raise ValueError("a threshold is above 0")
    signs = (1.0, -1.0) if also_gone else (1.0,)
    rows = [_peaks(found, threshold, sign) for sign in signs]
    columns = np.concatenate(rows, axis=1)
    order = np.argsort(-np.abs(columns[2]), kind="stable")
    return Detections(*columns[:, order])


def _peaks(found: Difference, threshold: float, sign: float) -> Numbers:
    """x, y, score, flux and its error: shape (5, n)."""
    score = np.where(found.bad, 0, sign * found.score)
    peak = score == ndimage.maximum_filter(score, 2 * APART + 1, mode="constant")
    # the top may be between pixels, and higher: looked at from a little below
    y, x = np.nonzero(peak & (score >= 0.9 * threshold))
    raw = sign * found.score
    across, gain_x = _top(raw, y, x, 0, 1)
    down, gain_y = _top(raw, y, x, 1, 0)
    top = raw[y, x] + gain_x + gain_y
    error = found.flux_error[y, x].astype(np.float64)
    kept = top >= threshold
    columns = np.stack([x + across, y + down, sign * top, sign * top * error, error])
    return columns[:, kept]


def _top(
    score: NDArray, y: NDArray[np.intp], x: NDArray[np.intp], dy: int, dx: int
) -> tuple[Numbers, Numbers]:
    """Where a parabola through three pixels is highest, from the middle, and how much higher."""
    padded = np.pad(score, 1, mode="edge").astype(np.float64)
    y, x = y + 1, x + 1
    before, here, after = padded[y - dy, x - dx], padded[y, x], padded[y + dy, x + dx]
    curve = before - 2 * here + after
    slope = (after - before) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(curve < 0, -slope / curve, 0.0)
    away = np.clip(np.nan_to_num(away), -0.5, 0.5)
    return away, slope * away + curve * away**2 / 2
