from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.models import Action
from webapp.registry.hosting import Hosting
from webapp.registry.serializers import (
    CopySerializer,
    HostingSerializer,
    ModelVersionSerializer,
    PromoteSerializer,
    RegisteredModelSerializer,
    StartSerializer,
    WeightsSerializer,
)
from webapp.registry.uploads import add_version
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.rest import (
    Conflict,
    InWorkspace,
    WorkspaceObjects,
    in_words,
    workspace_for,
)


@extend_schema_view(
    list=extend_schema(summary="Models with their versions"),
    retrieve=extend_schema(summary="One model"),
)
class ModelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = RegisteredModel.objects.prefetch_related("versions__training", "aliases")
    serializer_class = RegisteredModelSerializer


@extend_schema_view(
    list=extend_schema(summary="Versions of models"),
    retrieve=extend_schema(summary="One version of a model"),
    create=extend_schema(
        summary="Add a file of weights as a version of a model",
        description="Answered with 202: a worker opens the file without running anything in it. "
        "Once its `status` is done, it can be used, and be the `base` of a training.",
        request={"multipart/form-data": WeightsSerializer},
        responses={202: ModelVersionSerializer},
    ),
)
class ModelVersionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queries = {"create": InWorkspace}
    queryset = ModelVersion.objects.select_related("model__workspace", "training")
    serializer_class = ModelVersionSerializer

    def create(self, request: Request) -> Response:
        workspace = workspace_for(request, Action.ANALYSE, self.asked.get("workspace"))
        wish = self.sent(WeightsSerializer)
        name, file, source = wish["name"], wish["file"], wish["source"]
        with in_words():
            version = add_version(workspace, name, file, source=source, by=request.user)
        told = ModelVersionSerializer(version).data
        return Response(told, status=status.HTTP_202_ACCEPTED)

    def _now(self, version: ModelVersion) -> Response:
        version.refresh_from_db()
        return Response(ModelVersionSerializer(version).data)

    @extend_schema(
        summary="Let a name stand for a version",
        request=PromoteSerializer,
        responses=ModelVersionSerializer,
    )
    @action(detail=True, methods=["post"])
    def promote(self, request: Request, pk: str) -> Response:
        version = self.get_object()
        wish = self.sent(PromoteSerializer)
        with in_words():
            version.model.promote(version, wish["alias"], by=request.user)
        return self._now(version)

    @extend_schema(
        summary="Offer a version no more", request=None, responses=ModelVersionSerializer
    )
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        version = self.get_object()
        with in_words():
            version.archive(by=request.user)
        return self._now(version)

    @extend_schema(summary="Offer a version again", request=None, responses=ModelVersionSerializer)
    @action(detail=True, methods=["post"])
    def unarchive(self, request: Request, pk: str) -> Response:
        version = self.get_object()
        version.unarchive(by=request.user)
        return self._now(version)

    @extend_schema(
        summary="Copy a version to another model",
        request=CopySerializer,
        responses={201: ModelVersionSerializer},
    )
    @action(detail=True, methods=["post"])
    def copy(self, request: Request, pk: str) -> Response:
        version = self.get_object()
        wish = self.sent(CopySerializer)
        asked = wish.get("workspace", version.model.workspace_id)
        place = workspace_for(request, Action.ANALYSE, asked)
        with in_words():
            made = version.copy_to(RegisteredModel.named(place, wish["name"]), by=request.user)
        return Response(ModelVersionSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Whether workers hold a version in memory", responses=HostingSerializer)
    @action(detail=True)
    def hosting(self, request: Request, pk: str) -> Response:
        return Response(HostingSerializer(Hosting.of(self.get_object())).data)

    @extend_schema(
        summary="Have a worker load a version",
        description="Answered with 202; ask `hosting` until it is ready.",
        request=StartSerializer,
        responses={202: HostingSerializer},
    )
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        version = self.get_object()
        wish = self.sent(StartSerializer)
        with in_words():
            row = Hosting.start(version, by=request.user, idle_s=wish.get("idle_s"))
        return Response(HostingSerializer(row).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Have the workers let go of a version",
        request=None,
        responses={202: HostingSerializer},
    )
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        row = Hosting.of(self.get_object())
        if row.pk is None or not row.stop(by=request.user):
            raise Conflict("The version is not started.")
        return Response(HostingSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class HostingQuery(InWorkspace):
    state = serializers.ChoiceField(Hosting.State.values, required=False)


@extend_schema_view(
    list=extend_schema(
        summary="Versions in memory, which worker holds them, and what that costs",
    )
)
class HostingViewSet(mixins.ListModelMixin, WorkspaceObjects):
    queryset = Hosting.objects.select_related("version__model")
    queries = {"list": HostingQuery}
    serializer_class = HostingSerializer

    def filter_queryset(self, queryset: Any) -> Any:
        return self.matching(queryset, state="state")
