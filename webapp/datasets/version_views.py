"""Versions of a dataset: freezing one, and what it holds."""

from __future__ import annotations

import re

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.datasets.dataset import Dataset
from webapp.datasets.forms import FreezeForm
from webapp.datasets.version_page import errors_context, figures_context
from webapp.datasets.versions import DatasetVersion
from webapp.datasets.views import INVALID, page_context


@may(Action.VIEW)
def versions(request: MemberRequest, pk: int) -> HttpResponse:
    """A dataset's versions; posting freezes another."""
    found = find(Dataset.objects.select_related("project"), request, pk=pk)
    form = FreezeForm(request.POST or None)
    if request.method == "POST":
        find(Dataset, request, Action.ANALYSE, pk=pk)
        if form.is_valid():
            try:
                made = DatasetVersion.objects.request(
                    found, recipe=form.recipe(), note=form.cleaned_data["note"], by=request.user
                )
                return redirect("dataset-version", pk, made.number)
            except Refused as refused:
                form.add_error(None, str(refused))
    context = page_context(found, "versions") | {"form": form, "versions": found.versions.all()}
    context["writing"] = found.jobs_being_written()
    status = INVALID if form.errors else 200
    return render(request, "datasets/versions.html", context, status=status)


def _find(request: MemberRequest, pk: int, number: int, action: Action) -> DatasetVersion:
    rows = DatasetVersion.objects.select_related("dataset__project", "created_by")
    return find(rows, request, action, dataset=pk, number=number)


@require_safe
@may(Action.VIEW)
def version(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    """What a version holds; while it is frozen, how far that is."""
    found = _find(request, pk, number, Action.VIEW)
    context = page_context(found.dataset, "versions") | figures_context(found)
    context |= {"version": found, "n_evaluations": found.evaluations.count()}
    if request.htmx:
        response = render(request, "datasets/_version_waits.html", context)
        if found.status in ("done", "failed"):
            response.headers["HX-Refresh"] = "true"
        return response
    return render(request, "datasets/version.html", context)


@require_safe
@may(Action.VIEW)
def version_errors(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    """Likely label errors; a part of the page, because predictions are large."""
    found = _find(request, pk, number, Action.VIEW)
    context = errors_context(found) | {"version": found, "dataset": found.dataset}
    return render(request, "datasets/_errors.html", context)


@require_safe
@may(Action.VIEW)
def version_file(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    """The version as one file, gzipped JSON."""
    found = _find(request, pk, number, Action.VIEW)
    if not found.is_frozen:
        raise Http404
    stem = re.sub(r"[^\w-]+", "-", str(found)).strip("-")
    return redirect(media_link(found.file, download_as=f"{stem}.json.gz"))


@require_POST
@may(Action.ANALYSE)
def version_retry(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    found = _find(request, pk, number, Action.ANALYSE)
    found.retry()
    return redirect("dataset-version", pk, number)
