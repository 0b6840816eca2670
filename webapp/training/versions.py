"""The page of one model version: where it comes from, how good it is, what uses and holds it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp import torch_arriving
from webapp.accounts.access import find, may, workspaces
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.leases import Status
from webapp.registry.exports import ModelExport
from webapp.registry.versions import ModelVersion
from webapp.registry.views import ALIASES, hosting_context
from webapp.runs.workers import batch_says
from webapp.training.forms import frozen_versions
from webapp.training.learned import learned_nothing
from webapp.training.uses import delete, uses


def _rows() -> QuerySet[ModelVersion]:
    return ModelVersion.objects.select_related(
        "model__workspace",
        "created_by",
        "training__version__dataset__project",
        "training__base__model",
        "copied_from__model",
    ).prefetch_related("aliases", "projects")


@require_safe
@may(Action.VIEW)
def version(request: MemberRequest, pk: int) -> HttpResponse:
    row = find(_rows(), request, pk=pk)
    may_see_origin = row.copied_from is None or _sees(request, row.copied_from)
    context = {
        "version": row,
        "training": getattr(row, "training", None),
        "may_see_origin": may_see_origin,
        "evaluations": row.evaluations.select_related("dataset_version__dataset"),
        "f1": row.f1(),
        "twin": row.twin(),
        "nothing": learned_nothing(row),
        "production_f1": _production_f1(row),
        "uses": uses(row),
        "aliases_free": _free_aliases(row),
        "can_train_on": row.archived is None,
        "frozen": frozen_versions(row.model.workspace),
        "copy_places": workspaces(request, Action.ANALYSE).order_by("name"),
        "children": row.descendants.select_related("model", "result__model"),
    }
    context |= exports_context(row) | hosting_context(row)
    return render(request, "registry/version.html", context)


def _sees(request: MemberRequest, other: ModelVersion) -> bool:
    return workspaces(request).filter(pk=other.model.workspace_id).exists()


def _free_aliases(row: ModelVersion) -> list[str]:
    held = {alias.name for alias in row.aliases.all()}
    return [name for name in ALIASES if name not in held]


def _production_f1(row: ModelVersion) -> tuple[ModelVersion, float | None] | None:
    """The version in production, if it is another one, and how good that is."""
    alias = row.model.aliases.filter(name="production").exclude(version=row).first()
    return (alias.version, alias.version.f1()) if alias else None


def exports_context(row: ModelVersion) -> dict[str, Any]:
    made: dict[str, Any] = {export.format: export for export in row.exports.all()}
    for export in made.values():  # with what the template says of it beside
        name = PurePath(export.file).name
        export.url = media_link(export.file, download_as=name) if export.file else ""
        says = batch_says(export)
        export.waiting = torch_arriving.WAITS if says and torch_arriving.is_arriving() else says
    kinds = [(name, title, made.get(name)) for name, title in ModelExport.Format.choices]
    return {
        "exports": kinds,
        "exports_going": any(e.is_going_on for e in made.values()),
        "is_usable": row.status == Status.DONE,
    }


@require_safe
@may(Action.VIEW)
def version_exports(request: MemberRequest, pk: int) -> HttpResponse:
    return _exports(request, find(_rows(), request, pk=pk))


def _exports(request: MemberRequest, row: ModelVersion) -> HttpResponse:
    """The panel of exports, which asks for itself again while one is made."""
    context = {"version": row} | exports_context(row)
    return render(request, "registry/_exports.html", context)


@require_POST
@may(Action.ANALYSE)
def cancel_export(request: MemberRequest, pk: int) -> HttpResponse:
    """End an export that waits or goes on."""
    rows = ModelExport.objects.select_related("version__model__workspace")
    export = find(rows, request, Action.ANALYSE, pk=pk)
    export.cancel()
    if request.htmx:
        return _exports(request, export.version)
    return redirect(f"{reverse('model-version', args=[export.version_id])}#exports")


@require_POST
@may(Action.ANALYSE)
def delete_version(request: MemberRequest, pk: int) -> HttpResponse:
    row = find(_rows(), request, Action.ANALYSE, pk=pk)
    try:
        delete(row, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("model-version", row.pk)
    messages.success(request, f"{row} is deleted")
    return redirect("model", row.model_id)
