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
from webapp.graph.scope import Scope
from webapp.projects.models import Project
from webapp.timeline.views import refuses_nonsense


def _drawn(request: MemberRequest, pk: int | None) -> Drawn:
    """Of a project; without one of all of the workspace."""
    if pk is None:
        scope = Scope(request.membership.workspace)
    else:
        scope = Scope.of(find(Project.objects.select_related("workspace"), request, pk=pk))
    return Drawn.of(scope, Asked.read(request.GET, request.GET.getlist("kind")))


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def graph(request: MemberRequest, pk: int | None = None) -> HttpResponse:
    """The page; with `a` and `b`, at the moments of their edge."""
    drawn = _drawn(request, pk)
    ends = pair(request.GET)
    scope = drawn.scope
    context: dict[str, Any] = {
        "scope": scope,
        "project": scope.project,
        "projects": scope.workspace.projects.order_by("name"),
        "drawn": drawn,
        "asked": drawn.asked,
        "for_scripts": drawn.as_json(),
        "brands": _brands(drawn),
        "kinds": [(kind, title, kind in drawn.asked.kinds) for kind, title in KINDS.items()],
        "files": [(scope.file_url(kind), title) for kind, (title, *_) in FILES.items()],
        "met": meetings(drawn, *ends) if ends else None,
    }
    return render(request, "graph/page.html", context)


def _brands(drawn: Drawn) -> list[tuple[int, str, bool]]:
    """To choose from, each once: number, name, and whether it is chosen."""
    by_key = {node.key: (label, node) for label, node in reversed(drawn.gathered.brands.items())}
    chosen = drawn.gathered.brands.get(drawn.asked.brand or 0)
    found = [(label, node.name, node == chosen) for label, node in by_key.values()]
    return sorted(found, key=lambda one: one[1].casefold())


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def moments(request: MemberRequest, pk: int | None = None) -> HttpResponse:
    """The moments of an edge, for beside the drawing."""
    ends = pair(request.GET)
    if ends is None:
        raise Http404
    return render(request, "graph/_moments.html", {"met": meetings(_drawn(request, pk), *ends)})


@require_safe
@may(Action.VIEW)
@refuses_nonsense
def file(request: MemberRequest, kind: str, pk: int | None = None) -> HttpResponse:
    """What is drawn, or what was counted for it, for another program."""
    if kind not in FILES:
        raise Http404
    drawn = _drawn(request, pk)
    _, ending, content_type, write = FILES[kind]
    response = HttpResponse(write(drawn), content_type=f"{content_type}; charset=utf-8")
    name = f"{slugify(str(drawn.scope)) or 'project'}-{ending}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response
