from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from webapp.accounts.models import Action
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.nights import deciding
from webapp.nights.candidates import Candidate, CandidateQuerySet, Verdict
from webapp.nights.export_views import file_of
from webapp.nights.exports import FORMATS, WHICH
from webapp.nights.lending import keep, lend
from webapp.nights.night import Night
from webapp.nights.serializers import (
    AddExposuresSerializer,
    BeginNightSerializer,
    BeginTeachingSerializer,
    CandidateDetailSerializer,
    CandidateSerializer,
    HandedBackCandidatesSerializer,
    HoldSerializer,
    NextCandidateSerializer,
    NightDetailSerializer,
    NightSerializer,
    SetWatchSerializer,
    SkyTeachingDetailSerializer,
    SkyTeachingSerializer,
    VerdictSerializer,
    WatchSerializer,
)
from webapp.nights.teaching import SkyTeaching
from webapp.nights.watching import Watch
from webapp.pagination import Cursor
from webapp.rest import (
    Conflict,
    Id,
    InWorkspace,
    Query,
    WorkspaceObjects,
    in_words,
    workspace_for,
)

_TAUGHT: dict[str, Any] = {"request": None, "responses": SkyTeachingDetailSerializer}
_ANSWERS: dict[str, Any] = {"request": None, "responses": NightDetailSerializer}


class NightQuery(InWorkspace):
    status = serializers.ChoiceField(Status.values, required=False)


class FileQuery(Query):
    kind = serializers.ChoiceField(list(FORMATS), required=False, help_text="By default ades.")
    which = serializers.ChoiceField(list(WHICH), required=False, help_text="By default accepted.")


class CandidateQuery(InWorkspace):
    night = Id(required=False)
    verdict = serializers.ChoiceField([*Verdict.values[1:], "waiting"], required=False)
    is_single = serializers.BooleanField(required=False)
    is_still = serializers.BooleanField(required=False)
    is_trail = serializers.BooleanField(required=False)


class ByNight(Cursor):
    ordering = ("-night_id", "number")


@extend_schema_view(
    list=extend_schema(summary="Nights, newest first"),
    retrieve=extend_schema(
        summary="One night, how far it is and its exposures", responses=NightDetailSerializer
    ),
    create=extend_schema(
        summary="Search a night",
        description="Answered at once with 202; ask the night itself how far it is.",
        request=BeginNightSerializer,
        responses={202: NightDetailSerializer},
    ),
)
class NightViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    parser_classes = (JSONParser,)
    queries = {"list": NightQuery, "file": FileQuery}
    queryset = Night.objects.select_related("workspace", "created_by")

    def get_serializer_class(self) -> type[BaseSerializer]:
        return NightSerializer if self.action == "list" else NightDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, status="status")

    def create(self, request: Request) -> Response:
        wish = self.sent(BeginNightSerializer)
        workspace = workspace_for(request, Action.ANALYSE, wish.pop("workspace", None))
        exposures = self._assets(wish.pop("exposures"))
        masters: dict[str, Asset | None] = {
            name: self.find(Asset, wish.pop(name))
            for name in ("bias", "dark", "flat")
            if name in wish
        }
        if "reference" in wish:
            wish["reference"] = self.find(Asset, wish["reference"])
        with in_words(), transaction.atomic():
            row = Night.objects.request(
                workspace, exposures, masters=masters, by=request.user, **wish
            )
        return self.begun(row, "api-night-detail")

    def _assets(self, keys: list[int]) -> list[Asset]:
        return [self.find(Asset, pk) for pk in dict.fromkeys(keys)]

    @extend_schema(
        summary="Add exposures to a night",
        description="What is searched already stays; candidates are linked anew, and verdicts "
        "stay with what they were given for.",
        request=AddExposuresSerializer,
        responses={202: NightDetailSerializer},
    )
    @action(detail=True, methods=["post"])
    def add(self, request: Request, pk: str) -> Response:
        night = self.get_object()
        assets = self._assets(self.sent(AddExposuresSerializer)["exposures"])
        with in_words():
            night.add(assets, by=request.user)
        return self.begun(self.get_queryset().get(pk=night.pk), "api-night-detail")

    @extend_schema(summary="End now; what was found so far is kept", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", "The night is over already.")

    @extend_schema(summary="Go on from what is done", **_ANSWERS)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", "There is nothing to try again.")

    @extend_schema(
        summary="Score candidates again",
        description="By the version of what is real that is in use, before anybody taught by the "
        "score that Sightline comes with, from what is kept of the exposures. 409 while the night "
        "is worked on.",
        request=None,
        responses={202: NightDetailSerializer},
    )
    @action(detail=True, methods=["post"])
    def score(self, request: Request, pk: str) -> Response:
        night = self.get_object()
        if not night.score_again():
            raise Conflict("It is worked on, or was never finished.")
        return self.begun(self.get_queryset().get(pk=night.pk), "api-night-detail")

    @extend_schema(
        summary="Candidates as a file",
        description="`mpc`: 80 columns. `ades`: pipe-separated values. `csv`. `ds9`: regions. 422 "
        "says what is missing.",
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    @action(detail=True, methods=["get"])
    def file(self, request: Request, pk: str) -> Any:
        with in_words():
            return file_of(
                self.get_object(),
                self.asked.get("kind", "ades"),
                self.asked.get("which", "accepted"),
            )

    @extend_schema(
        summary="Watch a folder for new exposures, or no longer",
        description="422 where this installation has no such folder.",
        request=SetWatchSerializer,
        responses=WatchSerializer,
    )
    @action(detail=False, methods=["post"])
    def watch(self, request: Request) -> Response:
        wish = self.sent(SetWatchSerializer)
        workspace = workspace_for(request, Action.ANALYSE, wish.get("workspace"))
        reference = self.find(Asset, wish["reference"]) if "reference" in wish else None
        with in_words():
            watch = Watch.objects.set_for(
                workspace, is_on=wish["is_on"], reference=reference, by=request.user
            )
        return Response(WatchSerializer(watch).data)

    @extend_schema(
        summary="Delete a night with its candidates",
        description="409 while it is worked on. The exposures stay.",
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        night = self.get_object()
        if not night.is_over:
            raise Conflict("It is worked on: cancel it first.")
        night.remove(by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(
    list=extend_schema(summary="Versions of what is real, newest first"),
    retrieve=extend_schema(
        summary="One version, how good it is and how far", responses=SkyTeachingDetailSerializer
    ),
    create=extend_schema(
        summary="Teach what is real",
        description="From verdicts of people and from what is put into exposures of these nights. "
        "Answered at once with 202; it is in use when it is done.",
        request=BeginTeachingSerializer,
        responses={202: SkyTeachingDetailSerializer},
    ),
)
class SkyTeachingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    parser_classes = (JSONParser,)
    queries = {"list": NightQuery}
    queryset = SkyTeaching.objects.select_related("workspace", "created_by").prefetch_related(
        "nights"
    )

    def get_serializer_class(self) -> type[BaseSerializer]:
        return SkyTeachingSerializer if self.action == "list" else SkyTeachingDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return self.matching(queryset, status="status")

    def create(self, request: Request) -> Response:
        wish = self.sent(BeginTeachingSerializer)
        workspace = workspace_for(request, Action.ANALYSE, wish.pop("workspace", None))
        nights = [self.find(Night, pk) for pk in dict.fromkeys(wish.pop("nights"))]
        with in_words(), transaction.atomic():
            row = SkyTeaching.objects.request(workspace, nights, by=request.user, **wish)
        return self.begun(row, "api-sky-teaching-detail")

    @extend_schema(summary="End now; finished epochs are kept", **_TAUGHT)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return self.ask("cancel", "It is over already.")

    @extend_schema(summary="Go on from what is done", **_TAUGHT)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        return self.ask("retry", "There is nothing to try again.")

    @extend_schema(summary="Let this version score from now on", **_TAUGHT)
    @action(detail=True, methods=["post"])
    def use(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        with in_words():
            row.use(by=request.user)
        return Response(self.get_serializer(self.get_queryset().get(pk=row.pk)).data)

    @extend_schema(
        summary="Delete a version", description="409 while it is worked on.", responses={204: None}
    )
    def destroy(self, request: Request, pk: str) -> Response:
        row = self.get_object()
        if not row.is_over:
            raise Conflict("It is worked on: cancel it first.")
        row.remove(by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(
    list=extend_schema(summary="Candidates, by night and number"),
    retrieve=extend_schema(
        summary="One candidate with its points and decisions", responses=CandidateDetailSerializer
    ),
)
class NightCandidateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, WorkspaceObjects):
    change = Action.REVIEW
    parser_classes = (JSONParser,)
    pagination_class = ByNight
    queries = {"list": CandidateQuery}
    queryset = Candidate.objects.select_related("night__workspace")

    def get_serializer_class(self) -> type[BaseSerializer]:
        return CandidateSerializer if self.action == "list" else CandidateDetailSerializer

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        kinds = {name: name for name in ("is_single", "is_still", "is_trail")}
        rows = self.matching(queryset, night="night", **kinds)
        if verdict := self.asked.get("verdict"):
            rows = rows.filter(verdict="" if verdict == "waiting" else verdict)
        return rows

    @extend_schema(
        summary="The candidate to decide next",
        description="Nobody else is given it for five minutes. 204: none waits for you.",
        request=NextCandidateSerializer,
        responses={200: CandidateDetailSerializer, 204: None},
    )
    @action(detail=False, methods=["post"])
    def next(self, request: Request) -> Response:
        wish = self.sent(NextCandidateSerializer)
        rows = self._of(request, wish)
        if "night" in wish:
            rows = rows.filter(night=self.find(Night, wish["night"]))
        one = lend(rows, request.user, have=wish["have"])
        if one is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(CandidateDetailSerializer(one, context=self.get_serializer_context()).data)

    @extend_schema(
        summary="Keep the candidates that are still shown, and hand back the others",
        request=HoldSerializer,
        responses=HandedBackCandidatesSerializer,
    )
    @action(detail=False, methods=["post"])
    def hold(self, request: Request) -> Response:
        wish = self.sent(HoldSerializer)
        n = keep(self._of(request, wish), request.user, wish["have"])
        return Response({"handed_back": n})

    def _of(self, request: Request, wish: dict[str, Any]) -> CandidateQuerySet:
        workspace = workspace_for(request, Action.REVIEW, wish.get("workspace"))
        return Candidate.objects.of(workspace)

    @extend_schema(
        summary="Give a verdict",
        description="What was measured stays as it is.",
        request=VerdictSerializer,
        responses=CandidateDetailSerializer,
    )
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        one = self.get_object()
        with in_words():
            deciding.decide(one, **self.sent(VerdictSerializer), by=request.user)
        return Response(self.get_serializer(self.get_queryset().get(pk=one.pk)).data)

    @extend_schema(
        summary="Take back one's own last verdict",
        description="409 where the last verdict is somebody else's.",
        request=None,
        responses=CandidateDetailSerializer,
    )
    @action(detail=True, methods=["post"], url_path="take-back")
    def take_back(self, request: Request, pk: str) -> Response:
        one = self.get_object()
        if deciding.take_back(one, by=request.user) is None:
            raise Conflict("There is no verdict of yours to take back.")
        return Response(self.get_serializer(self.get_queryset().get(pk=one.pk)).data)
