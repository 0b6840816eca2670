from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.models import Action
from webapp.projects.models import Label
from webapp.rest import (
    Asking,
    Id,
    InWorkspace,
    Query,
    Unacceptable,
    WorkspaceObjects,
    in_words,
    workspace_for,
)
from webapp.search import meaning
from webapp.search.library_mentions import LONGEST_NAME, LibraryMentions
from webapp.search.saved import SavedSearch
from webapp.search.searching import search
from webapp.search.serializers import (
    FoundSerializer,
    LibraryMentionsSerializer,
    SavedSearchRequestSerializer,
    SavedSearchSerializer,
    library_mentions_json,
    moment_json,
)
from webapp.search.shown import shown


class SearchQuery(InWorkspace):
    q = serializers.CharField(
        max_length=100_000,
        help_text='Words, "phrases", prefix*, fuzzy~, AND OR NOT -word ( ), and the filters '
        "brand: project: in:said|written|seen after: before: longer: score:",
    )
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=10_000, default=0)


class Search(Asking):
    queries = {"search": SearchQuery}
    serializer_class = FoundSerializer

    @extend_schema(
        operation_id="search",
        summary="Moments in which something is said, written or seen, the best first",
        responses=FoundSerializer,
    )
    def search(self, request: Request) -> Response:
        asked = self.asked
        workspace = workspace_for(request, Action.VIEW, asked.get("workspace"))
        found = search(workspace, asked["q"])
        if found.query.problem:
            raise Unacceptable(found.query.problem)
        spans = found.spans[asked["offset"] : asked["offset"] + asked["limit"]]
        return Response(
            {
                "query": found.read_as,
                "notes": found.notes,
                "instead": found.instead,
                "meaning": meaning.is_on(),
                "count": len(found.spans),
                "is_capped": found.is_capped,
                "moments": [moment_json(one) for one in shown(found, spans)],
            }
        )


class LibraryMentionsQuery(Query):
    name = serializers.CharField(
        max_length=LONGEST_NAME, required=False, help_text="Tried instead of the label's own names."
    )
    page = Id(default=1, help_text="A thousand mentions are one.")


class LabelMentions(WorkspaceObjects):
    queries = {"retrieve": LibraryMentionsQuery}
    queryset = Label.objects.select_related("project__workspace")

    @extend_schema(
        operation_id="labels_mentions",
        summary="Where a label is said and written in the whole library, by asset and time",
        parameters=[OpenApiParameter("id", int, OpenApiParameter.PATH)],
        responses=LibraryMentionsSerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        asked = self.asked
        found = LibraryMentions.of(self.get_object(), asked.get("name", "").strip())
        return Response(library_mentions_json(found, asked["page"]))


@extend_schema_view(
    list=extend_schema(summary="One's own saved searches, by name"),
    retrieve=extend_schema(summary="A saved search and how much is new"),
    create=extend_schema(
        summary="Save a search",
        request=SavedSearchRequestSerializer,
        responses={201: SavedSearchSerializer},
    ),
    destroy=extend_schema(summary="Delete a saved search"),
)
class SavedSearchViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, WorkspaceObjects
):
    change = Action.VIEW  # they are a person's own
    queryset = SavedSearch.objects.all()
    serializer_class = SavedSearchSerializer

    def get_queryset(self) -> QuerySet:
        visible: Any = super().get_queryset()
        user = self.request.user
        mine = visible.filter(user=user.pk) if user.is_authenticated else visible.none()
        return mine.with_news().order_by("-pk")

    def create(self, request: Request) -> Response:
        wish = self.sent(SavedSearchRequestSerializer)
        workspace = workspace_for(request, Action.VIEW, wish.get("workspace"))
        with in_words():
            saved = SavedSearch.objects.keep(
                request.user, workspace, wish["query"], name=wish["name"], alerts=wish["alerts"]
            )
        data = self.get_serializer(self.get_queryset().get(pk=saved.pk)).data
        return Response(data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Say that what was found is seen", request=None, responses=SavedSearchSerializer
    )
    @action(detail=True, methods=["post"])
    def look(self, request: Request, pk: str) -> Response:
        self.get_object().look()
        return Response(self.get_serializer(self.get_object()).data)
