"""“This is not Emirates”, said of a mention: it counts no more, and can be taken back.

A mention is no row: it is found anew whenever somebody asks. What a person turned down is kept by
label, source and time, and holds for whatever is found there, also in a later transcript.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset
from webapp.projects.models import Label

_SHARED = 0.5  # of the shorter of two spans: words move a little between two transcripts
_SHORTEST_S = 0.01

Span = tuple[float, float]


class DeniedMentionQuerySet(models.QuerySet["DeniedMention"]):
    def standing(self) -> DeniedMentionQuerySet:
        """Those that were not taken back."""
        return self.filter(undone=None)

    def of(self, asset: Asset, labels: Iterable[Label]) -> list[DeniedMention]:
        """What holds of some labels in an asset."""
        wanted = [label.pk for label in labels]
        return list(self.standing().filter(asset=asset, label__in=wanted).order_by("pk"))

    @transaction.atomic
    def deny(
        self, asset: Asset, label: Label, *, by: User, source: str, span: Span, text: str
    ) -> DeniedMention:
        """Raises Refused where it was turned down already."""
        if who_denied(self.of(asset, [label]), label.pk, source, *span):
            raise Refused("That was turned down already.")
        start_s, end_s = span
        about = {"source": source, "start_s": start_s, "end_s": end_s, "text": text}
        denied: DeniedMention = self.create(asset=asset, label=label, by=by, **about)
        _record(denied, by, "turned down a mention")
        return denied


class DeniedMention(models.Model):
    """What a person says is no mention of a label, although it was found as one."""

    WORKSPACE = "asset__workspace"

    class Source(models.TextChoices):
        SAID = "said"
        WRITTEN = "written"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="denied_mentions")
    label = models.ForeignKey(Label, models.CASCADE, related_name="denied_mentions")
    source = models.CharField(max_length=8, choices=Source)
    start_s = models.FloatField()
    end_s = models.FloatField()
    text = models.CharField(max_length=200)  # what was said or written
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = DeniedMentionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["asset", "label"], name="denied_by_label")]

    def __str__(self) -> str:
        return f"“{self.text}” is not {self.label}"

    def covers(self, label: int, source: str, start_s: float, end_s: float) -> bool:
        """Whether a mention is the one that was turned down: they share most of the shorter."""
        if (label, source) != (self.label_id, self.source):
            return False
        shared = min(end_s, self.end_s) - max(start_s, self.start_s)
        shorter = min(end_s - start_s, self.end_s - self.start_s)
        return shared >= _SHARED * max(shorter, _SHORTEST_S)

    @transaction.atomic
    def undo(self, *, by: User) -> bool:
        """Let the mention count again. False: it was taken back already."""
        mine = DeniedMention.objects.filter(pk=self.pk, undone=None)
        is_back = bool(mine.update(undone=timezone.now()))
        if is_back:
            _record(self, by, "let a mention count again")
            self.refresh_from_db()
        return is_back


def who_denied(
    denied: Sequence[DeniedMention], label: int, source: str, start_s: float, end_s: float
) -> DeniedMention | None:
    """What turns a mention down; None where it counts."""
    return next((d for d in denied if d.covers(label, source, start_s, end_s)), None)


def _record(denied: DeniedMention, by: User, what: str) -> None:
    about = {"label": denied.label.name, "text": denied.text, "time_s": round(denied.start_s, 2)}
    Event.record(denied.asset.workspace, by, what, str(denied.asset), **about)
