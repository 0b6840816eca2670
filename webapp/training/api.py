from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.registry.api import ModelVersionViewSet as Versions
from webapp.registry.exports import ModelExport
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.rest import Conflict, Finite, Id, InWorkspace, Query, WorkspaceObjects, in_words
from webapp.training.evaluations import DOWNLOADS, LEAST, MOST
from webapp.training.measured import chosen, measured
from webapp.training.models import Evaluation, TrainingRun
from webapp.training.serializers import (
    AtThresholdSerializer,
    EvaluationDetailSerializer,
    EvaluationRequestSerializer,
    EvaluationSerializer,
    ExportRequestSerializer,
    ExportSerializer,
    TrainingDetailSerializer,
    TrainingRequestSerializer,
    TrainingSerializer,
)
from webapp.training.uses import delete


class TrainingQuery(InWorkspace):
    model = Id(required=False)
    status = serializers.ChoiceField(Status.values, required=False)


class EvaluationQuery(InWorkspace):
    model_version = Id(required=False)
    status = serializers.ChoiceField(Status.values, required=False)


class AtQuery(Query):
    threshold = Finite(
        min_value=LEAST, max_value=MOST, required=False, help_text="Each label's own without."
    )


class ExportQuery(InWorkspace):
    version = Id(required=False)


_ANSWERS: dict[str, Any] = {"request": None, "responses": TrainingDetailSerializer}


@extend_schema_view(
    list=extend_schema(
        summary="Trainings, newest first",
    ),
    retrieve=extend_schema(
        summary="One training and how far it is", responses=TrainingDetailSerializer
    ),
    create=extend_schema(
        summary="Train a model",
        description="Answered at once with 202; ask the training itself how far it is.",
        request=TrainingRequestSerializer,
        responses={202: TrainingDetailSerializer},
    ),
)
class TrainingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queries = {"list": TrainingQuery}
    queryset = TrainingRun.objects.select_related("model__workspace", "version__dataset__project")

    def get_serializer_class(self) -> type[BaseSerializer]:
        return TrainingSerializer if self.action == "list" else TrainingDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, model="model", status="status")

    def create(self, request: Request) -> Response:
        wish = self.sent(TrainingRequestSerializer)
        pictures = self.find(DatasetVersion, wish["dataset_version"])
        base = self.find(ModelVersion, wish["base"]) if wish.get("base") else None
        with in_words(), transaction.atomic():
            run = TrainingRun.objects.request(
                pictures,
                self._model(wish, pictures),
                base=base,
                options=wish.get("options"),
                by=request.user,
            )
        return self.begun(run, "api-training-detail")

    def _model(self, wish: dict[str, Any], pictures: DatasetVersion) -> RegisteredModel:
        if "model" in wish:
            return self.find(RegisteredModel, wish["model"])
        name = " ".join(wish["name"].split())
        if not name:
            raise ValidationError({"name": ["A model needs a name."]})
        return RegisteredModel.named(pictures.dataset.project.workspace, name)

    @extend_schema(summary="End now and keep the best epoch", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        return self.ask("stop", "There is no finished epoch to keep yet, or it is over.")

    @extend_schema(summary="End now and keep nothing", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", "The training is over already.")

    @extend_schema(summary="Go on from the last stored epoch", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", "There is nothing to try again.")


@extend_schema_view(
    list=extend_schema(
        summary="Evaluations, newest first",
    ),
    retrieve=extend_schema(
        summary="One evaluation and its figures", responses=EvaluationDetailSerializer
    ),
    create=extend_schema(
        summary="Measure a version on a split of a dataset version",
        description="Answered with 202. Asked for twice, it is measured once.",
        request=EvaluationRequestSerializer,
        responses={202: EvaluationDetailSerializer},
    ),
)
class EvaluationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queries = {"list": EvaluationQuery, "at": AtQuery}
    queryset = Evaluation.objects.select_related(
        "model_version__model__workspace", "dataset_version__dataset__project"
    )

    def get_serializer_class(self) -> type[BaseSerializer]:
        return EvaluationSerializer if self.action == "list" else EvaluationDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, model_version="model_version", status="status")

    def create(self, request: Request) -> Response:
        wish = self.sent(EvaluationRequestSerializer)
        version = self.find(ModelVersion, wish["model_version"])
        pictures = self.find(DatasetVersion, wish["dataset_version"])
        with in_words():
            row = Evaluation.objects.request(version, pictures, wish["split"], by=request.user)
        return self.begun(row, "api-evaluation-detail")

    @extend_schema(
        summary="Try a failed evaluation again",
        request=None,
        responses=EvaluationDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", "There is nothing to try again.")

    def _done(self) -> Evaluation:
        row = self.get_object()
        if row.status != Status.DONE:
            raise Conflict("The evaluation is not done, so there is nothing of it yet.")
        return row

    @extend_schema(
        summary="Precision, recall and F1 from a confidence on",
        responses=AtThresholdSerializer(many=True),
    )
    @action(detail=True, pagination_class=None, filter_backends=[])
    def at(self, request: Request, pk: str) -> Response:
        threshold = self.asked.get("threshold")
        row = self._done()
        with in_words():
            known = measured(row)
        rows = known.at(chosen(row, known, threshold))
        return Response(AtThresholdSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="evaluations_file",
        summary="A file of the evaluation",
        description="summary: EvaluationSummary JSON; manifest: JSON lines; predictions: all "
        "that was found beside the truth; figures: what the page shows.",
        parameters=[
            OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=list(DOWNLOADS)),
        ],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "application/x-ndjson"): OpenApiTypes.STR,
        },
    )
    @action(detail=True, url_path=f"(?P<kind>{'|'.join(DOWNLOADS)})")
    def files(self, request: Request, pk: str, kind: str) -> HttpResponse:
        row = self._done()
        _, _, _, content_type, make = DOWNLOADS[kind]
        with in_words():
            return HttpResponse(make(row, measured(row)), content_type=content_type)


class ModelVersionViewSet(Versions):
    """The registry's routes, and deleting, which must know what rests on a version."""

    @extend_schema(
        summary="Delete a version that nothing needs",
        description="422 says what needs it: a name, a project, a run, a training, a worker.",
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        with in_words():
            delete(self.get_object(), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(
    list=extend_schema(
        summary="Exports of model versions",
    ),
    retrieve=extend_schema(summary="One export, with its address when it is done"),
    create=extend_schema(
        summary="Export a version as ONNX, OpenVINO or TorchScript",
        description="Answered with 202. Asked for twice, it is made once.",
        request=ExportRequestSerializer,
        responses={202: ExportSerializer},
    ),
)
class ExportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queries = {"list": ExportQuery}
    queryset = ModelExport.objects.select_related("version__model__workspace")
    serializer_class = ExportSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, version="version")

    def create(self, request: Request) -> Response:
        wish = self.sent(ExportRequestSerializer)
        version = self.find(ModelVersion, wish["version"])
        with in_words():
            row = ModelExport.objects.request(version, wish["format"], by=request.user)
        return self.begun(row, "api-model-export-detail")

    @extend_schema(summary="End it and keep nothing", request=None, responses=ExportSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", "The export is over already.")

    @extend_schema(summary="Try it again", request=None, responses=ExportSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", "There is nothing to try again.")
