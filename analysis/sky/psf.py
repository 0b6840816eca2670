"""What a point of light looks like in a picture, from its stars.

A stamp of pixels whose each is a polynomial of the place in the picture, fitted to stars that were
brought to a common centre: the pixel basis of PSFEx (Bertin 2011, ASP Conf. Ser. 442, 435), at the
picture's own sampling. Positions and fluxes are the least squares of the stamp and its slopes
(Stetson 1987, PASP 99, 191).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from analysis.errors import AnalysisError
from analysis.sky.exposures import Flags, Pixels

Numbers = NDArray[np.float64]

FEWEST = 3  # stars that a stamp is made of
_LINEAR, _QUADRATIC = 15, 60  # stars from which it may vary over the picture
_MOST = 400
_SIGNIFICANCE = 20.0  # of a star's flux
_ROUNDS = 3
_WIDTH = 1.5  # pixels that a picture is smoothed by to find stars
_BAND = 512  # rows that are looked at at once
_BESIDE = 24  # rows more, for stars at the border of that and their company
_FARTHEST = 3.0  # pixels that a measured star may be from where it was looked for


class TooFewStars(AnalysisError):
    """There is nothing to learn the shape of a star from."""


@dataclass(frozen=True, slots=True, eq=False)
class Stars:
    """Stars that were measured, one a row."""

    x: Numbers  # pixels from the centre of the first pixel
    y: Numbers
    flux: Numbers  # ADU in all
    error: Numbers  # standard deviation of the flux, by the noise of the sky

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True, eq=False)
class Psf:
    """The point-spread function over a picture."""

    terms: Numbers  # shape (k, n, n): pixels of the stamp by term of the polynomial; n is odd
    shape: tuple[int, int]  # of the picture: height, width
    fwhm: float  # pixels, of a star in the middle

    def at(self, x: float, y: float) -> Numbers:
        """The stamp of a star there, its centre in the middle pixel, its sum 1. Shape (n, n)."""
        weights = polynomial(np.array([x]), np.array([y]), self.shape, len(self.terms))[0]
        stamp: Numbers = np.tensordot(weights, self.terms, 1)
        return stamp / stamp.sum()

    @property
    def radius(self) -> int:
        return self.terms.shape[1] // 2

    def moved(self, x: float, y: float) -> Psf:
        """For stars that are so many pixels from where they are looked for.

        With it a picture that is a part of a pixel off another is compared without resampling,
        which would make its noise correlated.
        """
        moved = np.stack([ndimage.shift(t, (y, x), order=5) for t in self.terms])
        return Psf(moved, self.shape, self.fwhm)

    @classmethod
    def constant(cls, stamp: Numbers, shape: tuple[int, int]) -> Psf:
        """The same everywhere. stamp: (n, n), n odd."""
        stamp = np.asarray(stamp, np.float64)
        return cls((stamp / stamp.sum())[None], shape, _fwhm(stamp))


def find(pixels: Pixels, noise: Pixels, bad: Flags, *, most: int = _MOST) -> Stars:
    """Lone stars that are bright and not saturated, the brightest first, to a tenth of a pixel.

    pixels: (height, width), ADU without the sky. noise: that of the sky. bad: not to be used.
    Flux is what a smoothing by 1.5 pixels makes of it.
    """
    height = pixels.shape[0]
    parts = []
    for top in range(0, height, _BAND):
        first, last = max(top - _BESIDE, 0), min(top + _BAND + _BESIDE, height)
        rows = slice(first, last)
        inner = range(top, min(top + _BAND, height))
        found = _peaks(pixels[rows], noise[rows], bad[rows], most, pixels.shape, first, inner)
        parts.append(found)
    y, x, bright, noise_left = np.concatenate(parts, axis=1)
    order = np.argsort(-bright, kind="stable")[:most]
    scale = 2 * np.pi * _WIDTH**2 * 2
    places = [_centre(pixels, float(x[n]), float(y[n])) for n in order]
    at_x, at_y = np.array(places, np.float64).reshape(-1, 2).T
    return Stars(at_x, at_y, bright[order] * scale, noise_left[order] * scale)


def _peaks(
    pixels: Pixels,
    noise: Pixels,
    bad: Flags,
    most: int,
    shape: tuple[int, ...],
    first: int,
    inner: range,
) -> Numbers:
    """Row, column, brightness and its noise of lone peaks in some rows of a picture: (4, n).

    first: which row of the picture the first one is; inner: those that peaks are taken from.
    """
    clean = np.where(bad, 0, pixels).astype(np.float32)
    smooth = ndimage.gaussian_filter(clean, _WIDTH, truncate=5)
    share = np.float32(1 / (2 * np.sqrt(np.pi) * _WIDTH))
    peak = smooth > 5 * share * noise
    y, x = np.nonzero(peak)
    # highest of seven by seven, as most that are bright enough are on the slope of a star
    wide = np.pad(smooth, 3, "symmetric")
    views = np.lib.stride_tricks.sliding_window_view(wide, (7, 7))
    parts = np.array_split(np.arange(len(y)), max(len(y) // 50_000, 1))
    top = [smooth[y[p], x[p]] == views[y[p], x[p]].max(axis=(1, 2)) for p in parts]
    kept = np.concatenate(top)
    y, x = y[kept], x[kept]
    bright = smooth[y, x]
    order = np.argsort(-bright, kind="stable")
    y, x, bright = y[order], x[order], bright[order]
    near_bad = ndimage.binary_dilation(bad, iterations=3)[y, x]
    margin = 8
    inside = (x >= margin) & (y + first >= margin)
    inside &= (x < shape[1] - margin) & (y + first < shape[0] - margin)
    noise_left = noise[y, x] * share
    sure = bright > _SIGNIFICANCE * noise_left
    kept = np.nonzero(inside & sure & ~near_bad)[0][: 4 * most]
    alone = [n for n in kept if not _has_company(n, x, y, bright)]
    taken = [n for n in alone if y[n] + first in inner][:most]
    return np.stack([y[taken] + first, x[taken], bright[taken], noise_left[taken]]).astype(float)


def psf_of(
    pixels: Pixels, noise: Pixels, bad: Flags, stars: Stars | None = None
) -> tuple[Psf, Stars]:
    """The shape of stars, and the stars it was learnt from.

    Arguments as for `find`; stars: those that it found, where they are known. It varies over the
    picture by a plane from 15 stars on, by a paraboloid from 60. Raises TooFewStars.
    """
    stars = find(pixels, noise, bad) if stars is None else stars
    _require(len(stars))
    stars, fwhm = _round_ones(pixels, stars)
    _require(len(stars))
    radius = int(np.clip(np.ceil(3.0 * fwhm), 6, 25))
    psf: Psf | None = None
    for _ in range(_ROUNDS):
        stamps, stars = _centred(pixels, bad, stars, radius)
        _require(len(stars))
        psf, kept = _fitted(stamps, stars, pixels.shape)
        stars = measure(pixels, noise, bad, psf, _rows(stars, kept))
        _require(len(stars))
    assert psf is not None
    return psf, stars


def measure(pixels: Pixels, noise: Pixels, bad: Flags, psf: Psf, stars: Stars) -> Stars:
    """Positions and fluxes of stars whose places are known to a pixel or so.

    Those that cannot be measured (at the border, over bad pixels, or found to be elsewhere) are
    left out: `matched` tells which are the same in two pictures.
    """
    found = []
    for x, y in zip(stars.x, stars.y, strict=True):
        one = _measured(pixels, noise, bad, psf.at(x, y), float(x), float(y))
        if one is not None:
            found.append(one)
    rows = np.array(found).reshape(-1, 4).T
    return Stars(*rows)


def matched(one: Stars, other: Stars, within: float = 2.0) -> tuple[Stars, Stars]:
    """The stars that two lists share, in the same order: nearest to each other within so far."""
    if not len(one) or not len(other):
        return _rows(one, np.zeros(0, np.intp)), _rows(other, np.zeros(0, np.intp))
    away = np.hypot(one.x[:, None] - other.x, one.y[:, None] - other.y)
    nearest = away.argmin(axis=1)
    rows = np.arange(len(one))
    same = (away.argmin(axis=0)[nearest] == rows) & (away[rows, nearest] < within)
    return _rows(one, rows[same]), _rows(other, nearest[same])


def flux_ratio(one: Stars, other: Stars) -> float:
    """How much brighter the same stars are in the first picture: the weighted middle of ratios.

    Both lists in the same order, see `matched`. Raises TooFewStars.
    """
    _require(len(one))
    ratio = one.flux / other.flux
    error = ratio * np.hypot(one.error / one.flux, other.error / other.flux)
    weight = 1 / (error**2 + (0.01 * ratio) ** 2)  # the brightest few do not decide alone
    order = np.argsort(ratio)
    passed = np.cumsum(weight[order])
    return float(ratio[order][np.searchsorted(passed, passed[-1] / 2)])


def _centre(pixels: NDArray, x: float, y: float, width: float = 2.0) -> tuple[float, float]:
    """The centroid under a Gaussian window that follows it (XWIN_IMAGE of SExtractor)."""
    start = x, y
    column, row, radius = round(x), round(y), 7
    part = pixels[row - radius : row + radius + 1, column - radius : column + radius + 1]
    if part.shape != (2 * radius + 1,) * 2:
        return start
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    for _ in range(15):
        away_x, away_y = columns + column - x, rows + row - y
        weight = part * np.exp(-(away_x**2 + away_y**2) / (2 * width**2))
        total = float(weight.sum())
        if total <= 0:
            return start
        step_x, step_y = 2 * (weight * away_x).sum() / total, 2 * (weight * away_y).sum() / total
        x, y = x + float(step_x), y + float(step_y)
        if np.hypot(x - start[0], y - start[1]) > 1.5:
            return start
        if abs(step_x) + abs(step_y) < 1e-4:
            break
    return x, y


def _has_company(n: int, x: NDArray, y: NDArray, bright: NDArray) -> bool:
    """Whether another that is a twentieth as bright is within 12 pixels."""
    near = np.hypot(x - x[n], y - y[n]) < 12
    near[n] = False
    return bool((bright[near] > bright[n] / 20).any())


def _round_ones(pixels: Pixels, stars: Stars) -> tuple[Stars, float]:
    """Without galaxies and hot pixels: those as wide as most of the bright ones; and that width."""
    widths = np.array([_width(pixels, x, y) for x, y in zip(stars.x, stars.y, strict=True)])
    known = np.isfinite(widths)
    if not known.any():
        raise TooFewStars("No star in this picture has a shape that can be measured.")
    # stars are the narrowest of what is wide enough to be light
    usual = float(np.median(widths[known][: max(len(widths) // 2, FEWEST)]))
    for _ in range(5):
        near = known & (np.abs(widths / usual - 1) < 0.25)
        if not near.any():
            break
        usual = float(np.median(widths[near]))
    return _rows(stars, np.nonzero(known & (np.abs(widths / usual - 1) < 0.25))[0]), usual


def _width(pixels: Pixels, x: float, y: float) -> float:
    """Full width at half maximum, by the area above half of it."""
    part = pixels[int(y) - 8 : int(y) + 9, int(x) - 8 : int(x) + 9].astype(np.float64)
    if part.shape != (17, 17):
        return np.nan
    fine = ndimage.zoom(part[3:-3, 3:-3], 4, order=3)
    peak = fine[16:28, 16:28].max()
    labels, _ = ndimage.label(fine > peak / 2)
    middle = labels[22, 22]
    if not middle or peak <= 0:
        return np.nan
    area = float((labels == middle).sum()) / (fine.shape[0] / 11) ** 2
    return 2 * np.sqrt(area / np.pi)


def _fwhm(stamp: Numbers) -> float:
    fine = ndimage.zoom(stamp, 8, order=3)
    area = float((fine > fine.max() / 2).sum()) / 64
    return 2 * float(np.sqrt(area / np.pi))


def _centred(pixels: Pixels, bad: Flags, stars: Stars, radius: int) -> tuple[Numbers, Stars]:
    """Stamps (m, n, n) of flux 1 with their star in the middle pixel, without what is around."""
    stamps, kept = [], []
    wide = radius + 3  # the spline needs some pixels beyond
    for n in range(len(stars)):
        x, y = round(stars.x[n]), round(stars.y[n])
        if not _fits(x, y, wide, pixels.shape):
            continue
        part = np.s_[y - wide : y + wide + 1, x - wide : x + wide + 1]
        if bad[part].any():
            continue
        raw = pixels[part].astype(np.float64)
        moved = ndimage.shift(raw, (y - stars.y[n], x - stars.x[n]), order=5, mode="nearest")
        stamp = moved[3:-3, 3:-3]
        ring = np.concatenate([stamp[0], stamp[-1], stamp[1:-1, 0], stamp[1:-1, -1]])
        stamp = stamp - np.median(ring)
        if stamp.sum() > 0:
            stamps.append(stamp / stamp.sum())
            kept.append(n)
    size = 2 * radius + 1
    return np.array(stamps).reshape(-1, size, size), _rows(stars, np.array(kept, np.intp))


def _fitted(stamps: Numbers, stars: Stars, shape: tuple[int, ...]) -> tuple[Psf, NDArray[np.intp]]:
    """The polynomial by weighted least squares; stars that do not fit are left out."""
    height_width = (shape[0], shape[1])
    middle = np.median(stamps, axis=0)
    core = middle > 0.05 * middle.max()
    off = np.sqrt(((stamps - middle)[:, core] ** 2).sum(axis=1))
    limit = np.median(off) + 4 * 1.4826 * np.median(np.abs(off - np.median(off))) + 1e-9
    kept = np.nonzero(off <= limit)[0]
    _require(len(kept))
    n_terms = 1 if len(kept) < _LINEAR else 3 if len(kept) < _QUADRATIC else 6
    basis = polynomial(stars.x[kept], stars.y[kept], height_width, n_terms)
    signal = stars.flux[kept] / stars.error[kept]
    weight = np.minimum(signal, 10 * np.median(signal))[:, None]
    flat = stamps[kept].reshape(len(kept), -1)
    # neighbours that some stars have are cut off at what noise can do
    usual = np.broadcast_to(_weighted_median(flat, weight[:, 0] ** 2), flat.shape)
    ring = np.ones(stamps.shape[1:], np.bool_)
    ring[2:-2, 2:-2] = False
    own = 1.4826 * np.median(np.abs(flat[:, ring.ravel()]), axis=1, keepdims=True)
    for share in (0.5, 0.1) if n_terms > 1 else (0.1,):
        limit = 2.5 * own + share * np.abs(usual)
        clipped = usual + np.clip(flat - usual, -limit, limit)
        heavy = basis * weight
        # of the normal equations, which are small: stars are well spread, or there is one term
        terms = np.linalg.lstsq(heavy.T @ heavy, heavy.T @ (clipped * weight), rcond=None)[0]
        usual = basis @ terms
    terms = terms.reshape(n_terms, *stamps.shape[1:])
    radius = terms.shape[1] // 2
    x, y = _centre(terms[0], radius, radius)  # else position and shape could drift together
    terms = np.stack([ndimage.shift(t, (radius - y, radius - x), order=5) for t in terms])
    return Psf(terms / terms[0].sum(), height_width, _fwhm(terms[0])), kept


def _weighted_median(rows: Numbers, weight: Numbers) -> Numbers:
    """Of each column. rows: (n, m); weight: (n,)."""
    order = np.argsort(rows, axis=0)
    passed = np.cumsum(weight[order], axis=0)
    at = (passed >= passed[-1] / 2).argmax(axis=0)
    columns = np.arange(rows.shape[1])
    return rows[order[at, columns], columns]


def polynomial(x: Numbers, y: Numbers, shape: tuple[int, int], n_terms: int) -> Numbers:
    """1, x, y, x², xy, y² of places scaled to −1…1: shape (stars, terms)."""
    u = 2 * np.asarray(x, np.float64) / max(shape[1] - 1, 1) - 1
    v = 2 * np.asarray(y, np.float64) / max(shape[0] - 1, 1) - 1
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v][:n_terms], axis=1)


def _measured(
    pixels: Pixels, noise: Pixels, bad: Flags, stamp: Numbers, x: float, y: float
) -> tuple[float, float, float, float] | None:
    """x, y, flux and its error of one star, by a few steps of Gauss and Newton."""
    start, radius = (x, y), min(stamp.shape[0] // 2, 8)
    cut = stamp.shape[0] // 2 - radius
    for _ in range(6):
        column, row = round(x), round(y)
        if not _fits(column, row, radius, pixels.shape):
            return None
        part = np.s_[row - radius : row + radius + 1, column - radius : column + radius + 1]
        if bad[part].any():
            return None
        model = ndimage.shift(stamp, (y - row, x - column), order=5, mode="nearest")
        slope_y, slope_x = np.gradient(model)
        inner = np.s_[cut : cut + 2 * radius + 1, cut : cut + 2 * radius + 1]
        shapes = [model[inner], -slope_x[inner], -slope_y[inner], np.ones_like(model[inner])]
        columns = np.stack([shape.ravel() for shape in shapes], axis=1)
        squares = columns.T @ columns
        scale = np.sqrt(squares.diagonal())
        right = columns.T @ pixels[part].ravel().astype(np.float64)
        solved = np.linalg.solve(squares / np.outer(scale, scale), right / scale) / scale
        flux = solved[0]
        if not flux > 0:
            return None
        step = np.clip(solved[1:3] / flux, -0.5, 0.5)
        x, y = x + step[0], y + step[1]
        if np.hypot(x - start[0], y - start[1]) > _FARTHEST:
            return None
        if np.abs(step).max() < 1e-4:
            break
    inverse = np.linalg.inv(columns.T @ columns)
    error = float(noise[round(y), round(x)]) * float(np.sqrt(inverse[0, 0]))
    return x, y, float(flux), error


def _fits(x: int, y: int, radius: int, shape: tuple[int, ...]) -> bool:
    return radius <= x < shape[1] - radius and radius <= y < shape[0] - radius


def _rows(stars: Stars, rows: NDArray[np.intp]) -> Stars:
    return Stars(stars.x[rows], stars.y[rows], stars.flux[rows], stars.error[rows])


def _require(n: int) -> None:
    if n < FEWEST:
        raise TooFewStars(
            f"{n} stars of this picture are bright, alone and not saturated; {FEWEST} are needed "
            "to know what a star looks like in it."
        )
