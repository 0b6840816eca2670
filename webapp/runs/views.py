from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Event
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.going_back import back
from webapp.ids import is_id
from webapp.projects.models import Project
from webapp.runs.forms import SamplingForm
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run


def find_run(request: MemberRequest, pk: int, action: Action = Action.VIEW) -> Run:
    runs = Run.living.filter(asset__removed=None).select_related("asset", "project")
    return find(runs, request, action, pk=pk)


@require_POST
@may(Action.ANALYSE)
def start(request: MemberRequest, pk: int) -> HttpResponse:
    """Analyse an asset for a project. What cannot be done is said where it was asked for."""
    asset = find(Asset, request, Action.ANALYSE, pk=pk)
    project = _chosen_project(request, asset)
    form = SamplingForm(request.POST)
    leads_to = asset_page(asset)
    if project is None:
        messages.error(request, "Choose a project: it says which brands to look for.")
    elif not form.is_valid():
        messages.error(request, form.sentence())
    else:
        try:
            run = Run.objects.request(asset, project, by=request.user, sampling=form.options())
            leads_to += f"?run={run.pk}"
        except RunRefused as refusal:
            messages.error(request, str(refusal))
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": leads_to})
    return redirect(leads_to)


def asset_page(asset: Asset) -> str:
    return redirect("asset", asset.pk).url


def _chosen_project(request: MemberRequest, asset: Asset) -> Project | None:
    """The project of the form, of the asset's own workspace."""
    number = request.POST.get("project", "")
    if not is_id(number):
        return None
    return find(Project, request, Action.ANALYSE, pk=number, workspace=asset.workspace_id)


def _ask(request: MemberRequest, pk: int, verb: str, refusal: str) -> HttpResponse:
    """Ask a run to do something, and show how it stands now."""
    run = find_run(request, pk, Action.ANALYSE)
    if not getattr(run, verb)():
        run.refresh_from_db()
        messages.info(request, refusal.format(status=run.get_status_display().lower()))
    if request.htmx:
        return _status(request, run)
    return back(request, "asset", run.asset_id)


@require_POST
@may(Action.ANALYSE)
def pause(request: MemberRequest, pk: int) -> HttpResponse:
    return _ask(request, pk, "pause", "The run is {status}, so it cannot be paused.")


@require_POST
@may(Action.ANALYSE)
def resume(request: MemberRequest, pk: int) -> HttpResponse:
    return _ask(request, pk, "resume", "The run is {status}, so there is nothing to resume.")


@require_POST
@may(Action.ANALYSE)
def cancel(request: MemberRequest, pk: int) -> HttpResponse:
    return _ask(request, pk, "cancel", "The run is {status} already.")


@require_POST
@may(Action.ANALYSE)
def retry(request: MemberRequest, pk: int) -> HttpResponse:
    return _ask(request, pk, "retry", "The run is {status}, so there is nothing to try again.")


@require_POST
@may(Action.ANALYSE)
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    run = find_run(request, pk, Action.ANALYSE)
    asset = run.asset
    Event.record(asset.workspace, request.user, "deleted a run", str(asset), run=run.pk)
    run.remove()
    messages.success(request, "The run and what it found are deleted.")
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": asset_page(asset)})
    return redirect("asset", asset.pk)


@require_safe
@may(Action.VIEW)
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """How a run stands: the fragment that asks for itself again until the run is over."""
    return _status(request, find_run(request, pk))


def _status(request: MemberRequest, run: Run) -> HttpResponse:
    response = render(request, "runs/_status_polled.html", {"run": run})
    seen = request.GET.get("seen", "")
    progress = run.progress()
    if run.is_over:
        response["HX-Trigger"] = "run-over"
    elif seen != str(progress["segments_done"]):
        response["HX-Trigger"] = "run-progress"
    return response
