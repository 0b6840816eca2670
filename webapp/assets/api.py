from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS
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
from webapp.ids import is_id
from webapp.leases import Status
from webapp.rest import Conflict, Id, InWorkspace, WorkspaceObjects, workspace_for


class AssetQuery(InWorkspace):
    q = serializers.CharField(required=False, allow_blank=True, help_text="Words of the name.")
    kind = serializers.ChoiceField(Asset.Kind.values, required=False)
    status = serializers.ChoiceField(Status.values, required=False)
    collection = Id(required=False)
    sha256 = serializers.CharField(
        required=False, allow_blank=True, help_text="Is this file here already?"
    )


@extend_schema_view(
    list=extend_schema(
        summary="The library",
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
    queries = {"list": AssetQuery}
    queryset = Asset.objects.prefetch_related(
        Prefetch("renditions", Rendition.objects.filter(recipe="poster"))
    )

    def get_object(self) -> Asset:
        """By its id; to read, also by the one it had while it arrived, before its bytes turned out
        to be another's."""
        if self.request.method in SAFE_METHODS and is_id(self.kwargs["pk"]):
            self.kwargs["pk"] = Asset.objects.standing_for(int(self.kwargs["pk"]))
        return super().get_object()

    def get_serializer_class(self) -> type[BaseSerializer]:
        return AssetSerializer if self.action == "list" else AssetDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        for word in self.asked.get("q", "").split()[:8]:
            queryset = queryset.filter(name__icontains=word)
        if sha256 := self.asked.get("sha256"):
            queryset = queryset.filter(sha256=sha256.lower())
        return self.matching(queryset, kind="kind", status="status", collection="collection")

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
        summary="Stop making the copy that browsers can play",
        request=None,
        responses=AssetDetailSerializer,
    )
    @action(detail=True, methods=["post"], url_path="proxy/cancel")
    def cancel_proxy(self, request: Request, pk: str) -> Response:
        asset = self.get_object()
        if not self._proxy(asset).cancel():
            raise Conflict("No copy is being made.")
        return Response(self.get_serializer(asset).data)

    @extend_schema(
        summary="Make the copy that browsers can play after a failure, or after it was stopped",
        request=None,
        responses=AssetDetailSerializer,
    )
    @action(detail=True, methods=["post"], url_path="proxy/retry")
    def retry_proxy(self, request: Request, pk: str) -> Response:
        asset = self.get_object()
        if not self._proxy(asset).retry():
            raise Conflict("It did not fail, or trying again cannot help.")
        return Response(self.get_serializer(asset).data)

    def _proxy(self, asset: Asset) -> Rendition:
        return get_object_or_404(Rendition, asset=asset, recipe=Rendition.PROXY)

    @extend_schema(
        summary="Undo the deletion of an asset", request=None, responses=AssetDetailSerializer
    )
    @action(detail=True, methods=["post"], queryset=Asset.everything.all())
    def restore(self, request: Request, pk: str) -> Response:
        asset = self.get_object()
        asset.restore(by=request.user)
        return Response(self.get_serializer(asset).data)


@extend_schema_view(
    list=extend_schema(summary="Collections of the library"),
    retrieve=extend_schema(summary="One collection"),
    create=extend_schema(summary="Make a collection"),
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
    queries = {"create": InWorkspace}
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def perform_create(self, serializer: BaseSerializer) -> None:
        workspace = workspace_for(self.request, Action.ANALYSE, self.asked.get("workspace"))
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
