"""Turning a mention down, and taking that back: from the list beside the transcript."""

from __future__ import annotations

from django import forms
from django.http import JsonResponse
from django.views.decorators.http import require_POST

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused, User
from webapp.accounts.requests import MemberRequest
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.problems import refused
from webapp.runs.run import Run
from webapp.timeline.mentions import Mentions

_NEAR_S = 0.01  # times that are sent are rounded


class DenyForm(forms.Form):
    """Which mention: what it is of, where it stands, and when it begins."""

    label = forms.IntegerField(min_value=1)
    source = forms.ChoiceField(choices=MentionVerdict.Source.choices)
    start = forms.FloatField(min_value=0)


@require_POST
@may(Action.REVIEW)
def deny_view(request: MemberRequest, pk: int) -> JsonResponse:
    """“Not this brand.” It counts in no figure from now on."""
    runs = Run.objects.filter(asset__removed=None).select_related("asset", "project")
    run = find(runs, request, Action.REVIEW, pk=pk)
    form = DenyForm(request.POST)
    if not form.is_valid():
        return refused("Say which mention it is: its label, its source and when it begins.")
    asked = form.cleaned_data
    about = {"label": asked["label"], "source": asked["source"], "start_s": asked["start"]}
    try:
        denied = deny(run, by=request.user, **about)
    except Refused as error:
        return refused(str(error))
    said = f"“{denied.text}” does not count as {denied.label.name} any more."
    return JsonResponse({"id": denied.pk, "said": said}, status=201)


@require_POST
@may(Action.REVIEW)
def undo_view(request: MemberRequest, pk: int) -> JsonResponse:
    """Let it count again."""
    rows = (
        MentionVerdict.objects.turning_down()
        .filter(asset__removed=None)
        .select_related("asset", "label")
    )
    denied = find(rows, request, Action.REVIEW, pk=pk)
    denied.undo(by=request.user)
    said = f"“{denied.text}” counts as {denied.label.name} again."
    return JsonResponse({"id": denied.pk, "said": said})


def deny(run: Run, *, label: int, source: str, start_s: float, by: User) -> MentionVerdict:
    """Turn the mention down that begins then. Raises Refused where none does."""
    mentions = Mentions.of(run)
    for item in mentions.said + mentions.written:
        is_it = (item.label.pk, item.source) == (label, source)
        if is_it and abs(item.mention.start_s - start_s) < _NEAR_S:
            span, text = (item.mention.start_s, item.mention.end_s), item.mention.text[:200]
            verdict = item.found.verdict
            found_as = verdict.label if verdict else item.label
            denied: MentionVerdict = MentionVerdict.objects.deny(
                run.asset, found_as, by=by, source=source, span=span, text=text
            )
            return denied
    raise Refused("There is no such mention any more. Somebody may have changed the words.")
