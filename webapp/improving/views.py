"""The pages of the improvement loop: its settings, a round as it goes, and the decision."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.going_back import back
from webapp.improving.confidences import confidences_of, seen
from webapp.improving.difference import difference
from webapp.improving.forms import LoopForm
from webapp.improving.loops import PRODUCTION, Loop
from webapp.improving.rounds import Round
from webapp.improving.showing import (
    examples,
    gate_rows,
    remaining_s,
    share,
    standing,
    steps,
    waiting_because,
)
from webapp.registry.versions import RegisteredModel

_LISTED = 30
_DIGITS = 19  # that a number of a row may have


def _model(request: MemberRequest, pk: int, action: Action = Action.VIEW) -> RegisteredModel:
    return find(RegisteredModel.objects.select_related("workspace"), request, action, pk=pk)


def _loop_of(model: RegisteredModel) -> Loop | None:
    rows = Loop.objects.select_related("model__workspace", "dataset__project", "base__model")
    return rows.filter(model=model).first()


def _rounds() -> QuerySet[Round]:
    found: QuerySet[Round] = Round.objects.select_related(
        "loop__model__workspace",
        "loop__dataset__project",
        "version__dataset__project",
        "training__model",
        "candidate__model",
        "production__model",
        "measured__model_version__model",
        "measured_old__model_version__model",
        "pseudo_version__dataset__project",
        "pseudo_training__model",
        "pseudo_measured__model_version__model",
        "pseudo_measured__dataset_version__dataset",
        "requested_by",
        "decided_by",
    )
    return found


# --- the loop -------------------------------------------------------------------------------------


@may(Action.VIEW)
def loop(request: MemberRequest, pk: int) -> HttpResponse:
    """When rounds begin and what is asked of them; posting changes it."""
    model = _model(request, pk)
    found = _loop_of(model)
    form = LoopForm(model, found, request.POST or None)
    if request.method == "POST":
        if not request.membership.can(Action.ANALYSE):
            return may(Action.ANALYSE)(loop)(request, pk)
        if form.is_valid() and _saved(request, form):
            return redirect("loop", model.pk)
    context = {"model": model, "form": form, **_standing(found)}
    return render(
        request,
        "improving/loop.html",
        context,
        status=422 if form.is_bound and form.errors else 200,
    )


def _saved(request: MemberRequest, form: LoopForm) -> bool:
    try:
        with transaction.atomic():
            form.save(by=request.user)
    except Refused as refused:
        form.add_error(None, str(refused))
        return False
    messages.success(request, "Kept")
    return True


def _standing(found: Loop | None) -> dict[str, Any]:
    """What the loop waits for, and its rounds."""
    if found is None:
        return {"loop": None}
    rows = list(_rounds().filter(loop=found).order_by("-number")[:_LISTED])
    why = found.why_none()
    is_idle = not rows or (rows[0].is_over and not rows[0].is_undecided)
    return {
        "loop": found,
        "rounds": [(row, *standing(row)) for row in rows],
        "last": rows[0] if rows else None,
        "n_changed": found.n_changed(),
        "n_golden": found.n_golden(),
        "next_hour": found.next_hour() if found.every_hours else None,
        "why_none": why,
        "blocked": why if is_idle else "",
        "production": found.version_called(PRODUCTION),
    }


@require_safe
@may(Action.VIEW)
def panel(request: MemberRequest, pk: int) -> HttpResponse:
    """How the loop of a model stands: a part of the model's page."""
    model = _model(request, pk)
    return render(request, "improving/_panel.html", {"model": model, **_standing(_loop_of(model))})


@require_POST
@may(Action.ANALYSE)
def begin(request: MemberRequest, pk: int) -> HttpResponse:
    """A round by hand."""
    model = _model(request, pk, Action.ANALYSE)
    found = _loop_of(model)
    if found is None:
        messages.error(request, f"{model} has no loop yet. Choose what it learns from first.")
        return redirect("loop", model.pk)
    try:
        row = found.begin(Round.Reason.HAND, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("loop", model.pk)
    return redirect("round", row.pk)


# --- a round --------------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def round_(request: MemberRequest, pk: int) -> HttpResponse:
    row = find(_rounds(), request, pk=pk)
    return render(request, "improving/round.html", _context(row))


def _context(row: Round) -> dict[str, Any]:
    word, dot = standing(row)
    projects = list(row.projects()) if row.is_undecided else []
    return {
        "round": row,
        "loop": row.loop,
        "model": row.loop.model,
        "word": word,
        "dot": dot,
        "steps": steps(row),
        "share": share(row),
        "remaining_s": remaining_s(row),
        "waiting": waiting_because(row),
        "projects": projects,
        "seen": seen(projects),
        "confidences": confidences_of(row),
        "why_not_accept": row.why_not_accept(),
        "why_not_roll_back": row.why_not_roll_back(),
        "rows": gate_rows(row),
        "examples": examples(row),
        "has_comparisons": row.comparisons.exists(),
    }


@require_safe
@may(Action.VIEW)
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """How a round stands: the fragment that asks for itself again while workers are at it."""
    return _status(request, find(_rounds(), request, pk=pk))


def _status(request: MemberRequest, row: Round) -> HttpResponse:
    response = render(request, "improving/_status_polled.html", _context(row))
    if row.is_over or request.GET.get("seen", row.stage) != row.stage:
        response["HX-Refresh"] = "true"  # there is more on the page now
    return response


@require_safe
@may(Action.VIEW)
def difference_(request: MemberRequest, pk: int) -> HttpResponse:
    """What the new version would change in past films: it is worked out beside the page."""
    row = find(_rounds(), request, pk=pk)
    context = {"round": row, "difference": difference(row)}
    return render(request, "improving/_difference.html", context)


@require_POST
@may(Action.ANALYSE)
def cancel(request: MemberRequest, pk: int) -> HttpResponse:
    return _ask(request, pk, "cancel", "The round is over already.")


@require_POST
@may(Action.ANALYSE)
def retry(request: MemberRequest, pk: int) -> HttpResponse:
    return _ask(request, pk, "retry", "There is nothing to try again.")


def _ask(request: MemberRequest, pk: int, verb: str, refusal: str) -> HttpResponse:
    row = find(_rounds(), request, Action.ANALYSE, pk=pk)
    if not getattr(row, verb)():
        messages.info(request, refusal)
    return back(request, "round", row.pk)


@require_POST
@may(Action.ANALYSE)
def accept(request: MemberRequest, pk: int) -> HttpResponse:
    """The new version is in production from now on, with the confidences that are ticked."""
    wish: dict[str, Any] = {}
    if "seen" in request.POST:  # the page, where none may be ticked
        ticked = request.POST.getlist("labels")
        labels = [int(pk) for pk in ticked if pk.isdecimal() and len(pk) < _DIGITS]
        wish = {"labels": labels, "shown": request.POST["seen"]}
    return _decide(request, pk, "accept", "{row.candidate} is in production now", **wish)


@require_POST
@may(Action.ANALYSE)
def keep(request: MemberRequest, pk: int) -> HttpResponse:
    """The version in use stays."""
    return _decide(request, pk, "keep_the_old", "{row.candidate} is not taken")


@require_POST
@may(Action.ANALYSE)
def roll_back(request: MemberRequest, pk: int) -> HttpResponse:
    """The version before is in production again."""
    said = "{row.production} is in production again"
    return _decide(request, pk, "roll_back", said)


def _decide(request: MemberRequest, pk: int, verb: str, said: str, **wish: Any) -> HttpResponse:
    row = find(_rounds(), request, Action.ANALYSE, pk=pk)
    try:
        getattr(row, verb)(by=request.user, **wish)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        none = f"No version of {row.loop.model} is in production now"
        is_none = verb == "roll_back" and row.production is None
        messages.success(request, none if is_none else said.format(row=row))
    return redirect("round", row.pk)
