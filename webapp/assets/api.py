from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from webapp.accounts.models import Action, Refused
from webapp.assets.forms import CollectionForm
from webapp.assets.models import Asset, Collection, Rendition
from webapp.assets.serializers import (
    AssetChangeSerializer,
    AssetDetailSerializer,
    AssetSerializer,
    CollectionSerializer,
)
from webapp.leases import Status
from webapp.rest import (
    IN_WORKSPACE,
    Conflict,
    WorkspaceObjects,
    one_of,
    whole_number,
    workspace_for,
)


@extend_schema_view(
    list=extend_schema(
        summary="The library",
        parameters=[
            IN_WORKSPACE,
            OpenApiParameter("q", str, description="Words of the name."),
            OpenApiParameter("kind", str, enum=Asset.Kind.values),
            OpenApiParameter("status", str, enum=Status.values),
            OpenApiParameter("collection", int),
            OpenApiParameter("sha256", str, description="Is this file here already?"),
        ],
    ),
    retrieve=extend_schema(summary="One asset", responses=AssetDetailSerializer),
    partial_update=extend_schema(
        summary="Rename an asset, or move it to a collection",
        request=AssetChangeSerializer,
        responses=AssetDetailSerializer,
    ),
    destroy=extend_schema(summary="Delete an asset with its runs; `restore` undoes it for 30 s"),
)
class AssetViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    queryset = Asset.objects.prefetch_related(
        Prefetch("renditions", Rendition.objects.filter(recipe="poster"))
    )

    def get_serializer_class(self) -> type[BaseSerializer]:
        return AssetSerializer if self.action == "list" else AssetDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        query = self.request.query_params
        for word in query.get("q", "").split()[:8]:
            queryset = queryset.filter(name__icontains=word)
        if kind := one_of(self.request, "kind", Asset.Kind.values):
            queryset = queryset.filter(kind=kind)
        if status := one_of(self.request, "status", Status.values):
            queryset = queryset.filter(status=status)
        if (collection := whole_number(self.request, "collection")) is not None:
            queryset = queryset.filter(collection=collection)
        if sha256 := query.get("sha256", ""):
            queryset = queryset.filter(sha256=sha256.lower())
        return queryset

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asset = self.get_object()
        change = AssetChangeSerializer(
            asset, data=request.data, context=self.get_serializer_context()
        )
        change.is_valid(raise_exception=True)
        return Response(self.get_serializer(change.save()).data)

    def perform_destroy(self, asset: Asset) -> None:
        try:
            asset.remove(by=self.request.user)
        except Refused as refused:
            raise Conflict(str(refused)) from refused

    @extend_schema(
        summary="Prepare an asset again after a failure",
        request=None,
        responses=AssetDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        asset = self.get_object()
        asset.retry()
        asset.refresh_from_db()
        return Response(self.get_serializer(asset).data)

    @extend_schema(
        summary="Undo the deletion of an asset", request=None, responses=AssetDetailSerializer
    )
    @action(detail=True, methods=["post"], queryset=Asset.everything.all())
    def restore(self, request: Request, pk: str) -> Response:
        asset = self.get_object()
        asset.restore(by=request.user)
        return Response(self.get_serializer(asset).data)


@extend_schema_view(
    list=extend_schema(summary="Collections of the library", parameters=[IN_WORKSPACE]),
    retrieve=extend_schema(summary="One collection"),
    create=extend_schema(summary="Make a collection", parameters=[IN_WORKSPACE]),
    partial_update=extend_schema(summary="Rename a collection"),
    destroy=extend_schema(summary="Delete a collection; its assets stay"),
)
class CollectionViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    WorkspaceObjects,
):
    queryset = Collection.objects.all()
    serializer_class = CollectionSerializer
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def perform_create(self, serializer: BaseSerializer) -> None:
        asked = whole_number(self.request, "workspace")
        workspace = workspace_for(self.request, Action.ANALYSE, asked)
        self._save(serializer, Collection(workspace=workspace))

    def perform_update(self, serializer: BaseSerializer) -> None:
        self._save(serializer, serializer.instance)

    def _save(self, serializer: BaseSerializer, collection: Collection) -> None:
        """By the rules of the page's form."""
        name = serializer.validated_data.get("name", collection.name)
        form = CollectionForm({"name": name}, instance=collection)
        if not form.is_valid():
            raise ValidationError(dict(form.errors))
        serializer.instance = form.save()
