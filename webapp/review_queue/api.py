from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.access import find, workspaces
from webapp.accounts.models import Action, Workspace
from webapp.datasets.dataset import Dataset
from webapp.projects.models import Project
from webapp.rest import Conflict, Id, InWorkspace, WorkspaceObjects, in_words
from webapp.review_queue import deciding
from webapp.review_queue.alike import alike
from webapp.review_queue.human_loop import answers_file, human_loop
from webapp.review_queue.items import ReviewItem, ReviewItemQuerySet, State
from webapp.review_queue.lending import ORDERS, hand_back, lend
from webapp.review_queue.lessons import teach
from webapp.review_queue.previews import preview
from webapp.review_queue.rules import ReviewRule
from webapp.review_queue.serializers import (
    AlikeSerializer,
    AppliedSerializer,
    ChangeRuleSerializer,
    DecidedSerializer,
    DecideSerializer,
    HandedBackSerializer,
    HumanLoopSerializer,
    LearningSerializer,
    LearnSerializer,
    MakeRuleSerializer,
    NextRequestSerializer,
    NextReviewItemsSerializer,
    PreviewRequestSerializer,
    PreviewSerializer,
    ReviewItemSerializer,
    ReviewRuleSerializer,
)
from webapp.review_queue.showing import lent, projects_json
from webapp.review_queue.siftings import Sifting

MOST_AT_ONCE = 20
MOST_LEFT = 1000  # of what waits: nobody counts further while somebody waits for an answer


class RuleQuery(InWorkspace):
    project = Id(required=False)


class ItemQuery(InWorkspace):
    project = Id(required=False)
    label = Id(required=False, help_text="Those that are mostly about this one.")
    run = Id(required=False)
    rule = Id(required=False)
    kind = serializers.ChoiceField(ReviewItem.Kind.choices, required=False)
    state = serializers.ChoiceField(State.choices, required=False)


class NextQuery(InWorkspace):
    n = Id(max_value=MOST_AT_ONCE, default=1, help_text="How many items.")
    project = Id(required=False)
    label = Id(required=False)
    run = Id(required=False)
    rule = Id(required=False)
    kind = serializers.ChoiceField(ReviewItem.Kind.choices, required=False)
    order = serializers.ChoiceField(
        list(ORDERS),
        default="stake",
        help_text="stake: most seconds of the report in doubt for a second of work; doubt: the "
        "least sure; age: the oldest; brand: one after the other, each by stake.",
    )


_FILTERS = {"project": "project", "label": "label", "run": "run", "rule": "rule", "kind": "kind"}


class ReviewRuleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    """What of a project's analyses a person should see."""

    queries = {"list": RuleQuery}
    serializer_class = ReviewRuleSerializer
    queryset = ReviewRule.objects.filter(project__removed=None).select_related(
        "project__workspace", "created_by"
    )

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, project="project").order_by("pk")

    @extend_schema(summary="The review rules")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(summary="One review rule")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Make a review rule",
        description="Every analysis of the project that ends from now on is gone through with it.",
        request=MakeRuleSerializer,
        responses={201: ReviewRuleSerializer},
    )
    def create(self, request: Request) -> Response:
        wish = self.sent(MakeRuleSerializer)
        project = self.find(Project, wish["project"])
        about = {"people": wish["people"], "by": request.user}
        with in_words():
            made = ReviewRule.objects.make(project, wish["name"], wish["conditions"], **about)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(
        summary="Change a review rule, or turn it on or off",
        request=ChangeRuleSerializer,
        responses=ReviewRuleSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        rule = self.get_object()
        wish = self.sent(ChangeRuleSerializer)
        with in_words():
            rule.change(by=request.user, **wish)
        return Response(self.get_serializer(rule).data)

    @extend_schema(summary="Delete a review rule; what it chose stays in the queue")
    def destroy(self, request: Request, pk: str) -> Response:
        self.get_object().remove(by=request.user)
        return Response(status=204)

    @extend_schema(
        summary="How many items conditions would send, and how long they take",
        request=PreviewRequestSerializer,
        responses=PreviewSerializer,
    )
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        wish = self.sent(PreviewRequestSerializer)
        project = self.find(Project, wish["project"])
        with in_words():
            return Response(PreviewSerializer(preview(project, wish["conditions"])).data)

    @extend_schema(
        summary="Go through the newest analysis of each asset with the rules of the project",
        request=None,
        responses={202: AppliedSerializer},
    )
    @action(detail=True, methods=["post"])
    def apply(self, request: Request, pk: str) -> Response:
        rule = self.get_object()
        with in_words():
            n = Sifting.objects.request_latest(rule, by=request.user)
        return Response({"analyses": n}, status=202)

    @extend_schema(
        summary="What people answered for the items of a rule, as Amazon A2I writes it",
        description="JSON Lines: `output.json` of a human loop on each line, of what is decided.",
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR},
    )
    @action(detail=True, methods=["get"], url_path="human-loops")
    def human_loops(self, request: Request, pk: str) -> StreamingHttpResponse:
        return answers_file(self.get_object())


class ReviewItemViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    """What people are asked about: a frame, a mention, or a sentence with words in doubt."""

    change = Action.REVIEW
    queries = {"list": ItemQuery, "next": NextQuery, "hand_back": InWorkspace}
    serializer_class = ReviewItemSerializer
    queryset = ReviewItem.objects.there().select_related("run__asset", "project", "workspace")

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, **_FILTERS, state="state").order_by("pk")

    @extend_schema(summary="The review queue, with what is decided")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(summary="One item of the review queue")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        summary="Take the next items to decide for",
        description="They are yours for five minutes, and longer each time you ask. Nobody else "
        "is given them meanwhile. None where all are decided, or with others.",
        request=NextRequestSerializer,
        responses=NextReviewItemsSerializer,
    )
    @action(detail=False, methods=["post"])
    def next(self, request: Request) -> Response:
        workspace = self._workspace()
        if workspace is None:
            return Response({"items": [], "projects": {}, "left": 0, "elsewhere": 0})
        rows = self._of(workspace)
        sent = self.sent(NextRequestSerializer)
        items = lend(
            rows,
            request.user,
            self.asked["n"],
            self.asked["order"],
            settles=workspace.settles,
            have=set(sent["have"]),
        )
        unknown = {item.project_id for item in items}.difference(sent["knows"])
        return Response(
            {
                "items": lent(items),
                "projects": projects_json(unknown),
                "left": rows.waiting()[:MOST_LEFT].count(),
                "elsewhere": rows.held_by_others(request.user).count(),
            }
        )

    @extend_schema(
        summary="Let others have what you were given and did not decide",
        request=None,
        responses=HandedBackSerializer,
    )
    @action(detail=False, methods=["post"], url_path="hand-back")
    def hand_back(self, request: Request) -> Response:
        workspace = self._workspace()
        n = hand_back(self._of(workspace), request.user) if workspace else 0
        return Response({"handed_back": n})

    @extend_schema(
        summary="Bring what was decided into a dataset, for the next model to learn from",
        description="A frame that is there already gets the new boxes and is not there twice. "
        "Frames that an audit asked about are left out. A picture whose decision was taken back "
        "says what it said before, or goes if it came with that. How far it is: the transfer's "
        "route.",
        request=LearnSerializer,
        responses={202: LearningSerializer},
    )
    @action(detail=False, methods=["post"])
    def learn(self, request: Request) -> Response:
        wish = self.sent(LearnSerializer)
        dataset = find(Dataset, request, Action.ANALYSE, pk=wish["dataset"])
        with in_words():
            transfer, n, n_back = teach(dataset, by=request.user)
        began = {"transfer": transfer and transfer.pk, "pictures": n, "taken_back": n_back}
        return Response(began, status=202)

    @extend_schema(
        summary="Decide for an item: all that is there",
        description="A box that was found and is not named is turned down. With the scope `track` "
        "what is said of a box is said of its whole track. Of a mention or a sentence `answer` "
        "says what it is. Counted at once in every figure, once "
        "as many people as the rule asks for agree. Sent twice it counts once. 409 where somebody "
        "else has the item, or it is decided.",
        request=DecideSerializer,
        responses=DecidedSerializer,
    )
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        item = self._named()
        wish = self.sent(DecideSerializer)
        about = {"is_unsure": wish["unsure"], "scope": wish["scope"], "spent_s": wish["seconds"]}
        about |= {"alike": wish["alike"]}
        about["answer"] = wish.get("answer")
        with _in_turn():
            decision = deciding.decide(item, wish["boxes"], by=request.user, **about)
        along = list(decision.along.values_list("pk", flat=True))
        return self._told(decision.item, deciding.in_words(decision), along)

    @extend_schema(
        summary="Items that wait and look like this one",
        description="By what analyses keep of their tracks, from a likeness of 0.85 on; of the "
        "same label and project. `decide` takes along those that it is told.",
        responses=AlikeSerializer,
    )
    @action(detail=True, methods=["get"])
    def alike(self, request: Request, pk: str) -> Response:
        item = find(self.get_queryset(), request, Action.REVIEW, pk=pk)
        found = [one | {"name": one["asset"].stem} for one in alike(item, request.user)]
        return Response(AlikeSerializer({"items": found}).data)

    @extend_schema(
        summary="Take one's last decision back", request=None, responses=DecidedSerializer
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        item = self._named()
        with _in_turn():
            row = deciding.undo(item, by=request.user)
        return self._told(row, "Taken back")

    @extend_schema(
        summary="Do others first; it comes again in the end",
        request=None,
        responses=DecidedSerializer,
    )
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        item = self._named()
        with _in_turn():
            deciding.skip(item, by=request.user)
        return self._told(item, "Skipped")

    @extend_schema(
        summary="What people answered, as Amazon A2I writes it", responses=HumanLoopSerializer
    )
    @action(detail=True, methods=["get"], url_path="human-loop")
    def human_loop(self, request: Request, pk: str) -> Response:
        return Response(HumanLoopSerializer(human_loop(self.get_object())).data)

    def _workspace(self) -> Any:
        """The one that is asked about, or the only one: a queue is of one workspace. `settles`: see
        `may_settle`."""
        mine = workspaces(self.request, Action.REVIEW)
        settles = Workspace.objects.where(self.request.user, Action.ADMINISTER)
        mine = mine.annotate(settles=Exists(settles.filter(pk=OuterRef("pk"))))
        return self.matching(mine, workspace="pk").order_by("pk").first()

    def _named(self) -> ReviewItem:
        """The item of the address, as little of it as it takes: `deciding` reads it for itself."""
        rows = ReviewItem.objects.there().only("workspace", "state")
        return find(rows, self.request, self.change, pk=self.kwargs["pk"])

    def _of(self, workspace: Workspace) -> ReviewItemQuerySet:
        rows = ReviewItem.objects.filter(workspace=workspace)
        found: ReviewItemQuerySet = self.matching(rows, **_FILTERS)  # type: ignore[assignment]
        return found

    def _told(self, item: ReviewItem, said: str, along: Sequence[int] = ()) -> Response:
        rows = ReviewItem.objects.waiting().filter(workspace=item.workspace_id)
        told = {"id": item.pk, "said": said, "state": item.state}
        told["left"] = rows[:MOST_LEFT].count()
        told["along"] = along
        return Response(DecidedSerializer(told).data)


@contextmanager
def _in_turn() -> Iterator[None]:
    """Somebody else's item is a conflict; what makes no sense is refused in words."""
    with in_words():
        try:
            yield
        except deciding.Taken as taken:
            raise Conflict(str(taken)) from taken
