from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.access import find
from webapp.accounts.models import Action
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.moments import chapters
from webapp.moments.flags import Flag
from webapp.moments.moments import Moment, MomentEdit, read
from webapp.moments.outlines import Outline
from webapp.moments.serializers import (
    FlagRequestSerializer,
    FlagSerializer,
    MomentChangeSerializer,
    MomentEditSerializer,
    MomentSerializer,
    OutlineRequestSerializer,
    OutlineSerializer,
)
from webapp.pagination import Cursor
from webapp.projects.models import Label
from webapp.rest import Id, InWorkspace, Query, Unacceptable, WorkspaceObjects, in_words


class ByTime(Cursor):
    ordering = ("start_s", "pk")


class OutlineQuery(InWorkspace):
    asset = Id(required=False)


class MomentQuery(Query):
    kind = serializers.ChoiceField(Moment.Kind.choices, required=False)


class FileQuery(Query):
    kind = serializers.ChoiceField(list(chapters.FILES), default="vtt")


_REFUSAL = "The outline is {row.state}, so this cannot be done."


@extend_schema_view(
    list=extend_schema(summary="Outlines, newest first"),
    retrieve=extend_schema(summary="One outline and how far it is"),
    create=extend_schema(
        summary="Outline a transcript",
        description="A transcript that is done is outlined by itself; this does it again, after "
        "words were corrected. Answered at once with 202.",
        request=OutlineRequestSerializer,
        responses={202: OutlineSerializer},
    ),
)
class OutlineViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queries = {"list": OutlineQuery, "moments": MomentQuery, "file": FileQuery}
    serializer_class = OutlineSerializer
    queryset = Outline.objects.filter(asset__removed=None, indexing__removed=None).select_related(
        "asset", "indexing"
    )

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, asset="asset").order_by("-pk")

    def create(self, request: Request) -> Response:
        wish = self.sent(OutlineRequestSerializer)
        there = Indexing.objects.filter(asset__removed=None).select_related("asset__workspace")
        indexing = find(there, request, self.change, pk=wish["indexing"])
        with in_words():
            outline = Outline.objects.request(indexing, by=request.user)
        return self.begun(outline, "api-outline-detail")

    @extend_schema(summary="Cancel an outline", request=None, responses=OutlineSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", _REFUSAL)

    @extend_schema(summary="Try a failed outline again", request=None, responses=OutlineSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", _REFUSAL)

    @extend_schema(
        summary="Chapters, topics and moments, as people corrected them",
        responses=MomentSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByTime, filter_backends=[])
    def moments(self, request: Request, pk: str) -> Response:
        found, pages = self.get_object().moments.all(), ByTime()
        if kind := self.asked.get("kind"):
            found = found.filter(kind=kind)
        rows = pages.paginate_queryset(found, request, view=self) or []
        by_pk = {one.moment.pk: one for one in read(rows)}
        data = MomentSerializer([by_pk[row.pk] for row in rows], many=True).data
        return pages.get_paginated_response(data)

    @extend_schema(
        summary="The outline as a file",
        responses={
            (200, "text/vtt"): OpenApiTypes.STR,
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.OBJECT,
        },
    )
    @action(detail=True)
    def file(self, request: Request, pk: str) -> Any:
        return chapters.answer(self.get_object(), self.asked["kind"])


class MomentViewSet(WorkspaceObjects):
    """A moment of an outline."""

    change = Action.REVIEW
    serializer_class = MomentSerializer
    queryset = Moment.objects.filter(
        outline__asset__removed=None, outline__indexing__removed=None
    ).select_related("outline__asset__workspace")

    @extend_schema(summary="One moment, as people corrected it")
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(MomentSerializer(read([self.get_object()])[0]).data)

    @extend_schema(
        summary="Correct a moment; what was found stays",
        request=MomentChangeSerializer,
        responses={201: MomentEditSerializer},
    )
    @action(detail=True, methods=["post"])
    def edits(self, request: Request, pk: str) -> Response:
        moment = self.get_object()
        with in_words():
            made = MomentEdit.objects.make(
                moment, by=request.user, **self.sent(MomentChangeSerializer)
            )
        return Response(MomentEditSerializer(made).data, status=201)


class MomentEditViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    """A correction of a moment. It is made at its moment."""

    change = Action.REVIEW
    serializer_class = MomentEditSerializer
    queryset = MomentEdit.objects.filter(
        moment__outline__asset__removed=None, moment__outline__indexing__removed=None
    ).select_related("by", "moment__outline__asset__workspace")

    @extend_schema(summary="One correction of a moment")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Take a correction of a moment back", request=None, responses=MomentEditSerializer
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        edit = self.get_object()
        edit.undo(by=request.user)
        return Response(self.get_serializer(edit).data)


class FlagQuery(InWorkspace):
    asset = Id(required=False)


@extend_schema_view(
    list=extend_schema(summary="Flags, newest first, also those taken back"),
    retrieve=extend_schema(summary="One flag"),
)
class FlagViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    change = Action.REVIEW
    queries = {"list": FlagQuery}
    serializer_class = FlagSerializer
    queryset = Flag.objects.filter(asset__removed=None).select_related("by", "asset__workspace")

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, asset="asset").order_by("-pk")

    @extend_schema(
        summary="Say that something is wrong",
        request=FlagRequestSerializer,
        responses={201: FlagSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self.sent(FlagRequestSerializer)
        asset = self.find(Asset, wish.pop("asset"))
        if wish["end_s"] < wish["start_s"]:
            raise Unacceptable("A moment begins before it ends.")
        if (pk := wish.pop("moment", None)) is not None:
            wish["moment"] = find(Moment.objects.filter(outline__asset=asset), request, pk=pk)
        if (pk := wish.pop("label", None)) is not None:
            labels = Label.objects.filter(project__workspace=asset.workspace_id)
            wish["label"] = find(labels, request, pk=pk)
        with in_words():
            made = Flag.objects.make(asset, by=request.user, **wish)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(summary="Take a flag back", request=None, responses=FlagSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        flag = self.get_object()
        flag.undo(by=request.user)
        return Response(self.get_serializer(flag).data)
