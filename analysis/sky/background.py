"""How bright the empty sky is, how noisy it is, and what no star made.

The sky by boxes with clipping as in SExtractor (Bertin and Arnouts 1996, A&AS 117, 393); cosmic
rays by the Laplacian of the picture (van Dokkum 2001, PASP 113, 1420: L.A.Cosmic).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import RectBivariateSpline

from analysis.errors import AnalysisError
from analysis.sky.exposures import Exposure, Flags, Pixels

Numbers = NDArray[np.float64]

BOX = 64  # pixels: larger than the stars, smaller than the gradients
_KAPPA = 3.0  # standard deviations from which a pixel is no sky
_ROUNDS = 20  # of clipping, at most
_KEPT = 0.9853  # of the deviation of a normal distribution that clipping at 3 of them ends with
_CROWDED = 0.3  # (mean − median) ÷ noise from which SExtractor takes the median
_MIDDLE = 0.2  # of the values that make the median: integers would make steps of it
_LEAST = 0.2  # of a box's pixels that have to be usable


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """The level and the noise of the sky at the centres of boxes, and between them by splines."""

    shape: tuple[int, int]  # of the picture
    y: Numbers  # shape (n,): centres of the boxes, in pixels
    x: Numbers  # shape (m,)
    levels: Numbers  # shape (n, m), ADU
    noises: Numbers  # shape (n, m): standard deviation of one pixel without stars, ADU

    def tile(self, top: int, left: int, height: int, width: int) -> tuple[Pixels, Pixels]:
        """Level and noise of each pixel of a tile, as float32."""
        rows, columns = np.arange(top, top + height), np.arange(left, left + width)
        level = _between(self.y, self.x, self.levels, rows, columns)
        noise = _between(self.y, self.x, self.noises, rows, columns)
        # a spline may swing below what it goes through
        return level, np.maximum(noise, np.float32(self.noises.min() / 2))

    def whole(self) -> tuple[Pixels, Pixels]:
        return self.tile(0, 0, *self.shape)

    @property
    def noise(self) -> float:
        """That of the picture in the middle of its boxes."""
        return float(np.median(self.noises))


def background_of(exposure: Exposure, box: int = BOX) -> Background:
    """The sky of an exposure, read by bands of one box. Raises as `background` does."""
    return _by_bands(exposure.shape, box, lambda top, rows: exposure.read(top, 0, rows, 10**9))


def background(pixels: Pixels, bad: Flags | None = None, box: int = BOX) -> Background:
    """The sky of a picture.

    pixels: (height, width), ADU. bad: the same shape, True where a pixel is not to be used.
    Raises AnalysisError where no part of the picture has enough usable pixels.
    """
    bad = np.zeros(pixels.shape, np.bool_) if bad is None else bad
    shape = (pixels.shape[0], pixels.shape[1])
    return _by_bands(
        shape, box, lambda top, rows: (pixels[top : top + rows], bad[top : top + rows])
    )


def cosmic_rays(
    pixels: Pixels,
    noise: Pixels,
    gain: float | None = None,
    *,
    significance: float = 4.5,
    contrast: float = 2.0,
) -> Flags:
    """Which pixels a particle hit rather than light that went through the optics.

    pixels: (height, width), ADU without the sky; noise: that of the sky, the same shape. gain:
    electrons per ADU, for the noise of stars; without it theirs is taken as the sky's, and the
    contrast decides. A hit is `significance` deviations sharper than its noise, and `contrast` ×
    sharper than it is bright in what is left by a median (2 for stars sampled by 2 pixels or
    more, 5 below). Its neighbours are taken too where they are sharp by half as much.
    """
    fine = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1)
    laplacian = -ndimage.laplace(fine, mode="nearest") / 4.0
    np.maximum(laplacian, 0, out=laplacian)
    height, width = pixels.shape
    sharp = laplacian.reshape(height, 2, width, 2).mean(axis=(1, 3))
    smooth = np.maximum(ndimage.median_filter(pixels, 5, mode="nearest"), 0)
    all_noise = noise if gain is None else np.sqrt(noise**2 + smooth / np.float32(gain))
    excess = sharp / (all_noise / 2)  # sharpening a lone pixel: 1 − 1/4 − 1/4 … of it
    excess -= ndimage.median_filter(excess, 5, mode="nearest")
    small = ndimage.median_filter(pixels, 3, mode="nearest")
    structure = small - ndimage.median_filter(small, 7, mode="nearest")
    structure = np.maximum(structure, 0.01 * all_noise)
    is_sharp: Flags = sharp > contrast * structure
    hit: Flags = (excess > significance) & is_sharp
    beside = ndimage.binary_dilation(hit, np.ones((3, 3), np.bool_))
    found: Flags = hit | (beside & (excess > significance / 2) & is_sharp)
    return found


def grown(bad: Flags, by: int = 2) -> Flags:
    """Bad pixels and those around them: charge runs over beside saturated ones."""
    if not by:
        return bad
    found: Flags = ndimage.binary_dilation(bad, np.ones((3, 3), np.bool_), iterations=by)
    return found


def _by_bands(
    shape: tuple[int, int], box: int, read: Callable[[int, int], tuple[Pixels, Flags]]
) -> Background:
    """Twice: a slope across a box looks like noise until the first level is taken away."""
    first = _measured(shape, box, read)

    def flat(top: int, rows: int) -> tuple[Pixels, Flags]:
        pixels, bad = read(top, rows)
        return pixels - first.tile(top, 0, *pixels.shape)[0], bad

    left = _measured(shape, box, flat)
    return replace(left, levels=first.levels + left.levels)


def _measured(
    shape: tuple[int, int], box: int, read: Callable[[int, int], tuple[Pixels, Flags]]
) -> Background:
    tops, lefts = _edges(shape[0], box), _edges(shape[1], box)
    levels = np.full((len(tops) - 1, len(lefts) - 1), np.nan)
    noises = np.full_like(levels, np.nan)
    for i in range(len(tops) - 1):
        pixels, bad = read(int(tops[i]), int(tops[i + 1] - tops[i]))
        for j in range(len(lefts) - 1):
            part = np.s_[:, lefts[j] : lefts[j + 1]]
            levels[i, j], noises[i, j] = _sky(pixels[part][~bad[part]], pixels[part].size)
    known = np.isfinite(levels) & (noises > 0)
    if not known.any():
        raise AnalysisError(
            "The sky of this picture cannot be measured: hardly any pixel can be used, or none "
            "differs from the next."
        )
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    levels, noises = levels[tuple(nearest)], noises[tuple(nearest)]
    return Background(
        shape,
        (tops[:-1] + tops[1:] - 1) / 2,
        (lefts[:-1] + lefts[1:] - 1) / 2,
        _without_outliers(levels),
        _without_outliers(noises),
    )


def _edges(length: int, box: int) -> NDArray[np.int64]:
    n = max(round(length / box), 1)
    return np.linspace(0, length, n + 1).round().astype(np.int64)


def _sky(values: Pixels, n: int) -> tuple[float, float]:
    """The most frequent value and the standard deviation of the sky in one box.

    Sorted once, what is not clipped is a range, and its moments are differences of sums.
    """
    if len(values) < max(_LEAST * n, 16):
        return np.nan, np.nan
    ordered = np.sort(values).astype(np.float64)
    offset = ordered[len(ordered) // 2]
    ordered -= offset  # sums of squares would lose the digits of a bright sky
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    squares = np.concatenate([[0.0], np.cumsum(ordered**2)])
    first, last = 0, len(ordered)
    for _ in range(_ROUNDS):
        count = last - first
        mean = (sums[last] - sums[first]) / count
        noise = np.sqrt(max((squares[last] - squares[first]) / count - mean**2, 0.0))
        half = max(int(count * _MIDDLE / 2), 1)
        middle = (first + last) // 2
        median = (sums[middle + half] - sums[middle - half]) / (2 * half)
        limits = (median - _KAPPA * noise, median + _KAPPA * noise)
        clipped = (
            int(np.searchsorted(ordered, limits[0])),
            int(np.searchsorted(ordered, limits[1], "right")),
        )
        if clipped == (first, last) or clipped[1] - clipped[0] < 16:
            break
        first, last = clipped
    is_crowded = abs(mean - median) > _CROWDED * noise
    mode = median if is_crowded else 2.5 * median - 1.5 * mean
    return float(mode + offset), float(noise / _KEPT)


def _without_outliers(mesh: Numbers) -> Numbers:
    """Boxes that a large galaxy or a bright star filled are as those around them; a slope stays."""
    if min(mesh.shape) < 2:
        return mesh
    wide = np.pad(mesh, 1, "reflect", reflect_type="odd")  # at the border a slope goes on
    usual = ndimage.median_filter(wide, 3)[1:-1, 1:-1]
    off = np.abs(mesh - usual)
    limit = 5 * 1.4826 * np.median(off) + 1e-9 * np.abs(usual)
    found: Numbers = np.where(off > limit, usual, mesh)
    return found


def _between(
    y: Numbers, x: Numbers, mesh: Numbers, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> Pixels:
    """Cubic splines, which go on as straight lines beyond the outermost centres."""
    for axis in (0, 1):
        places = (y, x)[axis]
        step = float(places[1] - places[0]) if len(places) > 1 else 1.0
        wide = np.concatenate([[places[0] - step], places, [places[-1] + step]])
        first, last = mesh.take([0], axis), mesh.take([-1], axis)
        if len(places) > 1:
            before = 2 * first - mesh.take([1], axis)
            after = 2 * last - mesh.take([-2], axis)
        else:
            before, after = first, last
        mesh = np.concatenate([before, mesh, after], axis)
        y, x = (wide, x) if axis == 0 else (y, wide)
    degrees = min(3, len(y) - 1), min(3, len(x) - 1)
    spline = RectBivariateSpline(y, x, mesh, kx=degrees[0], ky=degrees[1], s=0)
    found: Pixels = spline(rows, columns).astype(np.float32)
    return found
