from __future__ import annotations

from typing import Any

from rest_framework import serializers

from webapp.labeling.forms import MOST_PEOPLE
from webapp.labeling.models import LabelingJob


class ProgressSerializer(serializers.Serializer):
    total = serializers.IntegerField(help_text="Pictures and clips.")
    done = serializers.IntegerField()
    left_s = serializers.FloatField(allow_null=True, help_text="At this pace.")


class JobSerializer(serializers.ModelSerializer):
    """Pictures and clips that people label. When the last is done it is complete, and a worker
    writes what they found to the dataset."""

    progress = serializers.SerializerMethodField()

    class Meta:
        model = LabelingJob
        fields = [
            "id", "dataset", "title", "instructions", "people_per_item", "batch_size", "deadline",
            "status", "created", "completed", "progress",
        ]  # fmt: skip
        extra_kwargs = {"status": {"help_text": "open, complete or closed."}}

    def get_progress(self, job: LabelingJob) -> dict[str, Any]:
        return job.progress()


class NewJobSerializer(serializers.Serializer):
    dataset = serializers.IntegerField(min_value=1, max_value=2**62)
    title = serializers.CharField(max_length=120)
    samples = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**62),
        max_length=50_000,
        required=False,
        help_text="Their ids; without it, every picture that nobody has labelled.",
    )
    instructions = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    people_per_item = serializers.IntegerField(min_value=1, max_value=9, default=1)
    batch_size = serializers.IntegerField(min_value=1, max_value=500, default=20)
    check_share = serializers.FloatField(min_value=0, max_value=0.5, default=0.0)
    deadline = serializers.DateTimeField(required=False, allow_null=True)


class InvitationSerializer(serializers.Serializer):
    emails = serializers.ListField(
        child=serializers.EmailField(), min_length=1, max_length=MOST_PEOPLE
    )


class InvitedSerializer(serializers.Serializer):
    email = serializers.EmailField()
    url = serializers.CharField(help_text="Signs a person in who is new here, once; else empty.")
    was_sent = serializers.BooleanField()


class InvitedAllSerializer(serializers.Serializer):
    invited = InvitedSerializer(many=True)
    refused = serializers.ListField(child=serializers.CharField())
