from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.models import Action
from webapp.explaining.explanations import Explanation
from webapp.rest import Body, Id, WorkspaceObjects, in_words
from webapp.runs.run import Run


class ExplanationSerializer(serializers.ModelSerializer):
    """Why a box was found. `result`, once its status is `done`: `heat` (how much surer with each
    part of `area` in view), `matches` (points of logo pictures and where they are in the frame),
    `alike` (training examples) and `notes`."""

    asset = serializers.IntegerField(source="run.asset_id", read_only=True)
    result = serializers.SerializerMethodField()

    class Meta:
        model = Explanation
        fields = [
            *("id", "run", "asset", "time_s", "label", "label_name", "box", "confidence", "known"),
            *("status", "progress", "step", "error", "result"),
        ]

    def get_result(self, row: Explanation) -> dict[str, Any]:
        return dict(row.result)


class AskSerializer(Body):
    run = Id()
    box = Id(min_value=0, help_text="The number of the box, as the run's boxes have it.")


class ExplanationViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    """Why a detector says what it says of one box."""

    change = Action.VIEW
    serializer_class = ExplanationSerializer
    queryset = Explanation.objects.filter(
        run__removed=None, run__asset__removed=None
    ).select_related("run__asset__workspace")

    @extend_schema(summary="One explanation")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Ask why a box was found",
        description="Worked out once: asked again, it is the same.",
        request=AskSerializer,
        responses={202: ExplanationSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self.sent(AskSerializer)
        runs = Run.living.filter(asset__removed=None).select_related("asset__workspace")
        run = self.find(runs, wish["run"])
        with in_words():
            row = Explanation.objects.asked(run, wish["box"])
        return self.begun(row, "api-explanation-detail")
