"""The guideline of a label, edited where labels are."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.labelling import guidelines
from webapp.labelling.guidelines import GuidePicture
from webapp.pictures import PictureRefused
from webapp.projects.models import Label
from webapp.projects.pictures import read_picture


def _back(label: Label) -> HttpResponse:
    url = reverse("project", args=[label.project_id])
    return redirect(f"{url}?open={label.pk}#guide-{label.pk}")


def _label(request: MemberRequest, pk: int) -> Label:
    return find(Label.objects.select_related("project__workspace"), request, Action.ANALYSE, pk=pk)


@require_POST
@may(Action.ANALYSE)
def write(request: MemberRequest, pk: int) -> HttpResponse:
    label = _label(request, pk)
    try:
        made = guidelines.write(label, request.POST.get("guideline", ""), by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Saved" if made else "It says so already.")
    return _back(label)


@require_POST
@may(Action.ANALYSE)
def add_pictures(request: MemberRequest, pk: int) -> HttpResponse:
    """Examples: of what it is with right=1, else of what it is not."""
    label = _label(request, pk)
    files = request.FILES.getlist("pictures")
    if not files:
        messages.error(request, "Choose a picture first.")
    for file in files[: guidelines.MOST_PICTURES]:
        try:
            right = request.POST.get("right") == "1"
            guidelines.add_picture(label, read_picture(file), is_right=right, by=request.user)
        except (PictureRefused, Refused) as refused:
            messages.error(request, f"{file.name}: {refused}")
    return _back(label)


def _picture(request: MemberRequest, pk: int) -> GuidePicture:
    rows = GuidePicture.objects.select_related("label__project__workspace")
    return find(rows, request, Action.ANALYSE, pk=pk)


@require_POST
@may(Action.ANALYSE)
def remove_picture(request: MemberRequest, pk: int) -> HttpResponse:
    picture = _picture(request, pk)
    picture.set_removed(True, by=request.user)
    undo = reverse("guide-picture-back", args=[pk])
    messages.success(request, "Example removed", extra_tags=undo)
    return _back(picture.label)


@require_POST
@may(Action.ANALYSE)
def bring_picture_back(request: MemberRequest, pk: int) -> HttpResponse:
    picture = _picture(request, pk)
    try:
        picture.set_removed(False, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return _back(picture.label)
