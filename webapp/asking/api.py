from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from analysis.retrieval.moments import Span
from webapp import erasing
from webapp.accounts.models import Action, Workspace
from webapp.asking.answering import Answer, Answers, answer
from webapp.asking.asks import Ask
from webapp.asking.judgements import Judgement
from webapp.asking.judging import judge, span_at
from webapp.asking.rows import beside
from webapp.asking.wishes import wishes
from webapp.assets.links import media_link
from webapp.assets.models import Asset
from webapp.rest import (
    Asking,
    Body,
    Finite,
    Id,
    InWorkspace,
    Unacceptable,
    WorkspaceObjects,
    in_words,
    workspace_for,
)
from webapp.search import meaning
from webapp.search.serializers import FoundMomentSerializer, FoundSerializer, moment_json
from webapp.search.shown import shown

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


_ASKS = r"^\s*$|^[0-9]{1,18}(:(2|0\.5|-1))?(,[0-9]{1,18}(:(2|0\.5|-1))?)*$"
_WITHOUT = r"^\s*$|^[0-9]{1,18}(,[0-9]{1,18})*$"


class _Asked(serializers.Serializer):
    q = serializers.CharField(
        max_length=100_000,
        allow_blank=True,
        help_text="Empty where `asks` say all. "
        'Words, "phrases", prefix*, fuzzy~, AND OR NOT -word ( ), and the filters '
        "brand: project: collection: speaker: in:said|written|seen|comment after: before: longer: "
        "score:",
    )
    asks = serializers.RegexField(
        _ASKS,
        max_length=400,
        required=False,
        default="",
        allow_blank=True,
        help_text="The numbers of one's own asks, each with how much it counts where that is not "
        "1: 12,13:2,14:0.5.",
    )
    without = serializers.RegexField(
        _WITHOUT,
        max_length=400,
        required=False,
        default="",
        allow_blank=True,
        help_text="Asks that are not meant: what is as near to them is no answer.",
    )


class SearchQuery(_Asked, InWorkspace):
    within = Id(
        required=False,
        help_text="Only this asset, and all that stands out in it, as spans of time.",
    )
    limit = Id(max_value=200, default=50)
    offset = Id(min_value=0, max_value=10_000, default=0)


class SearchHitSerializer(serializers.Serializer):
    """What of a moment answers one question by looks or sound."""

    ask = serializers.IntegerField(allow_null=True, help_text="null: the words.")
    modality = serializers.CharField(help_text="picture, clip or sound.")
    time_s = serializers.FloatField()
    rank = serializers.IntegerField(help_text="Among what this question found, from 1.")
    score = serializers.FloatField(help_text="near + what shared codes add.")
    near = serializers.FloatField(help_text="How alike both are as a whole.")


class SearchedMomentSerializer(FoundMomentSerializer):
    hits = SearchHitSerializer(many=True)


class SearchedSerializer(FoundSerializer):
    moments = SearchedMomentSerializer(many=True)
    waiting = serializers.ListField(
        child=serializers.IntegerField(), help_text="Asks that a worker is still at: ask again."
    )
    space = serializers.IntegerField(
        allow_null=True, help_text="By which pictures and sounds are compared; null: none serves."
    )


class Search(Asking):
    queries = {"search": SearchQuery}
    serializer_class = SearchedSerializer

    @extend_schema(
        operation_id="search",
        summary="Moments in which something is said, written or seen, on which somebody commented, "
        "or that are like what is asked by, the best first",
        responses=SearchedSerializer,
    )
    def search(self, request: Request) -> Response:
        asked = self.asked
        workspace = workspace_for(request, Action.VIEW, asked.get("workspace"))
        assets = Asset.objects.filter(removed=None, workspace=workspace)
        within = get_object_or_404(assets, pk=asked["within"]) if "within" in asked else None
        answers = _answers(request, workspace, asked, within)
        spans = answers.spans[asked["offset"] : asked["offset"] + asked["limit"]]
        found = answers.found
        return Response(
            {
                "query": found.read_as,
                "notes": [*found.notes, *answers.notes],
                "instead": found.instead,
                "meaning": meaning.is_on(),
                "count": len(answers.spans),
                "is_capped": found.is_capped,
                "moments": _moments(answers, spans),
                "waiting": [row.pk for row in answers.waiting],
                "space": answers.space.pk if answers.space else None,
            }
        )


def _answers(
    request: Request, workspace: Workspace, asked: dict[str, Any], within: Asset | None = None
) -> Answers:
    """Raises Unacceptable for a query that cannot be read, and for asks that are nobody's or
    somebody else's."""
    wanted, unwanted = _listed(asked["asks"]), _listed(asked["without"])
    found = wishes(request.user, workspace, wanted, unwanted)
    if len(found) < len({word.partition(":")[0] for word in (*wanted, *unwanted)}):
        raise Unacceptable("Some of these asks are not there any more, or too many at once.")
    answers = answer(workspace, request.user, asked["q"], found, within=within)
    if answers.found.query.problem:
        raise Unacceptable(answers.found.query.problem)
    return answers


def _listed(text: str) -> list[str]:
    return text.split(",") if text.strip() else []


def _moments(answers: Answers, spans: Sequence[Span]) -> list[dict[str, Any]]:
    hits = {(span.asset, span.start_s): answers.of(span) for span in spans}
    moments = shown(answers.found, spans, lambda span: beside(answers, span))
    return [
        moment_json(one)
        | {"hits": [_hit(hit) for hit in hits.get((one.asset.pk, one.start_s), [])]}
        for one in moments
    ]


def _hit(one: Answer) -> dict[str, Any]:
    wish, hit = one.question.wish, one.hit
    about = {"ask": wish.ask.pk if wish else None, "modality": hit.modality, "rank": one.rank}
    return about | {"time_s": hit.time_s, "score": hit.score, "near": hit.near}


class JudgementSerializer(serializers.ModelSerializer):
    class Meta:
        model = Judgement
        fields = [
            *("id", "workspace", "ask", "words", "asset", "time_s", "end_s", "is_right", "created"),
        ]
        read_only_fields = fields


class JudgedSerializer(serializers.Serializer):
    judgements = JudgementSerializer(many=True)


class JudgeSerializer(_Asked, Body):
    asset = Id()
    time_s = Finite(min_value=0, max_value=1e9, help_text="Within a moment that answers.")
    is_right = serializers.BooleanField()
    workspace = Id(required=False)


@extend_schema_view(
    list=extend_schema(summary="What one said of answers, the newest first"),
    retrieve=extend_schema(summary="What one said of an answer"),
    destroy=extend_schema(summary="Take back what one said of an answer"),
)
class JudgementViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    """Right and wrong answers. The same search goes by them at once."""

    change = Action.VIEW  # they are a person's own
    queryset = Judgement.objects.there()
    serializer_class = JudgementSerializer

    def get_queryset(self) -> QuerySet:
        visible: Any = super().get_queryset()
        user = self.request.user
        mine = visible.filter(user=user.pk) if user.is_authenticated else visible.none()
        return mine.order_by("-pk")

    @extend_schema(
        summary="Say that an answer is right or wrong",
        description="One row for each ask, and one for the words.",
        request=JudgeSerializer,
        responses={201: JudgedSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self.sent(JudgeSerializer)
        workspace = workspace_for(request, Action.VIEW, wish.get("workspace"))
        asset = self.find(Asset.objects.filter(removed=None), wish["asset"])
        answers = _answers(request, workspace, wish)
        span = span_at(answers, asset.pk, wish["time_s"])
        if span is None:
            raise Unacceptable("No answer to this search is there.")
        right = {"is_right": wish["is_right"]}
        made = judge(workspace, request.user, wish["q"], answers, span, **right)
        data = JudgedSerializer({"judgements": made}).data
        return Response(data, status=status.HTTP_201_CREATED)


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

    @extend_schema(
        summary="Take a sound for a spoken question: search its words, too",
        request=None,
        responses=AskSerializer,
    )
    @action(detail=True, methods=["post"])
    def understand(self, request: Request, pk: str) -> Response:
        return self.ask("understand", "{row} cannot be taken for a spoken question now.")

    def get_parsers(self) -> list[Any]:
        if getattr(self, "action", None) == "create":
            return [MultiPartParser()]
        return super().get_parsers()

    def perform_destroy(self, row: Ask) -> None:
        erasing.delete(Ask.objects.filter(pk=row.pk))
