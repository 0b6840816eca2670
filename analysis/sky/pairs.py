"""An exposure and its reference, made ready to be subtracted: all from the two pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.errors import AnalysisError
from analysis.sky.background import Background, background, cosmic_rays, grown
from analysis.sky.exposures import Exposure, Tile
from analysis.sky.psf import (
    FEWEST,
    Stars,
    TooFewStars,
    flux_ratio,
    matched,
    measure,
    psf_of,
)
from analysis.sky.subtraction import Side

_BRIGHT = 50.0  # signal to noise from which a star says how well two pictures lie on each other
_AROUND_SATURATED = 3  # pixels
_CONTRAST = 5.0  # of cosmic rays: that of van Dokkum for poorly sampled stars


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two pictures on one grid."""

    new: Side
    reference: Side
    offset: tuple[float, float]  # of the new one's stars from the reference's, x and y in pixels
    misplaced: tuple[float, float]  # standard deviation of single stars from that offset
    stars: Stars  # that both have, as measured in the reference


def pair_of(new: Exposure, reference: Exposure) -> Pair:
    """Both whole in memory. Positions and fluxes are the reference's.

    The new picture has to lie on the reference to within two pixels; what is left of an offset is
    taken into its stamp, so that nothing is resampled. Raises AnalysisError where the pictures are
    of other shapes, and TooFewStars where they share no stars.
    """
    if new.shape != reference.shape:
        raise AnalysisError(
            f"The exposure has {new.shape[1]} × {new.shape[0]} pixels and the reference "
            f"{reference.shape[1]} × {reference.shape[0]}: bring one to the grid of the other "
            "first."
        )
    return pair_of_tiles(new.whole(), reference.whole(), new.gain, reference.gain)


def pair_of_tiles(
    new: Tile, reference: Tile, gain: float | None, reference_gain: float | None
) -> Pair:
    """The same, of pixels that are there. Gains in electrons per ADU; None is estimated."""
    ours, _ = _side(new, gain)
    theirs, their_stars = _side(reference, reference_gain)
    again = measure(ours.pixels, ours.noise, ours.bad, ours.psf, their_stars)
    before, after = matched(their_stars, again)
    if len(before) < FEWEST:
        raise TooFewStars(
            f"The exposure and its reference share {len(before)} stars; {FEWEST} are needed. Are "
            "they of the same part of the sky, and on the same grid?"
        )
    ratio = flux_ratio(after, before)
    sure = np.minimum(after.flux / after.error, before.flux / before.error) > _BRIGHT
    if sure.sum() < FEWEST:
        sure = np.ones(len(before), np.bool_)
    x, y = (after.x - before.x)[sure], (after.y - before.y)[sure]
    offset = float(np.median(x)), float(np.median(y))
    misplaced = _deviation(x), _deviation(y)
    moved = Side(ours.pixels, ours.noise, ours.bad, ours.psf.moved(*offset), ratio, ours.gain)
    return Pair(moved, theirs, offset, misplaced, before)


def gain_of_sky(sky: Background) -> float | None:
    """Electrons per ADU if all noise of the sky is that of its light; None where it was subtracted.

    Too low where the camera adds noise of its own, too high where its bias was left in.
    """
    gain = float(np.median(sky.levels) / np.median(sky.noises) ** 2)
    return gain if 0.02 < gain < 200 else None


def _side(tile: Tile, gain: float | None) -> tuple[Side, Stars]:
    bad = grown(tile.bad, _AROUND_SATURATED)
    sky = background(tile.pixels, bad)
    level, noise = sky.whole()
    pixels = np.where(bad, 0, tile.pixels - level).astype(np.float32)
    gain = gain or gain_of_sky(sky)
    # stars of little seeing are nearly as sharp as hits: what is kept is only doubted by its score
    bad = bad | cosmic_rays(pixels, noise, gain, contrast=_CONTRAST)
    psf, stars = psf_of(pixels, noise, bad)
    return Side(np.where(bad, 0, pixels), noise, bad, psf, 1.0, gain), stars


def _deviation(values: np.ndarray) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
