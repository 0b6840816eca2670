from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from webapp.accounts.access import find
from webapp.accounts.models import Action
from webapp.assets.models import Asset
from webapp.indexing import files
from webapp.indexing.indexing import Indexing
from webapp.indexing.line_edits import LineEdit
from webapp.indexing.refusals import IndexingRefused
from webapp.indexing.serializers import (
    IndexingDetailSerializer,
    IndexingRequestSerializer,
    IndexingSegmentSerializer,
    IndexingSerializer,
    LineEditRequestSerializer,
    LineEditSerializer,
    SpeechSegmentSerializer,
    SpottingRequestSerializer,
    SpottingSerializer,
    TextRegionSerializer,
    WordEditRequestSerializer,
    WordEditSerializer,
)
from webapp.indexing.speaker_serializers import (
    SpeakerTurnSerializer,
    VoiceSerializer,
    with_seconds,
)
from webapp.indexing.spotting import Spotting
from webapp.indexing.word_edits import WordEdit
from webapp.pagination import Cursor
from webapp.rest import Between, Id, InWorkspace, Query, Unacceptable, WorkspaceObjects, in_words


class ByTime(Cursor):
    ordering = ("start_s", "pk")


class ByIndex(Cursor):
    ordering = "index"


class ByVoice(Cursor):
    ordering = "number"


class ByNumber(Cursor):
    ordering = "pk"


class IndexingQuery(InWorkspace):
    asset = Id(required=False)
    step = serializers.ChoiceField(Indexing.Step.choices, required=False)


class FileQuery(Query):
    kind = serializers.ChoiceField(
        list(dict.fromkeys([*files.FILES, *files.SPEAKER_FILES])),
        default="vtt",
        help_text="Of `text`: json, csv or vtt. Of `speakers`: json, rttm or txt.",
    )
    words = serializers.ChoiceField(
        ["edited", "recognised"], default="edited", help_text="With what people corrected, or not."
    )


_REFUSAL = "The indexing is {row.state}, so this cannot be done."
_ANSWERS: dict[str, Any] = {"request": None, "responses": IndexingDetailSerializer}


@extend_schema_view(
    list=extend_schema(summary="Indexings, newest first"),
    retrieve=extend_schema(
        summary="One indexing and how far it is", responses=IndexingDetailSerializer
    ),
    create=extend_schema(
        summary="Index an asset",
        description="Answered at once with 202; ask the indexing itself how far it is.",
        request=IndexingRequestSerializer,
        responses={202: IndexingDetailSerializer},
    ),
    destroy=extend_schema(summary="Delete an indexing and what it found"),
)
class IndexingViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    queries = {
        "list": IndexingQuery,
        "speech": Between,
        "text": Between,
        "voices": Query,
        "turns": Between,
        "segments": Query,
        "word_edits": Query,
        "line_edits": Query,
        "spottings": Query,
        "file": FileQuery,
    }
    queryset = Indexing.objects.filter(asset__removed=None).select_related("asset")

    def get_serializer_class(self) -> type[BaseSerializer]:
        return IndexingSerializer if self.action == "list" else IndexingDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, asset="asset", step="step").order_by("-pk")

    def create(self, request: Request) -> Response:
        wish = self.sent(IndexingRequestSerializer)
        asset = self.find(Asset, wish["asset"])
        try:
            indexing = Indexing.objects.request(
                asset,
                wish["step"],
                by=request.user,
                options=wish.get("options"),
                priority=wish["priority"],
            )
        except IndexingRefused as refusal:
            raise Unacceptable(str(refusal)) from refusal
        return self.begun(indexing, "api-indexing-detail")

    def perform_destroy(self, indexing: Indexing) -> None:
        indexing.remove(by=self.request.user)

    # --- verbs --------------------------------------------------------------------------

    @extend_schema(summary="Pause an indexing", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        return self.ask("pause", _REFUSAL)

    @extend_schema(summary="Go on with a paused indexing", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        return self.ask("resume", _REFUSAL)

    @extend_schema(summary="Cancel an indexing; what is done is kept", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", _REFUSAL)

    @extend_schema(summary="Go on with a failed or cancelled indexing", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", _REFUSAL)

    # --- what was heard -----------------------------------------------------------------

    def _page(self, found: QuerySet, pages: Cursor) -> list[Any]:
        return pages.paginate_queryset(found, self.request, view=self) or []

    @extend_schema(
        summary="What is said, by time, with each word's times",
        responses=SpeechSegmentSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByTime, filter_backends=[])
    def speech(self, request: Request, pk: str) -> Response:
        found, pages = self._between(self.get_object().speech_segments.all()), ByTime()
        rows = self._page(found, pages)
        context = self.get_serializer_context() | {"edits": WordEdit.objects.of(rows)}
        data = SpeechSegmentSerializer(rows, many=True, context=context).data
        return pages.get_paginated_response(data)

    @extend_schema(
        summary="What is written on the picture, by time, with its boxes",
        responses=TextRegionSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByTime, filter_backends=[])
    def text(self, request: Request, pk: str) -> Response:
        found, pages = self._between(self.get_object().text_regions.as_it_reads()), ByTime()
        data = TextRegionSerializer(self._page(found, pages), many=True).data
        return pages.get_paginated_response(data)

    @extend_schema(
        summary="Who speaks, and how long: voices that were told apart",
        responses=VoiceSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByVoice, filter_backends=[])
    def voices(self, request: Request, pk: str) -> Response:
        pages = ByVoice()
        rows = self._page(with_seconds(self.get_object().voices.all()), pages)
        return pages.get_paginated_response(VoiceSerializer(rows, many=True).data)

    @extend_schema(summary="Who speaks when, by time", responses=SpeakerTurnSerializer(many=True))
    @action(detail=True, pagination_class=ByTime, filter_backends=[])
    def turns(self, request: Request, pk: str) -> Response:
        rows = self.get_object().speaker_turns.select_related("voice", "reads__speaker")
        pages = ByTime()
        data = SpeakerTurnSerializer(self._page(self._between(rows), pages), many=True).data
        return pages.get_paginated_response(data)

    def _between(self, found: QuerySet) -> QuerySet:
        if (start_s := self.asked.get("from")) is not None:
            found = found.filter(end_s__gt=start_s)
        if (end_s := self.asked.get("to")) is not None:
            found = found.filter(start_s__lt=end_s)
        return found

    @extend_schema(
        summary="The parts an indexing is done in",
        responses=IndexingSegmentSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByIndex, filter_backends=[])
    def segments(self, request: Request, pk: str) -> Response:
        pages = ByIndex()
        rows = self._page(self.get_object().segments.all(), pages)
        return pages.get_paginated_response(IndexingSegmentSerializer(rows, many=True).data)

    @extend_schema(
        summary="The transcript, what is written, or who speaks, as a file",
        responses={
            (200, kind): OpenApiTypes.OBJECT if kind.endswith("json") else OpenApiTypes.STR
            for _, kind, _ in files.FILES.values()
        },
    )
    @action(detail=True)
    def file(self, request: Request, pk: str) -> Any:
        indexing, edited = self.get_object(), self.asked["words"] == "edited"
        if self.asked["kind"] not in files.files_of(indexing):
            kinds = ", ".join(files.files_of(indexing)) or "no file: it is numbers"
            raise Unacceptable(f"What this step found is there as {kinds}.")
        return files.answer(indexing, self.asked["kind"], edited=edited)

    @extend_schema(
        summary="Terms that were listened for in the sound, and what was found",
        responses=SpottingSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByNumber, filter_backends=[])
    def spottings(self, request: Request, pk: str) -> Response:
        pages = ByNumber()
        rows = self._page(self.get_object().spottings.prefetch_related("found"), pages)
        return pages.get_paginated_response(SpottingSerializer(rows, many=True).data)

    @extend_schema(
        summary="Listen for terms in the sound, where the transcript has other words",
        request=SpottingRequestSerializer,
        responses={202: SpottingSerializer},
    )
    @spottings.mapping.post
    def listen_for(self, request: Request, pk: str) -> Response:
        indexing = self.get_object()
        wish = self.sent(SpottingRequestSerializer)
        with in_words():
            spotting = Spotting.objects.request(indexing, wish["terms"], by=request.user)
        return Response(SpottingSerializer(spotting).data, status=202)

    # --- editing ------------------------------------------------------------------------

    @extend_schema(
        summary="What people corrected, also what was undone",
        responses=WordEditSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByNumber, filter_backends=[], url_path="word-edits")
    def word_edits(self, request: Request, pk: str) -> Response:
        pages = ByNumber()
        found = WordEdit.objects.filter(speech_segment__indexing=self.get_object())
        rows = self._page(found.select_related("by"), pages)
        return pages.get_paginated_response(WordEditSerializer(rows, many=True).data)

    @extend_schema(
        summary="Correct a word; what was recognised stays",
        request=WordEditRequestSerializer,
        responses={201: WordEditSerializer},
    )
    @word_edits.mapping.post
    def edit_word(self, request: Request, pk: str) -> Response:
        indexing = find(self.get_queryset(), request, Action.REVIEW, pk=pk)
        wish = self.sent(WordEditRequestSerializer)
        row = find(indexing.speech_segments.all(), request, pk=wish["speech_segment"])
        with in_words():
            edit = WordEdit.objects.make(row, wish["word"], wish["text"], by=request.user)
        return Response(WordEditSerializer(edit).data, status=201)

    @extend_schema(
        summary="Lines of writing that people corrected, also what was undone",
        responses=LineEditSerializer(many=True),
    )
    @action(detail=True, pagination_class=ByNumber, filter_backends=[], url_path="line-edits")
    def line_edits(self, request: Request, pk: str) -> Response:
        pages = ByNumber()
        found = LineEdit.objects.filter(region__indexing=self.get_object())
        rows = self._page(found.select_related("by"), pages)
        return pages.get_paginated_response(LineEditSerializer(rows, many=True).data)

    @extend_schema(
        summary="Correct a line of writing; what was read stays",
        request=LineEditRequestSerializer,
        responses={201: LineEditSerializer},
    )
    @line_edits.mapping.post
    def edit_line(self, request: Request, pk: str) -> Response:
        indexing = find(self.get_queryset(), request, Action.REVIEW, pk=pk)
        wish = self.sent(LineEditRequestSerializer)
        region = find(indexing.text_regions.all(), request, pk=wish["region"])
        with in_words():
            edit = LineEdit.objects.make(region, wish["text"], by=request.user)
        return Response(LineEditSerializer(edit).data, status=201)


class LineEditViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    """A correction of a line of writing. It is made at its indexing."""

    change = Action.REVIEW
    serializer_class = LineEditSerializer
    queryset = LineEdit.objects.filter(
        region__indexing__removed=None, region__indexing__asset__removed=None
    ).select_related("by", "region__indexing__asset__workspace")

    @extend_schema(summary="One correction of a line of writing")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(summary="Take a correction back", request=None, responses=LineEditSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        edit = self.get_object()
        edit.undo(by=request.user)
        return Response(self.get_serializer(edit).data)


class WordEditViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    """A correction of a word. It is made at its indexing."""

    change = Action.REVIEW
    serializer_class = WordEditSerializer
    queryset = WordEdit.objects.filter(
        speech_segment__indexing__removed=None, speech_segment__indexing__asset__removed=None
    ).select_related("by", "speech_segment__indexing__asset__workspace")

    @extend_schema(summary="One correction of a word")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(summary="Take a correction back", request=None, responses=WordEditSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        edit = self.get_object()
        edit.undo(by=request.user)
        return Response(self.get_serializer(edit).data)
