"""The page that says why a box was found."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.explaining.drawing import alike_drawings, heat_drawing, match_drawings
from webapp.explaining.explanations import Explanation
from webapp.explaining.mentions import why_mention
from webapp.ids import is_id
from webapp.leases import Status
from webapp.runs.run import Run
from webapp.timeline.frames import frame_picture


@require_safe
@may(Action.VIEW)
def why(request: MemberRequest, pk: int, box: int) -> HttpResponse:
    """Worked out when it is asked for the first time, and kept: a box never changes."""
    runs = Run.living.filter(asset__removed=None).select_related("asset__workspace", "project")
    run = find(runs, request, pk=pk)
    if not is_id(str(box)):
        raise Http404
    try:
        row = Explanation.objects.asked(run, box)
    except Refused as refused:
        raise Http404(str(refused)) from refused
    return render(request, "explaining/page.html", _context(row))


def _context(row: Explanation) -> dict[str, Any]:
    context: dict[str, Any] = {"row": row, "run": row.run, "is_going_on": not row.is_over}
    if row.status != Status.DONE:
        return context
    picture = frame_picture(row.run, row.time_s)
    if picture.status != Status.DONE:
        return context | {"is_going_on": not picture.is_over, "problem": picture.error}
    link = media_link(picture.file)
    return context | {
        "heat": heat_drawing(row, link),
        "matches": match_drawings(row, link),
        "alike": alike_drawings(row),
        "n_compared": row.result.get("n_compared", 0),
        "notes": row.result.get("notes", []),
        "is_done": True,
    }


@require_safe
@may(Action.VIEW)
def why_said(request: MemberRequest, pk: int) -> HttpResponse:
    """Why some words are a mention of a label: the one that begins then, as it is found now."""
    runs = Run.living.filter(asset__removed=None).select_related("asset__workspace", "project")
    run = find(runs, request, pk=pk)
    asked = {name: request.GET.get(name, "") for name in ("label", "ms")}
    if not is_id(asked["label"]) or not (asked["ms"] == "0" or is_id(asked["ms"])):
        raise Http404
    about = {"label": int(asked["label"]), "start_ms": int(asked["ms"])}
    try:
        found = why_mention(run, source=request.GET.get("source", ""), **about)
    except Refused as refused:
        raise Http404(str(refused)) from refused
    return render(request, "explaining/mention.html", {"run": run, "found": found})
