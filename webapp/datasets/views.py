"""Datasets: beginning one, its pictures, and the work that fills it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe
from rest_framework.exceptions import APIException

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Event, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets import uploads
from webapp.assets.links import media_link
from webapp.assets.models import Asset, Collection, Rendition
from webapp.choosing import offered
from webapp.datasets.dataset import Dataset
from webapp.datasets.forms import (
    HOWS,
    WAYS,
    ChangeForm,
    DatasetNameForm,
    FilterForm,
    FramesForm,
    NewDatasetForm,
    StartForm,
)
from webapp.datasets.gallery import counts, gallery_context, matching, tile
from webapp.datasets.logos import FoundLogo, label_of, read_logo_file
from webapp.datasets.samples import Sample
from webapp.datasets.transfers import Transfer
from webapp.ids import is_id
from webapp.leases import Status
from webapp.pictures import PictureRefused
from webapp.projects.models import Project, Reference
from webapp.projects.pictures import read_picture

INVALID = 422
_TOLD_FOR = timedelta(hours=2)  # how long finished work stays on the page
_UNDER_WAY = [Status.WAITING, Status.WORKING]


# --- beginning -------------------------------------------------------------------------------


@may(Action.VIEW)
def datasets(request: MemberRequest, pk: int) -> HttpResponse:
    """The datasets of a project; posting makes one."""
    project = find(Project, request, pk=pk)
    form = NewDatasetForm(request.POST or None)
    if request.method == "POST":
        find(Project, request, Action.ANALYSE, pk=pk)
        if form.is_valid():
            try:
                made = Dataset.objects.begin(project, **form.cleaned_data, by=request.user)
                return redirect("dataset", made.pk)
            except Refused as refused:
                form.add_error("name", str(refused))
    current = Q(samples__removed=None)
    rows = project.datasets.annotate(
        n_pictures=Count("samples", filter=current, distinct=True),
        n_labelled=Count("samples", filter=current & Q(samples__state="labelled"), distinct=True),
        n_versions=Count("versions", distinct=True),
    )
    context = {"project": project, "datasets": rows, "form": form}
    status = INVALID if form.errors else 200
    return render(request, "datasets/list.html", context, status=status)


@may(Action.ANALYSE)
def start(request: MemberRequest) -> HttpResponse:
    """A training project, in one of three ways."""
    files = request.FILES.getlist("logos") if request.method == "POST" else []
    form = StartForm(request.POST or None, n_logos=len(files), initial=_asked(request))
    if request.method == "POST" and form.is_valid() and (made := _begin(request, form, files)):
        is_logo = form.cleaned_data["way"] == "logo"
        return redirect("dataset-synthesis" if is_logo else "dataset", made.pk)
    status = INVALID if form.errors else 200
    context = {"form": form, "ways": WAYS, "most_labels": Project.MAX_LABELS}
    return render(request, "datasets/start.html", context, status=status)


def _asked(request: MemberRequest) -> dict[str, str]:
    asked = request.GET.get("way", "")
    return {"way": asked if asked in [way for way, _, _ in WAYS] else "boxes"}


def _begin(request: MemberRequest, form: StartForm, files: list[Any]) -> Dataset | None:
    """The project with its dataset and logos; None when something is refused, and said."""
    values = form.cleaned_data
    found: list[tuple[str, str, FoundLogo]] = []
    if values["way"] == "logo":
        for file in files:
            try:
                found.append((label_of(file.name), file.name, read_logo_file(file)))
            except PictureRefused as refused:
                form.add_error(None, f"{file.name}: {refused}")
        if form.errors:
            return None
    named = values["labels"] + [label for label, _, _ in found]
    labels = list({name.casefold(): name for name in reversed(named)}.values())[::-1]
    try:
        project = Project.objects.begin(
            request.membership.workspace, values["name"], brands=labels, by=request.user
        )
    except Refused as refused:
        form.add_error("name", str(refused))
        return None
    task = Dataset.Task.CONCEPT if values["way"] == "concept" else Dataset.Task.BOXES
    dataset = Dataset.objects.begin(project, "Pictures", task=task, by=request.user)
    for label, name, logo in found:
        _keep_logo(request, dataset, label, name, logo)
    return dataset


def _keep_logo(
    request: MemberRequest, dataset: Dataset, label: str, name: str, logo: FoundLogo
) -> None:
    """The file is a logo to paint, and where it can be, one to be found by without training."""
    row = dataset.project.labels.get(name__iexact=label)
    try:
        dataset.add_logo(row, logo, name, by=request.user)
        if logo.extension != "svg":
            import io

            row.add_reference(read_picture(io.BytesIO(logo.data)), name, by=request.user)
    except Refused as refused:
        messages.error(request, f"{name}: {refused}")


# --- pictures --------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def dataset(request: MemberRequest, pk: int) -> HttpResponse:
    """The pictures of a dataset, or only the gallery when htmx asks for another filter."""
    found = find(Dataset.objects.select_related("project"), request, pk=pk)
    context = page_context(found, "pictures") | gallery_context(found, request)
    if request.htmx and request.htmx.target == "gallery":
        return render(request, "datasets/_gallery.html", context)
    return render(request, "datasets/page.html", context)


@may(Action.ANALYSE)
def rename(request: MemberRequest, pk: int) -> HttpResponse:
    """What it is called; and the way to delete it."""
    found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    form = DatasetNameForm(request.POST or None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        try:
            found.rename(form.cleaned_data["name"], by=request.user)
            messages.success(request, "Saved")
            return redirect("dataset-settings", pk)
        except Refused as refused:
            form.add_error("name", str(refused))
            found.refresh_from_db(fields=["name"])
    context = page_context(found, "settings") | {"form": form}
    status = INVALID if form.errors else 200
    return render(request, "datasets/settings.html", context, status=status)


def page_context(found: Dataset, tab: str) -> dict[str, Any]:
    """What the head of each of a dataset's pages shows."""
    return {
        "dataset": found,
        "project": found.project,
        "tab": tab,
        "counts": counts(found),
        "n_versions": found.versions.count(),
        **work_context(found),
    }


def work_context(found: Dataset) -> dict[str, Any]:
    rows = _work_of(found)
    return {"work": rows, "is_working": any(not row.is_over for row in rows)}


def _work_of(found: Dataset) -> list[Transfer]:
    """What is under way, and what ended lately."""
    lately = timezone.now() - _TOLD_FOR
    rows = found.transfers.filter(Q(status__in=_UNDER_WAY) | Q(finished__gt=lately))
    rows = rows.exclude(options__has_key="preview").exclude(options__has_key="dismissed")
    return list(rows[:8])


@require_safe
@may(Action.VIEW)
def work(request: MemberRequest, pk: int) -> HttpResponse:
    """How the work over a dataset stands; asks again while there is some."""
    found = find(Dataset.objects.select_related("project"), request, pk=pk)
    context = {"dataset": found} | work_context(found)
    response = render(request, "datasets/_work.html", context)
    if not context["is_working"]:
        response.headers["HX-Trigger"] = "samples-changed"
    return response


@require_safe
@may(Action.VIEW)
def sample(request: MemberRequest, pk: int) -> HttpResponse:
    """One picture, large, with what is on it."""
    samples = Sample.objects.select_related("dataset__project", "asset")
    found = find(samples, request, pk=pk)
    near = found.dataset.samples.current()
    shown = tile(found, {label.pk: label for label in found.dataset.project.labels.all()})
    context = {
        "dataset": found.dataset,
        "project": found.dataset.project,
        "sample": found,
        "tile": shown,
        "link": media_link(found.file),
        "previous": near.filter(pk__gt=found.pk).order_by("pk").first(),
        "next": near.filter(pk__lt=found.pk).order_by("-pk").first(),
        "labels": found.dataset.current_labels(),
    }
    return render(request, "datasets/sample.html", context)


@require_POST
@may(Action.ANALYSE)
def take(request: MemberRequest, pk: int) -> HttpResponse:
    """Pictures that were uploaded come into the dataset: `assets` by id, or `files` of a form."""
    found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    asked = [int(p) for p in request.POST.get("assets", "").split(",") if is_id(p)]
    ids = [Asset.objects.standing_for(pk) for pk in asked]
    names = _names(request.POST.get("names", ""))
    for file in request.FILES.getlist("files"):
        try:
            upload = uploads.take(found.project.workspace, request.user, file)
        except APIException as refused:
            messages.error(request, str(refused.detail))
        else:
            ids += [upload.asset_id] if upload.asset_id else []
    assets = Asset.objects.filter(pk__in=ids, workspace=found.project.workspace)
    present = set(assets.values_list("pk", flat=True))
    ids = [pk for pk in dict.fromkeys(ids) if pk in present]
    if ids:
        _shelve(found, assets)
        options = {"assets": ids, "how": "pictures", "names": names}
        Transfer.objects.request(found, "frames", options=options, by=request.user)
    elif not request.FILES:
        messages.error(request, "Choose pictures first.")
    if request.htmx or request.headers.get("Accept", "").startswith("application/json"):
        context = {"dataset": found} | work_context(found)
        return render(request, "datasets/_work.html", context)
    return redirect("dataset", pk)


def _names(text: str) -> dict[str, str]:
    """Where each asset lay in the folder that was dropped, by its id."""
    try:
        names = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(names, dict):
        return {}
    return {str(k): v[-255:] for k, v in names.items() if isinstance(v, str) and is_id(str(k))}


def _shelve(found: Dataset, assets: QuerySet[Asset]) -> None:
    """What was uploaded for a dataset lies together in the library."""
    name = f"{found.project.name}: {found.name}"[:120]
    collection, _ = Collection.objects.get_or_create(workspace=found.project.workspace, name=name)
    assets.filter(collection=None, runs=None).update(collection=collection)


@require_POST
@may(Action.ANALYSE)
def change(request: MemberRequest, pk: int) -> HttpResponse:
    """Remove the chosen pictures, mark them golden, say that nothing is on them, label them."""
    found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    form = ChangeForm(request.POST)
    chosen = _chosen(request, found)
    if not form.is_valid():
        messages.error(request, "Choose what to do with the pictures.")
    elif not chosen.exists():
        messages.error(request, "Choose pictures first.")
    else:
        _change(request, found, chosen, form.cleaned_data)
    narrowing = request.POST.get("narrowing", "")
    if request.htmx:
        request.GET = QueryDict(f"{narrowing}&page={request.POST.get('page', '')}")
        context = page_context(found, "pictures") | gallery_context(found, request)
        return render(request, "datasets/_gallery_answer.html", context)
    return redirect(reverse("dataset", args=[pk]) + (f"?{narrowing}" if narrowing else ""))


def _chosen(request: MemberRequest, found: Dataset) -> QuerySet[Sample]:
    """The ticked pictures, or all that the filter shows."""
    if request.POST.get("all"):
        labels = list(found.current_labels())
        return matching(found, FilterForm(QueryDict(request.POST.get("narrowing", "")), labels))
    ids = [int(pk) for pk in request.POST.getlist("picture") if is_id(pk)]
    return found.samples.current().filter(pk__in=ids)


def _change(
    request: MemberRequest, found: Dataset, chosen: QuerySet[Sample], wish: dict[str, Any]
) -> None:
    n, now = chosen.count(), timezone.now()
    pictures = f"{n} picture{'' if n == 1 else 's'}"
    chosen = found.samples.filter(pk__in=chosen.order_by().values("pk"))
    if wish["do"] == "remove":
        removed = found.remove_pictures(chosen.values_list("pk", flat=True), by=request.user)
        if removed:
            undo = reverse("dataset-restore", args=[found.pk, removed.isoformat()])
            messages.success(request, f"{pictures} removed", extra_tags=undo)
        return
    if wish["do"] in ("golden", "ordinary"):
        if wish["do"] == "golden" and (made := chosen.filter(origin="synthetic").count()):
            messages.error(request, f"{made} synthetic pictures cannot be golden.")
            chosen = chosen.exclude(origin="synthetic")
        chosen.update(is_golden=wish["do"] == "golden", version=F("version") + 1, changed=now)
        said = "golden: always tested on" if wish["do"] == "golden" else "ordinary again"
    elif wish["do"] == "nothing":
        with_boxes = chosen.exclude(annotations=None).values("pk")
        n_boxes = with_boxes.distinct().count()
        if n_boxes:
            messages.error(request, f"{n_boxes} have boxes and stay as they are.")
        rest = found.samples.filter(pk__in=chosen.values("pk")).filter(annotations=None)
        said = f"of {pictures}: nothing here"
        n = rest.update(state="labelled", labels=[], version=F("version") + 1, changed=now)
        pictures = str(n)
    elif wish["do"] in ("train", "val", "test", "free"):
        split = "" if wish["do"] == "free" else wish["do"]
        chosen.update(given_split=split, version=F("version") + 1, changed=now)
        said = f"given to {split}" if split else "split by the recipe again"
    else:
        label = found.current_labels().filter(pk=wish["label"]).first()
        if label is None or found.task != Dataset.Task.CONCEPT:
            messages.error(request, "Choose a label of this project.")
            return
        chosen.update(labels=[label.pk], state="labelled", version=F("version") + 1, changed=now)
        said = f"labelled {label.name}"
    Event.record(
        found.project.workspace, request.user, "changed pictures", found.name, did=wish["do"], n=n
    )
    messages.success(request, f"{pictures} {said}")


@require_POST
@may(Action.ANALYSE)
def restore(request: MemberRequest, pk: int, removed: str) -> HttpResponse:
    """Undo a removal."""
    found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    try:
        when = parse_datetime(removed)
    except ValueError:
        when = None
    n = found.restore_pictures(when, by=request.user) if when else 0
    if n:
        messages.success(request, f"{n} picture{'' if n == 1 else 's'} back")
    else:
        messages.error(request, "There is nothing to bring back.")
    return redirect("dataset", pk)


# --- frames of videos ------------------------------------------------------------------------


@may(Action.ANALYSE)
def frames(request: MemberRequest, pk: int) -> HttpResponse:
    """Take frames out of videos of the library."""
    found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    workspace = found.project.workspace
    asked = [int(p) for p in request.GET.get("videos", "").split(",") if is_id(p)]
    form = FramesForm(request.POST or None, workspace=workspace, initial={"videos": asked})
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["how"] == "unsure" and not _can_detect(found.project):
            form.add_error(
                "how", "This project has neither a model nor logo pictures to look with."
            )
        else:
            Transfer.objects.request(found, "frames", options=form.options(), by=request.user)
            return redirect("dataset", pk)
    videos = offered(form, "videos")
    context = page_context(found, "frames") | {
        "form": form,
        "hows": HOWS,
        "videos": _videos(found, videos, form),
        "n_videos": videos.count(),
        "n_coming": Asset.objects.filter(workspace=workspace, pk__in=asked).unfinished().count(),
    }
    status = INVALID if form.errors else 200
    return render(request, "datasets/frames.html", context, status=status)


def _can_detect(project: Project) -> bool:
    logos = Reference.objects.logos().filter(label__project=project, label__archived=None)
    has_logos = logos.filter(problem="").exists()
    return project.model_version is not None or (project.uses_references and has_logos)


def _videos(found: Dataset, videos: QuerySet[Asset], form: FramesForm) -> list[dict[str, Any]]:
    """The newest videos, those asked for first, with how many pictures came from each."""
    wanted = set(filter(is_id, map(str, form["videos"].value() or [])))
    shown = list(videos.filter(pk__in=wanted)) + list(videos.exclude(pk__in=wanted)[:60])
    taken = dict(
        found.samples.current().filter(asset__in=shown).values_list("asset").annotate(n=Count("pk"))
    )
    posters = poster_links(shown)
    return [
        {
            "asset": asset,
            "poster": posters.get(asset.pk, ""),
            "taken": taken.get(asset.pk, 0),
            "is_chosen": str(asset.pk) in wanted,
        }
        for asset in shown
    ]


def poster_links(assets: list[Asset]) -> dict[int, str]:
    made = Rendition.objects.filter(asset__in=assets, recipe="poster", status=Status.DONE)
    return {pk: media_link(file) for pk, file in made.values_list("asset_id", "file")}


# --- long work -------------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def work_change(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    """Cancel, retry or put away a piece of long work."""
    rows = Transfer.objects.select_related("dataset__project")
    row = find(rows, request, Action.ANALYSE, pk=pk)
    if do == "dismiss" and row.is_over:
        Transfer.objects.filter(pk=pk).update(options=row.options | {"dismissed": True})
    elif do == "cancel":
        row.cancel()
    elif do == "retry":
        row.retry()
    if request.htmx:
        context = {"dataset": row.dataset} | work_context(row.dataset)
        return render(request, "datasets/_work.html", context)
    return redirect("dataset", row.dataset_id)
