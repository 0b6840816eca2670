"""The version that a training starts from: chosen, or given as a file where it is chosen."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import may
from webapp.accounts.models import Action, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.datasets.versions import DatasetVersion
from webapp.ids import is_id
from webapp.registry.uploads import MAX_BYTES, SUFFIXES, ModelFileRefused, starting_weights
from webapp.registry.versions import ModelVersion
from webapp.training.expecting import Expected, Wish, expected
from webapp.training.forms import TrainingForm, bases, frozen_versions
from webapp.training.models import unfit
from webapp.training.options import DEFAULTS

# What a time and an expectation cannot be told without.
_RESTS_ON = ("start", "base", "epochs", "imgsz", "epoch_size", "architecture", "average", "search")


@require_POST
@may(Action.ANALYSE)
def give_weights(request: MemberRequest) -> HttpResponse:
    """Take a file in; it is chosen, and checked by a worker before anything starts from it."""
    base, problem = given(request)
    return _shown(request, base, problem=problem)


def given(request: MemberRequest) -> tuple[ModelVersion | None, str]:
    """The version of the file that was sent, or why there is none."""
    upload = request.FILES.get("weights")
    if upload is None:
        return None, "Choose a file."
    try:
        return starting_weights(request.membership.workspace, upload, by=request.user), ""
    except ModelFileRefused as refused:
        return None, str(refused)


@require_safe
@may(Action.ANALYSE)
def expectation(request: MemberRequest) -> HttpResponse:
    """How long the training of the form would take, and what can be expected of it."""
    form = TrainingForm(request.membership.workspace, request.GET)
    return render(request, "training/_expected.html", {"expected": expected_of(form)})


def expected_of(form: TrainingForm) -> Expected | None:
    """Of the form as it is filled in; None where it lacks what that rests on."""
    if not form.is_bound:
        form = TrainingForm(form.workspace, as_sent(form))
    form.is_valid()
    said = form.cleaned_data
    if not said.get("version") or any(form[name].errors for name in _RESTS_ON):
        return None
    options = {name: said.get(name, default) for name, default in DEFAULTS.items()}
    base = said.get("base") if options["start"] == "version" else None
    return expected(Wish(form.workspace, said["version"], base, options))


def as_sent(form: TrainingForm) -> dict[str, Any]:
    """What a browser would send of the form as it stands."""
    values = {name: form[name].value() for name in form.fields}
    return {name: getattr(value, "pk", value) for name, value in values.items()}


@require_safe
@may(Action.ANALYSE)
def weights(request: MemberRequest) -> HttpResponse:
    """What is said of the chosen version. Nothing new is answered by nothing."""
    asked = request.GET.get("base", "")
    workspace = request.membership.workspace
    base = bases(workspace, failed_too=True).filter(pk=asked).first() if is_id(asked) else None
    if "waiting" in request.GET and base and base.is_being_checked:
        return HttpResponse(status=204)
    return _shown(request, base, start=request.GET.get("start", "version"))


def _shown(
    request: MemberRequest, base: ModelVersion | None, *, start: str = "version", problem: str = ""
) -> HttpResponse:
    workspace = request.membership.workspace
    asked = request.POST.get("version") or request.GET.get("version", "")
    pictures = frozen_versions(workspace).filter(pk=asked).first() if is_id(asked) else None
    form = TrainingForm(workspace, initial={"base": base, "start": start, "version": pictures})
    said = said_of(workspace, base, pictures) | {"form": form, "weights_problem": problem}
    response = render(request, "training/_start_version.html", said)
    response["HX-Trigger-After-Settle"] = "start-changed"
    return response


def said_of(
    workspace: Workspace, base: ModelVersion | None, pictures: DatasetVersion | None
) -> dict[str, Any]:
    """What the choice of a version shows beside it."""
    return {
        "n_bases": bases(workspace).count(),
        "base": base,
        "base_problem": unfit(base, pictures) if base else "",
        "known": _in_common(base, pictures) if base else [],
        "suffixes": ",".join(SUFFIXES),
        "most": MAX_BYTES,
    }


def _in_common(base: ModelVersion, pictures: DatasetVersion | None) -> list[str]:
    """The labels of the pictures that the version knows by name already."""
    known = {name.casefold() for name in base.labels}
    rows = pictures.counts.get("labels", []) if pictures else []
    return [row["label"] for row in rows if row["label"].casefold() in known]
