from __future__ import annotations

from pathlib import PurePath

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.assets.links import media_link
from webapp.datasets.versions import DatasetVersion
from webapp.registry.exports import ModelExport
from webapp.rest import Body, Id
from webapp.training.models import Evaluation, TrainingRun


class TrainingSerializer(serializers.ModelSerializer):
    """`status` with `is_cancelled` says how it stands; `result` is the version it made."""

    is_cancelled = serializers.BooleanField(read_only=True)
    share = serializers.FloatField(read_only=True, help_text="0 to 1; it may end earlier.")
    remaining_s = serializers.FloatField(
        read_only=True, allow_null=True, help_text="At most; null until an epoch was measured."
    )
    dataset_version = serializers.IntegerField(source="version_id", read_only=True)

    class Meta:
        model = TrainingRun
        fields = [
            *("id", "dataset_version", "model", "base", "status", "is_cancelled", "wish", "step"),
            *("epoch", "epochs", "share", "remaining_s", "error", "can_retry", "notes", "options"),
            *("software_version", "result", "created", "started", "finished"),
        ]


class PicturesSerializer(serializers.ModelSerializer):
    """What it was trained on. Of a deleted dataset this record is left."""

    name = serializers.CharField(source="__str__")
    project = serializers.CharField(source="dataset.project.name")
    is_deleted = serializers.BooleanField()

    class Meta:
        model = DatasetVersion
        fields = ["name", "project", "sha256", "is_deleted"]


class TrainingDetailSerializer(TrainingSerializer):
    pictures = PicturesSerializer(source="version", read_only=True)
    waiting_because = serializers.CharField(
        read_only=True, help_text="Why nothing happens just now; empty when something does."
    )
    curves = serializers.ListField(
        child=serializers.DictField(), read_only=True, help_text="One entry an epoch."
    )

    class Meta(TrainingSerializer.Meta):
        fields = [*TrainingSerializer.Meta.fields, "pictures", "waiting_because", "curves"]


class TrainingRequestSerializer(Body):
    dataset_version = Id()
    model = Id(required=False, help_text="A model that exists …")
    name = serializers.CharField(
        required=False, max_length=80, help_text="… or the name of one, made where there is none."
    )
    base = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="The version to start from; a file becomes one at `model-versions`.",
    )
    options = serializers.DictField(
        required=False, help_text="imgsz, epochs, patience, seed, augment, …: as in a training."
    )

    def validate(self, wish: dict) -> dict:
        if ("model" in wish) == ("name" in wish):
            raise serializers.ValidationError("Give either `model` or `name`.")
        return wish


class EvaluationSerializer(serializers.ModelSerializer):
    """Without its figures, which one evaluation alone shows."""

    class Meta:
        model = Evaluation
        fields = [
            *("id", "model_version", "dataset_version", "split", "status", "error", "can_retry"),
            *("created", "finished"),
        ]


class EvaluationDetailSerializer(EvaluationSerializer):
    waiting_because = serializers.CharField(read_only=True)
    figures = serializers.DictField(
        read_only=True, help_text="Per label and overall; empty until it is done."
    )

    class Meta(EvaluationSerializer.Meta):
        fields = [*EvaluationSerializer.Meta.fields, "waiting_because", "figures"]


class EvaluationRequestSerializer(Body):
    model_version = Id()
    dataset_version = Id()
    split = serializers.ChoiceField(choices=["train", "val", "test"], default="test")


class AtThresholdSerializer(serializers.Serializer):
    """What a label comes to from a confidence on, recomputed from the stored predictions."""

    label = serializers.CharField()
    threshold = serializers.FloatField()
    n_truth = serializers.IntegerField()
    tp = serializers.IntegerField()
    fp = serializers.IntegerField()
    fn = serializers.IntegerField()
    precision = serializers.FloatField(allow_null=True)
    recall = serializers.FloatField(allow_null=True)
    f1 = serializers.FloatField(allow_null=True)


class ExportSerializer(serializers.ModelSerializer):
    """`status` with `is_cancelled` says how it stands; `step` what is done now."""

    share = serializers.FloatField(read_only=True, help_text="0 to 1.")
    remaining_s = serializers.FloatField(
        read_only=True, allow_null=True, help_text="About; null until something is known."
    )
    url = serializers.SerializerMethodField(help_text="To fetch it from; empty until it is done.")

    class Meta:
        model = ModelExport
        fields = [
            *("id", "version", "format", "status", "is_cancelled", "step", "share", "remaining_s"),
            *("error", "can_retry", "size_bytes", "url", "created", "started", "finished"),
        ]

    @extend_schema_field({"type": "string"})
    def get_url(self, export: ModelExport) -> str:
        if not export.file:
            return ""
        link = media_link(export.file, download_as=PurePath(export.file).name)
        return str(self.context["request"].build_absolute_uri(link))


class ExportRequestSerializer(Body):
    version = Id()
    format = serializers.ChoiceField(choices=ModelExport.Format.choices)
