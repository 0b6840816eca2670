"""What stands out of the score of a difference.

The score is a matched filter's, of deviation 1 in noise, so that a threshold on it means the same
in every picture: noise passes 5 in about one of 3.5 million independent places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, oaconvolve

from analysis.sky.subtraction import Difference

Numbers = NDArray[np.float64]

THRESHOLD = 5.0
MISFIT = 2.0  # five standard deviations of what noise makes of it
_RADIUS = 3  # pixels around a peak that are compared with a point
_STAMP_ERROR = 0.1  # of its height that a stamp may be wrong by
TRAILS = (4.0, 7.0)  # pixels; much longer ones are found off their middle as well
_WORTH = 0.3  # deviations by which a trail has to stand out more than a point
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
    trails: Sequence[float] = (),
) -> Detections:
    """Peaks of the score from the threshold on that no bad pixel has a part in.

    misfit: how unlike a point they may be; infinite where what is wide is looked for too.
    trails: lengths in pixels of what moved while the shutter was open, as `TRAILS` are. Each is
    looked for in eight directions or more beside points, and what stands out most is taken: at its
    middle, with the flux of all of it, compared with such a trail. Longer ones are `streaks`.
    also_gone: what the reference has and the new picture has not is listed as well. Places are the
    tops of parabolas through the peak and the pixels beside it; the flux is taken there.
    Raises ValueError for a threshold that is not above 0.
    """
    if not threshold > 0:
        raise ValueError("a threshold is above 0")
    signs = (1.0, -1.0) if also_gone else (1.0,)
    lines = [_POINT, *_lines(trails)] if found.looks else [_POINT]
    rows, kinds = [], []
    for sign in signs:
        score, flux_error, kind = _most_alike(found, lines, sign)
        rows.append(_peaks(score, flux_error, found.bad, threshold, sign))
        kinds.append(kind[_pixels(rows[-1], kind.shape)])
    columns, of = np.concatenate(rows, axis=1), np.concatenate(kinds)
    unlike = _misfits(found, columns[0], columns[1], columns[2], columns[4], lines, of)
    kept = np.nonzero(unlike <= misfit)[0]
    order = kept[np.argsort(-np.abs(columns[2, kept]), kind="stable")]
    x, y, score, flux, error = columns[:, order]
    return Detections(x, y, score, flux, error, unlike[order])


class _Line(NamedTuple):
    """What a point of light is spread over: pixels of a small square, their sum 1."""

    kernel: Numbers  # shape (n, n), n odd


_POINT = _Line(np.ones((1, 1)))


def _lines(lengths: Sequence[float]) -> list[_Line]:
    """Of each length, in so many directions that none is more than half a pixel off at its end."""
    made = []
    for length in lengths:
        directions = max(8, math.ceil(math.pi / 2 * length))
        for angle in np.arange(directions) * np.pi / directions:
            made.append(_line(length, float(angle)))
    return made


def _line(length: float, angle: float) -> _Line:
    """Points along it, each shared out among the four pixels around."""
    radius = math.ceil(length / 2) + 1
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    along = (np.arange(64) + 0.5) / 64 * length - length / 2
    x, y = radius + along * math.cos(angle), radius + along * math.sin(angle)
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    for right in (0, 1):
        for below in (0, 1):
            share = np.abs(1 - right - (x - column)) * np.abs(1 - below - (y - row))
            np.add.at(kernel, (row + below, column + right), share / 64)
    return _Line(kernel)


def _most_alike(
    found: Difference, lines: list[_Line], sign: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.intp]]:
    """The score of what stands out most in each pixel, the error of its flux, and which it is.

    Along a line l the scores of points, correlated as A, make l·S with the variance v = lᵀ A l; of
    a trail of one deviation of a point it is v. So l·S ÷ √v is its score, l·S ÷ v its flux.
    """
    score = found.score if sign > 0 else -found.score
    error = found.flux_error
    kind = np.zeros(score.shape, np.intp)
    if len(lines) == 1:
        return score, error, kind
    score, error = score.copy(), error.copy()
    # what is bad is left out of the sums, where one hit would be a trail in all directions
    usable = np.where(found.bad, 0, sign * found.score).astype(np.float32)
    correlated = _correlation(found.looks[0].stamp)
    for n, line in enumerate(lines[1:], 1):
        spread = float(
            (
                line.kernel
                * fftconvolve(correlated, line.kernel, mode="same")[
                    _middle(correlated, line.kernel)
                ]
            ).sum()
        )
        along = oaconvolve(usable, line.kernel.astype(np.float32), mode="same")
        along = along / np.float32(math.sqrt(spread))
        better = along > score + _WORTH
        score[better] = along[better]
        error[better] = found.flux_error[better] / np.float32(math.sqrt(spread))
        kind[better] = n
    return score, error, kind


def _correlation(stamp: Numbers) -> Numbers:
    """Of the scores of points, by their distance: that of the stamp with itself."""
    around = fftconvolve(stamp, stamp[::-1, ::-1])
    return np.asarray(around / around.max(), np.float64)


def _middle(values: Numbers, kernel: Numbers) -> tuple[slice, slice]:
    by, middle = len(kernel) // 2, len(values) // 2
    return slice(middle - by, middle + by + 1), slice(middle - by, middle + by + 1)


def _pixels(columns: Numbers, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    x = np.clip(columns[0].round().astype(np.intp), 0, shape[1] - 1)
    return np.clip(columns[1].round().astype(np.intp), 0, shape[0] - 1), x


def _misfits(
    found: Difference,
    x: Numbers,
    y: Numbers,
    score: Numbers,
    error: Numbers,
    lines: list[_Line],
    kind: NDArray[np.intp],
) -> Numbers:
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
        for n in np.unique(kind[of]):
            these = of[kind[of] == n]
            at = rows[these, None, None] + away[:, None], columns[these, None, None] + away
            values = found.difference[at].reshape(len(these), -1).astype(np.float64)
            basis = _like_points(fftconvolve(look.stamp, lines[n].kernel, mode="same"))
            freedom = basis.shape[0] - basis.shape[1]
            left = (values**2).sum(axis=1) - ((values @ basis) ** 2).sum(axis=1)
            # light has noise of its own: seen in the error of a point there
            here = found.flux_error[rows[these], columns[these]]
            noisier = (here / look.flux_error) ** 2
            misfit[these] = (
                left / freedom / (noisier + (_STAMP_ERROR * score[these]) ** 2 / freedom)
            )
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


def _peaks(
    raw: NDArray[np.float32],
    flux_error: NDArray[np.float32],
    bad: NDArray[np.bool_],
    threshold: float,
    sign: float,
) -> Numbers:
    """x, y, score, flux and its error: shape (5, n)."""
    # the top may be between pixels, and higher: looked at from a little below
    above = np.flatnonzero(raw >= 0.9 * threshold)  # of two dimensions it takes four times as long
    y, x = np.divmod(above, raw.shape[1])
    y, x = y[~bad[y, x]], x[~bad[y, x]]
    for by in (1, APART):  # few are left after those beside
        highest = _highest(raw, bad, y, x, by)
        y, x = y[highest], x[highest]
    across, gain_x = _top(raw, y, x, 0, 1)
    down, gain_y = _top(raw, y, x, 1, 0)
    top = raw[y, x] + gain_x + gain_y
    error = flux_error[y, x].astype(np.float64)
    kept = top >= threshold
    columns = np.stack([x + across, y + down, sign * top, sign * top * error, error])
    return columns[:, kept]


def _highest(
    score: NDArray[np.float32],
    bad: NDArray[np.bool_],
    y: NDArray[np.intp],
    x: NDArray[np.intp],
    by: int,
) -> NDArray[np.bool_]:
    """Which of these pixels no usable one within `by` pixels is higher than."""
    away = np.arange(-by, by + 1)
    rows = np.clip(y[:, None, None] + away[:, None], 0, score.shape[0] - 1)
    columns = np.clip(x[:, None, None] + away, 0, score.shape[1] - 1)
    around = np.where(bad[rows, columns], 0, score[rows, columns])
    return np.asarray(score[y, x] >= around.max(axis=(1, 2)))


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
