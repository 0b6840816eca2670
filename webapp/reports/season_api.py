"""The season of a project: what the page says, as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.projects.models import Project
from webapp.reports.season import as_json, newest, season
from webapp.rest import Finite, Id, Query, Unacceptable, WorkspaceObjects
from webapp.runs.run import Run
from webapp.timeline.api import MethodKey
from webapp.timeline.choices import FLOOR, BadChoice, Choices


class SeasonQuery(Query):
    runs = serializers.RegexField(
        r"^[0-9]{1,18}(,[0-9]{1,18})*$",
        required=False,
        help_text="Finished runs of the project, by commas; the newest of each asset unless given.",
    )
    method = MethodKey(required=False)
    threshold = Finite(min_value=FLOOR, max_value=1, required=False)
    before = Id(required=False, help_text="A run of the season; with `after`, what changed.")
    after = Id(required=False)


class SeasonSerializer(serializers.Serializer):
    schema = serializers.CharField(help_text="Changes when the meaning of a key does.")
    method = serializers.DictField()
    threshold = serializers.FloatField(allow_null=True, help_text="null: each label's own.")
    checked = serializers.CharField(help_text="What a person has checked of the figures.")
    runs = serializers.ListField(
        child=serializers.DictField(),
        help_text="By the date of their assets: file, project, the report issued last, run, date.",
    )
    brands = serializers.ListField(
        child=serializers.DictField(),
        help_text="Most seen first: totals, and in `runs` the figures of each run that looked.",
    )
    difference = serializers.DictField(
        allow_null=True,
        help_text="With `before` and `after`: what changed. `is_open`: sampling can do as much.",
    )


class ProjectSeason(WorkspaceObjects):
    queries = {"retrieve": SeasonQuery}
    queryset = Project.objects.all()

    @extend_schema(
        operation_id="projects_season",
        summary="Totals, trend and differences over any number of assets",
        parameters=[OpenApiParameter("id", int, OpenApiParameter.PATH)],
        responses=SeasonSerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        project, asked = self.get_object(), self.asked
        finished = Run.objects.finished().filter(project=project, asset__removed=None)
        chosen = _chosen(finished, asked.get("runs")) or newest(finished, project)
        rows = chosen.select_related("asset", "project").prefetch_related("reports")
        query = {key: str(asked.get(key, "")) for key in ("method", "threshold")}
        try:
            choices = Choices.read(query, project.workspace_id)
        except BadChoice as error:
            raise ValidationError({"detail": [str(error)]}) from error
        found = season(list(rows), choices)
        by_pk = {run.pk: run for run in found.runs}
        pair = [by_pk[_one_of(by_pk, key, asked)] for key in ("before", "after") if asked.get(key)]
        return Response(as_json(found, *pair) if len(pair) == 2 else as_json(found))


def _chosen(finished: Any, text: str | None) -> Any:
    """The runs that are named; None where none is. What is not there is refused by its number."""
    if not text:
        return None
    wanted = set(map(int, text.split(",")))
    found = finished.filter(pk__in=wanted)
    if unknown := wanted - set(found.values_list("pk", flat=True)):
        named = ", ".join(map(str, sorted(unknown)))
        raise Unacceptable(f"This project has no finished runs with these numbers: {named}.")
    return found


def _one_of(runs: dict[int, Run], key: str, asked: dict[str, Any]) -> int:
    if asked[key] not in runs:
        raise Unacceptable(f"“{key}” is none of the runs of this season.")
    return int(asked[key])
