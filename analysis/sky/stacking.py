"""A reference from several exposures: deeper than each, and without what was in one alone.

Each is aligned to the first of them, brought to its flux, and averaged with the inverse of its
variance as weight, without values that the middle of all says are none of the sky: hits, trails of
satellites, asteroids. Some rows of all exposures are held at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from analysis.errors import AnalysisError
from analysis.sky.alignment import Alignment, aligned_by, require_different, resampled, stars_of
from analysis.sky.background import Background, background_of
from analysis.sky.exposures import Exposure, Flags, Pixels
from analysis.sky.psf import FEWEST, Stars, TooFewStars, flux_ratio
from analysis.sky.saving import Band, write

CLIP = 4.0  # standard deviations of noise from the middle of all exposures
_STEEP = 0.3  # share of its brightness that a star varies by, because the seeing does
_AT_ONCE = 12_000_000  # pixels of all exposures together that are held
_APERTURE = 7  # pixels around a star, in which its flux is measured
_COMPARED = 60  # stars that say how bright an exposure is
_KEPT = ("OBJECT", "FILTER")  # of the headers, where all say the same
_STILL = 0.02  # pixels of turn and offset below which nothing is resampled


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One exposure, on the grid of the reference."""

    exposure: Exposure
    sky: Background
    ratio: float  # how bright a star of one unit of the reference is here
    alignment: Alignment | None  # None of the first, which is the grid


def stack(
    exposures: Sequence[Exposure],
    path: Path,
    *,
    clip: float = CLIP,
    step: Callable[[float], None] | None = None,
) -> None:
    """Writes the clipped mean of exposures as FITS, on the grid and in the flux of the first.

    The picture has no sky; NaN is where no exposure has a usable pixel; extension NOISE is the
    deviation that sky and camera leave; GAIN is that of the mean. step: told the share that is
    done, and may raise to stop. Raises AnalysisError where there is none, two are the same
    picture, or one is of another part of the sky, and TooFewStars.
    """
    if not exposures:
        raise AnalysisError("There is no exposure to make a reference of.")
    for n, one in enumerate(exposures):
        for other in exposures[:n]:
            require_different(one, other)
    layers = []
    for n, layer in enumerate(layers_of(exposures)):
        layers.append(layer)
        if step is not None:
            step((n + 1) / len(exposures) / 2)
    shape = exposures[0].shape

    def bands() -> Iterator[Band]:
        for band in _bands(layers, shape, clip):
            if step is not None:
                step(0.5 + (band.top + len(band.pixels)) / shape[0] / 2)
            yield band

    write(
        path,
        shape,
        bands(),
        exposures[0],
        GAIN=_gain(layers),
        EXPTIME=_sum([e.seconds for e in exposures]),
        **{"MJD-AVG": _mean([e.middle_mjd for e in exposures])},
        NCOMBINE=len(exposures),
        IMAGETYP="reference",
        **{name: _common(exposures, name) for name in _KEPT},
    )


def layers_of(exposures: Sequence[Exposure]) -> Iterator[Layer]:
    """Each exposure as it lies on the first, one after the other."""
    reference = exposures[0]
    sky = background_of(reference)
    theirs = stars_of(reference, sky)
    yield Layer(reference, sky, 1.0, None)
    their_flux = _fluxes(reference, theirs)
    for exposure in exposures[1:]:
        alignment = aligned_by(stars_of(exposure), theirs, exposure, reference)
        moved = exposure
        if exposure.shape != reference.shape or alignment.farthest() > _STILL:
            moved = resampled(exposure, alignment, reference)
        ratio = _ratio(_fluxes(moved, theirs), their_flux)
        yield Layer(moved, background_of(moved), ratio, alignment)


def _bands(layers: list[Layer], shape: tuple[int, int], clip: float) -> Iterator[Band]:
    rows = max(_AT_ONCE // (shape[1] * len(layers)), 4)
    for top in range(0, shape[0], rows):
        first = max(top - 1, 0)  # one row more, to grow what is left out
        last = min(top + rows + 1, shape[0])
        inner = slice(top - first, min(top + rows, shape[0]) - first)
        values, noises = [], []
        for layer in layers:
            pixels, bad = layer.exposure.read(first, 0, last - first, shape[1])
            level, noise = layer.sky.tile(first, 0, *pixels.shape)
            scale = np.float32(1 / layer.ratio)
            values.append(np.where(bad, np.float32(np.nan), (pixels - level) * scale))
            noises.append(noise * scale)
        mean, deviation, bad = weighted_mean(np.stack(values), np.stack(noises), clip)
        yield Band(top, mean[inner], deviation[inner], bad[inner])


def weighted_mean(values: Pixels, noise: Pixels, clip: float) -> tuple[Pixels, Pixels, Flags]:
    """Of a stack (n, height, width) with NaN for bad, and the deviation of each value.

    Left out is what is farther than `clip` deviations from the median, and than three tenths of
    it: stars breathe with the seeing. Neighbours of such are left out from half of that on. Two
    exposures do not say which is right: both count. Returns the mean, its deviation, and where
    there is none.
    """
    known = np.isfinite(values)
    if len(values) > 2:
        with np.errstate(invalid="ignore"):
            middle = _middle(values)
            off = np.abs(values - middle) / (noise * clip + _STEEP * np.abs(middle))
            out = off > 1
            beside = ndimage.binary_dilation(out, np.ones((1, 3, 3)))
            known &= ~(out | (beside & (off > 0.5)))
    weight = np.where(known, 1 / noise**2, 0)
    total = weight.sum(axis=0)
    bad = total == 0
    safe = np.where(bad, 1, total)
    mean = (np.where(known, values, 0) * weight).sum(axis=0) / safe
    deviation = np.where(bad, 0, 1 / np.sqrt(safe))
    return mean.astype(np.float32), deviation.astype(np.float32), bad


def _middle(values: Pixels) -> Pixels:
    """The median without those that are NaN, which sorting puts last; of two in the middle the
    fainter, since what is wrong is nearly always light."""
    ordered = np.sort(values, axis=0)
    count = np.isfinite(values).sum(axis=0)
    return np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 2)[None], 0)[0]


def _fluxes(exposure: Exposure, stars: Stars) -> Stars:
    """Of the same stars in an aperture, without what is around it; NaN where it is spoilt."""
    n = min(len(stars), _COMPARED)
    wide = _APERTURE + 5
    rows, columns = np.mgrid[-wide : wide + 1, -wide : wide + 1]
    away = np.hypot(rows, columns)
    inside, ring = away <= _APERTURE, away > _APERTURE + 1
    flux = np.full(n, np.nan)
    error = np.full(n, np.nan)
    for k in range(n):
        top, left = round(stars.y[k]) - wide, round(stars.x[k]) - wide
        height, width = exposure.shape
        if top < 0 or left < 0 or top + 2 * wide >= height or left + 2 * wide >= width:
            continue
        pixels, bad = exposure.read(top, left, 2 * wide + 1, 2 * wide + 1)
        if bad[inside].any() or bad[ring].mean() > 0.5:
            continue
        around = pixels[ring & ~bad].astype(np.float64)
        level = float(np.median(around))
        flux[k] = float(pixels[inside].sum(dtype=np.float64)) - level * inside.sum()
        spread = 1.4826 * float(np.median(np.abs(around - level)))
        error[k] = spread * np.sqrt(inside.sum())
    return Stars(stars.x[:n], stars.y[:n], flux, error)


def _ratio(ours: Stars, theirs: Stars) -> float:
    sure = (ours.flux > 10 * ours.error) & (theirs.flux > 10 * theirs.error)
    if sure.sum() < FEWEST:
        raise TooFewStars(
            f"{int(sure.sum())} stars can be measured in both an exposure and the first: too few "
            "to know how much brighter one is."
        )
    pick = [Stars(s.x[sure], s.y[sure], s.flux[sure], s.error[sure]) for s in (ours, theirs)]
    return flux_ratio(*pick)


def _gain(layers: list[Layer]) -> float | None:
    """Electrons per ADU of the mean, by the noise that light leaves in it."""
    gains = [layer.exposure.gain for layer in layers]
    if any(gain is None for gain in gains):
        return None
    weight = np.array([(layer.ratio / layer.sky.noise) ** 2 for layer in layers])
    weight /= weight.sum()
    light = [1 / (gain * layer.ratio) for gain, layer in zip(gains, layers, strict=True) if gain]
    return float(1 / (weight**2 * np.array(light)).sum())


def _common(exposures: Sequence[Exposure], keyword: str) -> str | None:
    said = {
        next((card.value for card in one.cards if card.keyword == keyword), "") for one in exposures
    }
    return said.pop() or None if len(said) == 1 else None


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(sum(known)) if len(known) == len(values) else None


def _mean(values: list[float | None]) -> float | None:
    total = _sum(values)
    return None if total is None else total / len(values)
