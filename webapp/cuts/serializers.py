from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from analysis.cutting.clips import LONGEST_TITLE
from webapp.assets.links import media_link
from webapp.cuts.cut import MOST_CLIPS, Cut, CutClip
from webapp.cuts.renderings import Rendering
from webapp.leases import Status
from webapp.moments.serializers import STATES
from webapp.rest import Body, Finite, Id


class CutClipSerializer(serializers.ModelSerializer):
    """A stretch of an asset. Its ends are those of frames."""

    is_gone = serializers.BooleanField(
        read_only=True, help_text="Its film was deleted: it is left out of what is rendered."
    )

    class Meta:
        model = CutClip
        fields = ["id", "cut", "asset", "asset_name", "start_s", "end_s", "title", "is_gone"]
        read_only_fields = fields


class RenderingSerializer(serializers.ModelSerializer):
    """A cut as one film. The newest that is done replaces those before it."""

    state = serializers.ChoiceField(STATES, read_only=True)
    remaining_s = serializers.FloatField(
        allow_null=True, read_only=True, help_text="About how long it takes yet."
    )
    chapters = serializers.ListField(child=serializers.DictField(), read_only=True)
    left_out = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Films that were deleted by then."
    )
    link = serializers.SerializerMethodField(
        help_text="It expires. Null until it is done, and when a film in it was deleted."
    )

    class Meta:
        model = Rendering
        fields = [
            *("id", "cut", "state", "progress", "remaining_s", "error", "can_retry", "created"),
            *("finished", "ending", "duration_s", "width", "height", "frame_rate", "size_bytes"),
            *("chapters", "left_out", "link"),
        ]
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "uri", "nullable": True})
    def get_link(self, row: Rendering) -> str | None:
        if row.status != Status.DONE or not row.file or row.shows_the_deleted:
            return None
        return self.context["request"].build_absolute_uri(media_link(row.file))


class CutSerializer(serializers.ModelSerializer):
    made_by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = Cut
        fields = ["id", "workspace", "title", "made_by", "created", "changed"]
        read_only_fields = fields


class CutDetailSerializer(CutSerializer):
    clips = serializers.SerializerMethodField()
    rendering = serializers.SerializerMethodField(help_text="The newest, or null.")

    class Meta(CutSerializer.Meta):
        fields = [*CutSerializer.Meta.fields, "clips", "rendering"]
        read_only_fields = fields

    @extend_schema_field(CutClipSerializer(many=True))
    def get_clips(self, cut: Cut) -> Any:
        return CutClipSerializer(cut.standing(), many=True).data

    @extend_schema_field(RenderingSerializer(allow_null=True))
    def get_rendering(self, cut: Cut) -> Any:
        row = Rendering.objects.newest(cut)
        return RenderingSerializer(row, context=self.context).data if row else None


class SpanSerializer(Body):
    asset = Id()
    start_s = Finite(min_value=0)
    end_s = Finite(min_value=0)
    title = serializers.CharField(max_length=LONGEST_TITLE, allow_blank=True, default="")


class SpansSerializer(Body):
    spans = serializers.ListField(child=SpanSerializer(), min_length=1, max_length=MOST_CLIPS)


class CutRequestSerializer(Body):
    """One of `spans`, `search`, `label` and `asset`. Of an asset: what is in one of the `topics`,
    one of the `speakers` and one of the `brands` that are given. The rest is of a label's reel."""

    title = serializers.CharField(max_length=LONGEST_TITLE, required=False)
    workspace = Id(required=False)
    spans = serializers.ListField(
        child=SpanSerializer(), required=False, min_length=1, max_length=MOST_CLIPS
    )
    search = serializers.CharField(
        max_length=2000, required=False, help_text="What this query finds, the best first."
    )
    label = Id(required=False, help_text="The best exposures of this brand.")
    asset = Id(required=False, help_text="Parts of this film, by what follows.")
    topics = serializers.ListField(
        child=Id(), default=list, max_length=500, help_text="Moments of its outline."
    )
    speakers = serializers.ListField(
        child=Id(), default=list, max_length=100, help_text="Voices of it."
    )
    brands = serializers.ListField(
        child=serializers.CharField(max_length=200),
        default=list,
        max_length=100,
        help_text="Names: while they are seen, and what is said and written of them.",
    )
    run = Id(required=False, help_text="Of this analysis alone.")
    most_s = Finite(min_value=1, max_value=3600, default=60.0)
    longest_s = Finite(min_value=0.2, max_value=600, default=8.0)
    handles_s = Finite(min_value=0, max_value=30, default=0.5)
    best_first = serializers.BooleanField(default=False)


class CutChangeSerializer(Body):
    """What is left out stays."""

    title = serializers.CharField(max_length=LONGEST_TITLE, required=False)


class CutClipChangeSerializer(Body):
    """What is left out stays."""

    start_s = Finite(min_value=0, required=False)
    end_s = Finite(min_value=0, required=False)
    title = serializers.CharField(max_length=LONGEST_TITLE, allow_blank=True, required=False)
    place = serializers.IntegerField(
        min_value=0, max_value=10_000, required=False, help_text="In the cut, from 0."
    )
