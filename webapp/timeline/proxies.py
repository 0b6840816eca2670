"""The copy of a film or of sound that browsers can play, while a worker makes it or could not."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset, Rendition
from webapp.leases import Status
from webapp.runs.workers import batch_says


def state(proxy: Rendition | None) -> dict[str, Any]:
    """For the template: what is going on, or what went wrong in a sentence. Nothing when all is
    well."""
    if proxy is None or proxy.status == Status.DONE:
        return {}
    if proxy.is_going_on:
        return {"proxy": proxy, "proxy_waits": batch_says(proxy)}
    return {"proxy": proxy, "proxy_failed": _sentence(proxy)}


def _sentence(proxy: Rendition) -> str:
    if proxy.is_cancelled:
        return "Browsers may not be able to play this file: making a copy for them was cancelled."
    if proxy.asset.kind == Asset.Kind.AUDIO:
        return f"Browsers cannot play this sound: {proxy.error}"
    return f"The film is well enough to be analysed, but browsers cannot play it: {proxy.error}"


@require_safe
@may(Action.VIEW)
def proxy(request: MemberRequest, pk: int) -> HttpResponse:
    """How it stands, as the fragment that asks again. Once it is made, the player is told."""
    found = _proxy(request, pk, Action.VIEW)
    if found.status == Status.DONE:
        return HttpResponse(headers={"HX-Trigger": "proxy-ready"})
    if not found.is_going_on:  # the original is offered now, and why there is no copy
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"asset": found.asset} | state(found)
    return render(request, "timeline/_proxy.html", context)


@require_POST
@may(Action.ANALYSE)
def cancel(request: MemberRequest, pk: int) -> HttpResponse:
    _proxy(request, pk, Action.ANALYSE).cancel()
    return redirect("asset", pk)


@require_POST
@may(Action.ANALYSE)
def retry(request: MemberRequest, pk: int) -> HttpResponse:
    _proxy(request, pk, Action.ANALYSE).retry()
    return redirect("asset", pk)


def _proxy(request: MemberRequest, pk: int, action: Action) -> Rendition:
    asset = find(Asset, request, action, pk=pk)
    proxy = asset.renditions.filter(recipe=Rendition.PROXY).select_related("asset").first()
    if proxy is None:
        raise Http404
    return proxy
