from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from analysis.exposure.methodologies import Methodology
from webapp.accounts.models import Action, Refused
from webapp.assets.links import media_link
from webapp.auditing import answering, rounds
from webapp.auditing.audits import Audit, AuditedLabel, What
from webapp.auditing.items import AuditItem
from webapp.auditing.page import Pace, Row, Times, rows, whole
from webapp.auditing.readings import standing_of
from webapp.auditing.serializers import (
    AnsweredSerializer,
    AnswerRequestSerializer,
    AuditItemSerializer,
    NextItemsSerializer,
    RunAuditSerializer,
    StartAuditSerializer,
)
from webapp.leases import Status
from webapp.methodologies.models import named
from webapp.rest import Conflict, Id, Query, WorkspaceObjects, in_words
from webapp.runs.run import Run
from webapp.timeline.frames import frame_pictures

MOST_AT_ONCE = 20
_RUN = [OpenApiParameter("id", int, OpenApiParameter.PATH)]


class NextQuery(Query):
    n = Id(max_value=MOST_AT_ONCE, default=1, help_text="How many frames.")


class RunAudit(WorkspaceObjects):
    change = Action.REVIEW
    queries = {"lend": NextQuery}
    queryset = Run.objects.filter(asset__removed=None).select_related("asset", "project")

    @extend_schema(
        operation_id="runs_audit",
        summary="How far the figures of a run are checked by people",
        description="Seconds of each brand with the limits that hold 95 times of 100, of the "
        "rounds of answers that are whole. While a later round is answered, those of the rounds "
        "before stay.",
        parameters=_RUN,
        responses=RunAuditSerializer,
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        return self._told(self.get_object())

    @extend_schema(
        operation_id="runs_audit_start",
        summary="Have brands of a run checked, or ask for more answers",
        description="Draws frames by lot, or stretches of film to count exposures. A brand whose "
        "round is not answered yet takes no more.",
        parameters=_RUN,
        request=StartAuditSerializer,
        responses={201: RunAuditSerializer},
    )
    def create(self, request: Request, pk: int) -> Response:
        run = self.get_object()
        wish = self.sent(StartAuditSerializer)
        labels, n = list(dict.fromkeys(wish["labels"])), wish.get("n")
        with in_words(), transaction.atomic():
            method = _method(run, wish)
            before = AuditedLabel.objects.filter(audit__run=run, label__in=labels)
            before = before.filter(what=wish["what"])
            known = {audited.label_id: audited for audited in before}
            if new := [label for label in labels if label not in known]:
                asked = rounds.USUAL if n is None else n
                rounds.start(run, new, asked, by=request.user, method=method)
            for audited in known.values():
                rounds.more(audited, n, by=request.user)
        return self._told(run, status=201)

    @extend_schema(
        operation_id="runs_audit_next",
        summary="Take the next frames to answer for",
        description="They are yours for five minutes, and longer each time you ask. Nobody else "
        "is given them meanwhile. None where all are answered, or with others.",
        parameters=_RUN,
        request=None,
        responses=NextItemsSerializer,
    )
    def lend(self, request: Request, pk: int) -> Response:
        run = self.get_object()
        audit = Audit.objects.filter(run=run).first()
        if audit is None:
            return Response({"items": [], "left": 0, "elsewhere": 0})
        lent = AuditItem.objects.lend(audit, request.user, self.asked["n"])
        waiting = AuditItem.objects.filter(audited__audit=audit)
        return Response(
            {
                "items": _lent(run, lent),
                "left": waiting.open().count(),
                "elsewhere": waiting.held_by_others(request.user).count(),
            }
        )

    def _told(self, run: Run, status: int = 200) -> Response:
        pace = Pace.of(run.asset.workspace)
        why_not = rounds.why_not(run)
        told = {
            "run": run.pk,
            "why_not": why_not,
            "answer_s": pace.answer_s,
            "is_measured": pace.is_measured,
            "brands": [] if why_not else [_brand(row) for row in rows(run, pace)],
        }
        return Response(RunAuditSerializer(told).data, status=status)


class AuditItemViewSet(WorkspaceObjects):
    """A frame that somebody is asked about."""

    change = Action.REVIEW
    serializer_class = AuditItemSerializer
    queryset = AuditItem.objects.filter(
        audited__audit__run__removed=None, audited__audit__run__asset__removed=None
    ).select_related("audited__audit__run__asset")

    @extend_schema(
        summary="Answer for a frame, or change one's answer",
        description="Sent twice it counts once. 409 where somebody else has the frame, or "
        "answered for it.",
        request=AnswerRequestSerializer,
        responses=AnsweredSerializer,
    )
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        item = self.get_object()
        wish = self.sent(AnswerRequestSerializer)
        with _in_turn():
            row = answering.give(item, wish["answer"], by=request.user, spent_s=wish["seconds"])
        return self._told(item, row)

    @extend_schema(summary="Take one's answer back", request=None, responses=AnsweredSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        item = self.get_object()
        with _in_turn():
            row = answering.undo(item, by=request.user)
        return self._told(item, row)

    def _told(self, item: AuditItem, row: AuditItem) -> Response:
        mine = standing_of(item.audited.run, item.audited)
        row.done, row.of = mine.n_done, mine.n_of  # type: ignore[attr-defined]
        is_told = not mine.is_open and not mine.audited.is_of_times
        row.reading = mine.reading if is_told else None  # type: ignore[attr-defined]
        return Response(AnsweredSerializer(row).data)


@contextmanager
def _in_turn() -> Iterator[None]:
    """Somebody else's frame is a conflict."""
    try:
        yield
    except answering.Taken as taken:
        raise Conflict(str(taken)) from taken


def _method(run: Run, wish: dict[str, Any]) -> Methodology | None:
    """By which exposures are counted; None where it is seconds that are checked."""
    if wish["what"] == What.SECONDS:
        return None
    found = named(wish["method"], run.asset.workspace_id)
    if found is None:
        raise Refused(f"There is no method called “{wish['method'][:40]}”.")
    return found[0]


def _lent(run: Run, items: Sequence[AuditItem]) -> list[dict[str, Any]]:
    """Frames that are lent; their pictures are asked for with that."""
    frames = [item for item in items if not item.audited.is_of_times]
    made = frame_pictures([(run, item.time_s) for item in frames])
    pictures = {item.pk: picture for item, picture in zip(frames, made, strict=True)}
    return [
        {
            "id": item.pk,
            "label": item.audited.label_id,
            "what": item.audited.what,
            "time_s": item.time_s,
            "end_s": item.time_s + item.audited.stretch_s if item.audited.is_of_times else None,
            "round": item.round,
            "picture": _link(pictures.get(item.pk)),
        }
        for item in items
    ]


def _link(picture: Any) -> str | None:
    return media_link(picture.file) if picture and picture.status == Status.DONE else None


def _brand(row: Row) -> dict[str, Any]:
    standing = row.standing
    return {
        "label": row.label.pk,
        "name": row.label.name,
        "model_s": row.model_s,
        "is_audited": standing is not None,
        "round": standing.audited.round if standing else 0,
        "done": standing.n_done if standing else 0,
        "of": standing.n_of if standing else 0,
        "reading": row.reading,
        "to_halve": row.halving,
        "times": row.times and _counted(row.times),
    }


def _counted(times: Times) -> dict[str, Any]:
    standing, reading = times.standing, times.reading
    low, high = whole(reading) if reading else (0, 0)
    return {
        "model": times.model,
        "gap_s": standing.audited.gap_s,
        "minimum_s": standing.audited.minimum_s,
        "round": standing.audited.round,
        "done": standing.n_done,
        "of": standing.n_of,
        "reading": reading and {"times": times.count, "low": low, "high": high, "about": reading},
        "to_halve": times.halving,
    }
