"""The figures of a project's review as JSON."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.projects.models import Project
from webapp.rest import Query, WorkspaceObjects
from webapp.review_figures.as_json import exposure_json, figures_json
from webapp.review_figures.asked import BY, PERIODS, USUAL, Asked
from webapp.review_figures.exposure import exposure

_ID = OpenApiParameter("id", int, OpenApiParameter.PATH)
_SHARE = "share, low, high (95 %), n; null where nobody looked"


class FiguresQuery(Query):
    period = serializers.ChoiceField(
        list(PERIODS), default=USUAL, help_text="The last so many days; all: all time."
    )
    by = serializers.ChoiceField(
        list(BY), default="version", help_text="How what people said of the labels is set apart."
    )


class FiguresSerializer(serializers.Serializer):
    project = serializers.IntegerField()
    period = serializers.CharField()
    versions = serializers.ListField(
        child=serializers.DictField(),
        help_text="Over model versions: effort_saved, the share that no rule and no lot sent to a "
        "person; accuracy_by_lot and accuracy_by_audit, of what no rule sent the share that was "
        f"right; novel_caught ({_SHARE}).",
    )
    study = serializers.DictField(help_text="The same figures in the study they come from.")
    people = serializers.ListField(
        child=serializers.DictField(),
        help_text="Decided, median seconds, agreement (F1 of one against the other), confirmed of "
        "settled; in all and by week.",
    )
    waiting = serializers.DictField(help_text="What waits now; `flow`: came and decided, by day.")
    labels = serializers.DictField(
        help_text="What was said of the predictions of each label. `change`: 1 or -1 where more or "
        "less is confirmed than in the column before, by more than chance.",
    )
    quality = serializers.ListField(
        child=serializers.DictField(), help_text="F1 of versions on test pictures."
    )


class UnusualSerializer(serializers.Serializer):
    assets = serializers.ListField(child=serializers.DictField(), help_text="Films, by date.")
    left_out = serializers.IntegerField(help_text="Older ones.")
    needed = serializers.IntegerField(help_text="So many films it takes to say what is usual.")
    limit = serializers.FloatField(help_text="Of the modified z-score.")
    unusual = serializers.ListField(
        child=serializers.DictField(),
        help_text="Brand and asset, its seconds, between which the middle four fifths of the "
        "others lie, the modified z-score, and all of it in words.",
    )


class ProjectReviewFigures(WorkspaceObjects):
    queries = {"retrieve": FiguresQuery}
    queryset = Project.objects.all()

    @extend_schema(
        operation_id="projects_review_figures",
        summary="How much is decided without a person, how rightly, and how people decide",
        parameters=[_ID],
        responses=FiguresSerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        asked = Asked(self.get_object(), self.asked["period"], self.asked["by"])
        return Response(figures_json(asked))

    @extend_schema(
        operation_id="projects_unusual_seconds",
        summary="Assets in which a brand is on screen for unusually long, or short",
        parameters=[_ID],
        responses=UnusualSerializer,
    )
    def unusual(self, request: Request, pk: int) -> Response:
        return Response(exposure_json(exposure(self.get_object())))
