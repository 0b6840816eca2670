"""What stands out of the score of a difference.

The score is a matched filter's, of deviation 1 in noise, so that a threshold on it means the same
in every picture: noise passes 5 in about one of 3.5 million independent places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.sky.subtraction import Difference

Numbers = NDArray[np.float64]

THRESHOLD = 5.0
MISFIT = 2.0  # five standard deviations of what noise makes of it
_RADIUS = 3  # pixels around a peak that are compared with a point
_STAMP_ERROR = 0.1  # of its height that a stamp may be wrong by
APART = 3  # pixels from a peak within which there is no other


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Points, the most significant first; one a row of each array."""

    x: Numbers  # pixels from the centre of the first pixel
    y: Numbers
    score: Numbers  # signal to noise; negative for what is gone
    flux: Numbers  # in units of the zero points; negative for what is gone
    flux_error: Numbers  # standard deviation of the flux, not of the zero points
    misfit: Numbers  # χ² by degree of freedom against a point: 1 ± 0.2; more for cosmic rays

    def __len__(self) -> int:
        return len(self.x)


def detect(
    found: Difference,
    threshold: float = THRESHOLD,
    *,
    also_gone: bool = True,
    misfit: float = MISFIT,
) -> Detections:
    """Peaks of the score from the threshold on that no bad pixel has a part in.

    misfit: how unlike a point they may be; infinite where what is wide is looked for too.
    also_gone: what the reference has and the new picture has not is listed as well. Places are the
    tops of parabolas through the peak and the pixels beside it; the flux is taken there.
    Raises ValueError for a threshold that is not above 0.
    """
    if not threshold > 0:
        raise ValueError("a threshold is above 0")
    signs = (1.0, -1.0) if also_gone else (1.0,)
    rows = [_peaks(found, threshold, sign) for sign in signs]
    columns = np.concatenate(rows, axis=1)
    unlike = _misfits(found, columns[0], columns[1], columns[2], columns[4])
    kept = np.nonzero(unlike <= misfit)[0]
    order = kept[np.argsort(-np.abs(columns[2, kept]), kind="stable")]
    x, y, score, flux, error = columns[:, order]
    return Detections(x, y, score, flux, error, unlike[order])


def _misfits(found: Difference, x: Numbers, y: Numbers, score: Numbers, error: Numbers) -> Numbers:
    """χ² ÷ degrees of freedom of the difference around each peak, against a point near its middle.

    The difference has white noise of deviation 1, so that this is exact where the sky is empty;
    where light has noise of its own, it is in the error of the flux. Stamps are known to a tenth.
    1 where the border is too near for it to be judged.
    """
    radius = _RADIUS
    columns, rows = x.round().astype(np.intp), y.round().astype(np.intp)
    height, width = found.difference.shape
    inside = (columns >= radius) & (columns < width - radius)
    inside &= (rows >= radius) & (rows < height - radius)
    misfit = np.ones(len(x))
    away = np.arange(-radius, radius + 1)
    for look in found.looks:
        of = inside & (rows >= look.rows.start) & (rows < look.rows.stop)
        of = np.nonzero(of & (columns >= look.columns.start) & (columns < look.columns.stop))[0]
        if not len(of):
            continue
        at = rows[of, None, None] + away[:, None], columns[of, None, None] + away
        values = found.difference[at].reshape(len(of), -1).astype(np.float64)
        basis = _like_points(look.stamp)
        freedom = basis.shape[0] - basis.shape[1]
        left = (values**2).sum(axis=1) - ((values @ basis) ** 2).sum(axis=1)
        noisier = (error[of] / look.flux_error) ** 2
        misfit[of] = left / freedom / (noisier + (_STAMP_ERROR * score[of]) ** 2 / freedom)
    return misfit


def _like_points(stamp: Numbers) -> Numbers:
    """Orthonormal columns (pixels, 3) that make every point in the middle or a little beside."""
    middle = len(stamp) // 2
    wide = slice(middle - _RADIUS - 1, middle + _RADIUS + 2)
    part = stamp[wide, wide]
    inner = part[1:-1, 1:-1]
    across, down = part[1:-1, 2:] - part[1:-1, :-2], part[2:, 1:-1] - part[:-2, 1:-1]
    basis, _ = np.linalg.qr(np.stack([inner.ravel(), across.ravel(), down.ravel()], axis=1))
    return np.asarray(basis, np.float64)


def _peaks(found: Difference, threshold: float, sign: float) -> Numbers:
    """x, y, score, flux and its error: shape (5, n)."""
    score = np.where(found.bad, 0, sign * found.score)
    # the top may be between pixels, and higher: looked at from a little below
    y, x = np.nonzero(score >= 0.9 * threshold)
    highest = np.pad(score, APART)
    away = np.arange(2 * APART + 1)
    around = highest[y[:, None, None] + away[:, None], x[:, None, None] + away]
    peak = score[y, x] == around.max(axis=(1, 2), initial=-np.inf)
    y, x = y[peak], x[peak]
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
    height, width = score.shape
    below = np.maximum(y - dy, 0), np.maximum(x - dx, 0)
    above = np.minimum(y + dy, height - 1), np.minimum(x + dx, width - 1)
    before, here, after = (score[at].astype(np.float64) for at in (below, (y, x), above))
    curve = before - 2 * here + after
    slope = (after - before) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.where(curve < 0, -slope / curve, 0.0)
    away = np.clip(np.nan_to_num(away), -0.5, 0.5)
    return away, slope * away + curve * away**2 / 2
