"""Rows that one worker at a time may work on.

The database arbitrates: a row is claimed with one conditional UPDATE, held while its lease is
renewed, and free again when the lease runs out. Every later write by the holder names the lease
token, so a worker that lost its lease while it slept can change nothing.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class Status(models.TextChoices):
    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


def lease_end() -> Any:
    return timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)


class LeasedQuerySet(models.QuerySet):
    def claimable(self) -> Self:
        """Waiting, or left behind by a worker that died."""
        return self.filter(
            Q(status=Status.WAITING) | Q(status=Status.WORKING, lease_until__lt=timezone.now())
        )

    def claim(self, pk: int, worker: str) -> Any:
        """Take the row, or return None because another worker has it."""
        token = secrets.token_hex(8)
        taken = (
            self.filter(pk=pk)
            .claimable()
            .update(
                status=Status.WORKING,
                lease_token=token,
                lease_until=lease_end(),
                worker=worker,
                attempt=F("attempt") + 1,
                started=timezone.now(),
                error="",
            )
        )
        return self.get(pk=pk) if taken else None

    def expired(self) -> Self:
        return self.filter(status=Status.WORKING, lease_until__lt=timezone.now())


class Leased(models.Model):
    """What a claimed row carries. `attempt` counts the claims since anything of it was stored, so
    a poisonous row stops in the end, and one that only was unlucky goes on."""

    MAX_ATTEMPTS = 5

    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=16, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    can_retry = models.BooleanField(default=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        abstract = True

    def _mine(self) -> models.QuerySet:
        manager = type(self)._default_manager
        return manager.filter(pk=self.pk, status=Status.WORKING, lease_token=self.lease_token)

    def renew(self, **changes: Any) -> bool:
        """Hold on for another lease. False: the row is gone or somebody else's; stop working."""
        return bool(self._mine().update(lease_until=lease_end(), **changes))

    def progressed(self, **changes: Any) -> bool:
        """Something is stored that the next claim goes on from, so the attempts before it do not
        count any more. False: the row is gone or somebody else's; stop working."""
        return bool(self._mine().update(lease_until=lease_end(), attempt=1, **changes))

    def release(self) -> None:
        """Give the row back untouched: pausing and shutting down are not attempts."""
        self._mine().update(
            status=Status.WAITING, lease_until=None, lease_token="", attempt=F("attempt") - 1
        )

    def finish(self, **changes: Any) -> bool:
        """Done. False: the lease was lost, and whoever has it now will finish."""
        return bool(
            self._mine().update(
                status=Status.DONE,
                lease_until=None,
                finished=timezone.now(),
                error="",
                **changes,
            )
        )

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
