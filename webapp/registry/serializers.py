from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.registry.models import ModelVersion, RegisteredModel


class ModelVersionSerializer(serializers.ModelSerializer):
    """`status` is that of its safety check; only a version that is `done` can be used."""

    labels = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ModelVersion
        fields = [
            *("id", "model", "number", "status", "error", "sha256", "source", "labels"),
            *("description", "created"),
        ]


class RegisteredModelSerializer(serializers.ModelSerializer):
    versions = ModelVersionSerializer(many=True, read_only=True)
    aliases = serializers.SerializerMethodField(help_text="The version each name stands for.")

    class Meta:
        model = RegisteredModel
        fields = ["id", "workspace", "name", "description", "created", "versions", "aliases"]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_aliases(self, model: RegisteredModel) -> dict[str, int]:
        return {alias.name: alias.version_id for alias in model.aliases.all()}
