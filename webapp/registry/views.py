"""Detection models: what there is, adding one, and which version is in production."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Max, Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.access import find, may, workspaces
from webapp.accounts.models import Action, Event, Refused, Workspace
from webapp.accounts.requests import MemberRequest
from webapp.going_back import back
from webapp.ids import is_id
from webapp.registry.exports import ModelExport
from webapp.registry.forms import CopyForm, GateForm, ModelUploadForm
from webapp.registry.hosting import Hosting
from webapp.registry.uploads import ModelFileRefused, add_version
from webapp.registry.versions import Alias, ModelVersion, RegisteredModel

PRODUCTION = "production"
ALIASES = (PRODUCTION, "candidate")


@may(Action.VIEW)
def models(request: MemberRequest) -> HttpResponse:
    """The models of the workspace; posting adds a version of one."""
    workspace = request.membership.workspace
    form = ModelUploadForm(workspace, request.POST or None, request.FILES or None)
    if request.method == "POST":
        if not request.membership.can(Action.ANALYSE):
            return may(Action.ANALYSE)(models)(request)
        if form.is_valid() and (version := _add(request, form)):
            if twin := version.twin():
                messages.warning(request, f"{version} has the very same weights as v{twin.number}.")
            return redirect("model", version.model_id)
    shown = (
        RegisteredModel.objects.filter(workspace=workspace)
        .annotate(n_versions=Count("versions"), latest=Max("versions__number"))
        .prefetch_related(
            Prefetch("versions", _versions(), to_attr="shown_versions"), "aliases__version"
        )
    )
    status = 422 if form.is_bound and form.errors else 200
    context = {"models": shown, "form": form, "hostings": _in_memory(workspace)}
    return render(request, "registry/list.html", context, status=status)


def _in_memory(workspace: Workspace) -> QuerySet[Hosting]:
    """What workers hold, load or let go of just now."""
    rows = Hosting.objects.filter(version__model__workspace=workspace)
    busy = rows.exclude(state=Hosting.State.STOPPED).select_related("version__model")
    return busy.order_by("version__model__name", "-version__number")


@require_safe
@may(Action.VIEW)
def in_memory(request: MemberRequest) -> HttpResponse:
    """The panel of what is in memory, which asks for itself again."""
    context = {"hostings": _in_memory(request.membership.workspace)}
    return render(request, "registry/_in_memory.html", context)


def _versions() -> QuerySet[ModelVersion]:
    return ModelVersion.objects.select_related("model").prefetch_related("aliases")


def _add(request: MemberRequest, form: ModelUploadForm) -> ModelVersion | None:
    said = form.cleaned_data
    try:
        return add_version(
            form.workspace, said["name"], said["file"], source=said["source"], by=request.user
        )
    except ModelFileRefused as refused:
        form.add_error("file", str(refused))
        return None


@may(Action.VIEW)
def model(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(RegisteredModel, request, pk=pk)
    versions = _versions().filter(model=found).prefetch_related("projects")
    shown = list(versions.select_related("created_by", "training__version__dataset", "hosting"))
    archived = [version for version in shown if version.archived]
    context = {
        "model": found,
        "versions": [version for version in shown if not version.archived],
        "archived": archived,
        "gate": GateForm(initial={"gate_f1": found.gate_f1}),
        "production": Alias.objects.filter(model=found, name=PRODUCTION).first(),
    }
    return render(request, "registry/page.html", context)


@may(Action.VIEW)
def version_status(request: MemberRequest, pk: int) -> HttpResponse:
    version = find(_versions(), request, pk=pk)
    return render(request, "registry/_version.html", {"version": version})


def _version(request: MemberRequest, pk: int) -> ModelVersion:
    """A version that this person may change."""
    rows = ModelVersion.objects.select_related("model__workspace")
    return find(rows, request, Action.ANALYSE, pk=pk)


def _told(request: MemberRequest, do: Callable[[], object], said: str) -> None:
    """Do it, and say that it is done or why not."""
    try:
        do()
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said)


@require_POST
@may(Action.ANALYSE)
def promote(request: MemberRequest, pk: int) -> HttpResponse:
    """Let a name stand for this version: production, unless the form says another."""
    version = _version(request, pk)
    name = request.POST.get("alias", PRODUCTION)
    if name not in ALIASES:
        messages.error(request, f"A version can be {' or '.join(ALIASES)}.")
        return back(request, "model-version", version.pk)
    said = f"{version} is in production now" if name == PRODUCTION else f"{version} is {name} now"
    _told(request, lambda: version.model.promote(version, name, by=request.user), said)
    return back(request, "model", version.model_id)


@require_POST
@may(Action.ANALYSE)
def drop_alias(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(RegisteredModel, request, Action.ANALYSE, pk=pk)
    name = request.POST.get("alias", "")
    if found.drop_alias(name, by=request.user):
        messages.success(request, f"No version of {found} is {name} now")
    return back(request, "model", found.pk)


@require_POST
@may(Action.ANALYSE)
def gate(request: MemberRequest, pk: int) -> HttpResponse:
    """From which F1 a version of the model is fit for production."""
    found = find(RegisteredModel, request, Action.ANALYSE, pk=pk)
    form = GateForm(request.POST)
    if form.is_valid():
        found.gate_f1 = form.cleaned_data["gate_f1"]
        found.save(update_fields=["gate_f1"])
        Event.record(found.workspace, request.user, "set a gate", str(found), f1=found.gate_f1)
        messages.success(request, f"A version of {found} is fit from F1 {found.gate_f1:.2f}")
    else:
        messages.error(request, "The gate is a number from 0 to 1.")
    return back(request, "model", found.pk)


@require_POST
@may(Action.ANALYSE)
def archive(request: MemberRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    _told(request, lambda: version.archive(by=request.user), f"{version} is archived")
    return back(request, "model-version", version.pk)


@require_POST
@may(Action.ANALYSE)
def unarchive(request: MemberRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    _told(request, lambda: version.unarchive(by=request.user), f"{version} is offered again")
    return back(request, "model-version", version.pk)


@require_POST
@may(Action.ANALYSE)
def copy(request: MemberRequest, pk: int) -> HttpResponse:
    """The same weights as a version of another model, here or in another workspace of theirs."""
    version = _version(request, pk)
    form = CopyForm(workspaces(request, Action.ANALYSE), request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a workspace and a name for the model.")
        return redirect("model-version", version.pk)
    try:
        with transaction.atomic():
            model = RegisteredModel.named(form.cleaned_data["workspace"], form.cleaned_data["name"])
            made = version.copy_to(model, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("model-version", version.pk)
    messages.success(request, f"Copied as {made} in {model.workspace}")
    is_here = model.workspace_id == request.membership.workspace_id
    return redirect("model-version", made.pk if is_here else version.pk)


@require_POST
@may(Action.ANALYSE)
def export(request: MemberRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    try:
        ModelExport.objects.request(version, request.POST.get("format", ""), by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(f"{reverse('model-version', args=[version.pk])}#exports")


# --- life cycle ----------------------------------------------------------------------------------


def hosting_context(version: ModelVersion) -> dict[str, Any]:
    return {
        "hosting": Hosting.of(version),
        "idle_choices": [
            (60, "1 minute"),
            (900, "15 minutes"),
            (3600, "1 hour"),
            (28800, "8 hours"),
        ],
    }


@require_safe
@may(Action.VIEW)
def hosting(request: MemberRequest, pk: int) -> HttpResponse:
    """Whether workers hold the version: the fragment that asks for itself again."""
    return _hosting(request, find(_versions(), request, pk=pk))


def _hosting(request: MemberRequest, version: ModelVersion) -> HttpResponse:
    context = {"version": version} | hosting_context(version)
    return render(request, "registry/_hosting_polled.html", context)


@require_POST
@may(Action.ANALYSE)
def start(request: MemberRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    idle = request.POST.get("idle_s", "")
    try:
        idle_s = int(idle) if is_id(idle) else None
        Hosting.start(version, by=request.user, idle_s=idle_s)
    except Refused as refused:
        messages.error(request, str(refused))
    if request.htmx:
        return _hosting(request, version)
    return back(request, "model-version", version.pk)


@require_POST
@may(Action.ANALYSE)
def stop(request: MemberRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    row = Hosting.objects.filter(version=version).select_related("version__model__workspace")
    if not any(hosted.stop(by=request.user) for hosted in row):
        messages.info(request, f"{version} is not started.")
    if request.htmx:
        return _hosting(request, version)
    return back(request, "model-version", version.pk)


@require_POST
@may(Action.ANALYSE)
def check_again(request: MemberRequest, pk: int) -> HttpResponse:
    version = find(ModelVersion, request, Action.ANALYSE, pk=pk)
    if not version.retry():
        messages.error(request, "Checking it again cannot help. Upload a mended file instead.")
    return redirect("model", version.model_id)
