"""The queue of candidates of the sky: one after the other, the next one there before it is asked
for, and none that somebody else has in front of them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.ids import is_id
from webapp.nights.candidate_views import QUEUE, shown
from webapp.nights.candidates import Candidate, CandidateQuerySet
from webapp.nights.lending import MOST_HELD, lend
from webapp.nights.night import Night
from webapp.nights.views import nights_of


def _asked(request: MemberRequest) -> tuple[Night | None, CandidateQuerySet]:
    """The night that is asked about, if any, and the candidates of it or of the workspace."""
    word = request.GET.get("night", "")
    rows = Candidate.objects.of(request.membership.workspace)
    if not word:
        return None, rows
    night = find(nights_of(), request, Action.REVIEW, pk=int(word) if is_id(word) else 0)
    return night, rows.filter(night=night.pk)


def _drawn(rows: CandidateQuerySet, one: Candidate, of: Night | None) -> dict[str, Any]:
    waiting = rows.waiting().count()
    return shown(one) | {"of": of, "then": QUEUE, "n_waiting": waiting}


@require_safe
@may(Action.REVIEW)
def candidates(request: MemberRequest) -> HttpResponse:
    """The candidate to decide now, and the page that goes on by itself."""
    of, rows = _asked(request)
    one = lend(rows, request.user)
    if one is None:
        left = rows.waiting().count()
        says = f"Others have the {left} that wait in front of them." if left else ""
        messages.info(request, says or "No candidate waits.")
        return redirect("night", of.pk) if of else redirect("review")
    context = _drawn(rows, one, of) | {"for_scripts": _for_scripts(of)}
    return render(request, "nights/queue.html", context)


def _for_scripts(of: Night | None) -> dict[str, str]:
    """Addresses; 0 stands for a candidate."""
    query = f"?night={of.pk}" if of else "?"
    return {
        "next": reverse("review-candidates-next") + query,
        "decide": reverse("api-night-candidate-decide", args=[0]),
        "undo": reverse("api-night-candidate-take-back", args=[0]),
        "hold": reverse("api-night-candidate-hold"),
    }


@require_safe
@may(Action.REVIEW)
def following(request: MemberRequest) -> HttpResponse:
    """The one after those that the page has, as the part of the page that shows it; 204 where
    nothing more waits for this person. What the page has stays theirs."""
    of, rows = _asked(request)
    have = [int(word) for word in request.GET.getlist("have")[:MOST_HELD] if is_id(word)]
    one = lend(rows, request.user, have=have)
    if one is None:
        return HttpResponse(status=204)
    return render(request, "nights/_candidate.html", _drawn(rows, one, of))
