from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analysis.reading.languages import LANGUAGES as READ_LANGUAGES
from analysis.speakers.types import MOST_SPEAKERS
from analysis.speech.languages import LANGUAGES
from webapp.indexing.indexing import Indexing
from webapp.indexing.line_edits import LONGEST_LINE, LineEdit
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.spotting import LONGEST as LONGEST_TERM
from webapp.indexing.spotting import MOST_TERMS, SpottedTerm, Spotting
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.word_edits import LONGEST, WordEdit
from webapp.rest import Body, Id
from webapp.runs.serializers import StandingSerializer

MOST_TEXT = 100_000  # characters
STATES = ["waiting", "working", "paused", "done", "failed", "cancelled"]
TASKS = ["transcribe", "translate"]


class IndexingOptionsSerializer(Body):
    """How to listen, or to read. What is left out is as it is by default."""

    language = serializers.ChoiceField(
        list(dict.fromkeys(["", *LANGUAGES, *READ_LANGUAGES])),
        required=False,
        help_text="Of `speech`: ISO 639-1; empty: found out from the sound. Of `text`: a recogniser"
        " of PP-OCR, such as `korean`; `ch` is what the package carries: Latin, Chinese, Japanese"
        " and Greek; empty: what the workspace chose, else that. What no worker has is refused with"
        " the `manage.py fetch` that brings it.",
    )
    engine = serializers.CharField(
        max_length=80,
        required=False,
        allow_blank=True,
        help_text="Of `speech`: a recogniser such as `openai-whisper/small`; empty: the best. One "
        "that no worker has is refused, with the names of those that there are.",
    )
    encoder = serializers.CharField(
        max_length=80,
        required=False,
        allow_blank=True,
        help_text="Of `pictures`: `logos`, Sightline's own; `model:12`, what a model version sees; "
        "`published:ViT-B-32`, a network on a worker; empty: the workspace's. Of `sound`: a speech "
        "engine; empty: the one that the workspace's space was made with, else the best.",
    )
    interval_s = serializers.FloatField(
        min_value=0.05,
        max_value=60,
        required=False,
        help_text="Of `text`: how often a film is looked at, at most.",
    )
    speakers = serializers.IntegerField(
        min_value=0,
        max_value=MOST_SPEAKERS,
        required=False,
        help_text="Of `speakers`: how many there are; 0 finds out.",
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
        help_text="Names and words that are likely to be said, the most important first.",
    )
    text = serializers.CharField(
        max_length=MOST_TEXT,
        required=False,
        allow_blank=True,
        help_text="Text of the kind that is spoken: it decides between readings as likely.",
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
    options = IndexingOptionsSerializer(required=False)
    priority = serializers.IntegerField(
        min_value=-100, max_value=100, default=0, help_text="Higher is sooner."
    )

    def validate(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Options of another step are a mistake rather than of no consequence."""
        options, step = wish.get("options") or {}, wish["step"]
        others = sorted(set(options) - set(Indexing.DEFAULTS[step]))
        known = READ_LANGUAGES if step == Indexing.Step.TEXT else LANGUAGES
        if others:
            raise serializers.ValidationError({"options": f"The step {step} has no {others[0]}."})
        if options.get("language") and options["language"] not in known:
            sentence = f"The step {step} knows no language {options['language']}."
            raise serializers.ValidationError({"options": sentence})
        return wish


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


class FrameCountsSerializer(serializers.Serializer):
    """Of reading: how often it was time to look, and how often something had changed."""

    sampled = serializers.IntegerField(required=False)
    read = serializers.IntegerField(required=False)


class IndexingSegmentSerializer(serializers.ModelSerializer):
    dropped = DroppedSerializer(
        many=True, help_text="Passages that were taken for made up, and why."
    )
    frames = FrameCountsSerializer()

    class Meta:
        model = IndexingSegment
        fields = [
            *("index", "start_s", "end_s", "status", "done_s", "busy_s", "language", "attempt"),
            *("dropped", "frames", "error"),
        ]


class PlaceSerializer(serializers.Serializer):
    time_s = serializers.FloatField()
    box = serializers.ListField(child=serializers.FloatField(), help_text="xyxy, 0 to 1.")


class TextRegionSerializer(serializers.ModelSerializer):
    """A line of writing and how long it is on screen. `kind`: an `overlay` stands still while the
    picture moves, writing in the `scene` moves with it; `untold` where nothing moved."""

    box = serializers.ListField(
        child=serializers.FloatField(),
        min_length=4,
        max_length=4,
        help_text="Of its letters where it was read best: xyxy, shares of the frame.",
    )
    path = serializers.SerializerMethodField(help_text="Where it went, if it moved.")
    text = serializers.CharField(
        source="reads", help_text="As it reads: what a person wrote, where one did."
    )
    recognised = serializers.CharField(source="text", help_text="As it was read.")

    class Meta:
        model = TextRegion
        fields = [
            *("id", "start_s", "end_s", "text", "recognised", "confidence"),
            *("kind", "box", "path", "looks"),
        ]

    @extend_schema_field(PlaceSerializer(many=True))
    def get_path(self, row: TextRegion) -> list[dict[str, Any]]:
        return [{"time_s": time_s, "box": box} for time_s, *box in row.path]


class LineEditSerializer(serializers.ModelSerializer):
    """A person's text for a line of writing. The latest that was not undone holds."""

    by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = LineEdit
        fields = ["id", "region", "text", "by", "created", "undone"]


class LineEditRequestSerializer(Body):
    region = Id(help_text="The line, as `text` lists it.")
    text = serializers.CharField(
        max_length=LONGEST_LINE, allow_blank=True, help_text="Empty: nobody wrote this line."
    )


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
