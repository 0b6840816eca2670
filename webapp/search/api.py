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
    Id,
    Query,
    WorkspaceObjects,
    in_words,
    workspace_for,
)
from webapp.search.library_mentions import LONGEST_NAME, LibraryMentions
from webapp.search.saved import SavedSearch
from webapp.search.serializers import (
    LibraryMentionsSerializer,
    SavedSearchRequestSerializer,
    SavedSearchSerializer,
    library_mentions_json,
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
