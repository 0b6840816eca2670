from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from analysis.cutting import Clip, Span
from webapp.accounts.access import find
from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.cuts import lists
from webapp.cuts.choosing import ReelWish, Wish, clips_found, clips_wished, reel
from webapp.cuts.cut import Cut, CutClip
from webapp.cuts.personal import Chosen, Offer
from webapp.cuts.renderings import ENDINGS, Rendering
from webapp.cuts.serializers import (
    CutChangeSerializer,
    CutClipChangeSerializer,
    CutClipSerializer,
    CutDetailSerializer,
    CutRequestSerializer,
    CutSerializer,
    RenderingSerializer,
    SpansSerializer,
)
from webapp.projects.models import Label
from webapp.rest import Query, Unacceptable, WorkspaceObjects, in_words, workspace_for
from webapp.runs.run import Run

_REFUSAL = "The rendering is {row.state}, so this cannot be done."


class ListQuery(Query):
    kind = serializers.ChoiceField(list(lists.LISTS), default="edl")


class RenderingQuery(Query):
    ending = serializers.ChoiceField(
        list(ENDINGS.items()),
        default="",
        help_text="As a film (mp4) or the sound alone (m4a, mp3), each with chapters. By default a "
        "film, and m4a where no clip has a picture.",
    )


@extend_schema_view(
    list=extend_schema(summary="Cuts, the one changed last first"),
    retrieve=extend_schema(summary="A cut, its clips and how its rendering stands"),
    create=extend_schema(
        summary="Make a cut of spans, of a search, of a brand's best exposures, or of a film by "
        "its topics, speakers and brands",
        request=CutRequestSerializer,
        responses={201: CutDetailSerializer},
    ),
    destroy=extend_schema(summary="Delete a cut; its links stop working"),
)
class CutViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    parser_classes = (JSONParser,)  # a form has no lists of spans
    queries = {"list_file": ListQuery, "renderings": RenderingQuery}
    queryset = Cut.objects.select_related("workspace", "made_by")

    def get_serializer_class(self) -> type[serializers.BaseSerializer]:
        others = {"list": CutSerializer, "renderings": RenderingSerializer}
        return others.get(self.action or "", CutDetailSerializer)

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return queryset.order_by("-pk")

    def create(self, request: Request) -> Response:
        wish = self.sent(CutRequestSerializer)
        workspace = workspace_for(request, self.change, wish.get("workspace"))
        with in_words():
            clips, title, chosen = self._chosen(workspace, wish)
            made = Cut.objects.make(
                workspace, clips, title=wish.get("title") or title, by=request.user, chosen=chosen
            )
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    def _chosen(
        self, workspace: Workspace, wish: dict[str, Any]
    ) -> tuple[list[Clip], str, dict[str, Any]]:
        if sum(name in wish for name in ("spans", "search", "label", "asset")) != 1:
            raise Unacceptable("Give one of `spans`, `search`, `label` and `asset`.")
        if "spans" in wish:
            clips = clips_wished(workspace, _wishes(wish["spans"]))
            return clips, clips[0].title, {}
        if "search" in wish:
            query = wish["search"]
            return clips_found(workspace, query), query, {"search": query}
        if "asset" in wish:
            return self._personal(workspace, wish)
        labels = Label.objects.filter(project__workspace=workspace).select_related("project")
        label = find(labels, self.request, pk=wish["label"])
        run = self._run(label, wish.get("run"))
        names = ("most_s", "longest_s", "handles_s", "best_first")
        asked = {name: wish[name] for name in names}
        chosen = {"label": label.pk, "run": run.pk if run else None, **asked}
        return reel(label, ReelWish(**asked), run), f"{label.name}: highlights", chosen

    def _personal(
        self, workspace: Workspace, wish: dict[str, Any]
    ) -> tuple[list[Clip], str, dict[str, Any]]:
        assets = Asset.objects.filter(workspace=workspace).select_related("workspace")
        asset = find(assets, self.request, pk=wish["asset"])
        chosen = Chosen(wish["topics"], wish["speakers"], wish["brands"])
        about = {"asset": asset.pk, **chosen.json()}
        return Offer.of(asset).clips(chosen), asset.stem, about

    def _run(self, label: Label, pk: int | None) -> Run | None:
        if pk is None:
            return None
        rows = Run.objects.finished().filter(project=label.project_id, asset__removed=None)
        return find(rows.select_related("asset", "project"), self.request, pk=pk)

    @extend_schema(
        summary="Give a cut another title",
        request=CutChangeSerializer,
        responses=CutDetailSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        cut, wish = self.get_object(), self.sent(CutChangeSerializer)
        with in_words():
            if "title" in wish:
                cut.rename(wish["title"], by=request.user)
        return Response(self.get_serializer(cut).data)

    def perform_destroy(self, cut: Cut) -> None:
        cut.remove(by=self.request.user)

    @extend_schema(
        summary="Add clips at the end of a cut",
        request=SpansSerializer,
        responses={201: CutDetailSerializer},
    )
    @action(detail=True, methods=["post"])
    def clips(self, request: Request, pk: str) -> Response:
        cut = self.get_object()
        wishes = _wishes(self.sent(SpansSerializer)["spans"])
        with in_words():
            cut.add(clips_wished(cut.workspace, wishes))
        return Response(self.get_serializer(cut).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Have a cut rendered as one film, or its sound alone; answered at once",
        request=None,
        responses={202: RenderingSerializer},
    )
    @action(detail=True, methods=["post"])
    def renderings(self, request: Request, pk: str) -> Response:
        cut = self.get_object()
        ending = self.asked["ending"]
        with in_words():
            row = Rendering.objects.request(cut, by=request.user, ending=ending)
        return self.begun(row, "api-cut-rendering-detail")

    @extend_schema(
        summary="A cut as an edit list or a table",
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    @action(detail=True, url_path="list")
    def list_file(self, request: Request, pk: str) -> Any:
        cut = self.get_object()
        with in_words():
            return lists.answer(cut, self.asked["kind"])


def _wishes(spans: list[dict[str, Any]]) -> list[Wish]:
    return [
        Wish(span["asset"], Span(span["start_s"], span["end_s"], span["title"])) for span in spans
    ]


class CutClipViewSet(mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects):
    """A clip of a cut. It is added at its cut."""

    serializer_class = CutClipSerializer
    queryset = CutClip.objects.filter(cut__removed=None, removed=None).select_related(
        "asset", "cut__workspace"
    )

    @extend_schema(summary="One clip of a cut")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Trim, name or move a clip",
        request=CutClipChangeSerializer,
        responses=CutClipSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        clip = self.get_object()
        wish = self.sent(CutClipChangeSerializer)
        with in_words():
            if "start_s" in wish or "end_s" in wish:
                clip.trim(start_s=wish.get("start_s"), end_s=wish.get("end_s"))
            if "title" in wish:
                clip.rename(wish["title"])
            if "place" in wish:
                clip.move_to(wish["place"])
        return Response(self.get_serializer(clip).data)

    @extend_schema(summary="Take a clip out of its cut")
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().destroy(request, *args, **kwargs)

    def perform_destroy(self, clip: CutClip) -> None:
        clip.remove()


class RenderingViewSet(mixins.RetrieveModelMixin, WorkspaceObjects):
    """A rendering of a cut. It is asked for at its cut."""

    serializer_class = RenderingSerializer
    queryset = Rendering.objects.filter(cut__removed=None).select_related("cut__workspace")

    @extend_schema(summary="A rendering and how far it is")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(summary="Cancel a rendering", request=None, responses=RenderingSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", _REFUSAL)

    @extend_schema(
        summary="Try a failed rendering again", request=None, responses=RenderingSerializer
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", _REFUSAL)
