"""Labelled work for programs: what people did, and what reviewers decide about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.models import Action, User
from webapp.labelling import documents
from webapp.labelling.documents import BadChange
from webapp.labelling.remarks import LONGEST, Remark, read_text
from webapp.labelling.reviews import Changed, Review
from webapp.labelling.works import Work, in_review
from webapp.rest import Body, Conflict, Finite, Id, InWorkspace, Unacceptable, WorkspaceObjects
from webapp.rest import in_words as in_sentences


class RemarkSerializer(serializers.Serializer):
    """What a reviewer said about a place: of a box [x1, y1, x2, y2], of a point [x, y], or [] for
    the whole picture; fractions of it."""

    id = serializers.IntegerField()
    text = serializers.CharField()
    by = serializers.IntegerField(source="by_id", allow_null=True)
    shape = serializers.CharField(allow_blank=True, help_text="The box's id in the document.")
    about = serializers.CharField(allow_blank=True, help_text="The label it had then.")
    place = serializers.ListField(child=serializers.FloatField())
    frame = serializers.IntegerField()
    resolved = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField(allow_blank=True)
    created = serializers.DateTimeField()


class ReviewSerializer(serializers.ModelSerializer):
    """A decision. Of an acceptance: boxes drawn at first, boxes accepted, pairs of both (same
    label, overlapping by half), and the sum of the pairs' intersections over union."""

    class Meta:
        model = Review
        fields = [
            *("id", "by", "kind", "version", "text", "n_drawn", "n_accepted", "n_pairs"),
            *("iou_sum", "undone", "created"),
        ]


class WorkSerializer(serializers.ModelSerializer):
    """One person's work on one picture or clip. Send `version` with a decision: it is refused with
    409 where the work was changed since."""

    job = serializers.IntegerField(source="item.job_id")
    sample = serializers.IntegerField(source="item.sample_id", allow_null=True)
    asset = serializers.IntegerField(source="item.asset_id", allow_null=True)
    waits_for_review = serializers.BooleanField()
    document = serializers.SerializerMethodField()
    remarks = serializers.SerializerMethodField()
    reviews = ReviewSerializer(many=True)

    class Meta:
        model = Work
        fields = [
            *("id", "job", "sample", "asset", "user", "status", "verdict", "waits_for_review"),
            *("version", "reason", "seconds", "finished", "document", "remarks", "reviews"),
        ]

    def get_document(self, work: Work) -> dict[str, Any]:
        return documents.complete(work.document)

    @extend_schema_field(RemarkSerializer(many=True))
    def get_remarks(self, work: Work) -> list[dict[str, Any]]:
        return RemarkSerializer(work.remarks.standing(), many=True).data


class DecisionSerializer(Body):
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class SendBackSerializer(DecisionSerializer):
    text = serializers.CharField(
        max_length=LONGEST, required=False, help_text="Not needed where a remark is open."
    )


class ReassignSerializer(DecisionSerializer):
    user = Id()


class NewRemarkSerializer(Body):
    text = serializers.CharField(max_length=LONGEST)
    shape = serializers.CharField(max_length=40, required=False)
    at = serializers.ListField(
        child=Finite(min_value=0, max_value=1), min_length=2, max_length=2, required=False
    )
    frame = serializers.IntegerField(min_value=0, max_value=10**6, required=False)


class WorkQuery(InWorkspace):
    job = Id(required=False)
    waits_for_review = serializers.BooleanField(required=False, allow_null=True, default=None)


@contextmanager
def _in_words() -> Iterator[None]:
    """What a review refuses is answered with its sentence; what was changed meanwhile with 409."""
    try:
        with in_sentences():
            yield
    except Unacceptable as refused:
        if isinstance(refused.__cause__, Changed):
            raise Conflict(str(refused.__cause__)) from refused
        raise
    except BadChange as bad:
        raise Unacceptable(str(bad)) from bad


@extend_schema_view(
    list=extend_schema(summary="What people labelled, newest first"),
    retrieve=extend_schema(summary="One person's work on one picture or clip"),
)
class LabelledWorkViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    queryset = Work.objects.select_related("item__job__dataset__project").prefetch_related(
        "reviews"
    )
    serializer_class = WorkSerializer
    queries = {"list": WorkQuery}
    change = Action.REVIEW

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        found = self.matching(queryset, job="item__job")
        waits = self.asked.get("waits_for_review")
        if waits is None:
            return found
        return found.filter(in_review()) if waits else found.exclude(in_review())

    def _now(self, work: Work) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=work.pk)).data)

    @extend_schema(
        summary="Accept it as it is now", request=DecisionSerializer, responses=WorkSerializer
    )
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        work = self.get_object()
        seen = self.sent(DecisionSerializer)["version"]
        with _in_words():
            Review.objects.accept(work, seen=seen, by=request.user)
        return self._now(work)

    @extend_schema(
        summary="Send it back to who labelled it",
        request=SendBackSerializer,
        responses=WorkSerializer,
    )
    @action(detail=True, methods=["post"], url_path="send-back")
    def send_back(self, request: Request, pk: str) -> Response:
        work = self.get_object()
        wish = self.sent(SendBackSerializer)
        with _in_words():
            text = read_text(wish["text"]) if "text" in wish else ""
            Review.objects.send_back(work, seen=wish["version"], by=request.user, text=text)
        return self._now(work)

    @extend_schema(
        summary="Give it to somebody else, who goes on from what is drawn",
        request=ReassignSerializer,
        responses=WorkSerializer,
    )
    @action(detail=True, methods=["post"])
    def reassign(self, request: Request, pk: str) -> Response:
        work = self.get_object()
        wish = self.sent(ReassignSerializer)
        members = User.objects.filter(memberships__workspace=work.job.workspace)
        person = members.filter(pk=wish["user"]).first()
        if person is None:
            raise Unacceptable("This person is not in the workspace.")
        with _in_words():
            Review.objects.reassign(work, person, seen=wish["version"], by=request.user)
        return self._now(work)

    @extend_schema(
        summary="Take your last decision about it back", request=None, responses=WorkSerializer
    )
    @action(detail=True, methods=["post"], url_path="take-back")
    def take_back(self, request: Request, pk: str) -> Response:
        work = self.get_object()
        last = work.reviews.filter(undone=None).first()
        if last is None:
            raise Unacceptable("There is no decision to take back.")
        with _in_words():
            Review.objects.take_back(last, by=request.user)
        return self._now(work)

    @extend_schema(
        summary="Say what is wrong with a box, a place, or all of it",
        request=NewRemarkSerializer,
        responses={201: RemarkSerializer},
    )
    @action(detail=True, methods=["post"])
    def remarks(self, request: Request, pk: str) -> Response:
        work = self.get_object()
        wish = self.sent(NewRemarkSerializer)
        with _in_words():
            remark = Remark.objects.say(work, wish, by=request.user)
        return Response(RemarkSerializer(remark).data, status=status.HTTP_201_CREATED)
