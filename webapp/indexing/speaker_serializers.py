from __future__ import annotations

from typing import Any

from django.db.models import F, FloatField, Sum
from django.db.models.functions import Coalesce
from rest_framework import serializers

from webapp.indexing.speaker_edits import LONGEST, SpeakerEdit
from webapp.indexing.voices import Speaker, SpeakerTurn, Voice
from webapp.rest import Body, Id


def with_seconds(rows: Any) -> Any:
    """Voices with how long each speaks, as people corrected it."""
    length = Sum(F("turns_now__end_s") - F("turns_now__start_s"), output_field=FloatField())
    return rows.annotate(spoken_s=Coalesce(length, 0.0)).select_related("speaker")


class SpeakerSerializer(serializers.ModelSerializer):
    """A person who was named. Their voice print is never given out."""

    class Meta:
        model = Speaker
        fields = ["id", "workspace", "name", "created"]
        read_only_fields = fields


class VoiceSerializer(serializers.ModelSerializer):
    """A voice of an indexing. `speaker` is who it is, named by a person or recognised; `likeness`
    is above 0 where the voice itself was recognised."""

    name = serializers.CharField(source="__str__", read_only=True)
    spoken_s = serializers.FloatField(read_only=True)

    class Meta:
        model = Voice
        fields = [
            *("id", "indexing", "number", "name", "speaker", "recognised", "likeness"),
            *("is_added", "spoken_s"),
        ]
        read_only_fields = fields


class SpeakerTurnSerializer(serializers.ModelSerializer):
    """`voice` was found; `reads` is whose turn it is as people corrected it."""

    name = serializers.CharField(source="reads.__str__", read_only=True)

    class Meta:
        model = SpeakerTurn
        fields = ["id", "indexing", "start_s", "end_s", "voice", "reads", "name", "likeness"]
        read_only_fields = fields


class SpeakerEditSerializer(serializers.ModelSerializer):
    class Meta:
        model = SpeakerEdit
        fields = [
            *("id", "indexing", "kind", "voice", "turn", "into", "speaker", "created", "undone"),
        ]
        read_only_fields = fields


class VoiceNameSerializer(Body):
    name = serializers.CharField(
        max_length=LONGEST, allow_blank=True, help_text="Empty: nobody who is known."
    )


class VoiceMergeSerializer(Body):
    into = Id(help_text="Another voice of the same indexing.")


class TurnMoveSerializer(Body):
    into = Id(required=False, help_text="A voice of the same indexing; left out: a new one.")
