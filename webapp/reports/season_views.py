"""The page of a season and its files. It was called Compare, and its addresses still are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analysis.exposure.columns import BY_KEY, Column
from webapp.accounts.access import may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.ids import is_id
from webapp.methodologies.models import offered
from webapp.projects.models import Project
from webapp.reports.models import Report
from webapp.reports.season import Brand, Figures, Season, as_csv, as_json, newest, season
from webapp.runs.run import Run
from webapp.timeline.choices import Choices
from webapp.timeline.views import refuses_nonsense

MOST_OFFERED = 300  # runs to tick; the newest of each asset need no ticking
SHOWN = ("reported_s", "on_screen_s", "share_of_screen_time", "share_of_voice_time", "count")
TOTALS = ("on_screen_s", "reported_s", "share_of_screen_time", "count", "mean_size_visible")
OF_WORDS = ("mentions", "written")  # beside both, once anybody has listened or read
FILES = {"csv": "Each brand and asset (CSV)", "json": "Everything (JSON)"}


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def compare(request: MemberRequest) -> HttpResponse:
    """Any number of assets: totals, the trend, and the difference between two."""
    finished = _finished(request)
    project, runs, is_newest = _chosen(request, finished)
    found = season(runs, Choices.read(request.GET, request.membership.workspace_id))
    shown = _brands_shown(request, found)
    told = tuple(key for key in OF_WORDS if any(b.totals[key] is not None for b in shown))
    column = BY_KEY[_one_of(SHOWN + told, request.GET.get("show", ""))]
    before, after = _pair(request, found)
    others = finished.exclude(pk__in=[run.pk for run in runs]).order_by("-pk")
    others = others.filter(project=project) if project else others
    context = {
        "season": found,
        "runs": found.runs,
        "brands": found.brands,
        "names_shown": [brand.name for brand in shown],
        "columns": [BY_KEY[key] for key in TOTALS + told],
        "totals": [(b, b.totals | {"voice": found.share_of_voice(b)}) for b in shown],
        "column": column,
        "measures": [BY_KEY[key] for key in SHOWN + told],
        "is_of_words": column.key in OF_WORDS,
        "chart": _chart(found, shown, column),
        "rows": list(_rows(found, shown)),
        "shown": shown,
        "n_doubtful": sum(brand.totals["doubtful_ends"] for brand in shown),
        "before": before,
        "after": after,
        "changes": _changes(found, shown, before, after),
        "choices": found.choices,
        "methodologies": offered(request.membership.workspace_id, found.choices.method),
        "project": project,
        "projects": Project.objects.filter(pk__in=finished.order_by().values("project")),
        "is_newest": is_newest,
        "offered": [*found.runs, *others[:MOST_OFFERED]],
        "files": [
            (what, f"{reverse('compare-file', args=[kind])}?{request.GET.urlencode()}")
            for kind, what in FILES.items()
        ],
        "seen": urlencode(_seen(found.choices)),
    }
    return render(request, "reports/compare.html", context)


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def compare_file(request: MemberRequest, kind: str) -> HttpResponse:
    if kind not in FILES:
        raise Http404
    _, runs, _ = _chosen(request, _finished(request))
    found = season(runs, Choices.read(request.GET, request.membership.workspace_id))
    if kind == "csv":  # Excel takes it for UTF-8 only when it begins with a byte order mark
        response = HttpResponse(as_csv(found).encode("utf-8-sig"), content_type="text/csv")
    else:
        text = json.dumps(as_json(found, *_pair(request, found)), indent=1, ensure_ascii=False)
        response = HttpResponse(text, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="season.{kind}"'
    return response


def _finished(request: MemberRequest) -> QuerySet[Run]:
    mine = Run.objects.finished().filter(asset__workspace=request.membership.workspace)
    mine = mine.filter(asset__removed=None)
    issued = Prefetch("reports", Report.objects.defer("numbers", "manifest"))
    return mine.select_related("asset", "project").prefetch_related(issued)


def _chosen(
    request: HttpRequest, finished: QuerySet[Run]
) -> tuple[Project | None, list[Run], bool]:
    """The project, the runs, and whether these are the newest of each of its assets."""
    wanted = [int(pk) for pk in request.GET.getlist("run") if is_id(pk)]
    if wanted and request.GET.get("of") != "newest":
        runs = list(finished.filter(pk__in=wanted))
        projects = {run.project for run in runs}
        return (projects.pop() if len(projects) == 1 else None), runs, False
    asked = request.GET.get("project", "")
    of = finished.filter(project=int(asked)) if is_id(asked) else finished
    last = of.order_by("-pk").first()
    if last is None:
        return None, [], True
    return last.project, list(newest(finished, last.project)), True


def _brands_shown(request: HttpRequest, found: Season) -> list[Brand]:
    """A brand that came with a run chosen since then was not unticked by anybody."""
    ticked, known = request.GET.getlist("brand"), request.GET.getlist("known")
    return [
        brand
        for brand in found.brands
        if not ticked or brand.name in ticked or (bool(known) and brand.name not in known)
    ]


def _one_of(keys: tuple[str, ...], asked: str) -> str:
    return asked if asked in keys else keys[0]


def _pair(request: HttpRequest, found: Season) -> tuple[Run | None, Run | None]:
    """The two runs whose difference is asked for: the last two unless others are named."""
    if len(found.runs) < 2:
        return None, None
    by_pk = {str(run.pk): run for run in found.runs}
    before = by_pk.get(request.GET.get("a", ""), found.runs[-2])
    return before, by_pk.get(request.GET.get("b", ""), found.runs[-1])


def _changes(
    found: Season, shown: list[Brand], before: Run | None, after: Run | None
) -> list[dict[str, Any]]:
    if before is None or after is None:
        return []
    names = {brand.name for brand in shown}
    return [change for change in found.difference(before, after) if change["name"] in names]


def _rows(found: Season, shown: list[Brand]) -> Iterator[dict[str, Any]]:
    """One row an asset, one cell a brand."""
    for place, run in enumerate(found.runs):
        cells = [brand.cells[place] for brand in shown]
        yield {"run": run, "cells": cells, "is_picture": not run.duration_s}


def _chart(found: Season, shown: list[Brand], column: Column) -> dict[str, Any] | None:
    """Lines over the films in their order, in a square of 100 × 100; None for less than two."""
    places = [place for place, run in enumerate(found.runs) if run.duration_s]
    if len(places) < 2:
        return None
    values = {
        brand.name: [_value(brand.cells[place], column) for place in places] for brand in shown
    }
    known = [value for line in values.values() for value in line if value is not None]
    top = max(known, default=0) or 1
    steps = len(places) - 1
    return {
        "top": top,
        "first": found.runs[places[0]],
        "last": found.runs[places[-1]],
        "lines": [
            {
                "name": brand.name,
                "colour": brand.colour,
                "points": [
                    (round(100 * i / steps, 2), round(100 - 100 * value / top, 2))
                    for i, value in enumerate(values[brand.name])
                    if value is not None
                ],
                "path": _path(values[brand.name], steps, top),
            }
            for brand in shown
        ],
    }


def _value(cell: Figures | None, column: Column) -> float | None:
    return None if cell is None else cell[column.key]


def _path(values: list[float | None], steps: int, top: float) -> str:
    """Of an SVG; broken where the brand was not looked for."""
    parts, is_on = [], False
    for i, value in enumerate(values):
        if value is not None:
            x, y = 100 * i / steps, 100 - 100 * value / top
            parts.append(f"{'L' if is_on else 'M'}{x:.2f} {y:.2f}")
        is_on = value is not None
    return " ".join(parts)


def _seen(choices: Choices) -> dict[str, str]:
    """What of the choices the asset page is to show as well."""
    seen = {"method": choices.method}
    return seen | ({} if choices.threshold is None else {"threshold": f"{choices.threshold:.2f}"})
