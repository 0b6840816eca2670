from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.reports.later import later_than
from webapp.reports.models import Report


class ReportSerializer(serializers.ModelSerializer):
    """Issued and never changed. `manifest` names the files, models and methods it rests on."""

    class Meta:
        model = Report
        fields = ["id", "workspace", "title", "runs", "issued", "settings", "manifest"]


class OtherSerializer(serializers.Serializer):
    name = serializers.CharField()
    issued_s = serializers.FloatField(allow_null=True, help_text="Null: not looked for then.")
    later_s = serializers.FloatField(allow_null=True, help_text="Null: not looked for since.")


class LaterSerializer(serializers.Serializer):
    """A later run of the same file for the same project that says otherwise."""

    run = serializers.IntegerField(source="run.pk")
    finished = serializers.DateTimeField(source="run.finished")
    sentence = serializers.CharField()
    brands = OtherSerializer(many=True)


class ReportDetailSerializer(ReportSerializer):
    """`numbers` are as they were issued; `later` says where a later run differs, else null."""

    later = serializers.SerializerMethodField()

    class Meta(ReportSerializer.Meta):
        fields = [*ReportSerializer.Meta.fields, "numbers", "later"]

    @extend_schema_field(LaterSerializer(allow_null=True))
    def get_later(self, report: Report) -> dict[str, Any] | None:
        later = later_than(report)
        return LaterSerializer(later).data if later else None
