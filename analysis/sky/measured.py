"""Tracklets as the places that are sent on: names, magnitudes and errors of each detection."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.sky.designations import Designation, designation, known_as, temporary
from analysis.sky.exports import Observation
from analysis.sky.known import Named
from analysis.sky.linking import Tracklet
from analysis.sky.photometry import INSTRUMENTAL, ZeroPoint, magnitudes, position_errors
from analysis.sky.sources import Sources


def observations_of(
    tracklets: Sequence[Tracklet],
    sources: Sources,
    *,
    fwhm_arcsec: float,
    solution_arcsec: float = 0.0,
    zero: ZeroPoint = INSTRUMENTAL,
    known: Sequence[Named | None] | None = None,
    names: Sequence[str] | None = None,
) -> list[Observation]:
    """The detections of each tracklet, in its order.

    fwhm_arcsec: of stars. solution_arcsec: what the astrometric solution is off by, in one
    coordinate. zero: magnitudes are given only where a catalogue stands behind it. known: as
    `named` gave them, one for each tracklet. names: one for each tracklet, as people write them;
    else the known one, else our own for the night. Raises AnalysisError for a name that is none.
    """
    found = []
    mag, mag_error = magnitudes(sources.flux, sources.flux_error, zero)
    if zero.instrumental:
        mag, mag_error = np.full_like(mag, np.nan), np.full_like(mag, np.nan)
    error = position_errors(fwhm_arcsec, sources.score, solution_arcsec)
    for number, tracklet in enumerate(tracklets):
        called = known[number] if known is not None else None
        given = names[number] if names is not None else ""
        name = designation(given) if given else _name(called, sources, tracklet, number)
        for row in tracklet.rows:
            found.append(
                Observation(
                    name,
                    float(sources.mjd[row]),
                    float(sources.ra[row]),
                    float(sources.dec[row]),
                    ra_error=float(error[row]),
                    dec_error=float(error[row]),
                    mag=float(mag[row]),
                    mag_error=float(mag_error[row]),
                    band=zero.band,
                    score=float(sources.score[row]),
                    seconds=float(sources.seconds[row]),
                    x=float(sources.x[row]),
                    y=float(sources.y[row]),
                    exposure=int(sources.exposure[row]),
                    tracklet=number,
                    known_as=called.name if called else "",
                    rate=tracklet.rate if tracklet.unit == "arcsec" else math.nan,
                    position_angle=tracklet.position_angle,
                    chance=tracklet.chance,
                    trailed=bool(sources.length[row] > 0),
                )
            )
    return found


def _name(called: Named | None, sources: Sources, tracklet: Tracklet, number: int) -> Designation:
    found = known_as(called.name) if called is not None else None
    if found is not None:
        return found
    return Designation(temporary=temporary(float(sources.mjd[tracklet.rows[0]]), number))
