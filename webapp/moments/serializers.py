from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.moments.flags import Flag
from webapp.moments.moments import LONGEST, Moment, MomentEdit, MomentRead
from webapp.moments.outlines import Outline
from webapp.rest import Body, Finite, Id

STATES = ["waiting", "working", "done", "failed", "cancelled"]


class OutlineRequestSerializer(Body):
    indexing = Id(help_text="A transcript that is done.")


class OutlineSerializer(serializers.ModelSerializer):
    """What is talked about in an asset, by one transcript. The newest that is done is shown."""

    state = serializers.ChoiceField(STATES, read_only=True)

    class Meta:
        model = Outline
        fields = [
            *("id", "asset", "indexing", "state", "progress", "step", "made_by", "error"),
            *("can_retry", "created", "finished"),
        ]


class EntitySerializer(serializers.Serializer):
    text = serializers.CharField()
    kind = serializers.CharField(help_text="brand, person, place, organisation, product or event.")
    count = serializers.IntegerField()


class MomentSerializer(serializers.Serializer):
    """A moment as people read it; `found` is as it was found."""

    id = serializers.IntegerField(source="moment.pk")
    outline = serializers.IntegerField(source="moment.outline_id")
    kind = serializers.ChoiceField(Moment.Kind.choices, source="moment.kind")
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    title = serializers.CharField()
    phrases = serializers.ListField(child=serializers.CharField(), source="moment.phrases")
    entities = EntitySerializer(many=True, source="moment.entities")
    score = serializers.FloatField(source="moment.score", help_text="How much it stands out.")
    chapter = serializers.IntegerField(source="moment.chapter", help_text="Of a topic, from 0.")
    is_gone = serializers.BooleanField(help_text="A person took it out.")
    is_edited = serializers.BooleanField()
    found = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DictField())
    def get_found(self, one: MomentRead) -> dict[str, Any]:
        row = one.moment
        return {"title": row.title, "start_s": row.start_s, "end_s": row.end_s}


class MomentEditSerializer(serializers.ModelSerializer):
    """What a person says of a moment. Of each value the latest that was not undone holds."""

    by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = MomentEdit
        fields = [
            *("id", "moment", "title", "start_s", "end_s", "is_gone", "by", "created", "undone")
        ]


class MomentChangeSerializer(Body):
    """What is left out stays."""

    title = serializers.CharField(max_length=LONGEST, required=False)
    start_s = Finite(min_value=0, required=False)
    end_s = Finite(min_value=0, required=False)
    is_gone = serializers.BooleanField(required=False, help_text="Take it out, or bring it back.")


class FlagSerializer(serializers.ModelSerializer):
    """Something that a person says is wrong."""

    by = serializers.StringRelatedField(allow_null=True)

    class Meta:
        model = Flag
        fields = [
            *("id", "asset", "moment", "label", "kind", "start_s", "end_s", "text", "reason"),
            *("note", "by", "created", "undone"),
        ]


class FlagRequestSerializer(Body):
    asset = Id()
    kind = serializers.ChoiceField(Flag.Kind.choices)
    reason = serializers.ChoiceField(Flag.Reason.choices)
    start_s = Finite(min_value=0)
    end_s = Finite(min_value=0)
    text = serializers.CharField(max_length=200, allow_blank=True, default="")
    note = serializers.CharField(max_length=500, allow_blank=True, default="")
    moment = Id(required=False)
    label = Id(required=False)
