from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from webapp import erasing
from webapp.accounts.models import Action
from webapp.asking.asks import Ask
from webapp.assets.links import media_link
from webapp.assets.models import Asset
from webapp.rest import Body, Finite, Id, WorkspaceObjects, in_words, workspace_for

_UPLOADED = [
    (kind.value, kind.label) for kind in (Ask.Kind.PICTURE, Ask.Kind.SOUND, Ask.Kind.SPEECH)
]
_OVER = "This ask is {row.status} already."


class AskSerializer(serializers.ModelSerializer):
    """What is asked by. It can be searched by once its `status` is `done`."""

    called = serializers.CharField(source="__str__", read_only=True)
    modality = serializers.CharField(read_only=True, help_text="What it is compared as.")
    box = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Of a region: xyxy."
    )
    heard = serializers.CharField(help_text="The words of a spoken question: they are searched.")
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What it cannot be searched by, and why."
    )
    wave = serializers.ListField(
        child=serializers.FloatField(), help_text="The outline of a sound, 0 to 1."
    )
    preview = serializers.SerializerMethodField(help_text="A small picture of it; empty: none.")

    class Meta:
        model = Ask
        fields = [
            *("id", "workspace", "kind", "called", "modality", "asset", "time_s", "end_s", "box"),
            *("heard", "notes", "wave", "preview", "created"),
            *("status", "progress", "step", "error"),
        ]

    def get_preview(self, row: Ask) -> str:
        return media_link(row.preview) if row.preview else ""


class UploadedAskSerializer(Body):
    kind = serializers.ChoiceField(_UPLOADED)
    file = serializers.FileField(
        help_text="PNG, JPEG or WebP; of sound and questions any sound file of up to a minute."
    )
    workspace = Id(required=False)


class MomentAskSerializer(Body):
    asset = Id()
    time_s = Finite(min_value=0, max_value=1e9)
    end_s = Finite(
        min_value=0,
        max_value=1e9,
        required=False,
        help_text="Ask by what is heard until then; without it, by what is seen.",
    )
    box = serializers.ListField(
        child=Finite(min_value=0, max_value=1),
        min_length=4,
        max_length=4,
        required=False,
        help_text="A part of the frame: xyxy.",
    )


@extend_schema_view(
    list=extend_schema(summary="What one asked by lately, the newest first"),
    retrieve=extend_schema(summary="What is asked by, and what came of it"),
    destroy=extend_schema(summary="Delete what was asked by, and its file"),
)
class AskViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    """Pictures, sounds, moments and spoken questions to search by; each is only its owner's."""

    change = Action.VIEW  # they are a person's own
    queryset = Ask.objects.there()
    serializer_class = AskSerializer

    def get_queryset(self) -> QuerySet:
        visible: Any = super().get_queryset()
        user = self.request.user
        mine = visible.filter(user=user.pk) if user.is_authenticated else visible.none()
        return mine.defer("encoded", "look").order_by("-pk")

    @extend_schema(
        summary="Ask by a file: a picture, a sound, a spoken question",
        request={"multipart/form-data": UploadedAskSerializer},
        responses={202: AskSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self.sent(UploadedAskSerializer)
        workspace = workspace_for(request, Action.VIEW, wish.get("workspace"))
        file = wish["file"]
        with in_words():
            if wish["kind"] == Ask.Kind.PICTURE:
                row = Ask.objects.by_picture(workspace, file, file.name, by=request.user)
            else:
                spoken = wish["kind"] == Ask.Kind.SPEECH
                about = {"by": request.user, "is_spoken": spoken}
                row = Ask.objects.by_sound(workspace, file, file.name, **about)
        return self.begun(row, "api-ask-detail")

    @extend_schema(
        summary="Ask by a moment: its picture, a part of it, or what is heard for a while",
        request=MomentAskSerializer,
        responses={202: AskSerializer},
    )
    @action(detail=False, methods=["post"], parser_classes=[JSONParser], url_path="at")
    def at(self, request: Request) -> Response:
        wish = self.sent(MomentAskSerializer)
        asset = self.find(Asset.objects.filter(removed=None), wish["asset"])
        with in_words():
            if "end_s" in wish:
                row = Ask.objects.by_stretch(asset, wish["time_s"], wish["end_s"], by=request.user)
            else:
                row = Ask.objects.by_moment(asset, wish["time_s"], wish.get("box"), by=request.user)
        return self.begun(row, "api-ask-detail")

    @extend_schema(summary="End the work on it", request=None, responses=AskSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", _OVER)

    @extend_schema(summary="Try a failed one again", request=None, responses=AskSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", _OVER)

    def get_parsers(self) -> list[Any]:
        if getattr(self, "action", None) == "create":
            return [MultiPartParser()]
        return super().get_parsers()

    def perform_destroy(self, row: Ask) -> None:
        erasing.delete(Ask.objects.filter(pk=row.pk))
