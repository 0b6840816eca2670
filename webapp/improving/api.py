from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.improving.difference import difference
from webapp.improving.loops import Loop
from webapp.improving.rounds import Round
from webapp.improving.serializers import (
    AcceptRoundSerializer,
    ChangeLoopSerializer,
    LoopSerializer,
    MakeLoopSerializer,
    RoundDifferenceSerializer,
    RoundSerializer,
)
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.rest import Id, InWorkspace, WorkspaceObjects, in_words


class LoopQuery(InWorkspace):
    model = Id(required=False)


class RoundQuery(InWorkspace):
    loop = Id(required=False)
    model = Id(required=False)


@extend_schema_view(
    list=extend_schema(summary="Improvement loops"),
    retrieve=extend_schema(summary="One improvement loop, and what it waits for"),
)
class LoopViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    parser_classes = (JSONParser,)  # a form has no null
    queries = {"list": LoopQuery}
    serializer_class = LoopSerializer
    queryset = Loop.objects.select_related("model__workspace", "dataset__project")

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, model="model").order_by("pk")

    @extend_schema(
        summary="Make the improvement loop of a model",
        request=MakeLoopSerializer,
        responses={201: LoopSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self._wish(MakeLoopSerializer)
        model = self.find(RegisteredModel, wish.pop("model"))
        with in_words():
            made = Loop.make(model, wish.pop("dataset"), by=request.user, **wish)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(
        summary="Change an improvement loop, or turn it on or off",
        description="A round that goes on is not changed by it.",
        request=ChangeLoopSerializer,
        responses=LoopSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        loop = self.get_object()
        wish = self._wish(ChangeLoopSerializer)
        with in_words():
            loop.change(by=request.user, **wish)
        return Response(self.get_serializer(loop).data)

    def _wish(self, form: Any) -> dict[str, Any]:
        """The wish, with the rows that it names."""
        wish = self.sent(form)
        if "dataset" in wish:
            wish["dataset"] = self.find(Dataset, wish["dataset"])
        if wish.get("base") is not None:
            wish["base"] = self.find(ModelVersion, wish["base"])
        if "assets" in wish:
            wish["assets"] = [self.find(Asset, pk) for pk in dict.fromkeys(wish["assets"])]
        return wish

    @extend_schema(
        summary="Begin a round now",
        description="Answered with 202; ask the round how far it is. 422 says why there is none.",
        request=None,
        responses={202: RoundSerializer},
    )
    @action(detail=True, methods=["post"])
    def begin(self, request: Request, pk: str) -> Response:
        loop = self.get_object()
        with in_words():
            row = loop.begin(Round.Reason.HAND, by=request.user)
        return Response(RoundSerializer(row).data, status=202)


@extend_schema_view(
    list=extend_schema(summary="Rounds of improvement, the newest first"),
    retrieve=extend_schema(summary="One round: its steps, the gate, and how far it is"),
)
class RoundViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queries = {"list": RoundQuery}
    serializer_class = RoundSerializer
    queryset = Round.objects.select_related("loop__model__workspace", "training", "production")

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, loop="loop", model="loop__model").order_by("-pk")

    @extend_schema(
        summary="What the new version would change in past assets",
        responses=RoundDifferenceSerializer,
    )
    @action(detail=True)
    def difference(self, request: Request, pk: str) -> Response:
        return Response(RoundDifferenceSerializer(difference(self.get_object())).data)

    @extend_schema(
        summary="End it, with what it asked for", request=None, responses=RoundSerializer
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", "The round is over already.")

    @extend_schema(
        summary="Go on from the step that failed", request=None, responses=RoundSerializer
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", "There is nothing to try again.")

    @extend_schema(
        summary="Put the new version in production",
        description="The projects that look with the version before go over to it, and their "
        "labels are shown from the confidences that suit it: see `confidences`.",
        request=AcceptRoundSerializer,
        responses=RoundSerializer,
    )
    @action(detail=True, methods=["post"], parser_classes=[JSONParser])
    def accept(self, request: Request, pk: str) -> Response:
        return self._decide("accept", **self.sent(AcceptRoundSerializer))

    @extend_schema(summary="Keep the version in use", request=None, responses=RoundSerializer)
    @action(detail=True, methods=["post"])
    def keep(self, request: Request, pk: str) -> Response:
        return self._decide("keep_the_old")

    @extend_schema(
        summary="Bring the version before back, after one was accepted",
        description="With the confidences before, except of labels that were changed since.",
        request=None,
        responses=RoundSerializer,
    )
    @action(detail=True, methods=["post"], url_path="roll-back")
    def roll_back(self, request: Request, pk: str) -> Response:
        return self._decide("roll_back")

    def _decide(self, verb: str, **wish: Any) -> Response:
        row = self.get_object()
        with in_words():
            getattr(row, verb)(by=self.request.user, **wish)
        return Response(self.get_serializer(row).data)
