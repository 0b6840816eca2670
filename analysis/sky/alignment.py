"""Where each pixel of a reference is in another exposure, and that exposure on its grid.

By the coordinates of both, where they have them, and by their stars: triangles of neighbours with
the same proportions vote for a shift, a turn and a scale (Groth 1986, AJ 91, 1244; Beroiz, Cabral
and Sánchez 2020, A&C 32, 100384), and all stars refine it. Resampling is Lanczos's of order 3
(Bertin 2002, SWarp, ASP Conf. Ser. 281, 228), times the area that a pixel covers, so that a star
keeps its flux.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from analysis.errors import AnalysisError
from analysis.sky.background import Background, background_of, grown
from analysis.sky.exposures import Exposure, Flags, Pixels
from analysis.sky.psf import Stars, TooFewStars, find

Numbers = NDArray[np.float64]
Complex = NDArray[np.complex128]

_STARS = 300  # the brightest, that an alignment is measured by
_VOTERS = 80  # of them, whose triangles are compared
_NEIGHBOURS = 6  # of a star, that it makes triangles with
_ALIKE = 0.01  # that the proportions of two triangles may differ by
_NEAR = 3.0  # pixels within which a vote counts a star as the same
_FEWEST = 6  # stars that have to agree where there are no coordinates: fewer do by chance
_FEWEST_WITH_WCS = 3
_AFFINE, _CURVED = 8, 60  # stars from which shear, and a distortion of the third order, are fitted
_WORTH = 0.8  # of the residual that a distortion has to come down to
_AGREED = 1.5  # pixels that the same star is off at most, once the alignment is known
_CLIP = 3.5
_BAND = 1024  # rows in which stars are looked for at once
_MARGIN = 24  # rows more, for stars at its border
_BLOCK = 128  # rows that are resampled at once: they stay in the processor's cache
REACH = 3  # pixels that Lanczos's kernel reaches


class NoCommonStars(TooFewStars):
    """Nothing says how one picture lies on the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where places of the reference are in the new picture.

    A polynomial of the place in the reference, scaled to −1…1: x and y by 1, u, v and, for lenses
    that distort, the terms of second and third order.
    """

    terms: Numbers  # shape (k, 2): 3 or 10 terms
    shape: tuple[int, int]  # of the reference: height, width
    residual: float  # pixels: root mean square of stars from it, in x and y together
    n_stars: int

    def places(self, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
        """Of these places of the reference, in the new picture; both in pixels."""
        basis = _basis(x, y, self.shape, len(self.terms))
        found = basis @ self.terms
        return found[..., 0], found[..., 1]

    def matrix_at(self, x: float, y: float) -> Numbers:
        """How a step in the reference becomes one in the new picture: shape (2, 2), near there."""
        step = 0.5
        right, left = self.places(np.array([x + step, x - step]), np.array([y, y]))
        down = self.places(np.array([x, x]), np.array([y + step, y - step]))
        return np.array([[right[0] - right[1], down[0][0] - down[0][1]],
                         [left[0] - left[1], down[1][0] - down[1][1]]])  # fmt: skip

    @property
    def offset(self) -> tuple[float, float]:
        """Of the middle of the reference in the new picture, in pixels."""
        x, y = (self.shape[1] - 1) / 2, (self.shape[0] - 1) / 2
        at_x, at_y = self.places(np.array([x]), np.array([y]))
        return float(at_x[0] - x), float(at_y[0] - y)

    @property
    def scale(self) -> float:
        """Pixels of the new picture by pixel of the reference, in the middle."""
        return float(np.sqrt(abs(np.linalg.det(self.middle))))

    @property
    def turn(self) -> float:
        """Degrees from x to y by which the new picture's stars are turned, in the middle."""
        matrix = self.middle
        if np.linalg.det(matrix) < 0:
            matrix = matrix * np.array([1, -1])  # mirrored
        return float(np.degrees(np.arctan2(matrix[1, 0] - matrix[0, 1], np.trace(matrix))))

    def farthest(self) -> float:
        """Pixels that any place of the reference is from where it is in the new picture."""
        x, y = np.meshgrid(
            np.linspace(0, self.shape[1] - 1, 9), np.linspace(0, self.shape[0] - 1, 9)
        )
        at_x, at_y = self.places(x, y)
        return float(np.hypot(at_x - x, at_y - y).max())

    def spread(self) -> float:
        """The same once the offset of the middle is taken away: turn, scale and distortion."""
        x, y = np.meshgrid(
            np.linspace(0, self.shape[1] - 1, 9), np.linspace(0, self.shape[0] - 1, 9)
        )
        at_x, at_y = self.places(x, y)
        away_x, away_y = at_x - x - self.offset[0], at_y - y - self.offset[1]
        return float(np.hypot(away_x, away_y).max())

    def of_parts(
        self, first: tuple[int, int], shape: tuple[int, int], new_first: tuple[int, int]
    ) -> Alignment:
        """The same of a part of the reference of this shape, and a part of the new picture; first,
        new_first: the row and column of the whole that each begins with."""
        grid = np.meshgrid(np.linspace(0, shape[1] - 1, 8), np.linspace(0, shape[0] - 1, 8))
        x, y = (one.ravel() for one in grid)
        at_x, at_y = self.places(x + first[1], y + first[0])
        wanted = np.stack([at_x - new_first[1], at_y - new_first[0]], axis=1)
        return replace(self, terms=_terms(x, y, wanted, shape, len(self.terms)), shape=shape)

    @property
    def middle(self) -> Numbers:
        """`matrix_at` of the middle of the reference."""
        return self.matrix_at((self.shape[1] - 1) / 2, (self.shape[0] - 1) / 2)


def align(new: Exposure, reference: Exposure) -> Alignment:
    """How the new picture lies on the reference, by their coordinates and their stars.

    Raises NoCommonStars where too few stars agree, AnalysisError where the coordinates say that the
    pictures are of other parts of the sky.
    """
    return aligned_by(stars_of(new), stars_of(reference), new, reference)


def aligned_by(
    ours: Stars,
    theirs: Stars,
    new: Exposure,
    reference: Exposure,
    guess: Alignment | None = None,
) -> Alignment:
    """The same, by stars that were found before; the brightest first. guess: what to begin from in
    place of the coordinates."""
    guess = guess or _by_coordinates(new, reference)
    fewest = _FEWEST_WITH_WCS
    if guess is None or _agreeing(guess, ours, theirs, _NEAR) < min(10, len(theirs) / 2):
        voted = _by_triangles(ours, theirs, reference.shape)
        if voted is not None or guess is None:
            guess, fewest = voted, _FEWEST
    if guess is None:
        raise _without_stars(ours, theirs, 0)
    found = _refined(guess, ours, theirs, fewest)
    _require_overlap(found, new.shape)
    return found


def require_different(one: Exposure, other: Exposure) -> None:
    """Raises AnalysisError where two exposures are the same picture, of which nothing is learnt."""
    if one.shape != other.shape:
        return
    for row in np.linspace(0, one.shape[0] - 1, 12).astype(int):
        ours, theirs = (e.read(int(row), 0, 1, e.shape[1]) for e in (one, other))
        if (ours.pixels != theirs.pixels).any():
            return
    raise AnalysisError(
        "Two of these exposures are the same picture, pixel by pixel: nothing can differ between "
        "them. Leave one out."
    )


def stars_of(exposure: Exposure, sky: Background | None = None, most: int = _STARS) -> Stars:
    """The brightest lone stars of an exposure, read by bands; positions to a tenth of a pixel.

    A trail across the picture is no star: what is as long as that has no lone peak.
    """
    sky = sky or background_of(exposure)
    height, width = exposure.shape
    rows: list[Numbers] = []
    for top in range(0, height, _BAND):
        first = max(top - _MARGIN, 0)
        tile = exposure.read(first, 0, top + _BAND + _MARGIN - first, width)
        level, noise = sky.tile(first, 0, *tile.pixels.shape)
        bad = grown(tile.bad, 1)
        stars = find(tile.pixels - level, noise, bad, most=most)
        y = stars.y + first
        inside = (y >= top - 0.5) & (y < top + _BAND - 0.5)
        rows.append(np.stack([stars.x, y, stars.flux, stars.error])[:, inside])
    x, y, flux, error = np.concatenate(rows, axis=1)
    order = np.argsort(-flux, kind="stable")[:most]
    return Stars(x[order], y[order], flux[order], error[order])


def resampled(exposure: Exposure, alignment: Alignment, like: Exposure) -> Exposure:
    """The exposure on the grid of another, its tiles resampled as they are read.

    A star keeps its flux, and the sky is brighter by the same: values are times the area of a
    pixel in the exposure. A pixel that a bad one has a part in is bad, and what is beyond the
    exposure's border. Noise is correlated, see `correlation`.
    """
    section = _Resampled(exposure, alignment)
    return replace(exposure, shape=like.shape, saturation=None, wcs=like.wcs, _section=section)


def shifted(exposure: Exposure, x: int, y: int, shape: tuple[int, int]) -> Exposure:
    """The exposure on a grid of this shape that is whole pixels off: pixel (0, 0) is its (x, y).

    Nothing is resampled, and only what is asked for is read. What is beyond the exposure's border
    is bad.
    """
    wcs = None if exposure.wcs is None else _ShiftedWcs(exposure.wcs, x, y)
    section = _Shifted(exposure, x, y)
    return replace(exposure, shape=shape, saturation=None, wcs=wcs, _section=section)


def correlation(alignment: Alignment, radius: int = 4) -> Numbers:
    """Of the noise of a resampled picture with that so many pixels beside: (2 radius + 1,) twice.

    1 in the middle. The mean over places of the picture, since each falls otherwise between the
    pixels that it is made of. The middle pixel's variance is `variance_share` of what it was.
    """
    found = _covariance(alignment, radius)
    return found / found[radius, radius]


def variance_share(alignment: Alignment) -> float:
    """Of one pixel's variance, without the area: what the mean over several pixels leaves."""
    return float(_covariance(alignment, 0)[0, 0])


# ---- Finding it --------------------------------------------------------------------------------


def _by_coordinates(new: Exposure, reference: Exposure) -> Alignment | None:
    """By what both headers say, at a grid of places."""
    if new.wcs is None or reference.wcs is None:
        return None
    height, width = reference.shape
    x, y = (
        a.ravel() for a in np.meshgrid(np.linspace(0, width - 1, 8), np.linspace(0, height - 1, 8))
    )
    try:
        at_x, at_y = new.wcs.all_world2pix(*reference.wcs.all_pix2world(x, y, 0), 0, quiet=True)
    except Exception:  # wcslib's many errors: then the stars have to say it
        return None
    known = np.isfinite(at_x) & np.isfinite(at_y)
    if known.sum() < 10:
        return None
    wanted = np.stack([at_x, at_y], axis=1)[known]
    terms = _terms(x[known], y[known], wanted, reference.shape, 10)
    found = Alignment(terms, reference.shape, float("nan"), 0)
    _require_overlap(found, new.shape)
    return found


def _by_triangles(ours: Stars, theirs: Stars, shape: tuple[int, int]) -> Alignment | None:
    """The similarity that most stars agree on; None where it could be chance."""
    if min(len(ours), len(theirs)) < _FEWEST:
        return None
    here, there = (stars.x + 1j * stars.y for stars in (ours, theirs))
    forms, corners = _triangles(here[:_VOTERS])
    other_forms, other_corners = _triangles(there[:_VOTERS])
    if not len(forms) or not len(other_forms):
        return None
    away, nearest = cKDTree(forms).query(other_forms, k=min(3, len(forms)))
    away, nearest = away.reshape(len(other_forms), -1), nearest.reshape(len(other_forms), -1)
    rows, columns = np.nonzero(away < _ALIKE)
    order = np.argsort(away[rows, columns], kind="stable")[:6000]
    rows, columns = rows[order], columns[order]
    a = there[other_corners[rows]]
    b = here[corners[nearest[rows, columns]]]
    # corners are by the length of sides, so that which way round tells a mirrored picture
    mirrored = _area(a) * _area(b) < 0
    a = np.where(mirrored[:, None], np.conj(a), a)
    factor = (b[:, 2] - b[:, 0]) / (a[:, 2] - a[:, 0])
    shift = b.mean(axis=1) - factor * a.mean(axis=1)
    tree = cKDTree(np.stack([here.real, here.imag], axis=1))
    best, most = None, 0
    for part in np.array_split(np.arange(len(rows)), max(len(rows) // 200, 1)):
        seen = np.where(mirrored[part, None], np.conj(there), there)
        placed = factor[part, None] * seen + shift[part, None]
        at = np.stack([placed.real, placed.imag], axis=2)
        near, which = tree.query(at, distance_upper_bound=_NEAR)
        counts = [len(set(w[n < _NEAR])) for n, w in zip(near, which, strict=True)]
        if len(counts) and max(counts) > most:
            most = max(counts)
            best = part[int(np.argmax(counts))]
        if most > max(20, 0.5 * min(len(here), len(there))):
            break
    if best is None or most < max(_FEWEST, 2 * _by_chance(here, there)):
        return None
    conj = -1.0 if mirrored[best] else 1.0
    return _similarity(factor[best], shift[best], conj, shape)


def _triangles(places: Complex) -> tuple[Numbers, NDArray[np.intp]]:
    """The proportions of triangles of neighbours (n, 2), and their corners (n, 3).

    Corners are in the order of the sides that they are opposite to, the shortest first.
    """
    flat = np.stack([places.real, places.imag], axis=1)
    k = min(_NEIGHBOURS + 1, len(places))
    _, near = cKDTree(flat).query(flat, k=k)
    chosen = {tuple(sorted(three)) for row in near for three in combinations(map(int, row), 3)}
    corners = np.array(sorted(chosen), np.intp).reshape(-1, 3)
    at = places[corners]
    sides = np.abs(at[:, [1, 2, 0]] - at[:, [2, 0, 1]])
    order = np.argsort(sides, axis=1)
    corners, sides = np.take_along_axis(corners, order, 1), np.take_along_axis(sides, order, 1)
    # flat ones and tiny ones are alike by chance
    is_use = (sides[:, 0] > 8) & (sides[:, 2] < 0.98 * (sides[:, 0] + sides[:, 1]))
    return (sides[is_use, :2] / sides[is_use, 2:]), corners[is_use]


def _area(corners: Complex) -> Numbers:
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    found: Numbers = (np.conj(one) * other).imag
    return found


def _by_chance(here: Complex, there: Complex) -> float:
    """Stars that a wrong guess would have agree, and some for the many guesses."""
    size = max(float(np.ptp(here.real) * np.ptp(here.imag)), 1.0)
    expected = len(there) * len(here) * np.pi * _NEAR**2 / size
    return float(expected + 3 * np.sqrt(expected))


def _similarity(factor: complex, shift: complex, conj: float, shape: tuple[int, int]) -> Alignment:
    x, y = np.array([0, shape[1] - 1, 0]), np.array([0, 0, shape[0] - 1])
    at = factor * (x + 1j * conj * y) + shift
    wanted = np.stack([at.real, at.imag], axis=1)
    terms = np.asarray(np.linalg.solve(_basis(x, y, shape, 3), wanted), np.float64)
    return Alignment(terms, shape, float("nan"), 0)


def _agreeing(guess: Alignment, ours: Stars, theirs: Stars, within: float) -> int:
    return len(_shared(guess, ours, theirs, within)[0])


def _shared(
    guess: Alignment, ours: Stars, theirs: Stars, within: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the same stars of both: each the nearest of the other."""
    if not len(ours) or not len(theirs):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    placed = np.stack(guess.places(theirs.x, theirs.y), axis=1)
    here = np.stack([ours.x, ours.y], axis=1)
    away, which = cKDTree(here).query(placed)
    _, back = cKDTree(placed).query(here)
    rows = np.nonzero((away < within) & (back[which] == np.arange(len(placed))))[0]
    return which[rows], rows


def _refined(guess: Alignment, ours: Stars, theirs: Stars, fewest: int) -> Alignment:
    """By all stars, from what is coarse to what is fine, without those that are elsewhere."""
    within = 4 * _NEAR if guess.n_stars == 0 and len(guess.terms) == 10 else 2 * _NEAR
    found = guess
    for _ in range(6):
        ours_of, theirs_of = _shared(found, ours, theirs, within)
        if len(ours_of) < fewest:
            raise _without_stars(ours, theirs, len(ours_of))
        one, other = _taken(ours, ours_of), _taken(theirs, theirs_of)
        found = _fitted(found, one, other)
        within = float(np.clip(4 * found.residual, 0.5, min(within, _AGREED)))
    return found


def _taken(stars: Stars, rows: NDArray[np.intp]) -> Stars:
    return Stars(stars.x[rows], stars.y[rows], stars.flux[rows], stars.error[rows])


def _fitted(guess: Alignment, ours: Stars, theirs: Stars) -> Alignment:
    """Weighted least squares of what is left of the guess, with as many terms as stars can bear."""
    shape = guess.shape
    plane = _with_terms(guess, ours, theirs, 3)
    if len(ours) >= _CURVED:
        curved = _with_terms(guess, ours, theirs, 10)
        if curved.residual < _WORTH * plane.residual:
            return curved
    return replace(plane, shape=shape)


def _with_terms(guess: Alignment, ours: Stars, theirs: Stars, n_terms: int) -> Alignment:
    wanted = np.stack([ours.x, ours.y], axis=1)
    # a star's place is known to its width ÷ signal to noise, and never better than some hundredths
    sure = np.minimum(ours.flux / ours.error, theirs.flux / theirs.error)
    weight = 1 / np.hypot(3 / np.maximum(sure, 1), 0.03)
    kept = np.ones(len(wanted), np.bool_)
    for _ in range(4):
        terms = _solved(guess, theirs, wanted, weight, kept, n_terms)
        basis = _basis(theirs.x, theirs.y, guess.shape, len(terms))
        off = np.hypot(*(basis @ terms - wanted).T)
        usual = max(1.4826 * float(np.median(off[kept])) / 1.18, 1e-3)
        again = off < _CLIP * np.maximum(usual, 3 / np.maximum(sure, 1))
        if again.sum() < max(_FEWEST_WITH_WCS, n_terms) or (again == kept).all():
            break
        kept = again
    n_free = max(int(kept.sum()) - len(terms), 1)
    residual = float(np.sqrt((off[kept] ** 2).sum() / n_free))
    return Alignment(terms, guess.shape, residual, int(kept.sum()))


def _solved(
    guess: Alignment,
    theirs: Stars,
    wanted: Numbers,
    weight: Numbers,
    kept: NDArray[np.bool_],
    n_terms: int,
) -> Numbers:
    """Terms by the stars that are kept; of few only what they can say beside the guess."""
    x, y = theirs.x[kept], theirs.y[kept]
    w = weight[kept, None]
    if kept.sum() >= _AFFINE:
        basis = _basis(x, y, guess.shape, n_terms)
        solved = np.linalg.lstsq(basis * w, wanted[kept] * w, rcond=None)[0]
        return np.asarray(solved, np.float64)
    # shift, turn and scale on top of the guess
    at = np.stack(guess.places(x, y), axis=1)
    z, target = at[:, 0] + 1j * at[:, 1], wanted[kept, 0] + 1j * wanted[kept, 1]
    middle = np.average(z, weights=w[:, 0])
    basis_z = np.stack([np.ones_like(z), z - middle], axis=1)
    shift, factor = np.linalg.lstsq(basis_z * w, target * w[:, 0], rcond=None)[0]
    terms = np.zeros((len(guess.terms), 2))
    as_complex = (guess.terms[:, 0] + 1j * guess.terms[:, 1]) * factor
    as_complex[0] += shift - factor * middle
    terms[:, 0], terms[:, 1] = as_complex.real, as_complex.imag
    return terms


def _terms(
    x: Numbers, y: Numbers, wanted: Numbers, shape: tuple[int, int], n_terms: int
) -> Numbers:
    """That bring places of the reference to the wanted ones, by least squares: shape (k, 2)."""
    basis = _basis(x, y, shape, n_terms)
    return np.asarray(np.linalg.lstsq(basis, wanted, rcond=None)[0], np.float64)


def _basis(x: Any, y: Any, shape: tuple[int, int], n_terms: int) -> Numbers:
    """1, u, v, u², uv, v², u³, u²v, uv², v³ of places scaled to −1…1: shape (…, n_terms)."""
    u = 2 * np.asarray(x, np.float64) / max(shape[1] - 1, 1) - 1
    v = 2 * np.asarray(y, np.float64) / max(shape[0] - 1, 1) - 1
    terms = [np.ones_like(u), u, v]
    if n_terms > 3:
        terms += [u * u, u * v, v * v, u**3, u * u * v, u * v * v, v**3]
    return np.stack(terms, axis=-1)


def _require_overlap(found: Alignment, shape: tuple[int, int]) -> None:
    height, width = found.shape
    x, y = np.meshgrid(np.linspace(0, width - 1, 40), np.linspace(0, height - 1, 40))
    at_x, at_y = found.places(x, y)
    inside = (at_x > -0.5) & (at_y > -0.5) & (at_x < shape[1] - 0.5) & (at_y < shape[0] - 0.5)
    if not inside.any():
        raise AnalysisError(
            "The exposure and its reference are of other parts of the sky: by their coordinates "
            "they share no pixel."
        )


def _without_stars(ours: Stars, theirs: Stars, shared: int) -> NoCommonStars:
    return NoCommonStars(
        f"The exposure has {len(ours)} bright lone stars and the reference {len(theirs)}, of which "
        f"{shared} agree: too few to say how one lies on the other. Are they of the same part of "
        "the sky, and at most a few times as large?"
    )


# ---- Resampling --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Resampled:
    """In place of a file's section: NaN is bad."""

    exposure: Exposure
    alignment: Alignment

    def __getitem__(self, key: tuple[Any, slice, slice]) -> Pixels:
        rows, columns = key[-2:]
        found = np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan, np.float32)
        for top, left in _blocks(found.shape):
            part = found[top : top + _BLOCK, left : left + 8 * _BLOCK]
            self._fill(part, rows.start + top, columns.start + left)
        return found

    def _fill(self, part: Pixels, top: int, left: int) -> None:
        """One block, by the part of the exposure that it is made of."""
        y, x = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]].astype(np.float64)
        at_x, at_y = self.alignment.places(x, y)
        first_y, height = _range(at_y)
        first_x, width = _range(at_x)
        if not _meets(first_y, height, self.exposure.shape[0]):
            return
        if not _meets(first_x, width, self.exposure.shape[1]):
            return
        pixels, bad = _around(self.exposure, first_y, first_x, height, width)
        values, spoilt = _lanczos(pixels, bad, at_x - first_x, at_y - first_y)
        middle = left + part.shape[1] / 2, top + part.shape[0] / 2
        area = abs(float(np.linalg.det(self.alignment.matrix_at(*middle))))
        part[:] = np.where(spoilt, np.nan, values * np.float32(area))


@dataclass(frozen=True, slots=True, eq=False)
class _Shifted:
    """In place of a file's section: NaN is bad."""

    exposure: Exposure
    x: int
    y: int

    def __getitem__(self, key: tuple[Any, slice, slice]) -> Pixels:
        rows, columns = key[-2:]
        height, width = rows.stop - rows.start, columns.stop - columns.start
        top, left = rows.start + self.y, columns.start + self.x
        found = np.full((height, width), np.nan, np.float32)
        is_there = _meets(top, height, self.exposure.shape[0])
        if is_there and _meets(left, width, self.exposure.shape[1]):
            pixels, bad = _around(self.exposure, top, left, height, width)
            found[~bad] = pixels[~bad]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _ShiftedWcs:
    """In place of a file's coordinates: astropy's own `slice` leaves tables of distortion where
    they were."""

    whole: Any
    x: int
    y: int

    def all_pix2world(self, x: Any, y: Any, origin: int) -> Any:
        return self.whole.all_pix2world(np.asarray(x) + self.x, np.asarray(y) + self.y, origin)

    def all_world2pix(self, ra: Any, dec: Any, origin: int, **how: Any) -> list[Any]:
        x, y = self.whole.all_world2pix(ra, dec, origin, **how)
        return [x - self.x, y - self.y]


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    for top in range(0, shape[0], _BLOCK):
        for left in range(0, shape[1], 8 * _BLOCK):
            yield top, left


def _range(at: Numbers) -> tuple[int, int]:
    """First pixel and number of those that places along one axis are made of."""
    first = int(np.floor(at.min())) - REACH
    return first, int(np.floor(at.max())) + REACH + 2 - first


def _meets(first: int, length: int, of: int) -> bool:
    return first < of and first + length > 0


def _around(
    exposure: Exposure, top: int, left: int, height: int, width: int
) -> tuple[Pixels, Flags]:
    """A part that may reach beyond the border, where all is bad."""
    tile = exposure.read(max(top, 0), max(left, 0), height + min(top, 0), width + min(left, 0))
    before = max(-top, 0), max(-left, 0)
    after = height - before[0] - tile.bad.shape[0], width - before[1] - tile.bad.shape[1]
    edges = (before[0], after[0]), (before[1], after[1])
    return np.pad(tile.pixels, edges), np.pad(tile.bad, edges, constant_values=True)


def _lanczos(pixels: Pixels, bad: Flags, x: Numbers, y: Numbers) -> tuple[Pixels, Flags]:
    """Values at places, and where a bad pixel has a part in them."""
    x0, y0 = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    across, down = _weights((x - x0).astype(np.float32)), _weights((y - y0).astype(np.float32))
    # bad pixels would ring: the usual value is put there
    clean = np.where(bad, np.float32(np.median(pixels[~bad]) if (~bad).any() else 0), pixels)
    flat = clean.ravel()
    first = (y0 - (REACH - 1)) * pixels.shape[1] + x0 - (REACH - 1)
    values = np.zeros(x.shape, np.float32)
    for j in range(2 * REACH):
        row = np.zeros(x.shape, np.float32)
        for i in range(2 * REACH):
            row += across[i] * flat[first + (j * pixels.shape[1] + i)]
        values += down[j] * row
    if not bad.any():
        return values, np.zeros(x.shape, np.bool_)
    # those of the taps that count: the outermost weigh a few hundredths
    wide = ndimage.maximum_filter(bad, size=2 * REACH, origin=(-1, -1))
    return values, wide[y0, x0]


def _weights(f: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Of the six pixels around places that are f beyond the third, looked up."""
    at = (f * _PHASES + 0.5).astype(np.intp)
    return [table[at] for table in _TABLES]


def _lanczos_tables() -> list[NDArray[np.float32]]:
    """sinc(t) sinc(t ÷ 3), with sum 1, at every phase."""
    f = np.arange(_PHASES + 1) / _PHASES
    taps = [np.sinc(f - k) * np.sinc((f - k) / REACH) for k in range(1 - REACH, REACH + 1)]
    total = np.sum(taps, axis=0)
    return [(tap / total).astype(np.float32) for tap in taps]


_PHASES = 8192  # of a pixel: places are right to a sixteen-thousandth
_TABLES = _lanczos_tables()


def _covariance(alignment: Alignment, radius: int) -> Numbers:
    """Mean covariance of resampled white noise of variance 1, at a grid of places."""
    height, width = alignment.shape
    size = 2 * radius + 1
    total = np.zeros((size, size))
    grid = np.random.default_rng(0).uniform((0, 0), (height - 1, width - 1), (64, 2)).round()
    for y0, x0 in grid:
        y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
        at_x, at_y = alignment.places(x + x0, y + y0)
        row = [_spread_of(place) for place in (at_x.ravel(), at_y.ravel())]
        middle = size * size // 2
        shared = [_overlap(weights, firsts, middle) for weights, firsts in row]
        total += (shared[0] * shared[1]).reshape(size, size)
    return total / len(grid)


def _spread_of(at: Numbers) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Weights (n, 6) of places along one axis, and the pixel that the first of them is of."""
    whole = np.floor(at)
    weights = np.stack(_weights((at - whole).astype(np.float32)), axis=1)
    return weights, whole.astype(np.intp) - (REACH - 1)


def _overlap(weights: NDArray, firsts: NDArray[np.intp], middle: int) -> Numbers:
    """What each place shares with the one in the middle."""
    away = firsts - firsts[middle]
    found = np.zeros(len(weights))
    for n, by in enumerate(away):
        if abs(by) < 2 * REACH:
            ours = weights[n, max(-by, 0) : 2 * REACH - max(by, 0)]
            theirs = weights[middle, max(by, 0) : 2 * REACH - max(-by, 0)]
            found[n] = float((ours * theirs).sum())
    return found
