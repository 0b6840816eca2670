from __future__ import annotations

from rest_framework import serializers

from webapp.reports.models import Report


class ReportSerializer(serializers.ModelSerializer):
    """Issued and never changed. `manifest` names the files, models and methods it rests on."""

    class Meta:
        model = Report
        fields = ["id", "workspace", "title", "runs", "issued", "settings", "manifest"]


class ReportDetailSerializer(ReportSerializer):
    class Meta(ReportSerializer.Meta):
        fields = [*ReportSerializer.Meta.fields, "numbers"]
