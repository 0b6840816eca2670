"""Listening for a project's brands in the sound itself."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.going_back import back
from webapp.indexing.spotting import Spotting
from webapp.indexing.transcript import shown
from webapp.runs.run import Run
from webapp.timeline.mentions import names_to_hear


@require_POST
@may(Action.ANALYSE)
def listen(request: MemberRequest, pk: int) -> HttpResponse:
    """Listen for the brands in the sound, where the transcript has other words."""
    runs = Run.objects.filter(asset__removed=None).select_related("asset", "project")
    run = find(runs, request, Action.ANALYSE, pk=pk)
    indexing = shown(run.asset)
    try:
        if indexing is None:
            raise Refused("Nobody has listened yet: index the asset first.")
        Spotting.objects.request(indexing, names_to_hear(run), by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return back(request, "asset", run.asset_id)
