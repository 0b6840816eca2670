"""What occurs together in a project or in a workspace, as JSON: what the page draws, and the
moments of an edge."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.models import Action
from webapp.graph.asked import KINDS, LONGEST_KEY, MOST_LIFT, Asked, pair
from webapp.graph.graph import Drawn, meetings
from webapp.graph.scope import Scope
from webapp.projects.models import Project
from webapp.rest import (
    Finite,
    Id,
    InWorkspace,
    Query,
    Unacceptable,
    WorkspaceObjects,
    workspace_for,
)
from webapp.timeline.choices import BadChoice

_ID = OpenApiParameter("id", int, OpenApiParameter.PATH)


class GraphQuery(Query):
    kinds = serializers.RegexField(
        rf"^({'|'.join(KINDS)})(,({'|'.join(KINDS)}))*$",
        required=False,
        help_text=f"Of {', '.join(KINDS)}, by commas; all but assets unless given.",
    )
    brand = Id(required=False, help_text="Only this label and what occurs with it.")
    after = serializers.DateField(required=False, help_text="Assets uploaded from this day on.")
    before = serializers.DateField(required=False, help_text="Until this day.")
    support = Id(required=False, help_text="Windows, at the least.")
    lift = Finite(
        min_value=0, max_value=MOST_LIFT, required=False, help_text="Shrunk lift, at the least."
    )


class MeetingsQuery(GraphQuery):
    a = serializers.CharField(
        max_length=LONGEST_KEY, required=False, help_text="The key of a node; `b`: of another."
    )
    b = serializers.CharField(max_length=LONGEST_KEY, required=False)


class NodeSerializer(serializers.Serializer):
    key = serializers.CharField()
    kind = serializers.ChoiceField(list(KINDS))
    name = serializers.CharField()
    windows = serializers.IntegerField(help_text="In how many windows it occurs.")
    assets = serializers.IntegerField()


class EdgeSerializer(serializers.Serializer):
    a = serializers.CharField()
    b = serializers.CharField()
    windows = serializers.IntegerField(help_text="Support: in how many windows both occur.")
    lift = serializers.FloatField(help_text="How many times as often as by chance.")
    shrunk = serializers.FloatField(help_text="The lift, drawn towards 1 where it rests on little.")
    npmi = serializers.FloatField(help_text="Normalised pointwise mutual information, −1 to 1.")


class GraphSerializer(serializers.Serializer):
    window_s = serializers.FloatField()
    windows = serializers.IntegerField(help_text="How many there are in all assets.")
    assets = serializers.IntegerField()
    nodes = NodeSerializer(many=True)
    edges = EdgeSerializer(many=True, help_text="The surest first; 600 at the most.")
    is_capped = serializers.BooleanField(help_text="There are more edges than are told.")


class MeetingSerializer(serializers.Serializer):
    asset = serializers.IntegerField()
    start_s = serializers.FloatField()
    end_s = serializers.FloatField()
    play_s = serializers.FloatField(help_text="Where to play from to meet both.")


class MeetingsSerializer(serializers.Serializer):
    count = serializers.IntegerField(help_text="How many there are; the first 60 are told.")
    moments = MeetingSerializer(many=True)


class GraphOfAllQuery(InWorkspace, GraphQuery):
    pass


class MeetingsOfAllQuery(InWorkspace, MeetingsQuery):
    pass


class _GraphView(WorkspaceObjects):
    def scope(self) -> Scope:
        raise NotImplementedError

    def graph(self) -> Response:
        drawn = self._drawn()
        graph = drawn.graph
        told = {
            "window_s": graph.options.window_s,
            "windows": graph.total,
            "assets": drawn.n_assets,
            "nodes": graph.nodes,
            "edges": graph.edges,
            "is_capped": graph.n_edges > len(graph.edges),
        }
        return Response(GraphSerializer(told).data)

    def meetings(self) -> Response:
        drawn = self._drawn()
        try:
            ends = pair({name: self.asked.get(name, "") for name in ("a", "b")})
            if ends is None:
                raise BadChoice("Say which two, by `a` and `b`.")
            met = meetings(drawn, *ends)
        except BadChoice as error:
            raise Unacceptable(str(error)) from error
        moments = [
            {
                "asset": one.asset.pk,
                "start_s": one.start_s,
                "end_s": one.end_s,
                "play_s": one.at_s,
            }
            for one in met.shown
        ]
        return Response({"count": met.count, "moments": moments})

    def _drawn(self) -> Drawn:
        asked: dict[str, Any] = {
            name: value
            for name, value in self.asked.items()
            if name not in ("kinds", "a", "b", "workspace")
        }
        if kinds := self.asked.get("kinds"):
            asked["kinds"] = frozenset(kinds.split(","))
        return Drawn.of(self.scope(), Asked(**asked))


_TOGETHER = (
    "Films are cut into windows of equal length; what occurs in one window occurs together. The "
    "lift says how many times as often as by chance."
)


class ProjectGraph(_GraphView):
    queries = {"retrieve": GraphQuery, "moments": MeetingsQuery}
    queryset = Project.objects.select_related("workspace")

    def scope(self) -> Scope:
        return Scope.of(self.get_object())

    @extend_schema(
        operation_id="projects_graph",
        summary="Brands, people, topics and assets that occur together",
        description=_TOGETHER,
        parameters=[_ID],
        responses=GraphSerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        return self.graph()

    @extend_schema(
        operation_id="projects_graph_moments",
        summary="The moments in which two things of the graph occur together",
        parameters=[_ID],
        responses=MeetingsSerializer,
    )
    def moments(self, request: Request, pk: int) -> Response:
        return self.meetings()


class WorkspaceGraph(_GraphView):
    queries = {"retrieve": GraphOfAllQuery, "moments": MeetingsOfAllQuery}
    queryset = Project.objects.all()

    def scope(self) -> Scope:
        return Scope(workspace_for(self.request, Action.VIEW, self.asked.get("workspace")))

    @extend_schema(
        operation_id="graph",
        summary="What occurs together in all projects of a workspace",
        description=f"{_TOGETHER} Labels of one name are one brand, whichever project has them.",
        responses=GraphSerializer,
    )
    def retrieve(self, request: Request) -> Response:
        return self.graph()

    @extend_schema(
        operation_id="graph_moments",
        summary="The moments in which two things of that graph occur together",
        responses=MeetingsSerializer,
    )
    def moments(self, request: Request) -> Response:
        return self.meetings()
