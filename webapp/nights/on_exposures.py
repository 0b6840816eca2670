"""The page of one exposure: the nights that rest on it, and what they found in it."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render

from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.ids import is_id
from webapp.leases import Status
from webapp.nights.candidates import CandidatePoint
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night
from webapp.nights.showing import marks_in
from webapp.sky import showing

_MOST_NIGHTS = 20
_MOST_LISTED = 50  # candidates of one exposure: those of the highest score
_STANDS: dict[str, str] = {
    Status.WAITING: "waits to be searched",
    Status.WORKING: "is searched",
    Status.FAILED: "could not be searched",
    Status.DONE: "searched",
}
_ALSO = {"reference": "the reference", "bias": "the bias", "dark": "the dark", "flat": "the flat"}


class Use(NamedTuple):
    """A night that rests on an exposure."""

    night: Night
    as_what: str
    n_candidates: int  # found in it
    is_marked: bool  # these are marked in the picture


def page(request: MemberRequest, asset: Asset) -> HttpResponse:
    """Of an asset that is a sky exposure and ready; who may see it was asked before, and whoever
    may sees the nights of its workspace."""
    sky = showing.of_asset(asset)
    context = showing.page_context(sky)
    marked = _marked(asset, request.GET.get("night", ""))
    context["uses"] = _uses(asset, marked)
    if marked is not None:
        context["found"] = _found(marked)
        context["for_viewer"] |= {"marks": marks_in(marked.night_id, [sky])}
    return render(request, "sky/exposure.html", context)


def _marked(asset: Asset, asked: str) -> NightExposure | None:
    """The exposure in the night that is asked for, else in the newest that has candidates in it."""
    rows = NightExposure.objects.filter(asset=asset).select_related("night")
    rows = rows.defer("found", "found_put_in")
    if is_id(asked):
        return rows.filter(night=int(asked)).first()
    return rows.filter(points__candidate__is_gone=False).order_by("-night_id").first()


def _uses(asset: Asset, marked: NightExposure | None) -> list[Use]:
    also = Q()
    for name in _ALSO:
        also |= Q(**{name: asset})
    there = Count("points", filter=Q(points__candidate__is_gone=False))
    mine = NightExposure.objects.filter(asset=asset).annotate(n=there)
    rows = list(mine.values_list("night_id", "status", "n"))
    stands = {night: status for night, status, _ in rows}
    counts = {night: n for night, _, n in rows}
    nights = Night.objects.filter(also | Q(pk__in=stands), workspace=asset.workspace_id)
    shown = marked.night_id if marked else None
    return [
        Use(one, _as_what(one, asset, stands), counts.get(one.pk, 0), one.pk == shown)
        for one in nights.order_by("-pk")[:_MOST_NIGHTS]
    ]


def _as_what(night: Night, asset: Asset, searched: dict[int, str]) -> str:
    if night.pk in searched:
        return _STANDS[searched[night.pk]]
    return next(says for name, says in _ALSO.items() if getattr(night, f"{name}_id") == asset.pk)


def _found(exposure: NightExposure) -> list[dict[str, Any]]:
    """Its candidates in this exposure, for the table beside the picture."""
    points = CandidatePoint.objects.filter(exposure=exposure, candidate__is_gone=False)
    rows = points.select_related("candidate").order_by("-candidate__score")[:_MOST_LISTED]
    return [{"candidate": row.candidate, "score": row.score} for row in rows]
