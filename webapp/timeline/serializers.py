"""What the API says of exposure. The figures of a brand are the table of columns."""

from __future__ import annotations

from typing import get_type_hints

from rest_framework import serializers

from analysis.exposure.columns import COLUMNS, Column
from analysis.exposure.measure import BrandExposure
from webapp.runs.models import Run

_KINDS = get_type_hints(BrandExposure)


def _field(column: Column) -> serializers.Field:
    unit = f", {column.unit}" if column.unit else ""
    kind = serializers.IntegerField if _KINDS[column.key] is int else serializers.FloatField
    return kind(
        help_text=f"{column.title}{unit}: {column.help}.",
        allow_null=_KINDS[column.key] == float | None,
    )


class EpisodeSerializer(serializers.Serializer):
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    on_screen_s = serializers.FloatField(help_text="Without the gaps.")
    mean_size = serializers.FloatField(help_text="Share of the frame while on screen.")
    peak_confidence = serializers.FloatField()
    mean_confidence = serializers.FloatField()


class _BrandSerializer(serializers.Serializer):
    name = serializers.CharField()
    label = serializers.IntegerField()
    threshold = serializers.FloatField(help_text="Confidence from which a box counts.")
    is_hidden = serializers.BooleanField(help_text="Left out: empty, and no company for others.")
    frames = serializers.IntegerField(help_text="Analysed frames that show the brand.")
    size_bands = serializers.ListField(
        child=serializers.FloatField(),
        help_text="Seconds below 2.5 %, below 5 %, below 10 % of the frame, and from there.",
    )
    zones = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="Seconds in each ninth of the frame, 3 rows from the top.",
    )
    episodes = EpisodeSerializer(many=True)


BrandExposureSerializer = type(
    "BrandExposureSerializer",
    (_BrandSerializer,),
    {"__doc__": "", **{column.key: _field(column) for column in COLUMNS}},
)


class ExposureSerializer(serializers.Serializer):
    run = serializers.IntegerField()
    status = serializers.ChoiceField(Run.Status.choices)
    schema = serializers.CharField(help_text="Changes when the meaning of a key does.")
    method = serializers.DictField(help_text="The methodology with all its parameters.")
    limits = serializers.ListField(
        child=serializers.CharField(), help_text="What the figures cannot say, as sentences."
    )
    duration_s = serializers.FloatField(help_text="0 for a picture.")
    window = serializers.ListField(
        child=serializers.FloatField(), help_text="From and to: the whole unless asked for less."
    )
    analysed_s = serializers.FloatField(help_text="Time that analysed frames answer for.")
    stride_s = serializers.FloatField(help_text="Time between samples, median.")
    widest_s = serializers.FloatField(help_text="Time between samples, the longest.")
    every_frame = serializers.BooleanField(help_text="No frame was left out between samples.")
    is_held = serializers.BooleanField(help_text="Frames that hardly changed took over a result.")
    any_s = serializers.FloatField(help_text="Any brand on screen.")
    clear_s = serializers.FloatField(help_text="Analysed time with no brand on screen.")
    rate = serializers.DictField(allow_null=True, help_text="What the amounts rest on, if any.")
    brands = BrandExposureSerializer(many=True)
