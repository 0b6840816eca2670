"""“Not there from 0:05 to 0:09”, said of a brand in a film: it counts no more, and can be undone.

A correction is about the film and not about one analysis of it, so it holds for whatever a later
analysis finds there as well. What was found stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone

from analysis.exposure import corrections as arithmetic
from analysis.exposure.columns import clock
from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset
from webapp.projects.models import Label
from webapp.reviewing.changes import Changes

# Sent within the transaction, with the numbers of `assets` of which people say something else now.
seen_otherwise = Signal()

MOST = 5000  # of one asset: each is gone through whenever figures are made
_SAME_S = 0.001


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def standing(self) -> CorrectionQuerySet:
        """Those that were not taken back."""
        return self.filter(undone=None)

    def of(self, asset: Asset, labels: Iterable[int]) -> list[Correction]:
        """What holds of some labels in an asset, in the order in which it was said."""
        rows = self.standing().filter(asset=asset, label__in=list(labels))
        return list(rows.select_related("label", "instead", "by").order_by("pk"))

    @transaction.atomic
    def correct(
        self,
        asset: Asset,
        label: Label,
        *,
        by: User,
        start_s: float,
        end_s: float,
        instead: Label | None = None,
    ) -> Correction:
        """Raises Refused where it makes no sense, or was said already."""
        end_s = min(end_s, asset.duration_s or 0.0)
        if not 0 <= start_s < end_s:
            raise Refused("Say from when to when: the start comes before the end, in the film.")
        if instead is not None and (instead.project_id, instead.archived) != (
            *(label.project_id, None),
        ):
            raise Refused(f"{instead} is not a label of {label.project}.")
        if instead == label:
            raise Refused(f"It is {label} already.")
        mine = self.of(asset, [label.pk])
        if len(mine) >= MOST:
            raise Refused(f"{MOST:,} corrections of a label are as many as can be kept.")
        if any(one.says_the_same(start_s, end_s, instead) for one in mine):
            raise Refused("That was corrected already.")
        about = {"start_s": start_s, "end_s": end_s, "instead": instead}
        made: Correction = self.create(asset=asset, label=label, by=by, **about)
        _record(made, by, "corrected what was found")
        seen_otherwise.send(Correction, assets=[asset.pk])
        return made


class Correction(models.Model):
    """What a person says of a label in a stretch of an asset, whatever a detector says."""

    WORKSPACE = "asset__workspace"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="corrections")
    label = models.ForeignKey(Label, models.CASCADE, related_name="corrections")
    start_s = models.FloatField()
    end_s = models.FloatField()
    # the label that it is; where that is deleted, what was said of it goes too
    instead = models.ForeignKey(Label, models.CASCADE, null=True, blank=True, related_name="+")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = CorrectionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["asset", "label"], name="corrections_by_label")]

    def __str__(self) -> str:
        return self.sentence

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        Changes.note([self.asset_id])

    @property
    def sentence(self) -> str:
        """ "Kestrel is not there from 0:05.0 to 0:09.0"."""
        when = f"from {clock(self.start_s)} to {clock(self.end_s)}"
        if self.instead is None:
            return f"{self.label} is not there {when}"
        return f"{self.label} is {self.instead} {when}"

    @property
    def as_arithmetic(self) -> arithmetic.Correction:
        return arithmetic.Correction(self.label_id, self.start_s, self.end_s, self.instead_id)

    def says_the_same(self, start_s: float, end_s: float, instead: Label | None) -> bool:
        is_this = self.instead_id == (instead.pk if instead else None)
        around = self.start_s - _SAME_S <= start_s and end_s <= self.end_s + _SAME_S
        return is_this and around

    @transaction.atomic
    def undo(self, *, by: User) -> bool:
        """Let what was found count again. False: it was taken back already."""
        mine = Correction.objects.filter(pk=self.pk, undone=None)
        is_back = bool(mine.update(undone=timezone.now()))
        if is_back:
            Changes.note([self.asset_id])
            _record(self, by, "took a correction back")
            seen_otherwise.send(Correction, assets=[self.asset_id])
            self.refresh_from_db()
        return is_back


def _record(correction: Correction, by: User, what: str) -> None:
    asset = correction.asset
    Event.record(asset.workspace, by, what, str(asset), correction=correction.sentence)
