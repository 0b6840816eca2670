from __future__ import annotations

from typing import Any

from django.db import IntegrityError
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from webapp.accounts.models import Event
from webapp.assets.models import Asset
from webapp.pagination import Cursor
from webapp.projects.models import Project
from webapp.rest import (
    Between,
    Finite,
    Id,
    InWorkspace,
    Query,
    Unacceptable,
    WorkspaceObjects,
)
from webapp.runs.boxes import Boxes, ByBox
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.runs.serializers import (
    DetectionSerializer,
    RunDetailSerializer,
    RunRequestSerializer,
    RunSerializer,
    SegmentSerializer,
    ShotSerializer,
    TrackSerializer,
)


class ByStart(Cursor):
    ordering = ("start_s", "pk")


class ByIndex(Cursor):
    ordering = "index"


class RunQuery(InWorkspace):
    asset = Id(required=False)
    project = Id(required=False)
    status = serializers.ChoiceField(Run.Status.values, required=False)


class BoxQuery(Between):
    label = Id(required=False)
    min_confidence = Finite(min_value=0, max_value=1, required=False)


_REFUSAL = "The run is {row.status}, so this cannot be done."
_ANSWERS: dict[str, Any] = {"request": None, "responses": RunDetailSerializer}


@extend_schema_view(
    list=extend_schema(
        summary="Runs, newest first",
    ),
    retrieve=extend_schema(summary="One run and how far it is", responses=RunDetailSerializer),
    create=extend_schema(
        summary="Start a run",
        description="Answered at once with 202; ask the run itself how far it is. Sent again "
        "with the same `Idempotency-Key` it answers with the run of the first time.",
        parameters=[OpenApiParameter("Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER)],
        request=RunRequestSerializer,
        responses={202: RunDetailSerializer},
    ),
    destroy=extend_schema(summary="Delete a run and what it found"),
)
class RunViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    queries = {
        "list": RunQuery,
        "detections": BoxQuery,
        "tracks": BoxQuery,
        "shots": Between,
        "segments": Query,
    }
    queryset = Run.objects.filter(asset__removed=None).select_related("asset", "project")

    def get_serializer_class(self) -> type[BaseSerializer]:
        return RunSerializer if self.action == "list" else RunDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, asset="asset", project="project", status="status")

    def create(self, request: Request) -> Response:
        wish = self.sent(RunRequestSerializer)
        run = self._start(wish, request.headers.get("Idempotency-Key", ""))
        return self.begun(run, "api-run-detail")

    def _start(self, wish: dict[str, Any], key: str) -> Run:
        asset, project = self.find(Asset, wish["asset"]), self.find(Project, wish["project"])
        if asset.workspace_id != project.workspace_id:
            raise ValidationError({"project": ["It is of another workspace than the asset."]})
        if len(key) > 120:
            raise ValidationError({"Idempotency-Key": ["At most 120 characters."]})
        sampling, by = wish.get("sampling", {}), self.request.user
        try:
            run = Run.objects.request(
                asset, project, by=by, sampling=sampling, priority=wish["priority"], key=key
            )
        except RunRefused as refusal:
            raise Unacceptable(str(refusal)) from refusal
        except IntegrityError:  # the same request twice at the same moment
            run = Run.objects.get(requested_by=by, idempotency_key=key)
        is_same = (run.asset_id, run.project_id) == (asset.pk, project.pk)
        if not is_same or any(run.options.get(name) != value for name, value in sampling.items()):
            raise Unacceptable("This Idempotency-Key was used for another run.")
        return run

    def perform_destroy(self, run: Run) -> None:
        asset = run.asset
        Event.record(asset.workspace, self.request.user, "deleted a run", str(asset), run=run.pk)
        run.remove()

    # --- verbs --------------------------------------------------------------------------

    @extend_schema(summary="Pause a run", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        return self.ask("pause", _REFUSAL)

    @extend_schema(summary="Go on with a paused run", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        return self.ask("resume", _REFUSAL)

    @extend_schema(summary="Cancel a run; what is done is kept", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", _REFUSAL)

    @extend_schema(summary="Go on with a failed or cancelled run", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", _REFUSAL)

    # --- what it found ------------------------------------------------------------------

    def _page(self, found: QuerySet, order: type[Cursor], serializer: type) -> Response:
        pages = order()
        rows = pages.paginate_queryset(found, self.request, view=self)
        context = self.get_serializer_context()
        return pages.get_paginated_response(serializer(rows, many=True, context=context).data)

    @extend_schema(
        summary="The boxes, by time",
        responses=DetectionSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByBox, filter_backends=[])
    def detections(self, request: Request, pk: str) -> Response:
        pages = ByBox()
        found = Boxes(
            self.get_object(),
            label=self.asked.get("label"),
            floor=self.asked.get("min_confidence"),
            start_s=self.asked.get("from"),
            end_s=self.asked.get("to"),
        )
        page = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response([box._asdict() for box in page])

    @extend_schema(
        summary="Logos followed across frames, by their start",
        responses=TrackSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByStart, filter_backends=[])
    def tracks(self, request: Request, pk: str) -> Response:
        found = _overlapping(self.get_object().tracks.select_related("label"), self.asked)
        if (label := self.asked.get("label")) is not None:
            found = found.filter(label=label)
        if (floor := self.asked.get("min_confidence")) is not None:
            found = found.filter(confidence__gte=floor)
        return self._page(found, ByStart, TrackSerializer)

    @extend_schema(
        summary="The stretches between cuts",
        responses=ShotSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByIndex, filter_backends=[])
    def shots(self, request: Request, pk: str) -> Response:
        found = _overlapping(self.get_object().shots.all(), self.asked)
        return self._page(found, ByIndex, ShotSerializer)

    @extend_schema(summary="The parts a run is done in", responses=SegmentSerializer(many=True))
    @action(detail=True, pagination_class=ByIndex, filter_backends=[])
    def segments(self, request: Request, pk: str) -> Response:
        return self._page(self.get_object().segments.all(), ByIndex, SegmentSerializer)


def _overlapping(found: QuerySet, asked: dict[str, Any]) -> QuerySet:
    """What lasts into the stretch that was asked for."""
    if (start_s := asked.get("from")) is not None:
        found = found.filter(end_s__gt=start_s)
    if (end_s := asked.get("to")) is not None:
        found = found.filter(start_s__lt=end_s)
    return found
