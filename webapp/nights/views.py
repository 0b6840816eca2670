"""Nights: the list, asking for one, and how one stands with what it found."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.going_back import back
from webapp.ids import is_id
from webapp.nights import choosing, showing
from webapp.nights.exports import FORMATS
from webapp.nights.forms import NightForm
from webapp.nights.night import Night, NightQuerySet
from webapp.nights.notices import NightNotice
from webapp.nights.teaching import SkyTeaching
from webapp.nights.watching import Watch, folder_of

_LISTED = 30
_CANDIDATES = 50
_REFERENCES = 100


def nights_of() -> NightQuerySet:
    return Night.objects.select_related("workspace", "reference", "created_by")


@require_safe
@may(Action.VIEW)
def nights(request: MemberRequest) -> HttpResponse:
    """The nights of the workspace, newest first."""
    workspace = request.membership.workspace
    rows = nights_of().filter(workspace=workspace).with_counts().order_by("-pk")
    page = Paginator(rows, _LISTED).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "is_going": any(not one.is_over for one in page),
        "n_ready": choosing.of_workspace(workspace).count(),
        **_watch_of(workspace),
    }
    return render(request, "nights/list.html", context)


def _watch_of(workspace: Workspace) -> dict[str, Any]:
    """What the page says of the watched folder; nothing where none is."""
    if not settings.NIGHTS_FOLDER:
        return {}
    watched = Watch.objects.filter(workspace=workspace).select_related("reference").first()
    return {
        "watch": watched,
        "watch_folder": folder_of(workspace),
        "watch_taken": watched.files.count() if watched else 0,
        "watch_left": watched.files.exclude(error="").first() if watched else None,
        "references": choosing.of_role(workspace, "reference", "science")[:_REFERENCES],
    }


@may(Action.ANALYSE)
def new(request: MemberRequest) -> HttpResponse:
    """The form for a night; posting it begins one."""
    workspace = request.membership.workspace
    form = NightForm(workspace, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row = form.request(request.user)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("night", row.pk)
    rows = choosing.choices(workspace)
    wanted = {name: request.GET.get(name, "") for name in ("night", "field", "band")}
    groups = choosing.grouped(rows, wanted)
    context = {
        "form": form,
        "groups": groups,
        "filters": choosing.filters(rows, wanted),
        "chosen": {str(pk) for pk in form["exposures"].value() or []},
        "suggested": _suggested(groups),
        "calibration": [form[name] for name in NightForm.CALIBRATION],
        "site": [form[name] for name in NightForm.SITE],
        "folded": [form[name] for name in NightForm.FOLDED],
        "looks_by": SkyTeaching.objects.looking(workspace),
        "is_unfolded": form.is_bound and any(form[name].errors for name in NightForm.FOLDED),
        "n_exposures": len(rows),
        "is_full": len(rows) >= choosing.MOST_LISTED,
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "nights/new.html", context, status=status)


def _suggested(groups: list[choosing.Group]) -> str:
    """What a night may be called: the field and the day of the newest group."""
    if not groups:
        return ""
    first = groups[0]
    return f"{first.field}, {first.night:%-d %B %Y}" if first.night else first.field


@require_safe
@may(Action.VIEW)
def night(request: MemberRequest, pk: int) -> HttpResponse:
    """A night: how it stands, what it found, where that went."""
    row = find(nights_of(), request, pk=pk)
    NightNotice.objects.filter(night=row, user=request.user).see()
    chosen = showing.asked(request.GET.dict())
    rows = showing.matching(row.candidates.filter(is_gone=False), chosen)
    page = Paginator(rows, _CANDIDATES).get_page(request.GET.get("page"))
    plot, plane = showing.plane_of(row, rows)
    context = showing.status_of(row) | {
        "page": page,
        "keep": f"&{urlencode(chosen)}" if chosen else "",
        "about": showing.about(row),
        "filters": showing.filters(chosen),
        "n_all": row.candidates.filter(is_gone=False).count(),
        "n_waiting": row.candidates.waiting().count(),
        "formats": FORMATS,
        "stacked": showing.stacked_link(row),
        "plane": plot,
        "plane_rows": plane,
        **showing.completeness_of(row),
    }
    return render(request, "nights/night.html", context)


@require_safe
@may(Action.VIEW)
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """How it stands: the fragment that asks for itself again until it is over."""
    row = find(nights_of(), request, pk=pk)
    response = render(request, "nights/_status.html", showing.status_of(row))
    if row.is_over:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@may(Action.ANALYSE)
def watch(request: MemberRequest) -> HttpResponse:
    """Switch the watch of the workspace's folder on or off."""
    workspace = request.membership.workspace
    word = request.POST.get("reference", "")
    try:
        reference = find(Asset, request, Action.ANALYSE, pk=int(word)) if is_id(word) else None
        is_on = request.POST.get("do") == "on"
        Watch.objects.set_for(workspace, is_on=is_on, reference=reference, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"The folder is {'' if is_on else 'not '}watched.")
    return redirect("nights")


@require_POST
@may(Action.ANALYSE)
def ask(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    """Cancel, or try again."""
    row = find(nights_of(), request, Action.ANALYSE, pk=pk)
    done: Any = {"cancel": row.cancel, "retry": row.retry}.get(do)
    if done is None or not done():
        messages.info(request, "It is over already, or there is nothing to try again.")
    return redirect("night", row.pk)


@require_POST
@may(Action.ANALYSE)
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    row = find(nights_of(), request, Action.ANALYSE, pk=pk)
    if not row.is_over:
        messages.error(request, "It is worked on: cancel it first.")
        return back(request, "night", row.pk)
    row.remove(by=request.user)
    messages.success(request, f"{row} is deleted; its exposures are still in the library.")
    return redirect("nights")
