from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analysis.film.columns import KNOWN, SOURCES
from webapp.projects.serializers import SamplingSerializer
from webapp.rest import Body, Id
from webapp.runs.found import Shot, Track
from webapp.runs.run import Run
from webapp.runs.segments import Segment


class ProgressSerializer(serializers.Serializer):
    """How far a run is. `remaining_s` is null until its speed is known."""

    share = serializers.FloatField(help_text="0 to 1.")
    frames = serializers.IntegerField()
    frames_done = serializers.IntegerField()
    frames_per_s = serializers.FloatField(allow_null=True)
    remaining_s = serializers.FloatField(allow_null=True)
    segments = serializers.IntegerField()
    segments_done = serializers.IntegerField()
    working = serializers.IntegerField(help_text="Segments being worked on just now.")
    held = serializers.IntegerField(help_text="Frames that repeated the one before.")
    missing = serializers.IntegerField(help_text="Frames that could not be decoded.")


class StandingSerializer(serializers.Serializer):
    """How it stands, in the words that every page uses."""

    word = serializers.CharField(help_text="Such as Waiting, Analysing, Joining the tracks.")
    detail = serializers.CharField(help_text="How far it is, and how long it takes yet.")
    because = serializers.CharField(help_text="Why nothing happens just now; else empty.")


class RunSerializer(serializers.ModelSerializer):
    """`parent`: the run that this one is a new version of, one label looked for again."""

    class Meta:
        model = Run
        fields = [
            *("id", "asset", "project", "parent", "status", "stage", "priority", "options"),
            *("software_version", "input_hash", "error", "error_step", "can_retry", "notes"),
            *("duration_s", "created", "started", "finished"),
        ]


class RunDetailSerializer(RunSerializer):
    """`inputs` is what the run rests on: labels, logo pictures by hash, model version."""

    standing = StandingSerializer(read_only=True)
    progress = serializers.SerializerMethodField()
    waiting_because = serializers.CharField(
        read_only=True, help_text="Why nothing happens just now; empty when something does."
    )

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "inputs", "standing", "progress", "waiting_because"]

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, run: Run) -> dict[str, Any]:
        return ProgressSerializer(run.progress()).data


class RunSamplingSerializer(SamplingSerializer):
    """Which frames are looked at, and of which picture track where the file has several."""

    track = serializers.IntegerField(
        min_value=0,
        max_value=999,
        required=False,
        help_text="`index` of one of the asset's `probe.pictures`; else the one that players show.",
    )


class RunRequestSerializer(Body):
    asset = Id()
    project = Id()
    sampling = RunSamplingSerializer(
        required=False, help_text="What is left out is as the project says."
    )
    priority = serializers.IntegerField(
        min_value=-100, max_value=100, default=0, help_text="Higher is sooner."
    )


class DetectionSerializer(serializers.Serializer):
    id = serializers.IntegerField(help_text="Its number in the run; ascends with time.")
    time_s = serializers.FloatField()
    dwell_s = serializers.FloatField()
    label = serializers.IntegerField()
    label_name = serializers.CharField()
    track = serializers.IntegerField(allow_null=True)
    box = serializers.ListField(
        child=serializers.FloatField(),
        min_length=4,
        max_length=4,
        help_text="x1, y1, x2, y2 as fractions of the displayed frame, origin top left.",
    )
    confidence = serializers.FloatField()
    clarity = serializers.FloatField(allow_null=True)
    source = serializers.ChoiceField(SOURCES)
    known = serializers.ChoiceField(
        KNOWN,
        help_text="How: a detector saw it in this frame, it was followed here from another by its "
        "pixels, or it lies in a blur between two such frames.",
    )


class TrackSerializer(serializers.ModelSerializer):
    label_name = serializers.CharField(source="label.name")

    class Meta:
        model = Track
        fields = [
            *("id", "number", "label", "label_name", "start_s", "end_s", "count", "confidence")
        ]


class ShotSerializer(serializers.ModelSerializer):
    class Meta:
        model = Shot
        fields = ["index", "start_s", "end_s"]


class SegmentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Segment
        fields = [
            *("index", "start_s", "end_s", "status", "frames_total", "frames_done", "held"),
            *("missing", "attempt", "problem", "error"),
        ]
