"""Logo pictures of a label out of the boxes that people labelled, on the project page."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.leases import UNFINISHED, Status
from webapp.novelty.labelled import free_places, labelled_boxes
from webapp.novelty.work import NoveltyWork
from webapp.projects.models import Label


@dataclass(frozen=True)
class Taking:
    """Logo pictures out of labelled boxes: how many there are, and what came of the last time."""

    n_boxes: int
    places: int
    last: NoveltyWork | None

    @classmethod
    def of(cls, label: Label) -> Taking:
        works = NoveltyWork.objects.filter(label=label, kind=NoveltyWork.Kind.TAKE)
        return cls(
            n_boxes=labelled_boxes(label).count(),
            places=max(free_places(label), 0),
            last=works.order_by("-pk").first(),
        )

    @property
    def is_going(self) -> bool:
        return self.last is not None and self.last.status in UNFINISHED

    @property
    def is_possible(self) -> bool:
        return bool(self.n_boxes and self.places) and not self.is_going

    @property
    def said(self) -> str:
        """What came of the last time."""
        if self.last is None or self.is_going:
            return ""
        return self.last.error if self.last.status == Status.FAILED else self.last.note


@require_safe
@may(Action.VIEW)
def labelled(request: MemberRequest, pk: int) -> HttpResponse:
    """How many boxes there are, and what came of it; fetched when a label is opened, and again
    while a worker takes them."""
    return _shown(request, find(Label.objects.select_related("project"), request, pk=pk))


@require_POST
@may(Action.ANALYSE)
def take(request: MemberRequest, pk: int) -> HttpResponse:
    """Have them taken."""
    label = find(Label.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    try:
        NoveltyWork.objects.ask_take(label, by=request.user)
    except Refused as refused:
        return _shown(request, label, str(refused))
    if not request.headers.get("HX-Request"):
        return redirect(reverse("project", args=[label.project_id]) + f"?open={pk}#label-{pk}")
    return _shown(request, label)


def _shown(request: MemberRequest, label: Label, refused: str = "") -> HttpResponse:
    context = {"label": label, "taking": Taking.of(label), "refused": refused}
    return render(request, "projects/_taking.html", context)
