"""“This box is right”, “it is none”, “it is another brand”: what a person says of single boxes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from analysis.exposure import corrections as arithmetic
from analysis.types import Box
from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.projects.models import Label


class VerdictQuerySet(models.QuerySet["Verdict"]):
    def standing(self) -> VerdictQuerySet:
        """Those that were not taken back."""
        return self.filter(undone=None)

    def of(self, asset: Asset, labels: Iterable[int]) -> list[Verdict]:
        """What holds of some labels in an asset, in the order in which it was said."""
        among = list(labels)
        rows = self.standing().filter(asset=asset)
        meant = rows.filter(Q(label__in=among) | Q(actually__in=among))
        return list(meant.order_by("pk"))

    def take_back(self) -> int:
        """Let what was found count again. Returns how many."""
        return self.standing().update(undone=timezone.now())


class Verdict(models.Model):
    """What a person says of one box of a frame, or of its whole track. See
    `analysis.exposure.corrections.Verdict`, whose words these are."""

    WORKSPACE = "asset__workspace"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="verdicts")
    label = models.ForeignKey(Label, models.CASCADE, related_name="verdicts")
    time_s = models.FloatField()
    box: Any = models.JSONField()  # xyxy fractions of the frame
    # the label that it is, or none; where it is deleted, what was said of it goes too
    actually = models.ForeignKey(Label, models.CASCADE, null=True, blank=True, related_name="+")
    moved_to: Any = models.JSONField(null=True, blank=True)
    is_drawn = models.BooleanField(default=False)
    start_s = models.FloatField(null=True, blank=True)  # of its track, where all of it is meant
    end_s = models.FloatField(null=True, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = VerdictQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["asset", "undone"], name="verdicts_standing")]

    def __str__(self) -> str:
        return f"a {self.kind} box at {self.time_s:.2f} s"

    @property
    def kind(self) -> str:
        """confirmed, rejected, renamed or drawn."""
        if self.is_drawn:
            return "drawn"
        if self.actually_id is None:
            return "rejected"
        return "confirmed" if self.actually_id == self.label_id else "renamed"

    @property
    def as_arithmetic(self) -> arithmetic.Verdict:
        lasts = None
        if self.start_s is not None and self.end_s is not None:
            lasts = (self.start_s, self.end_s)
        return arithmetic.Verdict(
            self.label_id,
            self.time_s,
            Box(*self.box),
            self.actually_id,
            Box(*self.moved_to) if self.moved_to else None,
            self.is_drawn,
            lasts,
        )
