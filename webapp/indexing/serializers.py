from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analysis.speech.languages import LANGUAGES
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.spotting import LONGEST as LONGEST_TERM
from webapp.indexing.spotting import MOST_TERMS, SpottedTerm, Spotting
from webapp.indexing.word_edits import LONGEST, WordEdit
from webapp.rest import Body, Id
from webapp.runs.serializers import StandingSerializer

STATES = ["waiting", "working", "paused", "done", "failed", "cancelled"]
TASKS = ["transcribe", "translate"]


class SpeechOptionsSerializer(Body):
    """How to listen. What is left out is as it is by default."""

    language = serializers.ChoiceField(
        ["", *LANGUAGES], required=False, help_text="ISO 639-1; empty: found out from the sound."
    )
    task = serializers.ChoiceField(TASKS, required=False, help_text="`translate`: to English.")
    track = serializers.IntegerField(
        min_value=0,
        max_value=999,
        required=False,
        help_text="Which of the asset's `probe.audio`, from 0.",
    )
    channels = serializers.ChoiceField(
        ["mixed", "apart"], required=False, help_text="`apart`: each channel is listened to alone."
    )
    vocabulary = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=500,
        required=False,
        help_text="Names and words that are likely to be said.",
    )


class SpottedTermSerializer(serializers.ModelSerializer):
    """A term that is in the sound; `text` is what the transcript has there."""

    class Meta:
        model = SpottedTerm
        fields = ["term", "start_s", "end_s", "text", "score"]


class SpottingSerializer(serializers.ModelSerializer):
    """Terms listened for in the sound. `found` grows while it goes on."""

    found = SpottedTermSerializer(many=True, read_only=True)

    class Meta:
        model = Spotting
        fields = [
            *("id", "indexing", "terms", "status", "progress", "error", "created", "finished"),
            "found",
        ]


class SpottingRequestSerializer(Body):
    terms = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_TERM), min_length=1, max_length=MOST_TERMS
    )


class IndexingRequestSerializer(Body):
    asset = Id()
    step = serializers.ChoiceField(Indexing.Step.choices, default=Indexing.Step.SPEECH)
    options = SpeechOptionsSerializer(required=False)
    priority = serializers.IntegerField(
        min_value=-100, max_value=100, default=0, help_text="Higher is sooner."
    )


class IndexingProgressSerializer(serializers.Serializer):
    """`remaining_s` and `speed` are null until they are known."""

    share = serializers.FloatField(help_text="0 to 1.")
    total_s = serializers.FloatField(help_text="Seconds of the asset.")
    done_s = serializers.FloatField()
    speed = serializers.FloatField(allow_null=True, help_text="Seconds of it a second, a worker.")
    remaining_s = serializers.FloatField(allow_null=True)
    segments = serializers.IntegerField()
    segments_done = serializers.IntegerField()
    working = serializers.IntegerField(help_text="Segments being worked on just now.")


class IndexingSerializer(serializers.ModelSerializer):
    """What one step found in an asset. The newest version that is done is the one that is shown."""

    state = serializers.ChoiceField(STATES, read_only=True)

    class Meta:
        model = Indexing
        fields = [
            *("id", "asset", "step", "version", "state", "stage", "options", "engine_title"),
            *("engine_digest", "priority", "language", "error", "can_retry", "notes"),
            *("duration_s", "created", "finished"),
        ]


class IndexingDetailSerializer(IndexingSerializer):
    standing = StandingSerializer(read_only=True)
    progress = serializers.SerializerMethodField()

    class Meta(IndexingSerializer.Meta):
        fields = [*IndexingSerializer.Meta.fields, "standing", "progress"]

    @extend_schema_field(IndexingProgressSerializer)
    def get_progress(self, indexing: Indexing) -> dict[str, Any]:
        return IndexingProgressSerializer(indexing.progress()).data


class DroppedSerializer(serializers.Serializer):
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    text = serializers.CharField()
    why = serializers.CharField()


class IndexingSegmentSerializer(serializers.ModelSerializer):
    dropped = DroppedSerializer(
        many=True, help_text="Passages that were taken for made up, and why."
    )

    class Meta:
        model = IndexingSegment
        fields = [
            *("index", "start_s", "end_s", "status", "done_s", "busy_s", "language", "attempt"),
            *("dropped", "error"),
        ]


class WordEditSerializer(serializers.ModelSerializer):
    """A person's text for a word. The latest that was not undone holds."""

    by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = WordEdit
        fields = ["id", "speech_segment", "word", "text", "by", "created", "undone"]


class SpokenWordSerializer(serializers.Serializer):
    text = serializers.CharField(help_text="As it reads: what a person wrote, where one did.")
    recognised = serializers.CharField()
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    confidence = serializers.FloatField(help_text="Of the recogniser.")
    is_edited = serializers.BooleanField()


class SpeechSegmentSerializer(serializers.ModelSerializer):
    """Some words of one breath. `text` is as it was recognised."""

    words = serializers.SerializerMethodField()

    class Meta:
        model = SpeechSegment
        fields = ["id", "start_s", "end_s", "text", "language", "confidence", "channel", "words"]

    @extend_schema_field(SpokenWordSerializer(many=True))
    def get_words(self, row: SpeechSegment) -> list[dict[str, Any]]:
        edits = self.context["edits"].get(row.pk, {})
        columns = (row.words[name] for name in ("text", "start_s", "end_s", "confidence"))
        return [
            {
                "text": edits[place].text if place in edits else text.strip(),
                "recognised": text.strip(),
                "start_s": start_s,
                "end_s": end_s,
                "confidence": confidence,
                "is_edited": place in edits,
            }
            for place, (text, start_s, end_s, confidence) in enumerate(zip(*columns, strict=True))
        ]


class WordEditRequestSerializer(Body):
    speech_segment = Id()
    word = serializers.IntegerField(
        min_value=0, max_value=10**6, help_text="Its place in the speech segment, from 0."
    )
    text = serializers.CharField(
        max_length=LONGEST, allow_blank=True, help_text="Empty: nobody said this word."
    )
