from __future__ import annotations

from typing import Any

from django.db import IntegrityError
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from analysis.exposure.exports import as_dict
from analysis.exposure.measure import METHODOLOGIES
from webapp.accounts.access import find
from webapp.accounts.models import Action
from webapp.assets.models import Asset
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.methodologies.models import KEY
from webapp.projects.models import Label
from webapp.rest import (
    Between,
    Conflict,
    Finite,
    Id,
    InWorkspace,
    Query,
    Unacceptable,
    WorkspaceObjects,
    in_words,
)
from webapp.reviewing.corrections import Correction
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.runs.serializers import RunDetailSerializer
from webapp.timeline import again
from webapp.timeline.choices import FLOOR, BadChoice, Choices
from webapp.timeline.denying import deny
from webapp.timeline.exposure import Looked
from webapp.timeline.mentions import Item, Mentions
from webapp.timeline.serializers import (
    CorrectionRequestSerializer,
    CorrectionSerializer,
    DeniedMentionSerializer,
    DenySerializer,
    DifferenceSerializer,
    ExposureSerializer,
    LookAgainSerializer,
    MentionsSerializer,
)


class MethodKey(serializers.RegexField):
    """Of a preset, or of one that the workspace made."""

    def __init__(self, **options: Any) -> None:
        keys = "|".join(METHODOLOGIES)
        said = "A preset, or the `key` of a methodology of the workspace."
        super().__init__(f"^({keys}|{KEY})$", help_text=said, **options)


class DifferenceQuery(Query):
    method = MethodKey(required=False)
    threshold = Finite(min_value=FLOOR, max_value=1, required=False)


class ExposureQuery(Between):
    method = MethodKey(required=False)
    threshold = Finite(min_value=FLOOR, max_value=1, required=False)
    off = serializers.RegexField(
        r"^([0-9]{1,18}(,[0-9]{1,18})*)?$",
        required=False,
        allow_blank=True,
        help_text="Labels to leave out, by commas.",
    )
    corrections = serializers.ChoiceField(
        ["off"], required=False, help_text="off: as if nobody had corrected anything."
    )


class RunExposure(WorkspaceObjects):
    queries = {"retrieve": ExposureQuery}
    queryset = Run.objects.filter(asset__removed=None).select_related("asset", "project")

    @extend_schema(
        operation_id="runs_exposure",
        summary="How long, how large and how clearly each brand was seen",
        description="Seconds and shares by a methodology. Each label's own threshold holds "
        "unless one is given. Of a run that is not over, what it found so far.",
        parameters=[
            OpenApiParameter("id", int, OpenApiParameter.PATH),
        ],
        responses=ExposureSerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        run = self.get_object()
        looked = Looked.at(run, _choices(run, self.asked))
        names = {label.pk: label.name for label in looked.labels}
        return Response({"run": run.pk, "status": run.status, **as_dict(looked.exposure(), names)})


class DeniedQuery(InWorkspace):
    asset = Id(required=False)
    label = Id(required=False)


class RunMentions(WorkspaceObjects):
    change = Action.REVIEW
    queryset = Run.objects.filter(asset__removed=None).select_related("asset", "project")

    @extend_schema(
        operation_id="runs_mentions",
        summary="When each brand is said and written",
        description="In the transcript of the run's asset and in what is written on its picture, "
        "by the names and aliases that the project's labels have now: one that was added today "
        "is found in what was said before.",
        parameters=[OpenApiParameter("id", int, OpenApiParameter.PATH)],
        responses=MentionsSerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        run = self.get_object()
        found = Mentions.of(run)
        counting = sorted(found.said + found.written, key=lambda one: one.mention.start_s)
        return Response(
            {
                "run": run.pk,
                "indexing": found.indexing.pk if found.indexing else None,
                "text_indexing": found.text.pk if found.text else None,
                "mentions": [_mention(one) for one in counting],
                "turned_down": [
                    {**_mention(one), "denied": denied.pk} for one, denied in found.turned_down
                ],
            }
        )

    @extend_schema(
        operation_id="runs_mentions_deny",
        summary="Say that a mention is none of this brand",
        description="It counts in no figure from now on, in no project's later report, and not in "
        "a later transcript either. Reports that are issued stay as they are.",
        parameters=[OpenApiParameter("id", int, OpenApiParameter.PATH)],
        request=DenySerializer,
        responses={201: DeniedMentionSerializer},
    )
    def create(self, request: Request, pk: int) -> Response:
        run = self.get_object()
        wish = self.sent(DenySerializer)
        with in_words():
            denied = deny(run, by=request.user, **wish)
        return Response(DeniedMentionSerializer(denied).data, status=201)


class DeniedMentionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    """What people say is no mention of a label, although it was found as one."""

    change = Action.REVIEW
    queries = {"list": DeniedQuery}
    serializer_class = DeniedMentionSerializer
    queryset = (
        MentionVerdict.objects.turning_down()
        .filter(asset__removed=None)
        .select_related("by", "label", "asset__workspace")
    )

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, asset="asset", label="label").order_by("-pk")

    @extend_schema(summary="Mentions that were turned down, newest first, also those taken back")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(summary="One mention that was turned down")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Let a mention count again", request=None, responses=DeniedMentionSerializer
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        denied = self.get_object()
        denied.undo(by=request.user)
        return Response(self.get_serializer(denied).data)


class CorrectionQuery(InWorkspace):
    asset = Id(required=False)
    label = Id(required=False)


class CorrectionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    """What people say of a label in a stretch of an asset, although a detector says otherwise."""

    change = Action.REVIEW
    queries = {"list": CorrectionQuery}
    serializer_class = CorrectionSerializer
    queryset = Correction.objects.filter(asset__removed=None).select_related(
        "by", "label", "instead", "asset__workspace"
    )

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, asset="asset", label="label").order_by("-pk")

    @extend_schema(summary="Corrections, newest first, also those taken back")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(summary="One correction")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Say that a brand is not there from one time to another, or which it is instead",
        description="Counted at once in every figure of the asset, also of later analyses, and in "
        "no report that was issued before. What was found stays as it is.",
        request=CorrectionRequestSerializer,
        responses={201: CorrectionSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self.sent(CorrectionRequestSerializer)
        asset = self.find(Asset, wish["asset"])
        labels = Label.objects.filter(project__workspace=asset.workspace_id)
        label = find(labels, request, pk=wish["label"])
        other = wish.get("instead")
        instead = find(labels, request, pk=other) if other else None
        about = {"start_s": wish["start_s"], "end_s": wish["end_s"], "instead": instead}
        with in_words():
            made = Correction.objects.correct(asset, label, by=request.user, **about)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(
        summary="Let what was found count again", request=None, responses=CorrectionSerializer
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        made = self.get_object()
        made.undo(by=request.user)
        return Response(self.get_serializer(made).data)


def _mention(one: Item) -> dict[str, Any]:
    mention = one.mention
    return {
        "label": one.label.pk,
        "source": one.source,
        "name": mention.name,
        "start_s": mention.start_s,
        "end_s": mention.end_s,
        "text": mention.text,
        "by": mention.by,
        "score": mention.score,
        "confidence": mention.confidence,
        "box": list(one.found.item.box) if one.found.item else None,
        "is_seen": one.is_seen,
    }


class RunLookAgain(WorkspaceObjects):
    queryset = Run.objects.filter(asset__removed=None).select_related("asset", "project")
    serializer_class = RunDetailSerializer

    @extend_schema(
        operation_id="runs_look_again",
        summary="Say where a brand was missed, and have the film looked at again for it",
        description="What the box shows becomes a logo picture of the label, and a new run is "
        "made out of this one: that label alone is looked for, all else is taken over. Answered at "
        "once with 202; ask the new run how far it is, and then for its `difference`. 409 while "
        "the frame is cut out of the film at full size: send the same again a second later. Sent "
        "again with the same `Idempotency-Key` it answers with the run of the first time.",
        parameters=[
            OpenApiParameter("id", int, OpenApiParameter.PATH),
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER),
        ],
        request=LookAgainSerializer,
        responses={202: RunDetailSerializer},
    )
    def create(self, request: Request, pk: int) -> Response:
        run = self.get_object()
        wish = self.sent(LookAgainSerializer)
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > 120:
            raise ValidationError({"Idempotency-Key": ["At most 120 characters."]})
        box = tuple(wish["box"])
        drawn = again.Drawn(wish["time_s"], box, wish.get("label"), wish.get("name", ""))
        try:
            with in_words():
                made = again.look_again(run, drawn, by=request.user, key=key)
        except RunRefused as refused:
            raise Unacceptable(str(refused)) from refused
        except again.NotYet as later:
            raise FrameNotReady(str(later)) from later
        except IntegrityError:  # the same request twice at the same moment
            made = Run.objects.get(requested_by=request.user, idempotency_key=key)
        if made.parent_id != run.pk:
            raise Unacceptable("This Idempotency-Key was used for another run.")
        return self.begun(made, "api-run-detail")


class FrameNotReady(Conflict):
    wait = 1  # seconds, as Retry-After


class RunDifference(WorkspaceObjects):
    queries = {"retrieve": DifferenceQuery}
    queryset = Run.objects.filter(asset__removed=None).select_related("asset", "project", "parent")

    @extend_schema(
        operation_id="runs_difference",
        summary="What looking again for one brand changed",
        description="Seconds reported before and after, and which episodes are new. Only of a run "
        "that was made by looking again and is finished.",
        parameters=[OpenApiParameter("id", int, OpenApiParameter.PATH)],
        responses=DifferenceSerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        run = self.get_object()
        if run.status != Run.Status.SUCCEEDED or run.parent is None or run.again is None:
            raise Unacceptable(
                "Only a finished run that looked again in one that is there has a difference."
            )
        changes = again.difference(run, _choices(run, self.asked))
        told = {"run": run.pk, "parent": run.parent_id, "brands": changes}
        return Response(DifferenceSerializer(told).data)


CHOSEN = ("method", "threshold", "off", "corrections")


def _choices(run: Run, asked: dict[str, Any]) -> Choices:
    """The page's choices, with times to which one end may be missing."""
    query = {name: str(asked.get(name, "")) for name in CHOSEN}
    start_s, end_s = asked.get("from"), asked.get("to")
    if start_s is not None or end_s is not None:
        query["in"] = str(start_s or 0.0)
        query["out"] = str(run.duration_s if end_s is None else end_s)
    try:
        return Choices.read(query, run.project.workspace_id)
    except BadChoice as error:
        raise ValidationError({"detail": [str(error)]}) from error
