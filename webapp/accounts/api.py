from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.request import Request

from webapp.accounts.access import workspaces
from webapp.accounts.models import Action, Event, Key, Workspace
from webapp.accounts.serializers import EventSerializer, WorkspaceSerializer
from webapp.ids import NumberConverter
from webapp.rest import Asking, WorkspaceObjects


@extend_schema_view(
    list=extend_schema(summary="Workspaces you are in, and as what"),
    retrieve=extend_schema(summary="One workspace"),
)
class WorkspaceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Asking):
    queryset = Workspace.objects.all()
    serializer_class = WorkspaceSerializer
    lookup_value_regex = NumberConverter.regex

    def get_queryset(self) -> QuerySet:
        if getattr(self, "swagger_fake_view", False):  # the schema is drawn without a person
            return Workspace.objects.none()
        return workspaces(self.request)


@extend_schema_view(list=extend_schema(summary="Who did what, for administrators; newest first"))
class EventViewSet(mixins.ListModelMixin, WorkspaceObjects):
    queryset = Event.objects.select_related("user")
    serializer_class = EventSerializer

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if not _administered(request).exists():
            raise PermissionDenied("Only administrators see who did what.")

    def get_queryset(self) -> QuerySet:
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset
        return queryset.filter(workspace__in=_administered(self.request))


def _administered(request: Request) -> QuerySet[Workspace]:
    """Reading is no change, so a key need not be able to write."""
    found = Workspace.objects.where(request.user, Action.ADMINISTER)
    return found.filter(pk=request.auth.workspace_id) if isinstance(request.auth, Key) else found
