"""Looking again for one label: asked for on a frame, and how it stands."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.ids import is_id
from webapp.pictures import PictureRefused
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.timeline import again
from webapp.timeline.choices import BadChoice, drawn_box, number

CONFLICT, INVALID = 409, 422


@require_POST
@may(Action.ANALYSE)
def start(request: MemberRequest, pk: int) -> HttpResponse:
    """Take a box that was drawn: how the new version stands, or why there is none."""
    run = _run(request, pk, Action.ANALYSE)
    try:
        made = again.look_again(
            run, _drawn(request), by=request.user, key=request.POST.get("key", "")[:120] or None
        )
    except again.NotYet as later:
        return _refusal(request, str(later), CONFLICT)
    except (RunRefused, Refused, PictureRefused, BadChoice) as refused:
        return _refusal(request, str(refused), INVALID)
    return _standing(request, made)


def _drawn(request: MemberRequest) -> again.Drawn:
    box = drawn_box(request.POST)
    label, name = request.POST.get("label", ""), request.POST.get("name", "").strip()
    if not name and not is_id(label):
        raise BadChoice("Say which brand this is: choose a label, or type the name of a new one.")
    time_s = number(request.POST, "t") or 0.0
    return again.Drawn(time_s, box, None if name else int(label), name)


def _refusal(request: MemberRequest, sentence: str, status: int) -> HttpResponse:
    answer = render(request, "timeline/_again_refused.html", {"sentence": sentence}, status=status)
    answer["HX-Retarget"], answer["HX-Reswap"] = "#again-says", "innerHTML"
    return answer


@require_safe
@may(Action.VIEW)
def standing(request: MemberRequest, pk: int) -> HttpResponse:
    """How far it is; once it is over, what changed."""
    return _standing(request, _run(request, pk, Action.VIEW))


@require_POST
@may(Action.ANALYSE)
def cancel(request: MemberRequest, pk: int) -> HttpResponse:
    run = _run(request, pk, Action.ANALYSE)
    run.cancel()
    return _standing(request, run)


@require_POST
@may(Action.ANALYSE)
def retry(request: MemberRequest, pk: int) -> HttpResponse:
    run = _run(request, pk, Action.ANALYSE)
    run.retry()
    return _standing(request, run)


def _run(request: MemberRequest, pk: int, action: Action) -> Run:
    runs = Run.objects.filter(asset__removed=None).select_related("asset", "project", "parent")
    return find(runs, request, action, pk=pk)


def _standing(request: MemberRequest, run: Run) -> HttpResponse:
    return render(request, "timeline/_again.html", context(run))


def context(run: Run) -> dict[str, Any]:
    """For the fragment that tells how looking again stands and what it changed."""
    is_done = run.status == Run.Status.SUCCEEDED
    changes = again.difference(run) if is_done else []
    return {
        "run": run,
        "standing": run.standing(),
        "sought": changes[0] if changes else None,
        "others": changes[1:],
    }
