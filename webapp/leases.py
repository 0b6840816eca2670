"""Rows that one worker at a time may work on.

The database arbitrates: a row is claimed with one conditional UPDATE, held while its lease is
renewed, and free again when the lease runs out. Every later write by the holder names the lease
token, so a worker that lost its lease while it slept can change nothing. Leases are written and
judged by the database's clock, so that no machine's own clock can steal from another.

A kind of long work is one model that inherits from `Leased` and names its `PIECE`, and one
function in `workers` with the decorator `piece`. The sweep, the system page, removal and the
doctor find it by the model.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import connection, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from webapp import jobs


class Status(models.TextChoices):
    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


UNFINISHED = (Status.WAITING, Status.WORKING)
_Row = TypeVar("_Row")
_AT_ONCE = 8  # candidates that are looked at together where rows cannot be skipped
_RESTED = timedelta(minutes=1)


@dataclass(frozen=True)
class Piece:
    """A kind of long work: the Celery task that does a piece of it, and where it queues."""

    task: str
    queue: str
    what: str  # in words, such as "uploads"
    soon: Q | None = None  # the rows that somebody waits for: they go to the queue `soon`
    what_soon: str = ""  # what these are, in words


def pieces() -> list[type[Leased]]:
    """Every kind of long work there is."""
    return [model for model in apps.get_models() if issubclass(model, Leased)]


def kinds_at_hand() -> list[type[Leased]]:
    """The kinds of which anything waits or is worked on.

    One question however many kinds there are: mostly there is nothing to do, and that is asked
    every few seconds and after each piece.
    """
    kinds = pieces()
    name = connection.ops.quote_name
    unfinished = ", ".join(f"'{status}'" for status in UNFINISHED)
    asked = " UNION ALL ".join(
        f"SELECT {number} WHERE EXISTS"  # noqa: S608  names of our own tables
        f" (SELECT 1 FROM {name(kind._meta.db_table)} WHERE status IN ({unfinished}))"
        for number, kind in enumerate(kinds)
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [kinds[number] for (number,) in cursor.fetchall()]


def from_now(seconds: float) -> Any:
    """A moment by the database's clock."""
    return Now() + timedelta(seconds=seconds)


def lease_end() -> Any:
    return from_now(settings.LEASE_SECONDS)


def claim_first(candidates: models.QuerySet, claim: Callable[[int], _Row | None]) -> _Row | None:
    """The first of these rows that nobody takes meanwhile, claimed; None when none is left.

    However many claim at once, each gets a row while there is one: where the database can, what
    others are just taking is skipped; elsewhere whoever loses a race goes on to the next row.
    """
    if connection.features.has_select_for_update_skip_locked:
        with transaction.atomic():
            rows = candidates.select_for_update(skip_locked=True, of=("self",))
            row = rows.only("pk").first()
            return None if row is None else claim(row.pk)
    while some := list(candidates.values_list("pk", flat=True)[:_AT_ONCE]):
        for pk in some:
            if (taken := claim(pk)) is not None:
                return taken
    return None


_Leased = TypeVar("_Leased", bound="Leased", covariant=True)


def taken(token: Any, worker: Any, *, until: Any) -> dict[str, Any]:
    """What a claim writes."""
    return {
        "status": Status.WORKING,
        "lease_token": token,
        "lease_until": until,
        "worker": worker,
        "attempt": F("attempt") + 1,
        "started": Now(),
        "error": "",
    }


def done() -> dict[str, Any]:
    """What a finish writes."""
    return {
        "status": Status.DONE,
        "lease_until": None,
        "finished": timezone.now(),
        "error": "",
    }


class LeasedQuerySet(models.QuerySet[_Leased]):
    def unfinished(self) -> Self:
        return self.filter(status__in=UNFINISHED)

    def claimable(self) -> Self:
        """Waiting, or left behind by a worker that died."""
        again = Q(status=Status.WORKING, attempt__lt=self.model.MAX_ATTEMPTS)
        # said for itself, so that the index over the unfinished is found
        return self.unfinished().filter(_is_free()).filter(Q(status=Status.WAITING) | again)

    def waiting(self) -> Self:
        """Of the claimable those that wait, in as few words: with more, PostgreSQL takes the index
        over the unfinished for dear."""
        return self.filter(_is_free(), status=Status.WAITING)

    def in_queue(self, queue: str) -> Self:
        """Those whose doorbell is rung in this queue."""
        kind: Piece = self.model.PIECE
        if kind.soon is None or kind.queue == "soon":
            return self if queue == kind.queue else self.none()
        if queue == "soon":
            return self.filter(kind.soon)
        return self.filter(~kind.soon) if queue == kind.queue else self.none()

    def open(self) -> Self:
        """Those that a worker may take now."""
        return self.claimable()

    def claim(self, pk: int, worker: str) -> Any:
        """Take the row, or return None because another worker has it."""
        changes = taken(secrets.token_hex(8), worker, until=lease_end())
        mine = self.filter(pk=pk).claimable().update(**changes)
        return self.get(pk=pk) if mine else None

    def claim_next(self, worker: str) -> Any:
        """Take the oldest row that is free, or return None because none is."""
        return claim_first(self.open().order_by("pk"), lambda pk: self.claim(pk, worker))

    def expired(self) -> Self:
        return self.filter(status=Status.WORKING, lease_until__lt=Now())


def _is_free() -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=Now())


_TELLING = 0.02  # what is done tells how long the rest takes from this share on


def about_left_s(row: Leased, share: float) -> float | None:
    """About how many seconds to go, as long as the `share` done so far took; None before that
    tells anything."""
    if row.status != Status.WORKING or not row.started or share < _TELLING:
        return None
    passed_s = (timezone.now() - row.started).total_seconds()
    return passed_s * (1 - share) / share


class Leased(models.Model):
    """What a claimed row carries. `attempt` counts the claims since anything of it was stored, so
    a poisonous row stops in the end, and one that only was unlucky goes on."""

    PIECE: ClassVar[Piece]
    MAX_ATTEMPTS = 5
    CANCELLED = "It was cancelled."

    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    # while it is worked on; while it waits: not to be taken before
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=16, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    can_retry = models.BooleanField(default=True)

    objects: Any = LeasedQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes = [
            # what is there to do: few rows, however many are done
            models.Index(
                fields=["status", "lease_until"],
                name="%(app_label)s_%(class)s_open",
                condition=Q(status__in=["waiting", "working"]),
            )
        ]

    # --- for people -----------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        return self.status not in UNFINISHED

    @property
    def queue(self) -> str:
        """The queue in which its doorbell is rung."""
        kind = self.PIECE
        if kind.soon is None:
            return kind.queue
        is_soon = type(self)._base_manager.filter(kind.soon, pk=self.pk).exists()
        return "soon" if is_soon else kind.queue

    def cancel(self, **changes: Any) -> bool:
        """End it now. The worker learns it with its next heartbeat. False: it is over."""
        changes = self._where_there_are(is_cancelled=True) | changes
        return self._moved(
            UNFINISHED,
            status=Status.FAILED,
            error=self.CANCELLED,
            can_retry=True,
            finished=timezone.now(),
            **changes,
        )

    def retry(self, **changes: Any) -> bool:
        """Another try at one that failed for a reason that may have gone, or was cancelled.

        A worker that has not noticed yet that it was cancelled lets go first: its lease stays.
        """
        changes = self._where_there_are(is_cancelled=False, step="", progress=0.0) | changes
        moved = self._moved(
            (Status.FAILED,), status=Status.WAITING, attempt=0, error="", finished=None, **changes
        )
        if moved:
            jobs.ring(self)
        return moved

    def retry_when_rested(self) -> bool:
        """Another try at one that failed for a passing reason, once a minute at most."""
        rested = self.finished is not None and self.finished < timezone.now() - _RESTED
        return self.status == Status.FAILED and self.can_retry and rested and self.retry()

    def _moved(self, before: tuple[str, ...], **after: Any) -> bool:
        rows = type(self)._default_manager.filter(pk=self.pk, status__in=before)
        if Status.FAILED in before:
            rows = rows.filter(can_retry=True)
        moved = bool(rows.update(**after))
        if moved:
            self.refresh_from_db()
        return moved

    def _where_there_are(self, **columns: Any) -> dict[str, Any]:
        return {name: value for name, value in columns.items() if _has(type(self), name)}

    # --- for the worker that holds it -------------------------------------------------------

    def _mine(self) -> models.QuerySet:
        manager = type(self)._default_manager
        return manager.filter(pk=self.pk, status=Status.WORKING, lease_token=self.lease_token)

    def is_wanted(self) -> bool:
        """Whether to go on, beyond that the row is still this worker's: asked with each beat."""
        return True

    def renew(self, **changes: Any) -> bool:
        """Hold on for another lease. False: the row is gone or somebody else's; stop working."""
        return bool(self._mine().update(lease_until=lease_end(), **changes))

    def progressed(self, **changes: Any) -> bool:
        """Something is stored that the next claim goes on from, so the attempts before it do not
        count any more. False: the row is gone or somebody else's; stop working."""
        return self.renew(attempt=1, **changes)

    def release(self) -> None:
        """Give the row back untouched: pausing and shutting down are not attempts."""
        self._mine().update(
            status=Status.WAITING, lease_until=None, lease_token="", attempt=F("attempt") - 1
        )

    def postpone(self, seconds: float, **changes: Any) -> bool:
        """Give the row back, for nobody to take before so many seconds."""
        later = {"status": Status.WAITING, "lease_until": from_now(seconds), "lease_token": ""}
        return bool(self._mine().update(**later | changes))

    def let_go(self) -> None:
        """Say of a row that was taken away meanwhile (cancelled) that nobody works on it now."""
        held = type(self)._base_manager.filter(pk=self.pk, lease_token=self.lease_token)
        held.exclude(status=Status.WORKING).update(lease_until=None, lease_token="")

    def finish(self, **changes: Any) -> bool:
        """Done. False: the lease was lost, and whoever has it now will finish."""
        return bool(self._mine().update(**done() | changes))

    def fail(self, message: str, *, can_retry: bool, **changes: Any) -> bool:
        return bool(
            self._mine().update(
                status=Status.FAILED,
                lease_until=None,
                finished=timezone.now(),
                error=message,
                can_retry=can_retry,
                **changes,
            )
        )


def _has(model: type[models.Model], column: str) -> bool:
    try:
        model._meta.get_field(column)
    except FieldDoesNotExist:
        return False
    return True
