"""A frame that somebody is asked about: who has it in front of them, and what they said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import numpy as np
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from analysis.auditing import Answers
from webapp.accounts.models import User
from webapp.auditing.audits import Audit, AuditedLabel
from webapp.leases import from_now

LEASE_S = 300.0  # how long a frame waits for whoever was given it


class AuditItemQuerySet(models.QuerySet["AuditItem"]):
    def open(self) -> Self:
        return self.filter(answer="")

    def free(self) -> Self:
        """Those that nobody has in front of them."""
        return self.open().filter(Q(lease_until=None) | Q(lease_until__lt=Now()))

    def held_by_others(self, by: User) -> Self:
        return self.open().filter(lease_until__gt=Now()).exclude(leased_to=by)

    def in_order(self) -> Self:
        """Brand after brand, each in the order by lot."""
        return self.order_by("audited__label__position", "audited__what", "audited", "place")

    def lend(self, audit: Audit, by: User, n: int) -> list[AuditItem]:
        """The next n frames for this person: those they have, for longer, and then free ones.

        Each is taken by one conditional UPDATE, so no two people are given the same. It names no
        other table: PostgreSQL, which waited for another's UPDATE, judges a joined row as it was.
        """
        rows = self.filter(audited__in=list(audit.labels.values_list("pk", flat=True)))
        until = from_now(LEASE_S)
        rows.open().filter(leased_to=by).update(lease_until=until)
        mine = list(rows.open().filter(leased_to=by).in_order().values_list("pk", flat=True)[:n])
        while len(mine) < n:
            offered = list(rows.free().in_order().values_list("pk", flat=True)[: n - len(mine)])
            if not offered:
                break
            for pk in offered:
                if rows.free().filter(pk=pk).update(leased_to=by, lease_until=until):
                    mine.append(pk)
        return list(rows.filter(pk__in=mine).select_related("audited__label").in_order())


class AuditItem(models.Model):
    """One frame of one brand, or one stretch of film. `place` is its turn; `stratum` is one of
    `analysis.auditing.STRATA`.

    What people answer here trains nothing: a model would look better than it is on the very frames
    that say how good it is.
    """

    WORKSPACE = "audited__audit__run__asset__workspace"

    class Answer(models.TextChoices):
        THERE = "there", "It is there"
        NOT_THERE = "not_there", "It is not there"
        UNSURE = "unsure", "Cannot tell"

    TOLD = (Answer.THERE, Answer.NOT_THERE)

    audited = models.ForeignKey(AuditedLabel, models.CASCADE, related_name="items", db_index=False)
    # its position among the run's analysed frames, or stretches
    frame = models.PositiveIntegerField()
    time_s = models.FloatField()
    stratum = models.PositiveSmallIntegerField()
    place = models.PositiveIntegerField()
    round = models.PositiveSmallIntegerField()
    lease_until = models.DateTimeField(null=True, blank=True)
    leased_to = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    answer = models.CharField(max_length=9, choices=Answer, blank=True)
    answered_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    answered = models.DateTimeField(null=True, blank=True)
    # given of this frame in the analysis that this one looked again in
    is_carried = models.BooleanField(default=False)
    spent_s = models.FloatField(default=0)  # between seeing the frame and answering

    objects: ClassVar[Any] = AuditItemQuerySet.as_manager()

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["audited", "frame"], name="one_item_a_frame"),
        ]
        indexes = [
            models.Index(fields=["audited", "place"], name="audit_items_in_turn"),
            models.Index(fields=["answered"], name="audit_items_answered"),
        ]

    def __str__(self) -> str:
        return f"frame at {self.time_s:.2f} s for {self.audited}"


def answers_of(rows: Iterable[tuple[int, str]]) -> Answers:
    """Of (frame, answer), as the arithmetic wants them; who could not tell said nothing."""
    told = [(frame, answer) for frame, answer in rows if answer in AuditItem.TOLD]
    return Answers(
        np.array([frame for frame, _ in told], np.intp),
        np.array([answer == AuditItem.Answer.THERE for _, answer in told], np.bool_),
    )
