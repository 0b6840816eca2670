"""Listening for words in the sound: how it stands on the asset page, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.going_back import back
from webapp.indexing.indexing import Indexing
from webapp.indexing.spotting import Spotting, missing, why_not
from webapp.leases import Status

_VERBS = {"cancel": "It is over already.", "retry": "There is nothing to try again."}


@dataclass(frozen=True, slots=True)
class Listening:
    """`latest`: the last that was asked for, where it goes on or failed. `missing`: the names that
    nobody has listened for. `listened`: whether somebody has listened for any."""

    latest: Spotting | None
    missing: list[str]
    listened: bool

    @classmethod
    def of(cls, indexing: Indexing | None, names: Sequence[str]) -> Listening | None:
        """None where nobody can listen for words."""
        if indexing is None:
            return None
        latest = indexing.spottings.order_by("-pk").first()
        is_news = latest is not None and latest.status != Status.DONE
        if not is_news and why_not(indexing):
            return None
        listened = indexing.spottings.filter(status=Status.DONE).exists()
        return cls(latest if is_news else None, missing(indexing, names), listened)


@require_safe
@may(Action.VIEW)
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """How it stands: the fragment that asks for itself again until it is over."""
    return _status(request, _found(request, pk))


@require_POST
@may(Action.ANALYSE)
def ask(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    """Cancel it, or try it again."""
    spotting = _found(request, pk, Action.ANALYSE)
    if do not in _VERBS:
        raise Http404
    if not getattr(spotting, do)():
        messages.info(request, _VERBS[do])
    if request.htmx:
        return _status(request, spotting)
    return back(request, "asset", spotting.indexing.asset_id)


def _found(request: MemberRequest, pk: int, action: Action = Action.VIEW) -> Spotting:
    rows = Spotting.objects.filter(indexing__removed=None, indexing__asset__removed=None)
    found: Spotting = find(rows.select_related("indexing"), request, action, pk=pk)
    return found


def _status(request: MemberRequest, spotting: Spotting) -> HttpResponse:
    response = render(request, "indexing/_spotting_status.html", {"spotting": spotting})
    if spotting.status == Status.DONE:
        response["HX-Refresh"] = "true"
    return response
