"""One candidate: its pictures, how it went, and the verdict of a person."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.ids import is_id
from webapp.nights import deciding, lending, showing
from webapp.nights.candidates import Candidate
from webapp.nights.exports import mpc_lines
from webapp.nights.views import nights_of
from webapp.sky.showing import MOST_BESIDE, in_order, side_by_side_context

QUEUE = "queue"  # sent as `then`: who decided in the queue goes on in it
_BESIDE = MOST_BESIDE - 1  # one is left for the reference


def _found(request: MemberRequest, pk: int, number: int, action: Action = Action.VIEW) -> Candidate:
    night = find(nights_of(), request, action, pk=pk)
    rows = Candidate.objects.select_related("night__workspace")
    return find(rows, request, action, night=night.pk, number=number)


@require_safe
@may(Action.VIEW)
def candidate(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    one = _found(request, pk, number)
    before, after = showing.neighbours(one)
    waiting = one.night.candidates.waiting()
    context = shown(one) | {"before": before, "after": after, "n_waiting": waiting.count()}
    return render(request, "nights/candidate.html", context)


def shown(one: Candidate) -> dict[str, Any]:
    """What is shown of a candidate, on its own page and in the queue."""
    points = showing.points_of(one)
    return {
        "candidate": one,
        "night": one.night,
        "points": points,
        "mpc": mpc_lines(one),
        "light": showing.light_of(one, points),
        "motion": showing.motion_of(one, points),
        "decisions": one.decisions.select_related("by"),
    }


@require_safe
@may(Action.VIEW)
def exposures(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    """The whole exposures that it was found in, laid on one another where it is, with all that the
    night found in them marked."""
    one = _found(request, pk, number)
    found = one.points.order_by("mjd", "pk").values_list("exposure__asset", flat=True)
    wanted = [*found[:_BESIDE], one.night.reference_id or 0]
    pictures = in_order(wanted, one.night.workspace)
    if not pictures:
        messages.error(request, "Its exposures are not in the library any more.")
        return redirect("night-candidate", pk, number)
    context = side_by_side_context(pictures)
    context["for_viewer"] |= {"marks": showing.marks_in(one.night_id, pictures, one)}
    return render(request, "sky/beside.html", context | {"candidate": one})


def to_queue(request: MemberRequest) -> HttpResponse:
    """Back to the queue, of the night that it was of."""
    word = request.POST.get("of", "")
    return redirect(reverse("review-candidates") + (f"?night={word}" if is_id(word) else ""))


@require_POST
@may(Action.REVIEW)
def decide(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    """Give a verdict, and go on to the next that waits in this night."""
    one = _found(request, pk, number, Action.REVIEW)
    try:
        deciding.decide(one, request.POST.get("verdict", ""), by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("night-candidate", pk, number)
    messages.success(request, f"Candidate {one.number}: {one.get_verdict_display().lower()}.")
    if request.POST.get("then") == QUEUE:
        return to_queue(request)
    following = one.night.candidates.open_to(request.user).in_turn().first()
    if following is None:
        left = one.night.candidates.waiting().count()
        others = f"; others have {left} in front of them" if left else ""
        messages.info(request, f"No candidate of this night waits for you{others}.")
        return redirect("night", pk)
    return redirect("night-candidate", pk, following.number)


@require_POST
@may(Action.REVIEW)
def take_back(request: MemberRequest, pk: int, number: int) -> HttpResponse:
    """Undo what this person decided last: of this candidate where it is theirs, else the last one
    that they decided in the workspace."""
    one = _found(request, pk, number, Action.REVIEW)
    if not deciding.take_back(one, by=request.user):
        last = deciding.last_of(request.user, request.membership.workspace)
        if last is None or not deciding.take_back(last.candidate, by=request.user):
            messages.info(request, "There is no verdict of yours to take back.")
            return redirect("night-candidate", pk, number)
        one = last.candidate
    messages.success(request, f"Candidate {one.number}: taken back.")
    if request.POST.get("then") == QUEUE and lending.hold(one.pk, request.user):
        return to_queue(request)
    return redirect("night-candidate", one.night_id, one.number)
