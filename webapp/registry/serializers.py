from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.registry.hosting import Hosting
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.rest import Body, Id


class ModelVersionSerializer(serializers.ModelSerializer):
    """`status` is that of its safety check; only a version that is `done` can be used."""

    labels = serializers.ListField(child=serializers.CharField(), read_only=True)
    training = serializers.SerializerMethodField(help_text="The training that made it.")

    class Meta:
        model = ModelVersion
        fields = [
            *("id", "model", "number", "status", "error", "sha256", "source", "labels"),
            *("description", "copied_from", "training", "archived", "created"),
        ]

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_training(self, version: ModelVersion) -> int | None:
        training = getattr(version, "training", None)
        return training.pk if training else None


class WeightsSerializer(Body):
    file = serializers.FileField(help_text=".pt, .safetensors or .onnx; at most 500 MB.")
    name = serializers.CharField(
        max_length=80, help_text="The model: one that exists gets a new version."
    )
    source = serializers.CharField(
        required=False, default="", max_length=255, help_text="Where it came from."
    )

    def validate_name(self, name: str) -> str:
        return " ".join(name.split())


class RegisteredModelSerializer(serializers.ModelSerializer):
    versions = ModelVersionSerializer(many=True, read_only=True)
    aliases = serializers.SerializerMethodField(help_text="The version each name stands for.")

    class Meta:
        model = RegisteredModel
        fields = [
            *("id", "workspace", "name", "description", "gate_f1", "created", "versions"),
            "aliases",
        ]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_aliases(self, model: RegisteredModel) -> dict[str, int]:
        return {alias.name: alias.version_id for alias in model.aliases.all()}


class HolderSerializer(serializers.Serializer):
    """A worker that holds the version, and what that costs it."""

    bytes = serializers.IntegerField()
    since = serializers.DateTimeField()


class HostingSerializer(serializers.ModelSerializer):
    """Whether workers hold a version in memory. `until`: when it stops if nobody uses it."""

    bytes = serializers.IntegerField(read_only=True, help_text="Memory, over all workers.")
    held = serializers.DictField(
        child=HolderSerializer(), read_only=True, help_text="By the worker's name."
    )

    class Meta:
        model = Hosting
        fields = ["version", "state", "wanted", "idle_s", "until", "bytes", "held", "problem"]


class StartSerializer(Body):
    idle_s = serializers.IntegerField(
        required=False,
        min_value=Hosting.LEAST_IDLE_S,
        max_value=Hosting.MOST_IDLE_S,
        help_text="Stops by itself when nobody used it for so long.",
    )


class PromoteSerializer(Body):
    alias = serializers.ChoiceField(choices=["production", "candidate"], default="production")


class CopySerializer(Body):
    workspace = Id(required=False, help_text="The version's own by default.")
    name = serializers.CharField(max_length=80, help_text="The model to copy it to.")
