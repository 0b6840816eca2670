from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from webapp.accounts.models import Action
from webapp.leases import Status
from webapp.pagination import Cursor
from webapp.rest import InWorkspace, Query, WorkspaceObjects, in_words, workspace_for
from webapp.spaces import serving
from webapp.spaces.codes import Code
from webapp.spaces.importing import take_in
from webapp.spaces.pair_sets import PairSet
from webapp.spaces.serializers import (
    BringPairsSerializer,
    ChangeCodeSerializer,
    CodeSerializer,
    PairSetSerializer,
    SpaceDetailSerializer,
    SpaceSerializer,
    SpaceTrainingDetailSerializer,
    SpaceTrainingSerializer,
    TeachSerializer,
)
from webapp.spaces.space import Space
from webapp.spaces.training import SpaceTraining


class SpaceQuery(InWorkspace):
    state = serializers.ChoiceField(Space.State.values, required=False)


class CodesQuery(Query):
    q = serializers.CharField(
        required=False, max_length=80, help_text="Words that its name, words or labels hold."
    )
    is_muted = serializers.BooleanField(required=False)


class ByNumber(Cursor):
    ordering = ("number", "pk")


class SpaceTrainingQuery(InWorkspace):
    status = serializers.ChoiceField(Status.values, required=False)


_ANSWERS: dict[str, Any] = {"request": None, "responses": SpaceTrainingDetailSerializer}


@extend_schema_view(
    list=extend_schema(summary="Spaces, newest first"),
    retrieve=extend_schema(
        summary="One space, its figures and its indexes", responses=SpaceDetailSerializer
    ),
)
class SpaceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queries = {"list": SpaceQuery, "codes": CodesQuery}
    queryset = Space.objects.select_related("workspace").prefetch_related("indexes")

    def get_serializer_class(self) -> type[BaseSerializer]:
        return SpaceSerializer if self.action == "list" else SpaceDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, state="state").order_by("-pk")

    @extend_schema(
        summary="Let a kept space answer searches",
        description="It does so when its indexes are up to date; until then the one before does.",
        request=None,
        responses={202: SpaceDetailSerializer},
    )
    @action(detail=True, methods=["post"])
    def serve(self, request: Request, pk: str) -> Response:
        space = self.get_object()
        with in_words():
            serving.take(space, by=request.user)
        return self.begun(self._anew(space), "api-space-detail")

    @extend_schema(
        summary="Keep a space that was about to serve",
        request=None,
        responses=SpaceDetailSerializer,
    )
    @action(detail=True, methods=["post"], url_path="set-aside")
    def set_aside(self, request: Request, pk: str) -> Response:
        space = self.get_object()
        with in_words():
            serving.set_aside(space, by=request.user)
        return Response(self.get_serializer(self._anew(space)).data)

    def _anew(self, space: Space) -> Space:
        return self.get_queryset().get(pk=space.pk)

    @extend_schema(
        summary="Delete a kept space with its codes",
        description="422 where it answers searches, or is about to.",
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        with in_words():
            serving.delete(self.get_object(), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="spaces_codes",
        summary="The codes of a space that fire on something, by number",
        responses=CodeSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByNumber)
    def codes(self, request: Request, pk: str) -> Response:
        rows = Code.objects.filter(space=self.get_object()).that_fire()
        if words := self.asked.get("q"):
            rows = rows.matching(words)
        if "is_muted" in self.asked:
            rows = rows.filter(is_muted=self.asked["is_muted"])
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(CodeSerializer(page, many=True).data)


@extend_schema_view(
    retrieve=extend_schema(summary="One code: its words, labels and moments"),
)
class SpaceCodeViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    change = Action.LABEL
    parser_classes = (JSONParser,)
    queryset = Code.objects.select_related("space__workspace")
    serializer_class = CodeSerializer

    @extend_schema(
        summary="Name a code, or mute it",
        request=ChangeCodeSerializer,
        responses=CodeSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        code = self.get_object()
        wish = self.sent(ChangeCodeSerializer)
        with in_words(), transaction.atomic():
            if "name" in wish:
                code.rename(wish["name"], by=request.user)
            if "is_muted" in wish:
                code.mute(wish["is_muted"], by=request.user)
        return Response(self.get_serializer(code).data)


@extend_schema_view(
    list=extend_schema(summary="Sets of pairs, newest first"),
    retrieve=extend_schema(summary="One set of pairs"),
)
class PairSetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = PairSet.objects.select_related("workspace")
    serializer_class = PairSetSerializer
    parser_classes = (MultiPartParser,)

    @extend_schema(
        summary="Bring pairs to teach a space from",
        description="All of it is checked first. 422 names each wrong line; nothing is stored "
        "then.",
        request={"multipart/form-data": BringPairsSerializer},
        responses={201: PairSetSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self.sent(BringPairsSerializer)
        workspace = workspace_for(request, Action.ANALYSE, wish.pop("workspace", None))
        with in_words():
            made = take_in(workspace, wish.pop("file"), by=request.user, **wish)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Delete a set of pairs",
        description="422 while a training waits for it.",
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        with in_words():
            self.get_object().remove(by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(
    list=extend_schema(summary="Trainings of spaces, newest first"),
    retrieve=extend_schema(
        summary="One training of a space and how far it is",
        responses=SpaceTrainingDetailSerializer,
    ),
    create=extend_schema(
        summary="Teach a space",
        description="Answered at once with 202; ask the training itself how far it is. The space "
        "that it makes answers searches when it is indexed.",
        request=TeachSerializer,
        responses={202: SpaceTrainingDetailSerializer},
    ),
)
class SpaceTrainingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    parser_classes = (JSONParser,)
    queries = {"list": SpaceTrainingQuery}
    queryset = SpaceTraining.objects.select_related("workspace")

    def get_serializer_class(self) -> type[BaseSerializer]:
        return SpaceTrainingSerializer if self.action == "list" else SpaceTrainingDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, status="status")

    def create(self, request: Request) -> Response:
        wish = self.sent(TeachSerializer)
        workspace = workspace_for(request, Action.ANALYSE, wish.get("workspace"))
        sets = [self.find(PairSet, pk) for pk in dict.fromkeys(wish.get("pair_sets", []))]
        with in_words(), transaction.atomic():
            row = SpaceTraining.objects.request(
                workspace,
                sources=wish.get("sources", []),
                pair_sets=sets,
                options=wish.get("options"),
                by=request.user,
            )
        return self.begun(row, "api-space-training-detail")

    @extend_schema(summary="End now and keep the best epoch", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        return self.ask("stop", "There is no finished epoch to keep yet, or it is over.")

    @extend_schema(summary="End now and keep nothing", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", "The training is over already.")

    @extend_schema(summary="Go on from the last finished epoch", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", "There is nothing to try again.")
