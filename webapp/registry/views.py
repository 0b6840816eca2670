"""Detection models: what there is, adding one, and which version is in production."""

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Max, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.registry.forms import ModelUploadForm
from webapp.registry.models import Alias, ModelVersion, RegisteredModel
from webapp.registry.uploads import ModelFileRefused, store_model

PRODUCTION = "production"


@may(Action.VIEW)
def models(request: HttpRequest) -> HttpResponse:
    """The models of the workspace; posting adds a version of one."""
    workspace = request.membership.workspace
    form = ModelUploadForm(workspace, request.POST or None, request.FILES or None)
    if request.method == "POST":
        if not request.membership.can(Action.ANALYSE):
            return may(Action.ANALYSE)(models)(request)
        if form.is_valid() and (version := _add(request, form)):
            return redirect("model", version.model_id)
    shown = (
        RegisteredModel.objects.filter(workspace=workspace)
        .annotate(n_versions=Count("versions"), latest=Max("versions__number"))
        .prefetch_related(
            Prefetch("versions", _versions(), to_attr="shown_versions"), "aliases__version"
        )
    )
    status = 422 if form.is_bound and form.errors else 200
    context = {"models": shown, "form": form}
    return render(request, "registry/list.html", context, status=status)


def _versions() -> QuerySet[ModelVersion]:
    return ModelVersion.objects.select_related("model").prefetch_related("aliases")


def _add(request: HttpRequest, form: ModelUploadForm) -> ModelVersion | None:
    upload = form.cleaned_data["file"]
    try:
        stored = store_model(upload)
    except ModelFileRefused as refused:
        form.add_error("file", str(refused))
        return None
    source = form.cleaned_data["source"] or upload.name
    with transaction.atomic():
        return form.model().add_version(
            file=stored.file, sha256=stored.sha256, source=source[:255], by=request.user
        )


@may(Action.VIEW)
def model(request: HttpRequest, pk: int) -> HttpResponse:
    found = find(RegisteredModel, request, pk=pk)
    versions = _versions().filter(model=found).prefetch_related("projects")
    context = {
        "model": found,
        "versions": versions.select_related("created_by"),
        "production": Alias.objects.filter(model=found, name=PRODUCTION).first(),
    }
    return render(request, "registry/page.html", context)


@may(Action.VIEW)
def version_status(request: HttpRequest, pk: int) -> HttpResponse:
    version = find(_versions(), request, pk=pk)
    return render(request, "registry/_version.html", {"version": version})


@require_POST
@may(Action.ANALYSE)
def promote(request: HttpRequest, pk: int) -> HttpResponse:
    version = find(ModelVersion.objects.select_related("model"), request, Action.ANALYSE, pk=pk)
    try:
        version.model.promote(version, PRODUCTION, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{version} is in production now")
    return redirect("model", version.model_id)


@require_POST
@may(Action.ANALYSE)
def check_again(request: HttpRequest, pk: int) -> HttpResponse:
    version = find(ModelVersion, request, Action.ANALYSE, pk=pk)
    if not version.check_again():
        messages.error(request, "Checking it again cannot help. Upload a mended file instead.")
    return redirect("model", version.model_id)
