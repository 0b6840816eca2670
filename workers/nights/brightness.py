"""How bright what was found is: a zero point by the catalogue that was given, else none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from analysis.errors import AnalysisError
from analysis.sky.pairs import Pair
from analysis.sky.photometry import (
    INSTRUMENTAL,
    Catalogue,
    ZeroPoint,
    read_catalogue,
    zero_point,
)
from analysis.sky.sources import sky_of
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night
from workers.engine.originals import local_path


@lru_cache(maxsize=1)
def catalogue_of(name: str, band: str) -> Catalogue:
    """Stars of a stored table, by the column of the band where it has one. Each exposure of a night
    asks for the same, and a large one takes seconds to read. Raises AnalysisError."""
    path = local_path(name)
    if band:
        try:
            return read_catalogue(path, band)
        except AnalysisError:
            pass  # it has one magnitude for all bands
    return read_catalogue(path)


def catalogue_said(night: Night, exposures: Sequence[NightExposure]) -> list[str]:
    """Why the catalogue that was given gave no magnitudes; nothing where it did."""
    if not night.catalogue or any(one.photometry for one in exposures):
        return []
    try:
        catalogue_of(night.catalogue, "")
    except AnalysisError as error:
        return [f"{error.message} Magnitudes are instrumental."]
    return []  # each exposure says why


def zero_of(
    pair: Pair, wcs: Any | None, catalogue: Catalogue, band: str
) -> tuple[dict[str, Any], str]:
    """The zero point of the reference by the stars of a pair, as it is kept, and a sentence where
    there is none."""
    if wcs is None:
        return {}, "Without coordinates its stars cannot be found in the catalogue."
    ra, dec = sky_of(pair.stars.x, pair.stars.y, wcs)
    try:
        found = zero_point(ra, dec, pair.stars.flux, pair.stars.error, catalogue, band=band)
    except AnalysisError as error:
        return {}, error.message
    return asdict(found), ""


def zero_of_night(exposures: Sequence[NightExposure]) -> ZeroPoint:
    """All are of one reference: that of the exposure which shared most stars with the catalogue."""
    known = [ZeroPoint(**one.photometry) for one in exposures if one.photometry]
    return max(known, key=lambda zero: zero.stars, default=INSTRUMENTAL)
