"""Speakers on the asset page: named, made one, parted; and forgotten in the settings."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Event, Refused
from webapp.accounts.requests import MemberRequest
from webapp.ids import is_id
from webapp.indexing.indexing import Indexing
from webapp.indexing.speaker_edits import SpeakerEdit
from webapp.indexing.voices import Speaker, SpeakerTurn, Voice

_THERE = {"indexing__removed": None, "indexing__asset__removed": None}


@require_POST
@may(Action.REVIEW)
def name(request: MemberRequest, pk: int) -> HttpResponse:
    """Say who a voice is."""
    voice = find(Voice.objects.filter(**_THERE), request, Action.REVIEW, pk=pk)
    wish = request.POST.get("name", "")
    return _answer(
        request,
        voice.indexing,
        lambda: SpeakerEdit.objects.call(voice, wish, by=request.user),
        f"{voice} is {wish.strip()}." if wish.strip() else f"{voice} has no name now.",
    )


@require_POST
@may(Action.REVIEW)
def merge(request: MemberRequest, pk: int) -> HttpResponse:
    """Two voices are of one person."""
    voice = find(Voice.objects.filter(**_THERE), request, Action.REVIEW, pk=pk)
    into = _voice(voice.indexing, request.POST.get("into", ""))
    if into is None:
        messages.error(request, "Say which speaker it is.")
        return _back(voice.indexing)
    return _answer(
        request,
        voice.indexing,
        lambda: SpeakerEdit.objects.merge(voice, into, by=request.user),
        f"{voice} and {into} are one speaker.",
    )


@require_POST
@may(Action.REVIEW)
def move(request: MemberRequest, pk: int) -> HttpResponse:
    """Give a turn to another speaker; without `into` to one of their own."""
    turn = find(SpeakerTurn.objects.filter(**_THERE), request, Action.REVIEW, pk=pk)
    into = _voice(turn.indexing, request.POST.get("into", ""))
    return _answer(
        request,
        turn.indexing,
        lambda: SpeakerEdit.objects.move(turn, into, by=request.user),
        "The turn is another speaker's.",
    )


@require_POST
@may(Action.REVIEW)
def undo(request: MemberRequest, pk: int) -> HttpResponse:
    """Take back what was said of a speaker."""
    edit = find(SpeakerEdit.objects.filter(**_THERE), request, Action.REVIEW, pk=pk)
    if not edit.undo(by=request.user):
        messages.info(request, "It was taken back already.")
    return _back(edit.indexing)


@require_POST
@may(Action.ADMINISTER)
def forget(request: MemberRequest, pk: int) -> HttpResponse:
    """Erase a named speaker of the workspace, with the voice that is remembered of them."""
    speaker = find(Speaker, request, Action.ADMINISTER, pk=pk)
    Event.record(speaker.workspace, request.user, "erased a speaker", speaker.name)
    messages.success(request, f"{speaker.name} is erased, with the voice that was remembered.")
    speaker.delete()
    return redirect("indexing-settings")


def _voice(indexing: Indexing, number: str) -> Voice | None:
    return indexing.voices.filter(pk=number).first() if is_id(number) else None


def _answer(
    request: MemberRequest, indexing: Indexing, do: Callable[[], SpeakerEdit], said: str
) -> HttpResponse:
    try:
        edit = do()
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, said, extra_tags=reverse("speaker-edit-undo", args=[edit.pk]))
    return _back(indexing)


def _back(indexing: Indexing) -> HttpResponse:
    return redirect(f"{reverse('asset', args=[indexing.asset_id])}#transcript")
