from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may, workspaces
from webapp.accounts.models import Action, Event, Refused, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.assets import uploads
from webapp.assets.forms import CollectionForm, NameForm
from webapp.assets.models import Asset, Collection, Upload
from webapp.datasets.dataset import Dataset
from webapp.going_back import back
from webapp.ids import is_id
from webapp.indexing.indexing import BY_A_PERSON, Indexing
from webapp.indexing.refusals import IndexingRefused, reading_engine, speech_engine
from webapp.indexing.uploaded import steps_for
from webapp.library import shelves
from webapp.library.forms import ChosenForm, LibraryForm
from webapp.projects.models import Project, snapshot
from webapp.runs.answers import answers_of
from webapp.runs.offering import offered
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.runs.wanted import wanted
from webapp.search.searching import search
from webapp.search.shown import shown

MOMENTS = 8  # beside the assets; the search of all has the others

# --- the library --------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def library(request: MemberRequest) -> HttpResponse:
    """The workspace's assets: a page, or only its results when htmx asks for another filter."""
    workspace = request.membership.workspace
    form = LibraryForm(request.GET, workspace)
    page = shelves.page_of(shelves.assets_for(workspace, form), request.GET.get("page"))
    cards = shelves.cards_of(page)
    context = {
        "form": form,
        "wish": form.cleaned_data,
        "page": page,
        **_moments(workspace, form),
        "cards": cards,
        "has_sky": any(card.asset.kind == Asset.Kind.SKY for card in cards),
        "projects": offered(workspace, form.shelf),
        "engine": " and ".join(filter(None, [speech_engine(), reading_engine()])),
        "datasets": Dataset.objects.filter(project__workspace=workspace).select_related("project"),
        "keep": shelves.address(request.GET).replace("?", "&", 1).rstrip("&"),
        "as_grid": shelves.address(request.GET, view=""),
        "as_table": shelves.address(request.GET, view="table"),
    }
    if request.htmx and request.htmx.target == "results":
        return render(request, "assets/_results.html", context)
    context |= {"is_empty": not workspace.assets.exists(), "unfinished": _unfinished(request)}
    return render(request, "assets/library.html", context)


def _moments(workspace: Workspace, form: LibraryForm) -> dict[str, Any]:
    """The first moments of these assets for what is typed, as the search of all finds them."""
    text = form.cleaned_data["q"]
    if not text:
        return {"moments": []}
    found = search(workspace, text, assets=shelves.narrowed(workspace, form), with_meaning=False)
    return {"moments": shown(found, found.spans[:MOMENTS]), "n_moments": len(found.spans)}


def _unfinished(request: MemberRequest) -> list[Upload]:
    """This person's uploads that stopped half-way, which the same files can take up again."""
    rows = Upload.objects.filter(
        user=request.user,
        workspace=request.membership.workspace,
        purpose=Upload.Purpose.LIBRARY,
        asset=None,
        error="",
    )
    return list(rows.order_by("created")[:50])


# --- one asset ----------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """How an asset stands, as a card, a table row or an upload row that asks again while needed."""
    stands = Asset.objects.standing_for(pk)  # its bytes were there already
    asset = find(Asset.objects.select_related("collection"), request, pk=stands)
    if stands != pk and request.GET.get("as") != "upload":
        return HttpResponse()  # the one that was there has a card of its own
    return _status(request, asset, was_there=stands != pk)


def _status(request: MemberRequest, asset: Asset, *, was_there: bool = False) -> HttpResponse:
    template = {"row": "assets/_row.html", "upload": "assets/_arrived.html"}.get(
        request.GET.get("as", ""), "assets/_card.html"
    )
    context = {
        "card": shelves.cards_of([asset])[0],
        "projects": offered(asset.workspace, asset.collection),
        "wanted": wanted().filter(asset=asset),
        "was_there": was_there or request.GET.get("was") == "there",
        "given": request.GET.get("file", ""),  # the name of the file that was sent
    }
    return render(request, template, context)


@require_POST
@may(Action.ANALYSE)
def rename(request: MemberRequest, pk: int) -> HttpResponse:
    asset = find(Asset, request, Action.ANALYSE, pk=pk)
    form = NameForm(request.POST)
    if form.is_valid():
        asset.rename(form.cleaned_data["name"], by=request.user)
    else:
        messages.error(request, "An asset needs a name of at most 255 characters.")
    return back(request, "asset", asset.pk)


@require_POST
@may(Action.ANALYSE)
def retry(request: MemberRequest, pk: int) -> HttpResponse:
    """Prepare an asset again after a failure."""
    asset = find(Asset, request, Action.ANALYSE, pk=pk)
    asset.retry()
    asset.refresh_from_db()
    if request.htmx:
        return _status(request, asset)
    return back(request, "library")


@require_POST
@may(Action.ANALYSE)
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    asset = find(Asset, request, Action.ANALYSE, pk=pk)
    if not _delete(request, [asset]):
        return back(request, "library")
    # the asset's own page is gone now
    return redirect("library") if not request.POST.get("next") else back(request, "library")


# --- several at once ----------------------------------------------------------------------


def _chosen(request: MemberRequest, assets: QuerySet[Asset]) -> list[Asset]:
    """The ticked assets that this person may change; a stranger's among them is not found."""
    form = ChosenForm(
        request.POST, assets.filter(workspace__in=workspaces(request, Action.ANALYSE))
    )
    if not (all(map(is_id, request.POST.getlist("asset"))) and form.is_valid()):
        raise Http404("Some of the chosen assets are not there.")
    return list(form.cleaned_data["asset"])


@require_POST
@may(Action.ANALYSE)
def delete_chosen(request: MemberRequest) -> HttpResponse:
    chosen = _chosen(request, Asset.objects.all())
    _delete(request, chosen)
    return back(request, "library")


def _delete(request: MemberRequest, assets: list[Asset]) -> list[Asset]:
    """Delete these but for what somebody is in the middle of. Returns what is deleted."""
    gone = []
    for asset in assets:
        try:
            asset.remove(by=request.user)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            gone.append(asset)
    if gone:
        _offer_undo(request, gone)
    return gone


@require_POST
@may(Action.ANALYSE)
def restore_chosen(request: MemberRequest) -> HttpResponse:
    """Undo a deletion. What is erased already cannot come back, and the answer says so."""
    numbers = [n for n in request.GET.getlist("asset") if is_id(n)]
    allowed = workspaces(request, Action.ANALYSE)
    found = list(Asset.everything.filter(pk__in=numbers, workspace__in=allowed))
    if not found:
        messages.error(request, "It is too late to undo: the files are erased.")
    for asset in found:
        asset.restore(by=request.user)
    return back(request, "library")


def _offer_undo(request: MemberRequest, assets: list[Asset]) -> None:
    numbers = "&".join(f"asset={asset.pk}" for asset in assets)
    what = assets[0].name if len(assets) == 1 else f"{len(assets)} assets"
    undo = f"{reverse('assets-restore')}?{numbers}"
    messages.success(request, f"{what} deleted.", extra_tags=undo)


@require_POST
@may(Action.ANALYSE)
def move_chosen(request: MemberRequest) -> HttpResponse:
    chosen = _chosen(request, request.membership.workspace.assets.all())
    collection = _collection(request, request.POST.get("collection", ""))
    Asset.objects.filter(pk__in=[asset.pk for asset in chosen]).update(collection=collection)
    what = chosen[0].name if len(chosen) == 1 else f"{len(chosen)} assets"
    messages.success(request, f"{what} moved to {collection or 'no collection'}.")
    return back(request, "library")


def _collection(request: MemberRequest, number: str) -> Collection | None:
    if not is_id(number):
        return None
    return get_object_or_404(Collection, pk=number, workspace=request.membership.workspace)


@require_POST
@may(Action.ANALYSE)
def analyse_chosen(request: MemberRequest) -> HttpResponse:
    """A run of the chosen project for each chosen asset, and a word on each that cannot be."""
    chosen = _chosen(request, request.membership.workspace.assets.all())
    number = request.POST.get("project", "")
    here = request.membership.workspace.projects.all()
    project = find(here, request, Action.ANALYSE, pk=number if is_id(number) else 0)
    inputs, started = snapshot(project), 0
    for asset in chosen:
        try:
            Run.objects.request(asset, project, by=request.user, inputs=inputs)
            started += 1
        except RunRefused as refusal:
            messages.error(request, str(refusal))
    if started:
        noun = "run" if started == 1 else "runs"
        messages.success(request, f"{started} {noun} started for {project}.")
    return back(request, "library")


@require_POST
@may(Action.ANALYSE)
def index_chosen(request: MemberRequest) -> HttpResponse:
    """Listen to each chosen asset and read what is written on it, as far as it can be and was not;
    and a word on each that cannot be."""
    chosen = _chosen(request, request.membership.workspace.assets.all())
    begun = 0
    for asset in chosen:
        refusals = []
        steps = steps_for(asset)
        for step in steps:
            try:
                Indexing.objects.request(asset, step, by=request.user, priority=BY_A_PERSON)
            except IndexingRefused as refusal:
                refusals.append(str(refusal))
        begun += len(refusals) < len(steps)
        for sentence in refusals:
            messages.error(request, sentence)
    if begun:
        noun = "asset is" if begun == 1 else "assets are"
        messages.success(request, f"{begun} {noun} being indexed.")
    return back(request, "library")


@require_POST
@may(Action.ANALYSE)
def compare_chosen(request: MemberRequest) -> HttpResponse:
    """The chosen assets side by side, for the project that most of them were analysed for."""
    chosen = _chosen(request, request.membership.workspace.assets.all())
    answers = [a for found in answers_of(chosen).values() for a in found if a.run]
    if not answers:
        messages.error(request, "None of these is analysed yet, so there is nothing to compare.")
        return back(request, "library")
    project: Project = Counter(answer.project for answer in answers).most_common(1)[0][0]
    runs = [answer.run.pk for answer in answers if answer.run and answer.project == project]
    if left := len(chosen) - len(runs):
        is_, they = ("is", "it is") if left == 1 else ("are", "they are")
        messages.info(
            request,
            f"{left} of {len(chosen)} {is_} not analysed for {project}, so {they} left out.",
        )
    return redirect(f"{reverse('compare')}?{urlencode({'run': runs}, doseq=True)}")


@require_POST
@may(Action.ANALYSE)
def frames_of_chosen(request: MemberRequest) -> HttpResponse:
    """To the page that takes frames of the chosen videos into a dataset."""
    workspace = request.membership.workspace
    videos = _videos(request, _chosen(request, workspace.assets.all()))
    number = request.POST.get("dataset", "")
    here = Dataset.objects.filter(project__workspace=workspace)
    dataset = find(here, request, Action.ANALYSE, pk=number if is_id(number) else 0)
    if not videos:
        return back(request, "library")
    return redirect(f"{reverse('dataset-frames', args=[dataset.pk])}?videos={videos}")


@require_POST
@may(Action.ANALYSE)
def label_chosen(request: MemberRequest) -> HttpResponse:
    """To the form of a labelling job, with the chosen videos ticked."""
    videos = _videos(request, _chosen(request, request.membership.workspace.assets.all()))
    return (
        redirect(f"{reverse('labelling-make')}?videos={videos}")
        if videos
        else back(request, "library")
    )


def _videos(request: MemberRequest, chosen: list[Asset]) -> str:
    """The ids of the videos among these that are ready, with commas; says so where there are none
    and where some are left out."""
    fit = [a.pk for a in chosen if a.kind == Asset.Kind.VIDEO and a.is_ready]
    if not fit:
        messages.error(request, "Choose a video that is ready: frames are taken from videos.")
    elif left := len(chosen) - len(fit):
        messages.info(request, f"{left} of {len(chosen)} left out: no video, or not ready yet.")
    return ",".join(map(str, fit))


# --- collections --------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def collections(request: MemberRequest) -> HttpResponse:
    """A new collection, with the ticked assets in it if there are any."""
    workspace = request.membership.workspace
    form = CollectionForm(request.POST, instance=Collection(workspace=workspace))
    if not form.is_valid():
        messages.error(request, _sentence(form))
        return back(request, "library")
    collection = form.save()
    Event.record(workspace, request.user, "made a collection", collection.name)
    if request.POST.getlist("asset"):
        chosen = _chosen(request, workspace.assets.all())
        Asset.objects.filter(pk__in=[a.pk for a in chosen]).update(collection=collection)
    return redirect(f"{reverse('library')}?collection={collection.pk}")


@require_POST
@may(Action.ANALYSE)
def rename_collection(request: MemberRequest, pk: int) -> HttpResponse:
    collection = find(Collection, request, Action.ANALYSE, pk=pk)
    form = CollectionForm(request.POST, instance=collection)
    if form.is_valid():
        form.save()
    else:
        messages.error(request, _sentence(form))
    return back(request, "library")


@require_POST
@may(Action.ANALYSE)
def delete_collection(request: MemberRequest, pk: int) -> HttpResponse:
    """Take the collection away. Its assets stay in the library."""
    collection = find(Collection, request, Action.ANALYSE, pk=pk)
    name, n = collection.name, collection.assets.count()
    Event.record(collection.workspace, request.user, "deleted a collection", name)
    collection.delete()
    kept = f" Its {n} asset{'s are' if n > 1 else ' is'} in no collection now." if n else ""
    messages.success(request, f"Collection {name} deleted.{kept}")
    return redirect("library")


def _sentence(form: CollectionForm) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


# --- uploads ------------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def discard_upload(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Forget an unfinished upload, from the list of them."""
    allowed = workspaces(request, Action.ANALYSE)
    upload = get_object_or_404(Upload, pk=pk, user=request.user, workspace__in=allowed)
    uploads.discard(upload)
    return back(request, "library")
