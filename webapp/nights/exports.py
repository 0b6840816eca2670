"""Candidates as files for others: the forms of the Minor Planet Center, a table, and regions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import nan
from typing import Any

from django.db.models import QuerySet
from django.utils.text import slugify

from analysis.errors import AnalysisError
from analysis.sky.designations import Designation, known_as
from analysis.sky.exports import (
    Observation,
    Site,
    Trail,
    ades_psv,
    ds9_regions,
    mpc80,
    observations_csv,
)
from webapp.accounts.models import Refused
from webapp.nights.candidates import Candidate, CandidatePoint, Verdict
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night

WHICH = {"accepted": "Accepted", "all": "All"}
_NO_CODE = "XXX"
_REQUIRED = {"telescope": "telescope", "aperture_m": "aperture"}  # a report has to name them


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file. `written` makes its text of observations."""

    title: str
    suffix: str
    help: str
    written: Callable[[list[Observation], Night], str]
    media: str = "text/plain; charset=utf-8"


def _site(night: Night) -> Site:
    said = night.site
    observers = tuple(one.strip() for one in said.get("observers", "").split(",") if one.strip())
    by = observers or ((night.created_by.name or "unknown",) if night.created_by else ("unknown",))
    about: dict[str, Any] = {
        name: said[name] for name in ("telescope", "aperture_m") if name in said
    }
    unsaid = [word for name, word in _REQUIRED.items() if name not in said]
    if unsaid:
        fillers = f"{' and '.join(unsaid).capitalize()} not given: what stands here is a filler."
        about["comments"] = (fillers,)
    return Site(
        night.observatory or _NO_CODE,
        submitter=by[0],
        observers=by,
        measurers=by,
        catalogue=said.get("catalogue", "UNK"),
        **about,
    )


def _regions(rows: list[Observation], night: Night) -> str:
    if night.has_coordinates:
        return ds9_regions(rows, system="icrs", radius=5.0)
    return ds9_regions(rows, system="image", radius=8.0)


FORMATS: dict[str, Format] = {
    "mpc": Format(
        "MPC, 80 columns", "txt", "Needs coordinates and times.",
        lambda rows, night: mpc80(rows, _site(night)),
    ),
    "ades": Format(
        "ADES", "psv", "What the Minor Planet Center prefers. Needs coordinates and times.",
        lambda rows, night: ades_psv(rows, _site(night)),
    ),
    "csv": Format(
        "CSV", "csv", "Everything that was measured.",
        lambda rows, _: observations_csv(rows), "text/csv; charset=utf-8",
    ),
    "ds9": Format("DS9 regions", "reg", "Circles with names; trails as lines.", _regions),
}  # fmt: skip


def exported(night: Night, kind: str, which: str = "accepted") -> tuple[str, str]:
    """A file's name and its text. Raises Refused in words: no such form, nothing to write, or what
    the form needs is missing."""
    form = FORMATS.get(kind)
    if form is None or which not in WHICH:
        raise Refused("There is no such file of a night.")
    candidates = night.candidates.all()
    if which == "accepted":
        candidates = candidates.filter(verdict=Verdict.REAL)
    rows = observations(candidates, night)
    if not rows:
        raise Refused(
            "No candidate is accepted yet." if which == "accepted" else "There is no candidate."
        )
    try:
        text = form.written(rows, night)
    except AnalysisError as error:
        raise Refused(error.message) from error
    name = slugify(night.name) or f"night-{night.pk}"
    return f"{name}-{which}-{kind}.{form.suffix}", text


def mpc_lines(candidate: Candidate) -> str:
    """Its records of 80 columns, to be copied; "" where something that they need is missing."""
    night = candidate.night
    rows = observations(Candidate.objects.filter(pk=candidate.pk), night)
    try:
        return mpc80(rows, _site(night), head=False).rstrip("\n") if rows else ""
    except AnalysisError:
        return ""


def observations(candidates: QuerySet[Candidate], night: Night) -> list[Observation]:
    """Every point of these candidates, in their order. Thousands of points are of some hundred
    exposures, each of which is read once."""
    exposures = {one.pk: one for one in night.exposures.defer("found", "found_put_in")}
    each = {one.pk: one for one in candidates}
    points = CandidatePoint.objects.filter(candidate__in=candidates)
    return [
        _observation(point, each[point.candidate_id], exposures[point.exposure_id], night)
        for point in points.order_by("candidate__number", "mjd")
    ]


def _observation(
    point: CandidatePoint, one: Candidate, exposure: NightExposure, night: Night
) -> Observation:
    on_sky = night.has_coordinates
    has_zero = bool(night.figures.get("zero"))
    return Observation(
        name_of(one),
        _number(point.mjd),
        _number(point.ra),
        _number(point.dec),
        ra_error=_number(point.position_error) if on_sky else nan,
        dec_error=_number(point.position_error) if on_sky else nan,
        mag=_number(point.magnitude) if has_zero else nan,  # instrumental ones mean nothing there
        mag_error=_number(point.magnitude_error) if has_zero else nan,
        band=exposure.photometry.get("band", "") if has_zero else "",
        score=point.score,
        seconds=_number(exposure.seconds),
        x=point.x,
        y=point.y,
        exposure=exposure.number,
        tracklet=one.number,
        known_as=one.known_as,
        rate=_number(one.rate) if on_sky else nan,
        position_angle=_number(one.angle) if on_sky else nan,
        chance=_number(one.chance),
        trailed=bool(point.trail),
        trail=_trail_of(point),
    )


def _trail_of(point: CandidatePoint) -> Trail | None:
    if not point.trail:
        return None
    return Trail(**{one.name: point.trail.get(one.name, nan) for one in fields(Trail)})


def name_of(candidate: Candidate) -> Designation:
    """The name of a known object where a report can hold it, else our own."""
    return known_as(candidate.known_as) or Designation(temporary=candidate.designation)


def _number(value: float | None) -> float:
    return nan if value is None else value
