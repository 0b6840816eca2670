"""What the pages of a night say of it, and of one candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import cos, isfinite, radians
from typing import Any

from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils.text import slugify

from webapp.assets.links import media_link
from webapp.leases import Status
from webapp.nights.candidates import HEAVY, IN_TURN, Candidate, CandidatePoint, Verdict
from webapp.nights.exposures import STEPS
from webapp.nights.night import Night
from webapp.nights.options import METHODS, NUMBERS
from webapp.nights.plots import NARROW, Mark, Path, Plot, plotted, written
from webapp.sky.exposures import SkyExposure
from webapp.sky.showing import degrees, hours

CUTOUT_PX = 63  # the side of a cut-out, in pixels of the reference
_STAYS_PX = 24  # from the middle, within which it is still well inside of what is shown
_CORNER_TO_CORNER = 1.4  # widths of a square
MOST_MARKED = 600  # points in a viewer: those of the highest score
MOST_DRAWN = 400  # candidates of a plot: those of the highest score
_MJD_0 = datetime(1858, 11, 17, tzinfo=UTC)

SORTS = {
    "turn": ("What to look at first", IN_TURN),
    "real": ("Most likely real", (F("real").desc(nulls_last=True), "-score")),
    "score": ("Score", ("-score", "number")),
    "rate": ("Fastest", (F("rate").desc(nulls_last=True), "number")),
    "magnitude": ("Brightest", (F("magnitude").asc(nulls_last=True), "-score")),
    "number": ("Number", ("number",)),
}
KINDS = {"moving": "Moves", "still": "Stands still", "single": "Seen once", "trail": "Trail"}
VERDICTS = {"waiting": "Not decided"} | {
    str(value): str(label) for value, label in Verdict.choices if value
}
KNOWN = {"yes": "Known", "no": "Not known"}
_BETWEEN = {"rate": "Rate", "magnitude": "Magnitude", "score": "Score", "real": "Real"}


def at(mjd: float | None) -> datetime | None:
    """A modified Julian date in UTC; None where no calendar knows it."""
    try:
        return None if mjd is None else _MJD_0 + timedelta(days=mjd)
    except OverflowError:
        return None


# --- the list of candidates -----------------------------------------------------------------------


def asked(sent: Mapping[str, str]) -> dict[str, str]:
    """Of an address what filters and sorts candidates; what makes no sense is left out."""
    found = {
        name: sent[name]
        for name, choices in (
            ("sort", SORTS), ("kind", KINDS), ("verdict", VERDICTS), ("known", KNOWN)
        )
        if sent.get(name) in choices
    }  # fmt: skip
    for name in _BETWEEN:
        for end in ("from", "to"):
            key = f"{name}_{end}"
            if _is_number(sent.get(key, "")):
                found[key] = sent[key]
    return found


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text)) and len(text) < 20
    except ValueError:
        return False


def matching(rows: QuerySet[Candidate], chosen: Mapping[str, str]) -> QuerySet[Candidate]:
    """Those candidates that the filters ask for, in the order that is asked for."""
    kinds = {
        "moving": Q(is_single=False, is_still=False),
        "still": Q(is_still=True),
        "single": Q(is_single=True, is_trail=False),
        "trail": Q(is_trail=True),
    }
    if kind := chosen.get("kind"):
        rows = rows.filter(kinds[kind])
    if verdict := chosen.get("verdict"):
        rows = rows.filter(verdict="" if verdict == "waiting" else verdict)
    if known := chosen.get("known"):
        rows = rows.exclude(known_as="") if known == "yes" else rows.filter(known_as="")
    for name in _BETWEEN:
        if low := chosen.get(f"{name}_from"):
            rows = rows.filter(**{f"{name}__gte": float(low)})
        if high := chosen.get(f"{name}_to"):
            rows = rows.filter(**{f"{name}__lte": float(high)})
    return rows.order_by(*SORTS[chosen.get("sort", "turn")][1])


def filters(chosen: Mapping[str, str]) -> dict[str, Any]:
    """What a page draws to choose by."""
    between = [
        (title, name, chosen.get(f"{name}_from", ""), chosen.get(f"{name}_to", ""))
        for name, title in _BETWEEN.items()
    ]
    selects = [
        ("kind", "Kind", "All kinds", list(KINDS.items()), chosen.get("kind", "")),
        ("verdict", "Verdict", "All verdicts", list(VERDICTS.items()), chosen.get("verdict", "")),
        ("known", "Known", "Known or not", list(KNOWN.items()), chosen.get("known", "")),
    ]
    sorts = [(key, title) for key, (title, _) in SORTS.items()]
    return {
        "between": between,
        "selects": selects,
        "sorts": sorts,
        "sort": chosen.get("sort", "turn"),
        "is_filtered": bool(set(chosen) - {"sort"}),
        "is_between": any(low or high for _, _, low, high in between),
    }


# --- a night --------------------------------------------------------------------------------------


def status_of(night: Night) -> dict[str, Any]:
    """How it stands, and each of its exposures."""
    exposures = night.exposures.select_related("asset").defer("found", "found_put_in")
    rows = [
        {
            "exposure": one,
            "middle": at(one.middle_mjd),
            "steps": [
                (title, one.timings[key]) for key, title in STEPS.items() if key in one.timings
            ],
            "total_s": sum(one.timings.values()),
        }
        for one in exposures
    ]
    return {
        "night": night,
        "standing": night.standing(),
        "waits": night.waiting_because(),
        "rows": rows,
        "steps": _steps(rows),
    }


def _steps(rows: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    """Of each step: its name, the median seconds of an exposure, and its share of all."""
    done = [row["exposure"].timings for row in rows if row["exposure"].status == Status.DONE]
    found = []
    for key, title in STEPS.items():
        seconds = sorted(one[key] for one in done if key in one)
        if seconds:
            found.append((title, seconds[len(seconds) // 2]))
    total = sum(seconds for _, seconds in found)
    return [(title, seconds, seconds / total if total else 0.0) for title, seconds in found]


def _grid_is_on_sky(night: Night) -> bool:
    """Whether its reference has coordinates, or the exposure whose grid a stack would be on."""
    first = night.exposures.first()
    grids = [night.reference_id, None if first is None else first.asset_id]
    grid = next((pk for pk in grids if pk is not None), None)
    return SkyExposure.objects.filter(asset=grid, has_wcs=True).exists()


def about(night: Night) -> list[tuple[str, str]]:
    """What it was searched by, in words."""
    options = night.options
    on_sky = night.has_coordinates
    if not night.figures:  # nothing was linked yet, which is by coordinates where there are any
        on_sky = _grid_is_on_sky(night)
    said = [("Method", METHODS.get(options.get("method", ""), ""))]
    for name, number in NUMBERS.items():
        if name in options:
            unit = number.unit if on_sky else number.unit.replace("″", "px")
            said.append((number.title, f"{options[name]:g} {unit}".strip()))
    if night.observatory:
        said.append(("Observatory", night.observatory))
    if night.network_id:
        said.append(("Also looked by", f"network of version {night.network_id}"))
    if night.scored_by_id:
        said.append(("Real, by", f"version {night.scored_by_id}"))
    elif night.figures.get("first_score"):
        said.append(("Real, by", "what Sightline comes with"))
    return said


def stacked_link(night: Night) -> str:
    """Where the reference is to be had that was made of the exposures; "" where there is none."""
    if not night.stacked:
        return ""
    name = slugify(night.name) or f"night-{night.pk}"
    return media_link(night.stacked, download_as=f"{name}-reference.fits")


def plane_of(night: Night, chosen: QuerySet[Candidate]) -> tuple[Plot, list[dict[str, Any]]]:
    """Where candidates went, and the same as a table: on the sky where there are coordinates, east
    to the left, else in pixels."""
    rows = list(chosen[:MOST_DRAWN])
    points: dict[int, list[CandidatePoint]] = {one.pk: [] for one in rows}
    for point in CandidatePoint.objects.filter(candidate__in=list(points)):
        points[point.candidate_id].append(point)
    on_sky = night.has_coordinates
    beside = next((p.ra for one in rows for p in points[one.pk] if p.ra is not None), 0.0)
    marks, paths = [], []
    for one in rows:
        title = f"Candidate {one.number}, {one.kind}"
        lines = [[_place(point, on_sky) for point in points[one.pk]]]
        lines += [_ends(point, on_sky) for point in points[one.pk] if point.trail]
        if on_sky:
            lines = [[(_near(ra, beside), dec) for ra, dec in line] for line in lines]
        marks += [Mark(x, y, _mark_of(one), title) for x, y in lines[0]]
        paths += [Path(line, _mark_of(one), title) for line in lines if len(line) > 1]
    axes = ("Right ascension, °", "Declination, °") if on_sky else ("x, pixels", "y, pixels")
    plot = plotted("Where candidates went", axes, marks, paths, flipped=(on_sky, False))
    table = []
    for one in rows:
        if some := points[one.pk]:
            ends = [_place_in_words(point, on_sky) for point in (some[0], some[-1])]
            table.append({"candidate": one, "ends": ends})
    return plot, table


def _near(ra: float, other: float) -> float:
    """A right ascension as it is drawn beside another: below 0° or above 360° where 0° lies between
    them."""
    return other + (ra - other + 180) % 360 - 180


def _ends(point: CandidatePoint, on_sky: bool) -> list[tuple[float, float]]:
    """From where to where a trail goes."""
    trail = point.trail
    if on_sky and "ra0" in trail:
        return [(trail["ra0"], trail["dec0"]), (trail["ra1"], trail["dec1"])]
    return [(trail["x0"], trail["y0"]), (trail["x1"], trail["y1"])]


def _place_in_words(point: CandidatePoint, on_sky: bool) -> str:
    x, y = _place(point, on_sky)
    return f"{x:.5f}° {y:+.5f}°" if on_sky else f"x {x:.1f}, y {y:.1f}"


def _mark_of(one: Candidate) -> str:
    if one.verdict == Verdict.REAL:
        return "accepted"
    if one.verdict == Verdict.ARTEFACT:
        return "rejected"
    return "single" if one.is_single else "still" if one.is_still else "moving"


def _place(point: CandidatePoint, on_sky: bool) -> tuple[float, float]:
    if on_sky and point.ra is not None and point.dec is not None:
        return point.ra, point.dec
    return point.x, point.y


def completeness_of(night: Night) -> dict[str, Any]:
    """How much of what was put into copies of the exposures was found, by magnitude and by speed:
    curves, the same as a table, and a sentence. Nothing where nothing was put in."""
    measured = night.figures.get("completeness")
    if not measured:
        return {}
    has_zero = bool(night.figures.get("zero"))
    x_title = "Magnitude" if has_zero else "Instrumental magnitude"
    x_speed = f"Rate, {night.rate_unit}"
    by_speed = measured.get("purity_by_speed", [])  # a night of before has none
    groups = [
        (f"Of what was put in, by {x_title.lower()}", measured["by_magnitude"], 2),
        (f"Of what was put in, by rate, {night.rate_unit}", measured["by_speed"], 1),
        (f"Of what was listed, by {x_title.lower()}", measured["purity"], 2),
        (f"Of what was listed, by rate, {night.rate_unit}", by_speed, 1),
    ]
    return {
        "completeness": _curves(x_title, measured["by_magnitude"], measured["purity"]),
        "completeness_by_speed": _curves(x_speed, measured["by_speed"], by_speed),
        "completeness_groups": [
            (title, [_share_cells(one, decimals) for one in shares])
            for title, shares, decimals in groups
            if shares
        ],
        "completeness_says": _completeness_in_words(measured, x_title.lower()),
    }


def _curves(x_title: str, found: Sequence[dict[str, Any]], real: Sequence[dict[str, Any]]) -> Plot:
    """What share of those put in was found, and what share of those listed is real."""
    marks, paths = [], []
    for kind, shares in (("", found), ("single", real)):
        known = [one for one in shares if one["number"]]
        middles = [((one["low"] + one["high"]) / 2, 100 * one["share"]) for one in known]
        paths.append(Path(middles, kind))
        marks += [Mark(x, y, kind) for x, y in middles]
    return plotted(
        "Completeness and purity",
        (x_title, "Share, %"),
        marks,
        paths,
        y_range=(-4.0, 104.0),
        size=NARROW,
    )


def _share_cells(one: dict[str, Any], decimals: int) -> list[str]:
    cells = [f"{written(one['low'], decimals)} to {written(one['high'], decimals)}"]
    cells += [f"{one[name]:.0f}" for name in ("number", "found")]  # 5.0 in nights of before
    if not one["number"]:
        return [*cells, "", ""]
    ends = f"{100 * one['share_low']:.0f} to {100 * one['share_high']:.0f} %"
    return [*cells, f"{100 * one['share']:.0f} %", ends]


def _completeness_in_words(measured: dict[str, Any], magnitude: str) -> str:
    said = f"{measured['found']} of {measured['number']} made-up objects were found in copies of "
    said += "the exposures."
    if measured["half_magnitude"] is not None:
        said += f" Half are found at {magnitude} {written(measured['half_magnitude'], 2)}."
    if usual := measured.get("without_network"):
        others = usual["false"]
        said += f" Without the network on tiles {usual['found']} are, with {others} "
        said += f"other{'' if others == 1 else 's'} listed."
    n = measured["false"]
    if not n:
        return f"{said} Nothing else was listed that the night without them has not."
    said += f" {n} other{'s were' if n != 1 else ' was'} listed that the night without them has not"
    return f"{said}, which lowers the purity (the open line)."


# --- a candidate ----------------------------------------------------------------------------------


def points_of(candidate: Candidate) -> list[dict[str, Any]]:
    """Each point with its picture and its time."""
    points = candidate.points.select_related("exposure__asset").defer(*HEAVY)
    rows = list(points)
    stays = _offsets(rows)
    return [
        {
            "point": point,
            "at": at(point.mjd),
            "ra": hours(point.ra) if point.ra is not None else "",
            "dec": degrees(point.dec) if point.dec is not None else "",
            "picture": media_link(point.cutout) if point.cutout else "",
            "dx": dx,
            "dy": dy,
            "line": _line_of(point),
        }
        for point, (dx, dy) in zip(rows, stays, strict=True)
    ]


def _line_of(point: CandidatePoint) -> dict[str, float] | None:
    """How a trail is drawn over its cut-out: turned so much clockwise, so much of its width."""
    if not point.trail:
        return None
    long = min(point.trail["length"] / CUTOUT_PX, _CORNER_TO_CORNER)
    return {"turn": -point.trail["angle"], "long": long}  # y grows upwards there


def _offsets(rows: list[CandidatePoint]) -> list[tuple[float, float]]:
    """By how much of its width each picture is moved for the stars to stand still while it moves;
    by nothing where it goes too far for that, so that it stands still and they move."""
    if not rows:
        return []
    middle = rows[len(rows) // 2]
    away = [(round(one.x) - round(middle.x), round(one.y) - round(middle.y)) for one in rows]
    if max(max(abs(dx), abs(dy)) for dx, dy in away) > _STAYS_PX:
        return [(0.0, 0.0)] * len(rows)
    return [(dx / CUTOUT_PX, -dy / CUTOUT_PX) for dx, dy in away]  # the first row is at the bottom


def light_of(candidate: Candidate, points: list[dict[str, Any]]) -> Plot:
    """Its brightness over time: magnitudes where there are any, else fluxes."""
    rows = [row["point"] for row in points if row["point"].mjd is not None]
    if len(rows) < 2:
        return plotted("Brightness", ("", ""))  # of one there is nothing to compare it with
    first = min(row.mjd for row in rows)
    is_magnitude = all(row.magnitude is not None for row in rows)
    marks = [
        Mark(
            (row.mjd - first) * 24,
            row.magnitude if is_magnitude else row.flux,
            error=(row.magnitude_error or 0.0) if is_magnitude else row.flux_error,
            title=row.exposure.asset.name,
        )
        for row in rows
    ]
    has_zero = bool(candidate.night.figures.get("zero"))
    y_title = "Magnitude" if has_zero else "Instrumental magnitude"
    if not is_magnitude:
        y_title = "Flux, units of the reference"
    axes = ("Hours since the first", y_title)
    return plotted("Brightness", axes, marks, flipped=(False, is_magnitude), size=NARROW)


def motion_of(candidate: Candidate, points: list[dict[str, Any]]) -> Plot:
    """How it went from its first point on: ″ to the east and north, or pixels."""
    rows = [row["point"] for row in points]
    on_sky = candidate.night.has_coordinates and all(row.ra is not None for row in rows)
    if len(rows) < 2:
        return plotted("Motion", ("", ""))
    first = rows[0]
    places = []
    for row in rows:
        if on_sky:
            east = (_near(row.ra, first.ra) - first.ra) * cos(radians(first.dec)) * 3600
            places.append((east, (row.dec - first.dec) * 3600))
        else:
            places.append((row.x - first.x, row.y - first.y))
    marks = [
        Mark(x, y, title=row.exposure.asset.name) for (x, y), row in zip(places, rows, strict=True)
    ]
    axes = ("East, ″", "North, ″") if on_sky else ("x, pixels", "y, pixels")
    line = [Path([places[0], places[-1]])]
    return plotted(
        "Motion", axes, marks, line, flipped=(on_sky, False), is_square=True, size=NARROW
    )


def marks_in(
    night: int, pictures: Sequence[SkyExposure], chosen: Candidate | None = None
) -> list[dict[str, Any]]:
    """What the night found in these exposures, for the viewer: where on the sky, or pixels of the
    reference where it has no coordinates; no artefacts. Trails have both ends."""
    points = CandidatePoint.objects.filter(
        candidate__night=night,
        candidate__is_gone=False,
        exposure__asset__in=[one.pk for one in pictures],
    ).exclude(candidate__verdict=Verdict.ARTEFACT)
    rows = points.order_by("-candidate__score")
    some = list(_with_exposure(rows)[:MOST_MARKED])
    if chosen is not None:
        some += _with_exposure(chosen.points.all())
    found = {(row.exposure_id, row.candidate_id): row for row in some}
    return [_mark(row, chosen) for row in found.values()]


def _with_exposure(rows: QuerySet[CandidatePoint]) -> QuerySet[CandidatePoint]:
    return rows.select_related("candidate", "exposure").defer(*HEAVY)


def _mark(point: CandidatePoint, chosen: Candidate | None) -> dict[str, Any]:
    one, trail = point.candidate, point.trail
    about = {
        "exposure": point.exposure.asset_id,
        "label": str(one.number),
        "chosen": chosen is not None and one.pk == chosen.pk,
        "href": reverse("night-candidate", args=[one.night_id, one.number]),
    }
    if not trail:
        return about | {"x": point.x, "y": point.y, "ra": point.ra, "dec": point.dec}
    begins = {name: trail.get(f"{name}0") for name in ("x", "y", "ra", "dec")}
    return about | begins | {f"{name}2": trail.get(f"{name}1") for name in begins}


def neighbours(candidate: Candidate) -> tuple[Candidate | None, Candidate | None]:
    """Those before and after it in the order in which people look at them."""
    numbers = list(
        Candidate.objects.filter(night=candidate.night_id, is_gone=False)
        .in_turn()
        .values_list("number", flat=True)
    )
    if candidate.number not in numbers:
        return None, None
    here = numbers.index(candidate.number)
    beside = [numbers[n] if 0 <= n < len(numbers) else None for n in (here - 1, here + 1)]
    rows = {
        one.number: one
        for one in candidate.night.candidates.filter(number__in=filter(None, beside))
    }
    return rows.get(beside[0] or 0), rows.get(beside[1] or 0)
