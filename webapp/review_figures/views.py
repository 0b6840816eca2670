"""The page of figures of the review."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.ids import is_id
from webapp.projects.models import Project
from webapp.review_figures.asked import BY, PERIODS, Asked
from webapp.review_figures.charts import dots, flow_lines, quality_lines
from webapp.review_figures.drift import LEVEL, drift
from webapp.review_figures.exposure import LEAST, exposure
from webapp.review_figures.people import MOST_COMPARED, people
from webapp.review_figures.quality import quality
from webapp.review_figures.versions import STUDY, versions
from webapp.review_figures.waiting import waiting
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.rules import ReviewRule


@require_safe
@may(Action.VIEW)
def figures(request: MemberRequest) -> HttpResponse:
    project = _project(request)
    if project is None:
        return render(request, "review_figures/page.html", {"project": None})
    asked = Asked.read(project, request.GET)
    waits, measured, over_versions = waiting(asked), quality(asked), versions(asked)
    context: dict[str, Any] = {
        "project": project,
        "projects": Project.objects.filter(workspace=request.membership.workspace),
        "asked": asked,
        "periods": PERIODS,
        "ways": BY,
        "has_rules": ReviewRule.objects.filter(project=project).exists(),
        "versions": over_versions,
        "is_unmeasured": not all(one.lots or one.audits for one in over_versions),
        "study": STUDY,
        "people": people(asked),
        "most_compared": MOST_COMPARED,
        "waits": waits,
        "flow": flow_lines(waits.flow),
        "drift": drift(asked),
        "level": LEVEL,
        "quality": measured,
        "quality_chart": quality_lines(measured),
    }
    return render(request, "review_figures/page.html", context)


@require_safe
@may(Action.VIEW)
def unusual(request: MemberRequest) -> HttpResponse:
    """The fragment of unusual seconds: making them may take a while, the first time."""
    project = _project(request)
    found = exposure(project) if project else None
    context = {
        "project": project,
        "exposure": found,
        "needed": LEAST,
        "chart": dots(found) if found else None,
    }
    return render(request, "review_figures/_exposure.html", context)


def _project(request: MemberRequest) -> Project | None:
    """The one that is asked for, or the one in which something was sent to people last."""
    asked = request.GET.get("project", "")
    if is_id(asked):
        return find(Project, request, pk=int(asked))
    mine = Project.objects.filter(workspace=request.membership.workspace)
    last = ReviewItem.objects.filter(workspace=request.membership.workspace)
    newest = last.order_by("-pk").values("project")[:1]
    return mine.filter(pk__in=newest).first() or mine.order_by("-changed").first()
