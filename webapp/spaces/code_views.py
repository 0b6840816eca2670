"""The codes of a space: what they fire on, what they are called, and which are muted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.going_back import back
from webapp.spaces.codes import Code, CodeQuerySet
from webapp.spaces.showing import shown_codes
from webapp.spaces.space import Space
from webapp.spaces.views import about, paged

_A_PAGE = 48
_IN_A_CARD = 4
_ON_A_PAGE = 8
_UNDO = "space-codes"  # signs what an undo goes back to
_SHOWS = ("named", "muted", "all")


def _codes() -> CodeQuerySet:
    return Code.objects.select_related("space__workspace", "changed_by")


@require_safe
@may(Action.VIEW)
def space(request: MemberRequest, pk: int) -> HttpResponse:
    """A space: what it compares and how well, and its codes to look through and name."""
    rows = Space.objects.select_related("workspace", "created_by").prefetch_related("indexes")
    found = find(rows, request, pk=pk)
    words, shows = request.GET.get("q", "").strip()[:80], request.GET.get("show", "")
    shows = shows if shows in _SHOWS else ""
    codes = _codes().filter(space=found).that_fire()
    codes = {
        "named": codes.exclude(name=""),
        "muted": codes.filter(is_muted=True),
    }.get(shows, codes)
    page = paged(request, codes.matching(words).order_by("-clarity", "number"), _A_PAGE)
    keep = {name: value for name, value in (("q", words), ("show", shows)) if value}
    context = {
        "page": page,
        "codes": shown_codes(list(page), _IN_A_CARD),
        "words": words,
        "shows": shows,
        "keep": f"&{urlencode(keep)}" if keep else "",
        "space": found,
    }
    if request.htmx and not request.htmx.boosted:
        return render(request, "spaces/_codes.html", context)
    return render(request, "spaces/space.html", about(found) | context)


@require_safe
@may(Action.VIEW)
def code(request: MemberRequest, pk: int) -> HttpResponse:
    """One code: the moments in which it fires, and its words with purity and coverage."""
    found = find(_codes(), request, pk=pk)
    (shown,) = shown_codes([found], _ON_A_PAGE)
    return render(request, "spaces/code.html", {"shown": shown, "code": found})


@require_POST
@may(Action.LABEL)
def rename(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(_codes(), request, Action.LABEL, pk=pk)
    before, name = found.name, request.POST.get("name", "")
    try:
        found.rename(name, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return _shown(request, found)
    if found.name != before:
        said = f"Called “{found.called}” now." if found.name else "Its name is taken back."
        messages.success(request, said, extra_tags=_undo(found, name=before))
    return _shown(request, found)


@require_POST
@may(Action.LABEL)
def mute(request: MemberRequest, pk: int) -> HttpResponse:
    """Take it out of all scores and reasons, or back in."""
    found = find(_codes(), request, Action.LABEL, pk=pk)
    wanted = request.POST.get("muted") == "on"
    if wanted != found.is_muted:
        found.mute(wanted, by=request.user)
        said = "counts in no score now" if wanted else "counts again"
        messages.success(
            request, f"“{found.called}” {said}.", extra_tags=_undo(found, is_muted=not wanted)
        )
    return _shown(request, found)


def _undo(found: Code, **before: Any) -> str:
    told = signing.dumps({"code": found.pk} | before, salt=_UNDO, compress=True)
    return reverse("space-code-undo", args=[told])


@require_POST
@may(Action.LABEL)
def undo(request: MemberRequest, undo: str) -> HttpResponse:
    """Back to what a code was called, or whether it was muted."""
    try:
        before = signing.loads(undo, salt=_UNDO)
    except signing.BadSignature:
        raise Http404 from None
    found = find(_codes(), request, Action.LABEL, pk=before["code"])
    if "name" in before:
        found.rename(before["name"], by=request.user)
    else:
        found.mute(before["is_muted"], by=request.user)
    return back(request, "space", found.space_id)


def _shown(request: MemberRequest, found: Code) -> HttpResponse:
    """The card of the code as it is now, or the page that it was changed on."""
    if not request.htmx:
        return back(request, "space", found.space_id)
    (shown,) = shown_codes([found], _IN_A_CARD)
    return render(request, "spaces/_code_changed.html", {"shown": shown})
