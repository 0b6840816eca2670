"""Made-up moving objects in copies of the exposures, to measure what share of real ones is found.

They are the same in every exposure of a night: laid out once when it is planned, put into each
exposure when that is searched, and looked for among what is linked when it is finished. Nothing of
it is ever a candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log10, pi, sqrt
from typing import Any

import numpy as np

from analysis.sky.injection import Completeness, Movers, Share, completeness, injected, movers
from analysis.sky.injection import recovered as recovered_of
from analysis.sky.linking import Tracklet
from analysis.sky.pairs import Pair
from analysis.sky.photometry import magnitudes
from analysis.sky.sources import Sources
from webapp.nights.night import Night
from webapp.sky.exposures import SkyExposure
from workers.nights.storing import known_number

FAINTEST, BRIGHTEST = 2.5, 40.0  # signal to noise in one exposure, about
_FWHM = 2.3548  # of a Gaussian, in its standard deviations
_WIDTH_PX = 3.0  # of stars, where it was not measured
_CROSSES = 0.4  # of the picture that the fastest cross in the night
_BINS = 6
_SPEEDS = 3


def laid_out(night: Night, shape: tuple[int, int], scale_arcsec: float | None) -> dict[str, Any]:
    """What is put into the exposures of a night, as it is kept; empty for nothing.

    shape: of the reference. scale_arcsec: a pixel of it; rates are taken as pixels without.
    Magnitudes are instrumental, in the reference's flux: from what stands out clearly to what does
    not in the exposure that knows its noise.
    """
    count = night.options.get("injected", 0)
    skies = list(
        SkyExposure.objects.filter(asset__night_exposures__night=night)
        .exclude(sky_noise=None)
        .exclude(middle_mjd=None)
        .order_by("middle_mjd")
    )
    if not count or len(skies) < night.options["least"]:
        return {}
    sky = skies[len(skies) // 2]
    error = _point_error(sky) / _flux_ratio(night, sky)
    times = [one.middle_mjd for one in skies if one.middle_mjd is not None]
    hours = max((times[-1] - times[0]) * 24, 0.05)
    unit = scale_arcsec or 1.0
    fastest = min(night.options["fastest"] / unit, _CROSSES * min(shape) / hours)
    slowest = max(
        2 * night.options["slowest"] / unit, 2 * night.options["tolerance"] / unit / hours
    )
    return {
        "count": count,
        "shape": list(shape),
        "magnitudes": [-2.5 * log10(BRIGHTEST * error), -2.5 * log10(FAINTEST * error)],
        "speeds": [min(slowest, 0.5 * fastest), fastest],
        "mjd": times[len(times) // 2],
        "seed": night.pk,
    }


def _point_error(sky: SkyExposure) -> float:
    """Of a point's flux in empty sky, in ADU of the exposure."""
    deviation = (sky.fwhm or _WIDTH_PX) / _FWHM
    return (sky.sky_noise or 1.0) * sqrt(4 * pi) * deviation


def _flux_ratio(night: Night, sky: SkyExposure) -> float:
    """About how much brighter a star is in the exposure than in the reference: by their times."""
    of = SkyExposure.objects.filter(asset=night.reference).first() if night.reference else None
    if of is None or not of.seconds or not sky.seconds:
        return 1.0
    return sky.seconds / of.seconds


def movers_of(plan: dict[str, Any]) -> Movers:
    return movers(
        plan["count"],
        (plan["shape"][0], plan["shape"][1]),
        magnitudes=(plan["magnitudes"][0], plan["magnitudes"][1]),
        speeds=(plan["speeds"][0], plan["speeds"][1]),
        mjd=plan["mjd"],
        seed=plan["seed"],
    )


def put_in(
    pair: Pair,
    plan: dict[str, Any],
    *,
    mjd: float,
    seconds: float,
    seed: int,
    origin: tuple[int, int] = (0, 0),
) -> Pair:
    """The pair with the made-up objects in its new picture. origin: of a part of the exposure, in
    pixels of the whole, x and y."""
    which = movers_of(plan)
    pixels = injected(
        pair.new.pixels,
        pair.new.psf,
        replace(which, x=which.x - origin[0], y=which.y - origin[1]),
        mjd=mjd,
        seconds=seconds,
        zero=2.5 * log10(pair.new.zero_point),  # magnitudes are of the reference's flux
        gain=pair.new.gain,
        seed=seed,
    )
    return replace(pair, new=replace(pair.new, pixels=pixels))


def measured(
    plan: dict[str, Any],
    tracklets: Sequence[Tracklet],
    sources: Sources,
    real: Sequence[Tracklet],
    real_sources: Sources,
    *,
    exposures: int,
    unit: float,
    zero: float,
) -> dict[str, Any]:
    """Completeness and purity, as they are kept. real: what the night found without them, which is
    neither found nor false. unit: of rates, a pixel; zero: of magnitudes."""
    which = movers_of(plan)
    found, owner = recovered_of(which, tracklets, sources)
    theirs = {_places(one, real_sources) for one in real}
    rows = [n for n, one in enumerate(tracklets) if not one.stationary]
    rows = [n for n in rows if owner[n] >= 0 or _places(tracklets[n], sources) not in theirs]
    flux = np.array([np.mean(sources.flux[tracklets[n].rows]) for n in rows])
    mag, _ = magnitudes(flux, np.zeros(len(flux)))
    rates = [tracklets[n].rate / (1.0 if tracklets[n].unit == "px" else unit) for n in rows]
    made = completeness(
        which.magnitude,
        which.speed,
        found,
        magnitude_edges=_edges(plan["magnitudes"], _BINS),
        speed_edges=_edges(plan["speeds"], _SPEEDS),
        listed_magnitude=mag,
        listed_speed=np.array(rates, np.float64),
        listed_true=np.array([owner[n] >= 0 for n in rows], np.bool_),
        exposures=exposures,
    )
    return _kept(made, unit, zero)


def _edges(ends: Sequence[float], n: int) -> list[float]:
    step = (ends[1] - ends[0]) / n
    return [ends[0] + k * step for k in range(n)] + [ends[1]]


def _places(tracklet: Tracklet, sources: Sources) -> tuple[tuple[int, int, int], ...]:
    """Where it was, to the pixel: the same detections in two searches of the same exposures."""
    rows = tracklet.rows
    at = zip(sources.exposure[rows], sources.x[rows], sources.y[rows], strict=True)
    return tuple((int(number), round(x), round(y)) for number, x, y in at)


def _kept(made: Completeness, unit: float, zero: float) -> dict[str, Any]:
    return {
        "by_magnitude": [_share(one, 1.0, zero) for one in made.by_magnitude],
        "by_speed": [_share(one, unit, 0.0) for one in made.by_speed],
        "purity": [_share(one, 1.0, zero) for one in made.purity_by_magnitude],
        "purity_by_speed": [_share(one, unit, 0.0) for one in made.purity_by_speed],
        "number": made.whole.number,
        "found": made.whole.found,
        "half_magnitude": known_number(made.half_magnitude + zero),
        "false": made.false,
        "false_per_exposure": made.false_per_exposure,
        "false_high": made.false_high,
    }


def _share(one: Share, unit: float, offset: float) -> dict[str, Any]:
    ends = {"low": one.low * unit + offset, "high": one.high * unit + offset}
    return {
        name: value if isinstance(value, int) else known_number(value)
        for name, value in (one._asdict() | ends).items()
    }
