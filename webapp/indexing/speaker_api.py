from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.access import find
from webapp.accounts.models import Action, Event
from webapp.indexing.speaker_edits import SpeakerEdit
from webapp.indexing.speaker_serializers import (
    SpeakerEditSerializer,
    SpeakerSerializer,
    SpeakerTurnSerializer,
    TurnMoveSerializer,
    VoiceMergeSerializer,
    VoiceNameSerializer,
    VoiceSerializer,
    with_seconds,
)
from webapp.indexing.voices import Speaker, SpeakerTurn, Voice
from webapp.rest import WorkspaceObjects, in_words

_THERE = {"indexing__removed": None, "indexing__asset__removed": None}


@extend_schema_view(
    list=extend_schema(summary="People who were named, by the order in which they were"),
    retrieve=extend_schema(summary="One person who was named"),
    destroy=extend_schema(summary="Erase a person, with the voice that is remembered of them"),
)
class SpeakerViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    change = Action.ADMINISTER
    serializer_class = SpeakerSerializer
    queryset = Speaker.objects.order_by("pk")

    def perform_destroy(self, speaker: Speaker) -> None:
        Event.record(speaker.workspace, self.request.user, "erased a speaker", speaker.name)
        speaker.delete()


@extend_schema_view(retrieve=extend_schema(summary="One voice of an indexing"))
class VoiceViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    change = Action.REVIEW
    serializer_class = VoiceSerializer
    queryset = with_seconds(Voice.objects.filter(**_THERE))

    @extend_schema(
        summary="Say who a voice is; what was found stays",
        request=VoiceNameSerializer,
        responses={201: SpeakerEditSerializer},
    )
    @action(detail=True, methods=["post"], url_path="name")
    def call(self, request: Request, pk: str) -> Response:
        voice, wish = self._voice(pk), self.sent(VoiceNameSerializer)
        with in_words():
            edit = SpeakerEdit.objects.call(voice, wish["name"], by=request.user)
        return Response(SpeakerEditSerializer(edit).data, status=201)

    @extend_schema(
        summary="Say that two voices are of one person",
        request=VoiceMergeSerializer,
        responses={201: SpeakerEditSerializer},
    )
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        voice, wish = self._voice(pk), self.sent(VoiceMergeSerializer)
        into = find(Voice.objects.filter(indexing=voice.indexing), request, pk=wish["into"])
        with in_words():
            edit = SpeakerEdit.objects.merge(voice, into, by=request.user)
        return Response(SpeakerEditSerializer(edit).data, status=201)

    def _voice(self, pk: str) -> Voice:
        return find(Voice.objects.filter(**_THERE), self.request, Action.REVIEW, pk=pk)


@extend_schema_view(retrieve=extend_schema(summary="One turn of a speaker"))
class SpeakerTurnViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    change = Action.REVIEW
    serializer_class = SpeakerTurnSerializer
    queryset = SpeakerTurn.objects.filter(**_THERE).select_related("reads__speaker")

    @extend_schema(
        summary="Give a turn to another voice; what was found stays",
        request=TurnMoveSerializer,
        responses={201: SpeakerEditSerializer},
    )
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        turn, wish = self.get_object(), self.sent(TurnMoveSerializer)
        voices: Any = Voice.objects.filter(indexing=turn.indexing)
        into = find(voices, request, pk=wish["into"]) if "into" in wish else None
        with in_words():
            edit = SpeakerEdit.objects.move(turn, into, by=request.user)
        return Response(SpeakerEditSerializer(edit).data, status=201)


@extend_schema_view(retrieve=extend_schema(summary="One correction of speakers"))
class SpeakerEditViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    """It is made at its voice or its turn."""

    change = Action.REVIEW
    serializer_class = SpeakerEditSerializer
    queryset = SpeakerEdit.objects.filter(**_THERE)

    @extend_schema(summary="Take a correction back", request=None, responses=SpeakerEditSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        edit = self.get_object()
        edit.undo(by=request.user)
        return Response(SpeakerEditSerializer(edit).data)
