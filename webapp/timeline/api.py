from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from analysis.exposure.exports import as_dict
from analysis.exposure.measure import METHODOLOGIES
from webapp.rest import Between, Finite, WorkspaceObjects
from webapp.runs.models import Run
from webapp.timeline.choices import FLOOR, BadChoice, Choices
from webapp.timeline.exposure import Looked
from webapp.timeline.serializers import ExposureSerializer


class ExposureQuery(Between):
    method = serializers.ChoiceField(list(METHODOLOGIES), required=False)
    threshold = Finite(min_value=FLOOR, max_value=1, required=False)
    off = serializers.RegexField(
        r"^([0-9]{1,18}(,[0-9]{1,18})*)?$",
        required=False,
        allow_blank=True,
        help_text="Labels to leave out, by commas.",
    )


class RunExposure(WorkspaceObjects):
    queries = {"retrieve": ExposureQuery}
    queryset = Run.objects.filter(asset__removed=None).select_related("asset", "project")

    @extend_schema(
        operation_id="runs_exposure",
        summary="How long, how large and how clearly each brand was seen",
        description="Seconds and shares by a methodology. Each label's own threshold holds "
        "unless one is given. Of a run that is not over, what it found so far.",
        parameters=[
            OpenApiParameter("id", int, OpenApiParameter.PATH),
        ],
        responses=ExposureSerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        run = self.get_object()
        looked = Looked.at(run, _choices(run, self.asked))
        names = {label.pk: label.name for label in looked.labels}
        return Response({"run": run.pk, "status": run.status, **as_dict(looked.exposure(), names)})


def _choices(run: Run, asked: dict[str, Any]) -> Choices:
    """The page's choices, with times to which one end may be missing."""
    query = {name: str(asked.get(name, "")) for name in ("method", "threshold", "off")}
    start_s, end_s = asked.get("from"), asked.get("to")
    if start_s is not None or end_s is not None:
        query["in"] = str(start_s or 0.0)
        query["out"] = str(run.duration_s if end_s is None else end_s)
    try:
        return Choices.read(query)
    except BadChoice as error:
        raise ValidationError({"detail": [str(error)]}) from error
