"""Saying of one box what it is, in the frame view."""

from __future__ import annotations

from django import forms
from django.http import JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from analysis.types import Box
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.problems import refused
from webapp.projects.models import Label
from webapp.reviewing.verdicts import Verdict
from webapp.runs.boxes import Boxes
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.timeline.frames import analysed_time


class JudgeForm(forms.Form):
    """A box by its number and the label that it is, or none; or one that was drawn at a time."""

    box = forms.IntegerField(min_value=0, required=False)
    label = forms.IntegerField(min_value=1, required=False)
    track = forms.BooleanField(required=False)
    t = forms.FloatField(min_value=0, required=False)
    x1 = forms.FloatField(required=False)
    y1 = forms.FloatField(required=False)
    x2 = forms.FloatField(required=False)
    y2 = forms.FloatField(required=False)


@require_POST
@may(Action.REVIEW)
def judge(request: MemberRequest, pk: int) -> JsonResponse:
    """“It is not there.” The figures follow at once, and so do the boxes on the picture."""
    runs = Run.objects.filter(asset__removed=None).select_related("asset__workspace", "project")
    run = find(runs, request, Action.REVIEW, pk=pk)
    form = JudgeForm(request.POST)
    if not form.is_valid():
        return refused("Say which box, and what it is.")
    wish = form.cleaned_data
    named = wish["label"]
    label = find(Label, request, pk=named, project=run.project) if named else None
    try:
        if wish["box"] is None:
            made = _drawn(run, label, wish, request)
        else:
            made = _judged(run, label, wish, request)
    except (Refused, RunRefused) as error:
        return refused(str(error))
    back = reverse("verdict-undo", args=[made.pk])
    said = {"id": made.pk, "said": f"{made.sentence}. The figures follow.", "undo": back}
    return JsonResponse(said, status=201)


def _judged(run: Run, label: Label | None, wish: dict, request: MemberRequest) -> Verdict:
    box = Boxes(run).at(wish["box"])
    if box is None:
        raise Refused("There is no such box in this analysis.")
    about = {"actually": label, "of_track": wish["track"], "by": request.user}
    made: Verdict = Verdict.objects.say(run, box, **about)
    return made


def _drawn(run: Run, label: Label | None, wish: dict, request: MemberRequest) -> Verdict:
    sides = [wish[side] for side in ("x1", "y1", "x2", "y2")]
    if label is None or wish["t"] is None or None in sides:
        raise Refused("Say which box, and what it is.")
    time_s = analysed_time(run, wish["t"])
    made: Verdict = Verdict.objects.draw(run, label, time_s, Box(*sides), by=request.user)
    return made


@require_POST
@may(Action.REVIEW)
def undo(request: MemberRequest, pk: int) -> JsonResponse:
    """Let what was found count again."""
    rows = Verdict.objects.filter(asset__removed=None).select_related("asset__workspace", "label")
    made = find(rows, request, Action.REVIEW, pk=pk)
    made.undo(by=request.user)
    return JsonResponse({"id": made.pk, "said": "It counts as it was found again."})
