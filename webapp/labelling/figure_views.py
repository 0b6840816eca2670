"""The figures of labelling: how everybody does in a job, and over the jobs of a project."""

from __future__ import annotations

import csv
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis.exposure.exports import safe_cell
from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.labelling import quality
from webapp.labelling.finding import find_overseen
from webapp.labelling.works import Work
from webapp.projects.models import Project


@never_cache
@require_safe
@may(Action.ANALYSE)
def of_job(request: MemberRequest, pk: int) -> HttpResponse:
    job = find_overseen(request, pk)
    back = reverse("labelling-job", args=[job.pk])
    return _figures(request, job.works(), job.title, back)


@never_cache
@require_safe
@may(Action.ANALYSE)
def of_project(request: MemberRequest, pk: int) -> HttpResponse:
    project = find(Project, request, Action.ANALYSE, pk=pk)
    back = reverse("project", args=[project.pk])
    return _figures(request, quality.works_of(project), project.name, back)


def _figures(request: MemberRequest, works: QuerySet[Work], title: str, back: str) -> HttpResponse:
    rows = quality.rows(works)
    if request.GET.get("format") == "csv":
        return _csv(rows, title)
    context: dict[str, Any] = {
        "title": title,
        "back": back,
        "rows": rows,
        "agreed": quality.agreed(works),
        "most_compared": quality.MOST_COMPARED,
    }
    return render(request, "labelling/figures.html", context)


def _csv(rows: list[quality.Row], title: str) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="labelling.csv"'
    table = csv.writer(response)
    table.writerow([name for name, _ in quality.COLUMNS])
    for row in rows:
        table.writerow([_said(value) for value in row.values().values()])
    return response


def _said(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return safe_cell(value) if isinstance(value, str) else value
