"""An exposure and its reference, made ready to be subtracted: all from the two pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.sky.alignment import (
    Alignment,
    NoCommonStars,
    aligned_by,
    correlation,
    require_different,
    resampled,
    variance_share,
)
from analysis.sky.background import Background, background, cosmic_rays, grown
from analysis.sky.calibration import bleeding
from analysis.sky.exposures import Exposure, Flags, Pixels, Tile
from analysis.sky.psf import (
    FEWEST,
    Stars,
    TooFewStars,
    find,
    flux_ratio,
    matched,
    measure,
    psf_of,
)
from analysis.sky.subtraction import Side

_BRIGHT = 50.0  # signal to noise from which a star says how well two pictures lie on each other
_AROUND_SATURATED = 3  # pixels
_NEAR = 1.5  # pixels off within which a star is measured where it is looked for
_SEEN = 5.0  # signal to noise from which a star is there in the new picture
UNTURNED = 0.25  # pixels that turn, scale and distortion may come to and be left as they are
_BAND = 512  # rows that are looked at at once
_FILTER = 8  # rows more, that the filters for hits reach
_CONTRAST = 5.0  # of cosmic rays: that of van Dokkum for poorly sampled stars


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two pictures on one grid."""

    new: Side
    reference: Side
    offset: tuple[float, float]  # of the new one's stars from the reference's, x and y in pixels
    misplaced: tuple[float, float]  # standard deviation of single stars from that offset
    stars: Stars  # that both have, as measured in the reference
    unsteady: float = 0.0  # how much the ratio of their fluxes varies beside noise, as a share
    alignment: Alignment | None = None  # of the new one on the reference, where it was measured


def pair_of(new: Exposure, reference: Exposure, guess: Alignment | None = None) -> Pair:
    """Both whole in memory, on the reference's grid. Positions and fluxes are the reference's.
    guess: how the new picture lies on the reference, about; else their coordinates say it.

    Where the new picture lies on the reference to within two pixels, or whole pixels away, nothing
    is resampled: what is left of an offset is taken into its stamp. Else it is turned, scaled and
    moved to it. Raises TooFewStars where they share no stars, and AnalysisError where they are the
    same picture, or the coordinates say that they are of other parts of the sky.
    """
    require_different(new, reference)
    ours, theirs = (taken_of(_held(e), e.gain) for e in (new, reference))
    try:
        alignment = aligned_by(ours.stars, theirs.stars, new, reference, guess)
    except NoCommonStars as error:
        if new.shape != reference.shape:
            raise NoCommonStars(
                f"The exposure has {new.shape[1]} × {new.shape[0]} pixels and the reference "
                f"{reference.shape[1]} × {reference.shape[0]}, and nothing says how one lies on "
                f"the other. {error}"
            ) from error
        return _paired(ours, theirs)  # on one grid three stars are enough
    if alignment.spread() > UNTURNED:
        ours = _resampled(ours, new, reference, alignment)
    elif new.shape != reference.shape or alignment.farthest() > _NEAR:
        ours = _shifted(ours, alignment, reference.shape)
    return replace(_paired(ours, theirs), alignment=alignment)


def pair_of_tiles(
    new: Tile, reference: Tile, gain: float | None, reference_gain: float | None
) -> Pair:
    """The same, of pixels that are there. Gains in electrons per ADU; None is estimated."""
    ours = taken_of(Tile(new.pixels.copy(), new.bad), gain)
    return _paired(ours, taken_of(Tile(reference.pixels.copy(), reference.bad), reference_gain))


class Taken(NamedTuple):
    """A picture without its sky, and what is bad in it."""

    pixels: Pixels
    noise: Pixels
    bad: Flags
    gain: float | None
    stars: Stars  # bright lone ones
    correlation: NDArray[np.float64] | None = None  # of the noise, see `Side`


def taken_of(tile: Tile, gain: float | None) -> Taken:
    """Takes the sky away from the tile's pixels where they are, some rows at a time.

    What is saturated and what is around it, bleeding columns and hits are bad then.
    """
    pixels, saturated = tile
    bad = grown(saturated, _AROUND_SATURATED)
    sky = background(pixels, bad)
    gain = gain or gain_of_sky(sky)
    noise = sky.noise_map()
    height = len(pixels)
    _take_away(pixels, sky)
    pixels[bad] = 0
    for top in range(0, height, _BAND):
        first, last = max(top - _FILTER, 0), min(top + _BAND + _FILTER, height)
        inner = slice(top - first, min(top + _BAND, height) - first)
        # stars of little seeing are nearly as sharp as hits: what is kept is only doubted by its
        # score
        found = cosmic_rays(pixels[first:last], noise[first:last], gain, contrast=_CONTRAST)
        bad[top : top + _BAND] |= found[inner]
    bad |= bleeding(pixels, saturated, noise)
    pixels[bad] = 0
    return Taken(pixels, noise, bad, gain, find(pixels, noise, bad))


def _take_away(pixels: Pixels, sky: Background) -> None:
    """Where they are, some rows at a time."""
    height, width = pixels.shape
    for top in range(0, height, _BAND):
        rows = slice(top, min(top + _BAND, height))
        pixels[rows] -= sky.tile(top, 0, rows.stop - top, width)[0]


def _held(exposure: Exposure) -> Tile:
    """All pixels of an exposure, read by bands so that nothing is there twice."""
    pixels = np.empty(exposure.shape, np.float32)
    bad = np.empty(exposure.shape, np.bool_)
    for top, band in exposure.bands():
        pixels[top : top + len(band.pixels)], bad[top : top + len(band.bad)] = band
    return Tile(pixels, bad)


def _resampled(taken: Taken, new: Exposure, reference: Exposure, alignment: Alignment) -> Taken:
    """Hits were found before resampling, which would make stars of them. The pixels of `taken` are
    used up."""
    taken.pixels[taken.bad] = np.nan
    masked = replace(new, saturation=None, _section=taken.pixels)
    pixels, bad = _held(resampled(masked, alignment, reference))
    sky = background(pixels, bad)
    noise = sky.noise_map()
    _take_away(pixels, sky)
    pixels[bad] = 0
    share = abs(float(np.linalg.det(alignment.middle))) * variance_share(alignment)
    gain = taken.gain / share if taken.gain else None
    stars = find(pixels, noise, bad)
    return Taken(pixels, noise, bad, gain, stars, correlation(alignment))


def _shifted(taken: Taken, alignment: Alignment, shape: tuple[int, int]) -> Taken:
    """Moved by whole pixels: nothing is resampled."""
    x, y = (round(by) for by in alignment.offset)
    usual = float(np.median(taken.noise[::8, ::8]))
    stars = taken.stars
    return taken._replace(
        pixels=_moved(taken.pixels, x, y, shape, 0),
        noise=_moved(np.asarray(taken.noise), x, y, shape, usual),
        bad=_moved(taken.bad, x, y, shape, True),
        stars=Stars(stars.x - x, stars.y - y, stars.flux, stars.error),
    )


def _moved(values: NDArray, x: int, y: int, shape: tuple[int, int], beyond: float) -> NDArray:
    """Of this shape, its first pixel what was at (x, y)."""
    found = np.full(shape, beyond, values.dtype)
    top, left = max(-y, 0), max(-x, 0)
    inside = values[max(y, 0) : max(shape[0] + y, 0), max(x, 0) : max(shape[1] + x, 0)]
    found[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return found


def _paired(ours_taken: Taken, theirs_taken: Taken) -> Pair:
    ours, _ = _side(ours_taken)
    theirs, their_stars = _side(theirs_taken)
    again = measure(ours.pixels, ours.noise, ours.bad, ours.psf, their_stars)
    before, after = _seen_in_both(*matched(their_stars, again))
    if len(before) < FEWEST:
        n = len(before)
        raise TooFewStars(
            f"The exposure and its reference share {n} star{'' if n == 1 else 's'}; {FEWEST} are "
            "needed. Are they of the same part of the sky, and on the same grid?"
        )
    ratio = flux_ratio(after, before)
    sure = np.minimum(after.flux / after.error, before.flux / before.error) > _BRIGHT
    if sure.sum() < FEWEST:
        sure = np.ones(len(before), np.bool_)
    x, y = (after.x - before.x)[sure], (after.y - before.y)[sure]
    offset = float(np.median(x)), float(np.median(y))
    misplaced = _deviation(x), _deviation(y)
    moved = replace(ours, psf=ours.psf.moved(*offset), zero_point=ratio)
    ratios = (after.flux / before.flux)[sure] / ratio
    noise = np.hypot(_flux_error(after, ours), _flux_error(before, theirs))[sure]
    low, high = np.percentile(ratios, (15.87, 84.13))
    unsteady = math.sqrt(max(float(high - low) ** 2 / 4 - float(np.median(noise)) ** 2, 0.0))
    return Pair(moved, theirs, offset, misplaced, before, unsteady)


def _seen_in_both(before: Stars, after: Stars) -> tuple[Stars, Stars]:
    """Where there is no star a measurement finds a hill of the noise within reach."""
    seen = after.flux > _SEEN * after.error
    return _rows(before, seen), _rows(after, seen)


def _rows(stars: Stars, rows: Flags) -> Stars:
    return Stars(stars.x[rows], stars.y[rows], stars.flux[rows], stars.error[rows])


def _flux_error(stars: Stars, side: Side) -> NDArray[np.float64]:
    """As a share of the flux, with the noise of its own light."""
    light = stars.flux / side.gain if side.gain else 0.0
    found: NDArray[np.float64] = np.sqrt(stars.error**2 + light) / stars.flux
    return found


def gain_of_sky(sky: Background) -> float | None:
    """Electrons per ADU if all noise of the sky is that of its light; None where it was subtracted.

    Too low where the camera adds noise of its own, too high where its bias was left in.
    """
    gain = float(np.median(sky.levels) / np.median(sky.noises) ** 2)
    return gain if 0.02 < gain < 200 else None


def _side(taken: Taken) -> tuple[Side, Stars]:
    psf, stars = psf_of(taken.pixels, taken.noise, taken.bad, taken.stars)
    side = Side(taken.pixels, taken.noise, taken.bad, psf, 1.0, taken.gain, taken.correlation)
    return side, stars


def _deviation(values: np.ndarray) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
