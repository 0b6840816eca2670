from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from analysis.exposure.methodologies import DEFAULT, METHODOLOGIES
from webapp.accounts.models import Action
from webapp.methodologies.forms import LONGEST_S
from webapp.methodologies.models import SINCE, OwnMethodology, from_rules, rules_of
from webapp.rest import Body, Finite, InWorkspace, WorkspaceObjects, in_words, workspace_for


class WeightsBody(Body):
    size = Finite(min_value=0, max_value=100)
    position = Finite(min_value=0, max_value=100)
    clarity = Finite(min_value=0, max_value=100)
    solus = Finite(min_value=0, max_value=100)


class MethodologyBody(Body):
    """What is left out stays as it is; of a new one, as in the preset 1-second."""

    name = serializers.CharField(max_length=60)
    gap_s = Finite(min_value=0, max_value=LONGEST_S, required=False)
    minimum_s = Finite(min_value=0, max_value=LONGEST_S, required=False)
    bridge_counts = serializers.BooleanField(required=False)
    min_size = Finite(min_value=0, max_value=1, required=False)
    min_visibility = Finite(min_value=0, max_value=1, required=False)
    min_clarity = Finite(min_value=0, max_value=1, required=False)
    dominant_only = serializers.BooleanField(required=False)
    weights = WeightsBody(required=False)
    size_reference = Finite(min_value=0.0001, max_value=1, required=False)
    mention_s = Finite(
        min_value=0,
        max_value=LONGEST_S,
        required=False,
        help_text="Of one spoken mention, in money.",
    )
    note = serializers.CharField(max_length=400, required=False, allow_blank=True)


class MethodologyChange(MethodologyBody):
    name = serializers.CharField(max_length=60, required=False)


class MethodologySerializer(serializers.ModelSerializer):
    """`key` is what `method` takes; `key`-v3 is its third version for ever."""

    key = serializers.CharField(read_only=True)
    version = serializers.SerializerMethodField()
    rules = serializers.SerializerMethodField()

    class Meta:
        model = OwnMethodology
        fields = ["id", "workspace", "key", "name", "version", "rules", "archived", "created"]

    def get_version(self, own: OwnMethodology) -> int:
        return own.newest.number

    def get_rules(self, own: OwnMethodology) -> dict[str, Any]:
        return SINCE | own.newest.rules


@extend_schema_view(
    list=extend_schema(summary="The methodologies that a workspace made for itself"),
    retrieve=extend_schema(summary="One of them, in its newest version"),
)
class MethodologyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = OwnMethodology.objects.prefetch_related("versions")
    serializer_class = MethodologySerializer
    queries = {"create": InWorkspace}

    @extend_schema(
        summary="Make a methodology",
        request=MethodologyBody,
        responses={201: MethodologySerializer},
    )
    def create(self, request: Request) -> Response:
        said = self.sent(MethodologyBody)
        workspace = workspace_for(request, Action.ANALYSE, self.asked.get("workspace"))
        name, rules = _read(said, "", rules_of(METHODOLOGIES[DEFAULT]) | {"note": ""})
        with in_words():
            made = OwnMethodology.make(workspace, name, rules, by=request.user)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(
        summary="Change a methodology: a new version of it; reports keep theirs",
        request=MethodologyChange,
        responses=MethodologySerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        own = self.get_object()
        name, rules = _read(self.sent(MethodologyChange), own.name, SINCE | own.newest.rules)
        with in_words():
            own.change(name, rules, by=request.user)
        return Response(self.get_serializer(OwnMethodology.objects.get(pk=own.pk)).data)


def _read(said: dict[str, Any], name: str, rules: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What was sent, over what there is."""
    name = " ".join(said.pop("name", name).split())
    note = " ".join(said.pop("note", rules["note"]).split())
    rules = rules | said | {"note": note}
    rules["weights"] = dict(rules["weights"])
    try:
        from_rules(rules, key="own", name=name, version=1)
    except ValueError as error:
        raise ValidationError({"detail": [f"{str(error).capitalize()}."]}) from error
    return name, rules
