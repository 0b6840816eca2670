"""Correcting what was found, from the figures beside the player."""

from __future__ import annotations

from django import forms
from django.http import JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.problems import refused
from webapp.projects.models import Label
from webapp.reviewing.corrections import Correction
from webapp.runs.run import Run


class CorrectForm(forms.Form):
    """A label, from when to when it is not there, and which it is instead."""

    label = forms.IntegerField(min_value=1)
    start = forms.FloatField(min_value=0)
    end = forms.FloatField(min_value=0)
    instead = forms.IntegerField(min_value=1, required=False)


@require_POST
@may(Action.REVIEW)
def correct(request: MemberRequest, pk: int) -> JsonResponse:
    """“Not there from 0:05 to 0:09.” The figures follow at once."""
    runs = Run.objects.filter(asset__removed=None).select_related("asset", "project")
    run = find(runs, request, Action.REVIEW, pk=pk)
    form = CorrectForm(request.POST)
    if not form.is_valid():
        return refused("Say which brand is not there, and from when to when.")
    asked = form.cleaned_data
    label = find(Label, request, pk=asked["label"], project=run.project)
    other = asked["instead"]
    instead = find(Label, request, pk=other, project=run.project) if other else None
    about = {"start_s": asked["start"], "end_s": asked["end"], "instead": instead}
    try:
        made = Correction.objects.correct(run.asset, label, by=request.user, **about)
    except Refused as error:
        return refused(str(error))
    said = f"{made.sentence}. The figures follow."
    back = reverse("correction-undo", args=[made.pk])
    return JsonResponse({"id": made.pk, "said": said, "undo": back}, status=201)


@require_POST
@may(Action.REVIEW)
def undo(request: MemberRequest, pk: int) -> JsonResponse:
    """Let what was found count again."""
    rows = Correction.objects.filter(asset__removed=None).select_related("asset", "label")
    made = find(rows, request, Action.REVIEW, pk=pk)
    made.undo(by=request.user)
    return JsonResponse({"id": made.pk, "said": "The correction is taken back."})
