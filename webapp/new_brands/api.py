from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.models import Action
from webapp.datasets.dataset import Dataset
from webapp.novelty.crops import moment_url
from webapp.novelty.groups import NewBrand
from webapp.novelty.past import search_past
from webapp.novelty.work import NoveltyWork
from webapp.projects.models import Label
from webapp.rest import Body, Id, InWorkspace, WorkspaceObjects, in_words


class SightSerializer(serializers.Serializer):
    """One sight: `box` xyxy as fractions of the frame at `time_s`; seen from `start_s` on."""

    run = serializers.IntegerField()
    asset = serializers.IntegerField()
    time_s = serializers.FloatField()
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    box = serializers.ListField(child=serializers.FloatField())


class NewBrandSerializer(serializers.ModelSerializer):
    """Sights that look alike and belong to no known label; `sights`: the most typical of them.
    `is_doubtful`: it looks less like a logo than logos do, as blurs, edges and faces."""

    sights = serializers.SerializerMethodField()

    class Meta:
        model = NewBrand
        fields = [
            *("id", "project", "state", "label", "n_sights", "n_files", "seconds", "is_doubtful"),
            *("sights", "created", "decided"),
        ]

    def get_sights(self, row: NewBrand) -> list[dict[str, Any]]:
        return list(SightSerializer(row.sights, many=True).data)


class NewBrandQuery(InWorkspace):
    project = Id(required=False)
    state = serializers.ChoiceField(NewBrand.State.choices, required=False)


class NameSerializer(Body):
    name = serializers.CharField(max_length=60)
    dataset = Id(required=False, help_text="Gets examples: frames with its box.")


class IsLabelSerializer(Body):
    label = Id()
    dataset = Id(required=False, help_text="Gets examples; else the label gets pictures.")


class NewBrandViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    """Groups of what no label of a project knows: each may be a new brand."""

    queries = {"list": NewBrandQuery}
    serializer_class = NewBrandSerializer
    queryset = NewBrand.objects.there().select_related("project__workspace")

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, project="project", state="state").order_by("pk")

    @extend_schema(summary="What may be new brands")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(summary="One group")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Make a label of a group",
        description="A worker gives the label its logo pictures, and the dataset examples.",
        request=NameSerializer,
        responses=NewBrandSerializer,
    )
    @action(detail=True, methods=["post"], url_path="name")
    def name_it(self, request: Request, pk: str) -> Response:
        row, wish = self.get_object(), self.sent(NameSerializer)
        dataset = self._dataset(wish)
        with in_words():
            row.name_it(wish["name"], dataset=dataset, by=request.user)
        return Response(self.get_serializer(row).data)

    @extend_schema(
        summary="Say that a group is a label of the project",
        request=IsLabelSerializer,
        responses=NewBrandSerializer,
    )
    @action(detail=True, methods=["post"], url_path="is-label")
    def is_label(self, request: Request, pk: str) -> Response:
        row, wish = self.get_object(), self.sent(IsLabelSerializer)
        label, dataset = self.find(Label, wish["label"]), self._dataset(wish)
        with in_words():
            row.is_label(label, dataset=dataset, by=request.user)
        return Response(self.get_serializer(row).data)

    @extend_schema(
        summary="Dismiss a group",
        description="What looks like it is not offered again.",
        request=None,
        responses=NewBrandSerializer,
    )
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        with in_words():
            row.dismiss(by=request.user)
        return Response(self.get_serializer(row).data)

    @extend_schema(summary="Offer a group again", request=None, responses=NewBrandSerializer)
    @action(detail=True, methods=["post"], url_path="put-back")
    def put_back(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        row.put_back(by=request.user)
        return Response(self.get_serializer(row).data)

    def _dataset(self, wish: dict[str, Any]) -> Dataset | None:
        return self.find(Dataset, wish["dataset"]) if "dataset" in wish else None


class PastMomentSerializer(SightSerializer):
    """`likeness`: −1 to 1. `was`: the name of the label that it was detected as, or null."""

    likeness = serializers.FloatField()
    was = serializers.CharField(allow_null=True)
    url = serializers.CharField()


class PastSerializer(serializers.Serializer):
    """`without`: analyses that keep no regions, so that nothing can be found in them."""

    runs = serializers.IntegerField()
    without = serializers.ListField(child=serializers.IntegerField())
    problem = serializers.CharField()
    moments = PastMomentSerializer(many=True)


class LabelPast(WorkspaceObjects):
    """A label looked for in past analyses."""

    change = Action.VIEW
    serializer_class = PastSerializer
    queryset = Label.objects.select_related("project__workspace")

    @extend_schema(
        summary="Where a label may be seen in past analyses",
        description="By what these keep, without decoding anything. Nothing is counted by it.",
        responses=PastSerializer,
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        found = search_past(self.get_object())
        moments = [one | {"url": moment_url(one)} for one in found.moments]
        about = {"runs": found.n_runs, "without": [run.pk for run in found.without]}
        answer = {**about, "problem": found.problem, "moments": moments}
        return Response(PastSerializer(answer).data)


class TakenSerializer(serializers.ModelSerializer):
    """Logo pictures being taken. `note`: what came of it; `error`: why nothing did."""

    class Meta:
        model = NoveltyWork
        fields = ("id", "label", "status", "progress", "note", "error")
        read_only_fields = fields


class LabelTake(WorkspaceObjects):
    """Logo pictures of a label out of the boxes that people labelled."""

    serializer_class = TakenSerializer
    queryset = Label.objects.select_related("project__workspace")

    @extend_schema(
        summary="Take logo pictures from labelled boxes",
        description="A worker takes typical, large ones. Golden pictures give none.",
        request=None,
        responses={202: TakenSerializer},
    )
    def create(self, request: Request, pk: str) -> Response:
        label = self.get_object()
        with in_words():
            work = NoveltyWork.objects.ask_take(label, by=request.user)
        return Response(TakenSerializer(work).data, 202)
