"""How bright the empty sky is, how noisy it is, and what no star made.

The sky by boxes with clipping as in SExtractor (Bertin and Arnouts 1996, A&AS 117, 393); cosmic
rays by the Laplacian of the picture (van Dokkum 2001, PASP 113, 1420: L.A.Cosmic).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import RectBivariateSpline

from analysis.errors import AnalysisError
from analysis.sky.exposures import Exposure, Flags, Pixels

Numbers = NDArray[np.float64]

STEP = 4  # pixels of a block of noise
_LARGE = 24_000_000  # pixels from which noise is kept in blocks
BOX = 64  # pixels: larger than the stars, smaller than the gradients
_KAPPA = 3.0  # standard deviations from which a pixel is no sky
_ROUNDS = 20  # of clipping, at most
_KEPT = 0.9853  # of the deviation of a normal distribution that clipping at 3 of them ends with
_CROWDED = 0.3  # (mean − median) ÷ noise from which SExtractor takes the median
_MIDDLE = 0.2  # of the values that make the median: integers would make steps of it
_JUDGED_AT_ONCE = 20_000  # pixels that may be hits
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

    def noise_map(self) -> Pixels:
        """The noise of each pixel; of a large picture a `NoiseMap`, which is used alike."""
        if self.shape[0] * self.shape[1] <= _LARGE:
            return self.whole()[1]
        middles = [np.arange(0, n + STEP - 1, STEP) + (STEP - 1) / 2 for n in self.shape]
        noise = _between(self.y, self.x, self.noises, *middles)
        noise = np.maximum(noise, np.float32(self.noises.min() / 2))
        return cast(Pixels, NoiseMap(noise, self.shape))

    @property
    def noise(self) -> float:
        """That of the picture in the middle of its boxes."""
        return float(np.median(self.noises))


@dataclass(frozen=True, slots=True, eq=False)
class NoiseMap(NDArrayOperatorsMixin):
    """The noise of a picture in blocks of a few pixels: it changes over many.

    Used as an array of its pixels is, of which an index makes only what is asked for, and
    arithmetic all.
    """

    values: Pixels  # one a block
    shape: tuple[int, int]

    def __getitem__(self, key: Any) -> Any:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if _is_range(rows) and _is_range(columns):
            return self._part(*rows.indices(self.shape[0])[:2], *columns.indices(self.shape[1])[:2])
        at_y, at_x = _blocks(rows, self.shape[0]), _blocks(columns, self.shape[1])
        return self.values[at_y][..., at_x]

    def _part(self, top: int, bottom: int, left: int, right: int) -> Pixels:
        """Repeats blocks, which is ten times as fast as looking up each pixel's."""
        height, width = max(bottom - top, 0), max(right - left, 0)
        blocks = self.values[top // STEP : -(-bottom // STEP), left // STEP : -(-right // STEP)]
        wide = blocks.repeat(STEP, axis=1)[:, left % STEP : left % STEP + width]
        return wide.repeat(STEP, axis=0)[top % STEP : top % STEP + height]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **options: Any) -> Any:
        arrays = [np.asarray(one) if isinstance(one, NoiseMap) else one for one in given]
        return getattr(ufunc, method)(*arrays, **options)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:, :], dtype)


def _is_range(at: Any) -> bool:
    return isinstance(at, slice) and at.step in (None, 1)


def _blocks(at: Any, length: int) -> Any:
    """The blocks of an index or a slice of pixels."""
    if isinstance(at, slice):
        return np.arange(*at.indices(length)) // STEP
    return (at + length if at < 0 else at) // STEP


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
    sharp = _sharpness(pixels)
    # medians are of what is 0 or more, so that only these can pass: a few in a thousand
    near = np.nonzero(sharp > noise / 2 * np.float32(significance))
    small = _median_of_nine(pixels)
    excess, is_sharp = _judged(pixels, noise, sharp, small, near, gain, contrast)
    hit = np.zeros(pixels.shape, np.bool_)
    hit[near] = (excess > significance) & is_sharp
    if not hit.any():
        return hit
    beside = np.nonzero(ndimage.binary_dilation(hit, np.ones((3, 3), np.bool_)) & ~hit)
    excess, is_sharp = _judged(pixels, noise, sharp, small, beside, gain, contrast)
    hit[beside] = (excess > significance / 2) & is_sharp
    return hit


Places = tuple[NDArray[np.intp], ...]  # rows and columns


def _judged(
    pixels: Pixels,
    noise: Pixels,
    sharp: Pixels,
    small: Pixels,
    at: Places,
    gain: float | None,
    contrast: float,
) -> tuple[Pixels, Flags]:
    """How many deviations some pixels are sharper than those around, and than they are bright."""
    excess = np.empty(len(at[0]), np.float32)
    is_sharp = np.empty(len(at[0]), np.bool_)
    for first in range(0, len(at[0]), _JUDGED_AT_ONCE):
        part = slice(first, first + _JUDGED_AT_ONCE)
        here = at[0][part], at[1][part]
        around = _neighbours(here, 2, pixels.shape)
        errors = _all_noise(pixels, noise, around, gain)
        each = (sharp[around] / (errors / 2)).astype(
            np.float32
        )  # sharpening a lone pixel: 1 − 1/4 − 1/4 … of it
        excess[part] = each[:, 12] - _middle(each)
        wide = small[_neighbours(here, 3, pixels.shape)]
        structure = np.maximum(small[here] - _middle(wide), 0.01 * errors[:, 12])
        is_sharp[part] = sharp[here] > contrast * structure
    return excess, is_sharp


def _all_noise(pixels: Pixels, noise: Pixels, at: Places, gain: float | None) -> Pixels:
    """With that of the light, as the median around says how much there is."""
    if gain is None:
        return noise[at]
    flat = at[0].ravel() * pixels.shape[1] + at[1].ravel()
    unique, back = np.unique(flat, return_inverse=True)
    y, x = np.divmod(unique, pixels.shape[1])
    smooth = _middle(pixels[_neighbours((y, x), 2, pixels.shape)])
    light = np.maximum(smooth, 0) / np.float32(gain)
    power = noise[at] ** 2 + light[back].reshape(at[0].shape)
    return np.sqrt(power).astype(np.float32)


def _neighbours(at: Places, by: int, shape: tuple[int, ...]) -> Places:
    """Places (n, (2 by + 1)²) around each; those beyond the border are the outermost again."""
    away = np.arange(-by, by + 1)
    y = np.clip(at[0][:, None] + np.repeat(away, 2 * by + 1), 0, shape[0] - 1)
    x = np.clip(at[1][:, None] + np.tile(away, 2 * by + 1), 0, shape[1] - 1)
    return y, x


def _middle(rows: Pixels) -> Pixels:
    """The median of each row, of an odd number."""
    half = rows.shape[1] // 2
    found: Pixels = np.partition(rows, half, axis=1)[:, half]
    return found


def _sharpness(pixels: Pixels) -> Pixels:
    """The Laplacian of every pixel cut into four, without what is below 0, and their mean.

    A quarter's neighbours are its own pixel twice and two of the pixels beside.
    """
    wide = np.pad(pixels, 1, "edge")
    twice = 2 * pixels
    sharp = np.zeros_like(pixels)
    left, right, above, below = wide[1:-1, :-2], wide[1:-1, 2:], wide[:-2, 1:-1], wide[2:, 1:-1]
    for beside in (left, right):
        half = twice - beside
        for over in (above, below):
            sharp += np.maximum(half - over, 0)
    return sharp / np.float32(16)


def _median_of_nine(pixels: Pixels) -> Pixels:
    """Of each pixel and those around it: columns of three in order, then the middle of the
    greatest least, the least greatest and the middle of middles."""
    wide = np.pad(pixels, 1, "edge")
    low, middle, high = _in_order(wide[:-2], wide[1:-1], wide[2:])
    least = np.maximum(np.maximum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    greatest = np.minimum(np.minimum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    central = _in_order(middle[:, :-2], middle[:, 1:-1], middle[:, 2:])[1]
    return _in_order(least, central, greatest)[1]


def _in_order(a: Pixels, b: Pixels, c: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    less, more = np.minimum(a, b), np.maximum(a, b)
    return (
        np.minimum(less, c),
        np.maximum(less, np.minimum(more, c)),
        np.maximum(more, c),
    )


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
    y: Numbers, x: Numbers, mesh: Numbers, rows: NDArray[Any], columns: NDArray[Any]
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
