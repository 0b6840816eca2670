"""Teaching what is real: the versions of a workspace, asking for one, and how one went."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.ids import SomeOf
from webapp.leases import Status
from webapp.nights.night import Night
from webapp.nights.teaching import (
    DEFAULTS,
    NUMBERS,
    SOURCES,
    TILES_HELP,
    TILES_TITLE,
    SkyTeaching,
    SkyTeachingQuerySet,
)
from webapp.nights.views import nights_of

_LISTED = 30
_NIGHTS = 100  # newest, that a teaching may be asked of
KINDS = {
    "network": "a network",
    "features": "eleven numbers of its shape",
    "both": "a network and numbers of the shape",
}


class TeachingForm(forms.Form):
    """What is learnt from, and how."""

    nights = SomeOf(Night.objects.none(), label="Nights")
    tiles = forms.BooleanField(required=False, label=TILES_TITLE, help_text=TILES_HELP)

    def __init__(self, workspace: Workspace, data: Any = None) -> None:
        super().__init__(data)
        self.workspace = workspace
        every: Any = self.fields["nights"]
        every.queryset = Night.objects.filter(workspace=workspace, status=Status.DONE)
        for name, number in NUMBERS.items():
            self.fields[name] = forms.FloatField(
                min_value=number.least,
                max_value=number.most,
                initial=DEFAULTS[name],
                required=False,
                label=number.title,
                help_text=number.help,
            )

    def request(self, by: Any) -> SkyTeaching:
        """Raises Refused."""
        said = {name: self.cleaned_data[name] for name in NUMBERS}
        options = {name: value for name, value in said.items() if value is not None}
        options["tiles"] = self.cleaned_data["tiles"]
        row: SkyTeaching = SkyTeaching.objects.request(
            self.workspace, list(self.cleaned_data["nights"]), options=options, by=by
        )
        return row


def _teachings() -> SkyTeachingQuerySet:
    rows: SkyTeachingQuerySet = SkyTeaching.objects.select_related("workspace", "created_by")
    return rows


@may(Action.VIEW)
def teachings(request: MemberRequest) -> HttpResponse:
    """The versions, newest first, and the form for another; posting it begins one."""
    workspace = request.membership.workspace
    form = TeachingForm(workspace, request.POST or None)
    if request.method == "POST":
        if not request.membership.can(Action.ANALYSE):
            raise PermissionDenied("Your role does not allow this.")
        if form.is_valid():
            try:
                with transaction.atomic():
                    row = form.request(request.user)
            except Refused as refused:
                form.add_error(None, str(refused))
            else:
                return redirect("sky-teaching", row.pk)
    page = Paginator(_teachings().filter(workspace=workspace), _LISTED).get_page(
        request.GET.get("page")
    )
    every = nights_of().filter(workspace=workspace, status=Status.DONE).order_by("-pk")
    nights = every.with_verdicts()[:_NIGHTS]
    asked = {str(pk) for pk in form["nights"].value() or request.GET.getlist("night")}
    context = {
        "page": page,
        "form": form,
        "numbers": [form[name] for name in NUMBERS],
        "nights": [(one, str(one.pk) in asked) for one in nights],
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "nights/teachings.html", context, status=status)


@require_safe
@may(Action.VIEW)
def teaching(request: MemberRequest, pk: int) -> HttpResponse:
    """One version: what it learnt from, how good it is, and what it is most wrong about."""
    row = find(_teachings(), request, pk=pk)
    return render(request, "nights/teaching.html", _about(row) | {"worst": _worst(row)})


@require_safe
@may(Action.VIEW)
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """How it stands: the fragment that asks for itself again until it is over."""
    row = find(_teachings(), request, pk=pk)
    response = render(request, "nights/_teaching_status.html", _about(row) | {"has_news": True})
    if row.is_over:
        response["HX-Refresh"] = "true"
    return response


def _about(row: SkyTeaching) -> dict[str, Any]:
    figures = [
        (title, row.figures[kind], row.kind == kind)
        for kind, title in (
            ("network", "Network"),
            ("features", "Numbers of the shape"),
            ("both", "The mean of both"),
        )
        if kind in row.figures
    ]
    return {
        "teaching": row,
        "waits": row.waiting_because(),
        "kind": KINDS.get(row.kind, ""),
        "counts": [
            (title, is_real, row.counts.get(name, 0)) for name, (title, is_real) in SOURCES.items()
        ],
        "figures": figures,
        "tiles": row.figures.get("tiles"),
        "tile_rows": _tile_rows(row),
        "nights": row.nights.order_by("pk"),
    }


def _tile_rows(row: SkyTeaching) -> list[tuple[str, int, list[str]]]:
    """What was found of what was put in: what it is, how many, and shares by who finds."""
    found = []
    for one in row.figures.get("tiles", {}).get("shares", []):
        kind = "Short trails" if one["is_trail"] else "Points"
        cells = [
            "" if one[by] is None else f"{100 * one[by]:.0f} %"
            for by in ("network", "classical", "both")
        ]
        found.append((f"{kind}, {one['low']:g} to {one['high']:g} σ", one["number"], cells))
    return found


def _worst(row: SkyTeaching) -> list[dict[str, Any]]:
    return [
        one | {"link": media_link(one["picture"]), "what": SOURCES[one["source"]][0]}
        for one in row.worst
    ]


@require_POST
@may(Action.ANALYSE)
def ask(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    """Cancel, try again, use this version, use none, or delete it."""
    row = find(_teachings(), request, Action.ANALYSE, pk=pk)
    if do == "delete":
        if not row.is_over:
            messages.error(request, "It is worked on: cancel it first.")
            return redirect("sky-teaching", pk)
        row.remove(by=request.user)
        messages.success(request, "It is deleted. What it scored keeps its scores.")
        return redirect("sky-teachings")
    try:
        if do == "use":
            row.use(by=request.user)
            messages.success(request, "It scores from now on.")
        elif do == "use-none":
            row.use_none(by=request.user)
        elif not {"cancel": row.cancel, "retry": row.retry}.get(do, bool)():
            messages.info(request, "It is over already, or there is nothing to try again.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("sky-teaching", pk)


@require_POST
@may(Action.ANALYSE)
def score_again(request: MemberRequest, pk: int) -> HttpResponse:
    """Score a night by what scores now; its exposures are not read again."""
    row = find(nights_of(), request, Action.ANALYSE, pk=pk)
    if not row.score_again():
        messages.info(request, "It is worked on, or was never finished.")
    return redirect("night", pk)
