from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webapp.accounts.models import Event, Role, Workspace


class WorkspaceSerializer(serializers.ModelSerializer):
    role = serializers.SerializerMethodField(help_text="What you are there.")

    class Meta:
        model = Workspace
        fields = ["id", "name", "slug", "created", "role"]

    @extend_schema_field({"type": "string", "enum": Role.values})
    def get_role(self, workspace: Workspace) -> str:
        return workspace.memberships.get(user=self.context["request"].user).role


class EventSerializer(serializers.ModelSerializer):
    who = serializers.CharField(source="user.email", default=None, allow_null=True)

    class Meta:
        model = Event
        fields = ["id", "workspace", "at", "who", "what", "subject", "data"]
