"""How things are compared: spaces, which of them answers, their codes, and teaching one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.encodings.kept import Encodings
from webapp.going_back import back
from webapp.indexing.indexing import Indexing
from webapp.leases import UNFINISHED, Status
from webapp.spaces import serving
from webapp.spaces.estimating import offered
from webapp.spaces.forms import TeachForm
from webapp.spaces.importing import PairsRefused, take_in
from webapp.spaces.making import LEAST_ITEMS, SpaceMaking
from webapp.spaces.pair_sets import PairSet
from webapp.spaces.showing import (
    ablation_rows,
    comparisons,
    engines_in_words,
    index_states,
    training_context,
)
from webapp.spaces.space import Space
from webapp.spaces.training import SpaceTraining

_LISTED = 30
_PROBLEMS = 20


def _spaces() -> QuerySet[Space]:
    return Space.objects.select_related("workspace", "created_by").prefetch_related("indexes")


# --- the list -------------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def spaces(request: MemberRequest) -> HttpResponse:
    """The spaces of the workspace, what is being made, and trainings; a fragment that asks for
    itself again while something goes on."""
    workspace = request.membership.workspace
    fires = Count("codes", filter=Q(codes__fires_on__gt=0))
    mine = _spaces().filter(workspace=workspace).annotate(n_codes=fires)
    rows = list(mine.order_by("-number")[:_LISTED])
    makings = list(SpaceMaking.objects.filter(workspace=workspace)[:1])
    trainings = SpaceTraining.objects.filter(workspace=workspace)
    trainings = trainings.select_related("result", "created_by").defer("curves")[:_LISTED]
    shown = [one for one in makings if one.status != Status.DONE and not _is_past(one, rows)]
    listed = [
        {
            "space": one,
            "compares": comparisons(one),
            "indexes": index_states(one.indexes.all()),
        }
        for one in rows
    ]
    work = [*shown, *trainings, *(index for one in rows for index in one.indexes.all())]
    going = any(one.status in UNFINISHED for one in work) or (not rows and _is_encoding(workspace))
    context = {
        "rows": listed,
        "makings": shown,
        "trainings": trainings,
        "is_going": going,
        "n_encoded": _n_encoded(workspace) if not rows else 0,
        "least": LEAST_ITEMS,
        "sets": PairSet.objects.filter(workspace=workspace).select_related("created_by"),
    }
    fragment = request.htmx and not request.htmx.boosted
    return render(request, "spaces/_list.html" if fragment else "spaces/list.html", context)


def _is_past(making: SpaceMaking, spaces: Sequence[Space]) -> bool:
    """Whether one that ended without a space is of no interest any more: one came since, or it was
    cancelled where there are others."""
    if not making.is_over or not spaces:
        return False
    return making.is_cancelled or making.created < spaces[0].created


def _n_encoded(workspace: Any) -> int:
    rows = Encodings.objects.in_sight().filter(asset__workspace=workspace)
    return sum(rows.values_list("n_items", flat=True))


def _is_encoding(workspace: Any) -> bool:
    """Whether frames or sound of it are being encoded, or wait for it: a first space may come."""
    steps = (Indexing.Step.PICTURES, Indexing.Step.SOUND)
    rows = Indexing.objects.filter(asset__workspace=workspace, step__in=steps)
    return rows.filter(status__in=UNFINISHED).exists()


@require_POST
@may(Action.ANALYSE)
def make(request: MemberRequest) -> HttpResponse:
    """A space of what is encoded, without pairs."""
    try:
        SpaceMaking.objects.request(request.membership.workspace, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("spaces")


@require_POST
@may(Action.ANALYSE)
def making_ask(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    row = find(SpaceMaking, request, Action.ANALYSE, pk=pk)
    done = {"cancel": row.cancel, "retry": row.retry}.get(do)
    if done is None or not done():
        messages.info(request, "It is over already, or there is nothing to try again.")
    return redirect("spaces")


@require_POST
@may(Action.ANALYSE)
def serve(request: MemberRequest, pk: int) -> HttpResponse:
    """Let a kept one answer, when it is indexed."""
    return _changed(request, pk, serving.take, "{space} answers searches when it is indexed.")


@require_POST
@may(Action.ANALYSE)
def set_aside(request: MemberRequest, pk: int) -> HttpResponse:
    return _changed(request, pk, serving.set_aside, "{space} is kept and does not answer.")


@require_POST
@may(Action.ANALYSE)
def delete(request: MemberRequest, pk: int) -> HttpResponse:
    return _changed(request, pk, serving.delete, "{space} is deleted.")


def _changed(request: MemberRequest, pk: int, change: Any, said: str) -> HttpResponse:
    space = find(_spaces(), request, Action.ANALYSE, pk=pk)
    try:
        change(space, by=request.user)
        messages.success(request, said.format(space=space))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("spaces")


# --- teaching -------------------------------------------------------------------------------------


@may(Action.ANALYSE)
def teach(request: MemberRequest) -> HttpResponse:
    """The form for a training; posting it starts one."""
    workspace = request.membership.workspace
    found = offered(workspace)
    form = TeachForm(workspace, found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                row = form.request(request.user)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("space-training", row.pk)
    return _form(request, form)


def _form(
    request: MemberRequest, form: TeachForm, problems: list[str] | None = None
) -> HttpResponse:
    chosen = set(form["sources"].value() or [])
    context = {
        "form": form,
        "sources": [(one, one.source.key in chosen) for one in form.offered],
        "sets": PairSet.objects.filter(workspace=form.workspace),
        "chosen_sets": {str(pk) for pk in form["pair_sets"].value() or []},
        "folded": [form[name] for name in TeachForm.FOLDED],
        "is_unfolded": form.is_bound and any(form[name].errors for name in TeachForm.FOLDED),
        "problems": (problems or [])[:_PROBLEMS],
        "n_more": max(len(problems or []) - _PROBLEMS, 0),
    }
    status = 422 if problems or (form.is_bound and form.errors) else 200
    return render(request, "spaces/teach.html", context, status=status)


@require_POST
@may(Action.ANALYSE)
def bring_pairs(request: MemberRequest) -> HttpResponse:
    """Take in a file of pairs; what is wrong with it is told line by line."""
    workspace = request.membership.workspace
    file = request.FILES.get("file")
    problems = ["Choose a file."]
    if file is not None:
        try:
            made = take_in(
                workspace,
                file,
                name=request.POST.get("name", ""),
                leave_out_wrong="leave_out_wrong" in request.POST,
                by=request.user,
            )
        except PairsRefused as refused:
            problems = refused.problems
        else:
            messages.success(request, f"{made}: {made.n_pairs} pairs")
            return redirect("space-teach")
    return _form(request, TeachForm(workspace, offered(workspace)), problems)


@require_POST
@may(Action.ANALYSE)
def delete_pairs(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(PairSet.objects.select_related("workspace"), request, Action.ANALYSE, pk=pk)
    try:
        found.remove(by=request.user)
        messages.success(request, f"{found} is deleted.")
    except Refused as refused:
        messages.error(request, str(refused))
    return back(request, "spaces")


# --- a training -----------------------------------------------------------------------------------


def _trainings() -> QuerySet[SpaceTraining]:
    return SpaceTraining.objects.select_related("workspace", "result", "created_by")


@require_safe
@may(Action.VIEW)
def training(request: MemberRequest, pk: int) -> HttpResponse:
    row = find(_trainings(), request, pk=pk)
    return render(request, "spaces/training.html", _context(row))


def _context(row: SpaceTraining) -> dict[str, Any]:
    from webapp.spaces.options import SOURCES

    titles = {source.key: source.title for source in SOURCES}
    sets = PairSet.objects.filter(workspace=row.workspace_id, pk__in=row.pair_sets)
    titles |= {f"set {one.pk}": one.name for one in sets}
    keys = [*row.sources, *(f"set {pk}" for pk in row.pair_sets)]
    return training_context(row) | {
        "learns_from": [(titles.get(key, "Deleted pairs"), row.counts.get(key)) for key in keys],
        "ablation": ablation_rows(row.result.figures) if row.result else [],
        "figures": row.result.figures if row.result else {},
    }


@require_safe
@may(Action.VIEW)
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """How a training stands: the fragment that asks for itself again until it is over."""
    return _status(request, find(_trainings(), request, pk=pk))


def _status(request: MemberRequest, row: SpaceTraining) -> HttpResponse:
    has_news = request.GET.get("seen", "") != str(row.epoch)
    context = training_context(row) | {"has_news": has_news}
    response = render(request, "spaces/_status_polled.html", context)
    if row.is_over and request.method == "GET":
        response["HX-Refresh"] = "true"
    return response


_REFUSALS = {
    "stop": "There is no finished epoch to keep yet, or it is over.",
    "cancel": "The training is over already.",
    "retry": "There is nothing to try again.",
}


@require_POST
@may(Action.ANALYSE)
def training_ask(request: MemberRequest, pk: int, do: str) -> HttpResponse:
    """Stop and keep the best, cancel, or try again; and how it stands now."""
    row = find(_trainings(), request, Action.ANALYSE, pk=pk)
    if do in _REFUSALS and not getattr(row, do)():
        row.refresh_from_db()
        messages.info(request, _REFUSALS[do])
    if request.htmx:
        return _status(request, row)
    return back(request, "space-training", row.pk)


# --- one space ------------------------------------------------------------------------------------


def about(space: Space) -> dict[str, Any]:
    """What its page says of it above its codes."""
    return {
        "space": space,
        "compares": comparisons(space),
        "indexes": index_states(space.indexes.all()),
        "ablation": ablation_rows(space.figures),
        "figures": space.figures,
        "training": space.trainings.defer("curves").first(),
        "engines": engines_in_words(space),
    }


def paged(request: MemberRequest, rows: QuerySet[Any], size: int) -> Any:
    return Paginator(rows, size).get_page(request.GET.get("page"))
