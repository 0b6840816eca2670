"""The parts of a labelling job, and where they meet, for programs."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.models import Refused, User
from webapp.labelling import parts
from webapp.labelling.items import Item
from webapp.labelling.serializers import PartSerializer
from webapp.rest import Body, Id, WorkspaceObjects, in_words


class GivePartSerializer(Body):
    user = Id(allow_null=True, help_text="null: whoever is free.")


class PartDoubtSerializer(serializers.Serializer):
    """A track that ends where parts of a film meet, and what it may go on as in the next part.
    `other` and `other_shape` are null and "" where nothing there is like it."""

    part = serializers.IntegerField(source="item.pk")
    shape = serializers.CharField()
    label = serializers.IntegerField()
    other = serializers.SerializerMethodField()
    other_shape = serializers.CharField(allow_blank=True)
    time_s = serializers.FloatField()
    work = serializers.IntegerField(allow_null=True, help_text="Where it is drawn, …")
    frame = serializers.IntegerField(help_text="… on this frame of its clip.")

    def get_other(self, doubt: parts.Doubtful) -> int | None:
        return doubt.other.pk if doubt.other else None


class SettlePartDoubtSerializer(Body):
    part = Id()
    shape = serializers.CharField(max_length=40)
    other = Id(required=False)
    other_shape = serializers.CharField(max_length=40, required=False, allow_blank=True)
    same = serializers.BooleanField(help_text="Whether both are one track.")


@extend_schema_view(retrieve=extend_schema(summary="One part of a labelling job"))
class PartViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    """A picture, or a clip of a film, of a labelling job."""

    queryset = Item.objects.exclude(asset=None).select_related("job__dataset__project__workspace")
    serializer_class = PartSerializer
    parser_classes = (JSONParser,)  # a form has no null

    def _now(self, item: Item) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=item.pk)).data)

    @extend_schema(
        summary="Give it to one person, or to whoever is free",
        request=GivePartSerializer,
        responses=PartSerializer,
    )
    @action(detail=True, methods=["post"])
    def give(self, request: Request, pk: str) -> Response:
        item = self.get_object()
        whom = self.sent(GivePartSerializer)["user"]
        members = User.objects.filter(memberships__workspace=item.job.workspace)
        person = members.filter(pk=whom).first() if whom else None
        with in_words():
            if whom and person is None:
                raise Refused("This person is not in the workspace.")
            parts.give(item, person, by=request.user)
        return self._now(item)

    @extend_schema(
        summary="Take it out of the job; what was drawn in it is kept",
        request=None,
        responses=PartSerializer,
    )
    @action(detail=True, methods=["post"], url_path="take-out")
    def take_out(self, request: Request, pk: str) -> Response:
        item = self.get_object()
        with in_words():
            parts.take_out(item, by=request.user)
        return self._now(item)

    @extend_schema(
        summary="Bring it back into the job, as it was left",
        request=None,
        responses=PartSerializer,
    )
    @action(detail=True, methods=["post"], url_path="bring-back")
    def bring_back(self, request: Request, pk: str) -> Response:
        item = self.get_object()
        with in_words():
            parts.bring_back(item, by=request.user)
        return self._now(item)
