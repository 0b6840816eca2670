"""Projects, their labels and logo pictures, and how frames are looked at."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Prefetch, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.ids import is_id
from webapp.pictures import PictureRefused
from webapp.project_pages.batches import Batch, run_on
from webapp.project_pages.page import (
    assets_context,
    labels_context,
    looking_context,
    naming_context,
    numbers,
    whole_page,
)
from webapp.projects.forms import LabelForm, LookingForm, NewProjectForm, ProjectNameForm, listed
from webapp.projects.models import Label, Project, Reference, Refused
from webapp.projects.pictures import read_picture

CONFLICT = 409
INVALID = 422


# --- projects -------------------------------------------------------------------------------


@may(Action.VIEW)
def projects(request: MemberRequest) -> HttpResponse:
    """The projects of the workspace; posting makes one."""
    form = NewProjectForm(request.POST or None)
    if request.method == "POST":
        if not request.membership.can(Action.ANALYSE):
            return may(Action.ANALYSE)(projects)(request)
        if form.is_valid() and (made := _begin(request, form)):
            return redirect("project", made.pk)
    current, seen = Label.objects.filter(archived=None), Q(runs__is_shadow=False)
    shown = (
        Project.objects.filter(workspace=request.membership.workspace)
        .prefetch_related(Prefetch("labels", current, to_attr="shown_labels"))
        .annotate(
            n_assets=Count("runs__asset", filter=seen, distinct=True),
            last_run=Max("runs__created", filter=seen),
        )
    )
    status = INVALID if form.errors else 200
    context = {"projects": shown, "form": form}
    return render(request, "projects/list.html", context, status=status)


def _begin(request: MemberRequest, form: NewProjectForm) -> Project | None:
    values = form.cleaned_data
    try:
        return Project.objects.begin(
            request.membership.workspace, values["name"], brands=values["brands"], by=request.user
        )
    except Refused as refused:
        form.add_error("name", str(refused))
        return None


@may(Action.VIEW)
def project(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Project.objects.select_related("model_version__model"), request, pk=pk)
    return render(request, "projects/page.html", whole_page(found, request))


@require_POST
@may(Action.ANALYSE)
def rename(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Project, request, Action.ANALYSE, pk=pk)
    form = ProjectNameForm(request.POST)
    status = INVALID
    if form.is_valid():
        try:
            was_saved = found.rename(**form.cleaned_data, seen=_seen(request), by=request.user)
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            if was_saved:
                messages.success(request, "Saved")
                return redirect("project", found.pk)
            status = CONFLICT
    found.refresh_from_db()
    naming = naming_context(found, form, conflict=status == CONFLICT)
    context = whole_page(found, request, naming=naming)
    return render(request, "projects/page.html", context, status=status)


@require_POST
@may(Action.ANALYSE)
def configure(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Project, request, Action.ANALYSE, pk=pk)
    form = LookingForm(found.workspace, request.POST)
    status = INVALID
    if form.is_valid():
        was_saved = found.configure(
            sampling=form.sampling(),
            uses_references=form.cleaned_data["uses_references"],
            model_version=form.cleaned_data["model_version"],
            seen=_seen(request),
            by=request.user,
        )
        if was_saved:
            messages.success(request, "Saved. It holds from the next run on.")
            return redirect("project", found.pk)
        status = CONFLICT
    found.refresh_from_db()
    looking = looking_context(found, form, conflict=status == CONFLICT)
    context = whole_page(found, request, looking=looking)
    return render(request, "projects/page.html", context, status=status)


@require_POST
@may(Action.ANALYSE)
def ask_for_review(request: MemberRequest, pk: int) -> HttpResponse:
    """Whether only accepted labels go into the project's datasets: reviewed_only, or not."""
    found = find(Project, request, Action.ANALYSE, pk=pk)
    asked = request.POST.get("reviewed_only") == "1"
    if asked != found.reviewed_only:
        found.ask_for_review(asked, by=request.user)
    if asked:
        said = "Saved. What is labelled from now on counts once a reviewer has accepted it."
    else:
        said = "Saved. What is labelled counts when its job is over."
    messages.success(request, said)
    return redirect("project", found.pk)


def _seen(request: MemberRequest) -> int:
    """The version of the project that the person was looking at; 0, which never was, without."""
    seen = request.POST.get("seen", "")
    return int(seen) if is_id(seen) else 0


# --- labels ---------------------------------------------------------------------------------


def _answer(
    request: MemberRequest, found: Project, status: int = 200, at: int | None = None, **state: Any
) -> HttpResponse:
    """The labels as they are now: the panel for htmx, else the page they are on."""
    if not request.htmx and status == 200:
        return redirect(
            reverse("project", args=[found.pk]) + (f"?open={at}#label-{at}" if at else "")
        )
    found.refresh_from_db()
    open_ = numbers(request.POST.get("open", ""))
    labels = labels_context(found, open_=open_ | ({at} if at else set()), **state)
    if request.htmx:
        return render(request, "projects/_labels_answer.html", labels, status=status)
    context = whole_page(found, request, labels=labels)
    return render(request, "projects/page.html", context, status=status)


@require_POST
@may(Action.ANALYSE)
def label_add(request: MemberRequest, pk: int) -> HttpResponse:
    """One label, or several with commas between."""
    found = find(Project, request, Action.ANALYSE, pk=pk)
    names = listed(request.POST.get("name", ""))
    added, refusals = found.add_labels(names or [""], by=request.user)
    for refusal in refusals[:3]:
        messages.error(request, refusal)
    return _answer(request, found, at=added[-1].pk if added else None)


@require_POST
@may(Action.ANALYSE)
def labels_of_model(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Project, request, Action.ANALYSE, pk=pk)
    _, _, missing = found.model_mapping()
    added, refusals = found.add_labels(missing, by=request.user)
    if added:
        messages.success(request, f"{len(added)} label{'s' if len(added) > 1 else ''} added")
    for refusal in refusals[:1]:
        messages.error(request, refusal)
    return _answer(request, found)


@require_POST
@may(Action.ANALYSE)
def label_order(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Project, request, Action.ANALYSE, pk=pk)
    wanted = [int(part) for part in request.POST.get("order", "").split(",") if is_id(part)]
    if found.reorder(wanted, seen=_seen(request)):
        return _answer(request, found)
    messages.error(
        request, "Somebody else changed this project meanwhile. This is the order it has now."
    )
    return _answer(request, found, CONFLICT)


@may(Action.VIEW)
def label(request: MemberRequest, pk: int) -> HttpResponse:
    """What opens under a label."""
    found = find(Label.objects.select_related("project__model_version"), request, pk=pk)
    context = labels_context(found.project, open_={pk}, only=pk)
    row = next(iter(context["rows"]), None)
    if row is None:
        raise Http404
    context |= {"row": row, "label": row.label}
    return render(request, "projects/_label_inside.html", context)


@require_POST
@may(Action.ANALYSE)
def label_edit(request: MemberRequest, pk: int) -> HttpResponse:
    label = find(Label.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    form = LabelForm(request.POST, auto_id=f"label-{pk}-%s")
    status = INVALID
    if form.is_valid():
        try:
            was_saved = label.edit(seen=_seen(request), by=request.user, **form.cleaned_data)
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            if was_saved:
                messages.success(request, "Saved")
                return _answer(request, label.project, at=pk)
            status = CONFLICT
    conflict = pk if status == CONFLICT else None
    return _answer(request, label.project, status, pk, typed={pk: form}, conflict=conflict)


@require_POST
@may(Action.ANALYSE)
def label_remove(request: MemberRequest, pk: int) -> HttpResponse:
    label = find(Label.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    label.archive(by=request.user)
    undo = reverse("label-restore", args=[pk])
    messages.success(request, f"{label.name} removed", extra_tags=undo)
    return _answer(request, label.project)


@require_POST
@may(Action.ANALYSE)
def label_restore(request: MemberRequest, pk: int) -> HttpResponse:
    label = find(Label.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    label.restore(by=request.user)
    return _answer(request, label.project)


# --- references -----------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def reference_add(request: MemberRequest, pk: int) -> HttpResponse:
    """One or more pictures; each that cannot be used is named with the reason."""
    label = find(Label.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    files = request.FILES.getlist("pictures")
    not_this = bool(request.POST.get("not_this"))
    if not files:
        messages.error(request, "Choose a picture first.")
    refusals = []
    for file in files:
        try:
            picture = read_picture(file)
            label.add_reference(picture, file.name or "", by=request.user, not_this=not_this)
        except (PictureRefused, Refused) as refused:
            refusals.append(f"{file.name}: {refused}")
    for refusal in refusals[:4]:
        messages.error(request, refusal)
    if len(refusals) > 4:
        messages.error(request, f"{len(refusals) - 4} more pictures could not be used.")
    return _answer(request, label.project, at=pk, open_next=not not_this)


@require_POST
@may(Action.ANALYSE)
def reference_remove(request: MemberRequest, pk: int) -> HttpResponse:
    queryset = Reference.objects.select_related("label__project__workspace")
    reference = find(queryset, request, Action.ANALYSE, pk=pk)
    label = reference.label
    undo = reverse("reference-restore", args=[label.pk, reference.remove(by=request.user)])
    messages.success(request, f"{reference.name} removed", extra_tags=undo)
    return _answer(request, label.project, at=label.pk)


@require_POST
@may(Action.ANALYSE)
def reference_restore(request: MemberRequest, pk: int, undo: str) -> HttpResponse:
    label = find(Label.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    try:
        Reference.bring_back(label, undo, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return _answer(request, label.project, at=pk)


# --- runs -----------------------------------------------------------------------------------


@may(Action.VIEW)
def assets(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Project, request, pk=pk)
    context = assets_context(found, request.GET.get("page"))
    return render(request, "projects/_assets.html", context)


@require_POST
@may(Action.ANALYSE)
def run_on_all(request: MemberRequest, pk: int) -> HttpResponse:
    """Run again on what was analysed for this project, or on the rest of the library too."""
    found = find(Project, request, Action.ANALYSE, pk=pk)
    ready = Asset.objects.filter(workspace=found.workspace).ready().with_frames()
    analysed = Q(pk__in=found.runs.values("asset"))
    wanted = (
        ready.exclude(analysed) if request.POST.get("which") == "others" else ready.filter(analysed)
    )
    _tell(request, run_on(found, wanted, by=request.user))
    return redirect("project", found.pk)


def _tell(request: MemberRequest, batch: Batch) -> None:
    if batch.started:
        messages.success(request, f"{batch.started} run{'s' if batch.started > 1 else ''} started")
    elif batch.under_way:
        messages.info(request, "All of them are being analysed already.")
    elif not batch.refusals:
        messages.info(request, "There is no asset to analyse yet. Upload one in the library.")
    if batch.refusals:
        messages.error(request, batch.refusals[0])
