"""Pictures made of logos: choosing, previewing, making."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.choosing import offered
from webapp.datasets.dataset import Dataset
from webapp.datasets.forms import GROUNDS, SynthesisForm
from webapp.datasets.gallery import drawn
from webapp.datasets.logos import LogoFile, read_logo_file
from webapp.datasets.transfers import Transfer
from webapp.datasets.views import INVALID, page_context, poster_links
from webapp.ids import is_id
from webapp.pictures import PictureRefused
from webapp.projects.models import Label, Reference

PREVIEWED = 6


@may(Action.ANALYSE)
def synthesis(request: MemberRequest, pk: int) -> HttpResponse:
    """Choose logos and what pictures of them are like; posting makes a preview or all of them."""
    found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    if found.task != Dataset.Task.BOXES:
        messages.error(request, "Only pictures with boxes can be made.")
        return redirect("dataset", pk)
    form = SynthesisForm(request.POST or None, workspace=found.project.workspace)
    chosen = _chosen(request, found)
    preview, status = None, 200
    if request.method == "POST":
        if not chosen:
            form.add_error(None, "Choose a logo, or add a logo file to a label.")
        if form.is_valid():
            options = form.options() | {"logos": chosen}
            if request.POST.get("do") != "preview":
                Transfer.objects.request(found, "synthesis", options=options, by=request.user)
                return redirect("dataset", pk)
            preview = _preview(request, found, options)
        else:
            status = INVALID
    if request.htmx and preview:
        return _shown(request, preview)
    if request.htmx:
        return render(request, "datasets/_preview_refused.html", {"form": form}, status=status)
    context = page_context(found, "synthesis") | _choices(request, found, form)
    context |= {"form": form, "preview": preview}
    return render(request, "datasets/synthesis.html", context, status=status)


def _chosen(request: MemberRequest, found: Dataset) -> list[dict[str, Any]]:
    """The ticked logos: "reference-3" a label's logo picture, "file-5" a logo file."""
    ticked = set(request.POST.getlist("logo"))
    rows: list[dict[str, Any]] = []
    for reference in _references(found):
        if f"reference-{reference.pk}" in ticked:
            row = {"label": reference.label.name, "file": reference.file, "name": reference.name}
            rows.append(row)
    for logo in found.logo_files.select_related("label").filter(label__archived=None):
        if f"file-{logo.pk}" in ticked:
            row = {"label": logo.label.name, "file": logo.file, "name": logo.name}
            rows.append(row | {"logo_file": logo.pk})
    return rows


def _references(found: Dataset) -> Any:
    rows = Reference.objects.logos().filter(label__project=found.project, label__archived=None)
    return rows.select_related("label")


def _choices(request: MemberRequest, found: Dataset, form: SynthesisForm) -> dict[str, Any]:
    """The labels with their logos, and the assets that can be backgrounds."""
    ticked = set(request.POST.getlist("logo")) if form.is_bound else None
    by_label: dict[int, list[dict[str, Any]]] = {}
    known: dict[int, set[str]] = {}
    for logo in found.logo_files.all():
        row = _logo_row(f"file-{logo.pk}", logo.name, logo.shown, ticked, logo.problem)
        by_label.setdefault(logo.label_id, []).append(row | {"logo_file": logo.pk})
        known.setdefault(logo.label_id, set()).add(logo.sha256)
    for reference in _references(found):
        if reference.sha256 in known.get(reference.label_id, ()):
            continue
        key = f"reference-{reference.pk}"
        row = _logo_row(key, reference.name, reference.file, ticked)
        by_label.setdefault(reference.label_id, []).append(row)
    assets = list(offered(form, "assets")[:40])
    posters = poster_links(assets)
    wanted = {str(pk) for pk in form["assets"].value() or []}
    return {
        "labels": [
            {"label": label, "logos": by_label.get(label.pk, [])}
            for label in found.current_labels()
        ],
        "grounds": GROUNDS,
        "backdrops": [
            {"asset": a, "poster": posters.get(a.pk, ""), "is_chosen": str(a.pk) in wanted}
            for a in assets
        ],
    }


def _logo_row(
    key: str, name: str, file: str, ticked: set[str] | None, problem: str = ""
) -> dict[str, Any]:
    return {
        "key": key,
        "name": name,
        "link": media_link(file) if file else "",
        "is_chosen": not problem if ticked is None else key in ticked,
        "problem": problem,
    }


def _preview(request: MemberRequest, found: Dataset, options: dict[str, Any]) -> Transfer:
    """Ask a worker for a few pictures that are shown and not kept."""
    for old in found.transfers.filter(kind="synthesis", options__has_key="preview"):
        if not old.is_over:
            old.cancel()
            continue
        for made in old.report.get("pictures", []):
            default_storage.delete(made["file"])
        old.delete()
    wanted = options | {"count": PREVIEWED, "preview": True}
    return Transfer.objects.request(found, "synthesis", options=wanted, by=request.user)


@require_safe
@may(Action.ANALYSE)
def preview(request: MemberRequest, pk: int) -> HttpResponse:
    """The pictures of a preview, as far as they are made."""
    rows = Transfer.objects.select_related("dataset__project").filter(options__has_key="preview")
    return _shown(request, find(rows, request, Action.ANALYSE, pk=pk))


def _shown(request: MemberRequest, row: Transfer) -> HttpResponse:
    colours = dict(row.dataset.project.labels.values_list("name", "colour"))
    pictures = []
    for made in row.report.get("pictures", []) if row.report else []:
        size = made["width"], made["height"]
        boxes = [
            drawn(*size, b["box"], b["label"], colours.get(b["label"], "#888888"))
            for b in made["boxes"]
        ]
        link = media_link(made["file"])
        pictures.append({"link": link, "width": size[0], "height": size[1], "boxes": boxes})
    missing = range(0 if row.is_over else PREVIEWED - len(pictures))
    context = {"preview": row, "pictures": pictures, "missing": missing}
    return render(request, "datasets/_preview.html", context)


@require_POST
@may(Action.ANALYSE)
def logo_add(request: MemberRequest, pk: int) -> HttpResponse:
    """Logo files for a label."""
    found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    asked = request.POST.get("label", "")
    label = find(Label, request, Action.ANALYSE, pk=int(asked) if is_id(asked) else 0)
    if label.project_id != found.project_id:
        messages.error(request, "That label is of another project.")
        return redirect("dataset-synthesis", pk)
    files = request.FILES.getlist("files")
    if not files:
        messages.error(request, "Choose a logo file first.")
    for file in files:
        try:
            found.add_logo(label, read_logo_file(file), file.name or "", by=request.user)
        except (PictureRefused, Refused) as refused:
            messages.error(request, f"{file.name}: {refused}")
    return redirect("dataset-synthesis", pk)


@require_POST
@may(Action.ANALYSE)
def logo_remove(request: MemberRequest, pk: int) -> HttpResponse:
    logo = find(LogoFile.objects.select_related("label"), request, Action.ANALYSE, pk=pk)
    logo.delete()  # the file stays: versions and other datasets may name it
    messages.success(request, f"{logo.name} removed from {logo.label}")
    return redirect("dataset-synthesis", logo.dataset_id)
