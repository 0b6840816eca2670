from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.access import find
from webapp.accounts.models import Action
from webapp.assets.models import Asset
from webapp.comments.comments import Comment
from webapp.comments.notices import Notice
from webapp.comments.reactions import react
from webapp.comments.serializers import (
    CommentChangeSerializer,
    CommentRequestSerializer,
    CommentSerializer,
    NoticeSerializer,
    ReactionRequestSerializer,
)
from webapp.pagination import Cursor
from webapp.rest import Conflict, Id, InWorkspace, WorkspaceObjects, in_words


class ByTime(Cursor):
    ordering = ("start_s", "pk")


class CommentQuery(InWorkspace):
    asset = Id(required=False)
    state = serializers.ChoiceField(["open", "resolved"], required=False)


@extend_schema_view(
    list=extend_schema(summary="Comments in playing order, answers among them"),
    retrieve=extend_schema(summary="One comment, also one that was deleted"),
)
class CommentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    change = Action.COMMENT
    pagination_class = ByTime
    queries = {"list": CommentQuery}
    serializer_class = CommentSerializer
    queryset = (
        Comment.objects.in_sight()
        .select_related("by", "thread", "asset__workspace")
        .prefetch_related("reactions")
    )

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        found = self.matching(queryset, asset="asset")
        if self.action == "list":
            found = found.filter(deleted=None)
        if state := self.asked.get("state"):
            is_open = state == "open"
            roots = Comment.objects.filter(resolved__isnull=is_open, thread=None)
            found = found.filter(pk__in=roots) | found.filter(thread__in=roots)
        return found

    @extend_schema(
        summary="Comment on a moment, or answer",
        request=CommentRequestSerializer,
        responses={201: CommentSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self.sent(CommentRequestSerializer)
        asset = self.find(Asset, wish.pop("asset"))
        if (pk := wish.pop("thread", None)) is not None:
            wish["thread"] = find(Comment.objects.filter(asset=asset), request, pk=pk)
        with in_words():
            made = Comment.objects.say(asset, by=request.user, **wish)
        return self._told(made, status=201)

    @extend_schema(
        summary="Edit a comment of one's own",
        request=CommentChangeSerializer,
        responses=CommentSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        comment = self.get_object()
        wish = self.sent(CommentChangeSerializer)
        if "text" in wish:
            with in_words():
                comment.edit(wish["text"], by=request.user)
        return self._told(comment)

    @extend_schema(summary="Delete a comment of one's own; `restore` takes that back")
    def destroy(self, request: Request, pk: str) -> Response:
        self.get_object().delete_by(request.user)
        return Response(status=204)

    @extend_schema(summary="Take a deletion back", request=None, responses=CommentSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        comment = self.get_object()
        comment.restore(by=request.user)
        return self._told(comment)

    @extend_schema(summary="Take the latest edit back", request=None, responses=CommentSerializer)
    @action(detail=True, methods=["post"], url_path="undo-edit")
    def undo_edit(self, request: Request, pk: str) -> Response:
        comment = self.get_object()
        with in_words():
            if not comment.undo_edit(by=request.user):
                raise Conflict("It was not edited, so there is nothing to take back.")
        return self._told(comment)

    @extend_schema(
        summary="Say that nothing is left to be done", request=None, responses=CommentSerializer
    )
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        comment = self.get_object()
        comment.resolve(by=request.user)
        return self._told(comment.root)

    @extend_schema(summary="Open a thread again", request=None, responses=CommentSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        comment = self.get_object()
        comment.reopen(by=request.user)
        return self._told(comment.root)

    @extend_schema(
        summary="React to a comment",
        request=ReactionRequestSerializer,
        responses=CommentSerializer,
    )
    @action(detail=True, methods=["post"])
    def react(self, request: Request, pk: str) -> Response:
        comment = self.get_object()
        wish = self.sent(ReactionRequestSerializer)
        with in_words():
            react(comment, wish["kind"], wish["on"], by=request.user)
        return self._told(comment)

    def _told(self, comment: Comment, status: int = 200) -> Response:
        row = self.get_queryset().get(pk=comment.pk)
        return Response(self.get_serializer(row).data, status=status)


@extend_schema_view(
    list=extend_schema(summary="One's own notices, newest first"),
    retrieve=extend_schema(summary="One notice"),
)
class NoticeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    change = Action.VIEW  # they are a person's own
    serializer_class = NoticeSerializer
    queryset = Notice.objects.filter(
        comment__asset__removed=None, comment__deleted=None
    ).select_related("comment")

    def get_queryset(self) -> QuerySet:
        visible: Any = super().get_queryset()
        return visible.filter(user=self.request.user.pk or 0)

    @extend_schema(summary="Say that it is seen", request=None, responses=NoticeSerializer)
    @action(detail=True, methods=["post"])
    def see(self, request: Request, pk: str) -> Response:
        notice = self.get_object()
        Notice.objects.filter(pk=notice.pk).see()
        return Response(self.get_serializer(self.get_object()).data)
