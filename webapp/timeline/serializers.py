"""What the API says of exposure. The figures of a brand are the table of columns."""

from __future__ import annotations

from typing import Any, get_type_hints

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from analysis.exposure.columns import COLUMNS, Column
from analysis.exposure.measure import BrandExposure
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.rest import Body, Finite, Id
from webapp.reviewing.corrections import Correction
from webapp.runs.run import Run

_KINDS = get_type_hints(BrandExposure)


def _field(column: Column) -> serializers.Field:
    unit = f", {column.unit}" if column.unit else ""
    known = _KINDS[column.key]
    kind = serializers.IntegerField if known in (int, int | None) else serializers.FloatField
    return kind(
        help_text=f"{column.title}{unit}: {column.help}.",
        allow_null=known in (int | None, float | None),
    )


class DoubtSerializer(serializers.Serializer):
    time_s = serializers.FloatField(help_text="The analysed frame that shows it first, or last.")
    box = serializers.ListField(
        child=serializers.FloatField(),
        min_length=4,
        max_length=4,
        help_text="There: left, top, right, bottom, as shares of the frame.",
    )
    confidence = serializers.FloatField()


class EpisodeSerializer(serializers.Serializer):
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    on_screen_s = serializers.FloatField(help_text="Without the gaps.")
    mean_size = serializers.FloatField(help_text="Share of the frame while on screen.")
    peak_confidence = serializers.FloatField()
    mean_confidence = serializers.FloatField()
    doubtful_begin = DoubtSerializer(
        allow_null=True,
        help_text="Set where it begins in the middle of an unbroken, still shot.",
    )
    doubtful_end = DoubtSerializer(allow_null=True, help_text="The same of its end.")


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
    is_heard = serializers.BooleanField(help_text="Somebody listened: mentions are counted.")
    is_read = serializers.BooleanField(help_text="Somebody read what is written on the picture.")
    any_s = serializers.FloatField(help_text="Any brand on screen.")
    clear_s = serializers.FloatField(help_text="Analysed time with no brand on screen.")
    rate = serializers.DictField(allow_null=True, help_text="What the amounts rest on, if any.")
    brands = BrandExposureSerializer(many=True)


class LookAgainSerializer(Body):
    """A box in a frame, and which brand it shows."""

    time_s = Finite(min_value=0, help_text="The analysed frame nearest to it is meant.")
    box = serializers.ListField(
        child=Finite(min_value=0, max_value=1),
        min_length=4,
        max_length=4,
        help_text="x1, y1, x2, y2 as fractions of the displayed frame, origin top left.",
    )
    label = Id(required=False, help_text="A label of the run's project.")
    name = serializers.CharField(
        max_length=60, required=False, help_text="Instead: its name; it is added where it is new."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("label" in attrs) == ("name" in attrs):
            raise ValidationError("Give either `label` or `name`.")
        return attrs


class _StretchSerializer(serializers.Serializer):
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()


class ChangeSerializer(serializers.Serializer):
    label = serializers.IntegerField(source="label.pk")
    name = serializers.CharField(source="label.name")
    is_sought = serializers.BooleanField(help_text="The label that was looked for again.")
    before_s = serializers.FloatField(help_text="Seconds reported then.")
    after_s = serializers.FloatField(help_text="Seconds reported now.")
    new = _StretchSerializer(many=True, help_text="Episodes where there was none.")
    other = _StretchSerializer(many=True, help_text="Those that begin or end elsewhere now.")
    gone = _StretchSerializer(many=True, help_text="Those that are no more, as they were.")


class DifferenceSerializer(serializers.Serializer):
    run = serializers.IntegerField()
    parent = serializers.IntegerField()
    brands = ChangeSerializer(many=True)


class MentionSerializer(serializers.Serializer):
    label = serializers.IntegerField()
    source = serializers.ChoiceField(MentionVerdict.Source.choices)
    name = serializers.CharField(help_text="The name or alias that was found.")
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    text = serializers.CharField(help_text="The words as they are written.")
    by = serializers.ChoiceField(
        ["name", "inflection", "spelling", "sound", "heard"], help_text="What makes them the name."
    )
    score = serializers.FloatField(help_text="How well they fit the name, 0 to 1.")
    confidence = serializers.FloatField(help_text="That, and how surely the words were recognised.")
    box = serializers.ListField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="Where it is written: x1, y1, x2, y2 as fractions of the frame.",
    )
    is_seen = serializers.BooleanField(help_text="The brand is on screen within 2 s of it.")


class TurnedDownSerializer(MentionSerializer):
    denied = serializers.IntegerField(help_text="The decision, to undo.")


class DenySerializer(Body):
    label = Id()
    source = serializers.ChoiceField(MentionVerdict.Source.choices)
    start_s = Finite(min_value=0, help_text="When the mention begins, as it is listed.")


class DeniedMentionSerializer(serializers.ModelSerializer):
    """A mention that a person turned down."""

    by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = MentionVerdict
        fields = [
            *("id", "asset", "label", "source", "start_s", "end_s", "text", "by", "created"),
            "undone",
        ]


class CorrectionSerializer(serializers.ModelSerializer):
    """What a person said of a brand in a stretch of an asset."""

    by = serializers.StringRelatedField(allow_null=True)
    said = serializers.CharField(source="sentence", help_text="In words.")

    class Meta:
        model = Correction
        fields = [
            *("id", "asset", "label", "start_s", "end_s", "instead", "said", "by", "created"),
            "undone",
        ]


class CorrectionRequestSerializer(Body):
    asset = Id()
    label = Id()
    start_s = Finite(min_value=0)
    end_s = Finite(min_value=0)
    instead = Id(required=False, help_text="The label that it is; without one, none of them.")


class MentionsSerializer(serializers.Serializer):
    run = serializers.IntegerField()
    indexing = serializers.IntegerField(
        allow_null=True, help_text="The transcript they are in; null where nobody listened yet."
    )
    text_indexing = serializers.IntegerField(
        allow_null=True, help_text="Where what is written was read; null where nobody read yet."
    )
    mentions = MentionSerializer(many=True)
    turned_down = TurnedDownSerializer(many=True, help_text="By people. They count nowhere.")
