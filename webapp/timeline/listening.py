"""Listening for a project's brands in the sound itself, of a run or of sound that has none."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.going_back import back
from webapp.indexing.spotting import Spotting
from webapp.indexing.transcript import shown
from webapp.runs.run import Run
from webapp.timeline.mentions import names_of, names_to_hear
from webapp.timeline.named import naming_projects


@require_POST
@may(Action.ANALYSE)
def listen(request: MemberRequest, pk: int) -> HttpResponse:
    """Listen for the brands in the sound, where the transcript has other words."""
    runs = Run.objects.filter(asset__removed=None).select_related("asset", "project")
    run = find(runs, request, Action.ANALYSE, pk=pk)
    return _listen(request, run.asset, names_to_hear(run))


@require_POST
@may(Action.ANALYSE)
def listen_to_asset(request: MemberRequest, pk: int) -> HttpResponse:
    """The same for the brands of a project, in what no analysis can be made of."""
    assets = Asset.objects.select_related("workspace", "collection")
    asset = find(assets, request, Action.ANALYSE, pk=pk)
    wanted = request.POST.get("project", "")
    for project in naming_projects(asset):
        if str(project.pk) == wanted:
            return _listen(request, asset, names_of(project.current_labels()))
    raise Http404


def _listen(request: MemberRequest, asset: Asset, names: Sequence[str]) -> HttpResponse:
    indexing = shown(asset)
    try:
        if indexing is None:
            raise Refused("Nobody has listened yet: index the asset first.")
        Spotting.objects.request(indexing, names, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return back(request, "asset", asset.pk)
