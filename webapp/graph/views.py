from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.graph.asked import KINDS, Asked, pair
from webapp.graph.graph import FILES, Drawn, meetings
from webapp.projects.models import Project
from webapp.timeline.views import refuses_nonsense


def _drawn(request: MemberRequest, pk: int) -> Drawn:
    project = find(Project.objects.select_related("workspace"), request, pk=pk)
    asked = Asked.read(request.GET, request.GET.getlist("kind"))
    return Drawn.of(project, asked)


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def graph(request: MemberRequest, pk: int) -> HttpResponse:
    """The page; with `a` and `b`, at the moments of their edge."""
    drawn = _drawn(request, pk)
    ends = pair(request.GET)
    context: dict[str, Any] = {
        "project": drawn.project,
        "drawn": drawn,
        "asked": drawn.asked,
        "for_scripts": drawn.as_json(),
        "labels": drawn.project.labels.filter(archived=None).order_by("name"),
        "kinds": [(kind, title, kind in drawn.asked.kinds) for kind, title in KINDS.items()],
        "files": [(kind, title) for kind, (title, *_) in FILES.items()],
        "met": meetings(drawn, *ends) if ends else None,
    }
    return render(request, "graph/page.html", context)


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def moments(request: MemberRequest, pk: int) -> HttpResponse:
    """The moments of an edge, for beside the drawing."""
    ends = pair(request.GET)
    if ends is None:
        raise Http404
    return render(request, "graph/_moments.html", {"met": meetings(_drawn(request, pk), *ends)})


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def file(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    """What is drawn, or what was counted for it, for another program."""
    if kind not in FILES:
        raise Http404
    drawn = _drawn(request, pk)
    _, ending, content_type, write = FILES[kind]
    response = HttpResponse(write(drawn), content_type=f"{content_type}; charset=utf-8")
    name = f"{slugify(drawn.project.name) or 'project'}-{ending}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response
