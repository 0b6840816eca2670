from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins

from webapp.registry.models import ModelVersion, RegisteredModel
from webapp.registry.serializers import ModelVersionSerializer, RegisteredModelSerializer
from webapp.rest import IN_WORKSPACE, WorkspaceObjects


@extend_schema_view(
    list=extend_schema(summary="Models with their versions", parameters=[IN_WORKSPACE]),
    retrieve=extend_schema(summary="One model"),
)
class ModelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = RegisteredModel.objects.prefetch_related("versions", "aliases")
    serializer_class = RegisteredModelSerializer


@extend_schema_view(
    list=extend_schema(summary="Versions of models", parameters=[IN_WORKSPACE]),
    retrieve=extend_schema(summary="One version of a model"),
)
class ModelVersionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = ModelVersion.objects.all()
    serializer_class = ModelVersionSerializer
