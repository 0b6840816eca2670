"""Trainings: asking for one, watching it, ending it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.going_back import back
from webapp.ids import is_id
from webapp.registry.versions import RegisteredModel
from webapp.training.forms import TrainingForm, bases, frozen_versions
from webapp.training.learned import learned_nothing
from webapp.training.models import TrainingRun
from webapp.training.options import DEFAULTS, published_here
from webapp.training.starting import expected_of, given, said_of

A_PAGE = 30
# The columns of the curves: name, title, decimals.
CURVES = {
    "boxes": [
        ("loss", "Loss", 3),
        ("box_loss", "Box loss", 3),
        ("cls_loss", "Label loss", 3),
        ("precision", "Precision", 3),
        ("recall", "Recall", 3),
        ("map50", "AP 0.5", 3),
        ("map50_95", "AP 0.5–0.95", 3),
        ("seconds", "Seconds", 1),
    ],
    "concept": [("loss", "Loss", 3), ("accuracy", "Accuracy", 3), ("seconds", "Seconds", 1)],
}


def _rows() -> QuerySet[TrainingRun]:
    return TrainingRun.objects.select_related(
        "model__workspace", "version__dataset__project", "base__model", "result__model"
    )


@require_safe
@may(Action.VIEW)
def trainings(request: MemberRequest) -> HttpResponse:
    """The trainings of the workspace, the newest first."""
    workspace = request.membership.workspace
    mine = _rows().filter(model__workspace=workspace).select_related("created_by")
    page = Paginator(mine.defer("curves"), A_PAGE).get_page(request.GET.get("page"))
    going = any(not row.is_over for row in page)
    context = {"page": page, "is_going": going, "can_train": frozen_versions(workspace).exists()}
    name = "training/_list.html" if request.htmx and not request.htmx.boosted else None
    return render(request, name or "training/list.html", context)


@may(Action.ANALYSE)
def new(request: MemberRequest) -> HttpResponse:
    """The form for a training; posting it starts one."""
    workspace = request.membership.workspace
    if request.method == "POST" and "weights" in request.FILES:  # of a page without scripts
        return _with_weights(request)
    form = TrainingForm(workspace, request.POST or None, initial=_defaults(request))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                run = form.request(request.user)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("training", run.pk)
    return _form(request, form)


def _with_weights(request: MemberRequest) -> HttpResponse:
    """The form as it was sent, with the file that came with it chosen as the start."""
    base, problem = given(request)
    wish = request.POST.copy()
    wish["start"], wish["base"] = "version", str(base.pk) if base else ""
    form = TrainingForm(request.membership.workspace, initial=wish.dict())
    return _form(request, form, problem=problem)


def _form(request: MemberRequest, form: TrainingForm, problem: str = "") -> HttpResponse:
    workspace = request.membership.workspace
    base = bases(workspace).filter(pk=_chosen(form, "base")).first()
    pictures = frozen_versions(workspace).filter(pk=_chosen(form, "version")).first()
    context = {
        "form": form,
        "model_names": RegisteredModel.objects.filter(workspace=workspace).values_list(
            "name", flat=True
        ),
        "n_versions": frozen_versions(workspace).count(),
        "published": published_here(),
        "is_unfolded": any(form[name].errors for name in FOLDED) if form.is_bound else False,
        "folded": [form[name] for name in FOLDED],
        "weights_problem": problem,
        "expected": expected_of(form),
    }
    context |= said_of(workspace, base, pictures)
    status = 422 if problem or (form.is_bound and form.errors) else 200
    return render(request, "training/new.html", context, status=status)


def _chosen(form: TrainingForm, name: str) -> int:
    """The number of the row that a field of the form stands at; 0 where it stands at none."""
    value = str(getattr(form[name].value(), "pk", form[name].value()) or "")
    return int(value) if is_id(value) else 0


FOLDED = (
    *(
        "imgsz",
        "epoch_size",
        "patience",
        "seed",
        "augment",
        "freeze",
        "search",
        "average",
        "batch",
        "learning_rate",
    ),
    "device",
)


def _defaults(request: MemberRequest) -> dict[str, Any]:
    """What the form says at first: as little as possible is left to choose."""
    workspace = request.membership.workspace
    versions = frozen_versions(workspace)
    asked = request.GET.get("version", "")
    version = versions.filter(pk=asked).first() if is_id(asked) else versions.first()
    base = None
    wanted = request.GET.get("base", "")
    if is_id(wanted):
        base = bases(workspace).filter(pk=wanted).first()
    here = published_here()
    start = "version" if base else "pretrained" if here else "scratch"
    name = base.model.name if base else version.dataset.project.name if version else ""
    network = here[0] if here else DEFAULTS["architecture"]
    said = {"version": version, "base": base, "start": start, "name": name}
    return DEFAULTS | said | {"architecture": network}


@require_safe
@may(Action.VIEW)
def training(request: MemberRequest, pk: int) -> HttpResponse:
    run = find(_rows().select_related("created_by"), request, pk=pk)
    return render(request, "training/page.html", _context(run))


def _context(run: TrainingRun) -> dict[str, Any]:
    columns = CURVES[run.version.dataset.task]
    known = [c for c in columns if any(row.get(c[0]) is not None for row in run.curves)]
    return {
        "training": run,
        "columns": known or columns,
        "rows": [
            [row.get("epoch"), *((row.get(name), places) for name, _, places in known)]
            for row in run.curves
        ],
        "evaluations": run.result.evaluations.all() if run.result else [],
        "start": _start(run),
        "nothing": learned_nothing(run.result) if run.result else None,
    }


def _start(run: TrainingRun) -> str:
    if run.base:
        return str(run.base)
    return {"pretrained": "Published weights", "scratch": "Nothing: weights drawn at random"}.get(
        run.options.get("start", ""), ""
    )


@require_safe
@may(Action.VIEW)
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """How a training stands: the fragment that asks for itself again until it is over."""
    return _status(request, find(_rows(), request, pk=pk))


def _status(request: MemberRequest, run: TrainingRun) -> HttpResponse:
    has_news = request.GET.get("seen", "") != str(run.epoch)
    response = render(
        request, "training/_status_polled.html", _context(run) | {"has_news": has_news}
    )
    if run.is_over and request.method == "GET":
        response["HX-Refresh"] = "true"  # there may be a version and an evaluation to show now
    return response


def _ask(request: MemberRequest, pk: int, verb: str, refusal: str) -> HttpResponse:
    """Ask a training to do something, and show how it stands now."""
    run = find(_rows(), request, Action.ANALYSE, pk=pk)
    if not getattr(run, verb)():
        run.refresh_from_db()
        messages.info(request, refusal)
    if request.htmx:
        return _status(request, run)
    return back(request, "training", run.pk)


@require_POST
@may(Action.ANALYSE)
def stop(request: MemberRequest, pk: int) -> HttpResponse:
    return _ask(request, pk, "stop", "There is no finished epoch to keep yet, or it is over.")


@require_POST
@may(Action.ANALYSE)
def cancel(request: MemberRequest, pk: int) -> HttpResponse:
    return _ask(request, pk, "cancel", "The training is over already.")


@require_POST
@may(Action.ANALYSE)
def retry(request: MemberRequest, pk: int) -> HttpResponse:
    return _ask(request, pk, "retry", "There is nothing to try again.")
