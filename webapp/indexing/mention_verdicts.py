"""“This is not Emirates”, “it is”, “it is Etihad”: what people say of a mention. Each can be taken
back.

A mention is no row: it is found anew whenever somebody asks. What a person said of it is kept by
label, source and time, and holds for whatever is found there, also in a later transcript.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset
from webapp.projects.models import Label

_SHARED = 0.5  # of the shorter of two spans: words move a little between two transcripts
_SHORTEST_S = 0.01
_SAID = {
    "rejected": "turned down a mention",
    "confirmed": "confirmed a mention",
    "renamed": "said of which brand a mention is",
}

Span = tuple[float, float]


class MentionVerdictQuerySet(models.QuerySet["MentionVerdict"]):
    def standing(self) -> MentionVerdictQuerySet:
        """Those that were not taken back."""
        return self.filter(undone=None)

    def turning_down(self) -> MentionVerdictQuerySet:
        """Those by which a mention is none of any brand."""
        return self.filter(actually=None)

    def of(self, asset: Asset, labels: Iterable[Label]) -> list[MentionVerdict]:
        """What holds of some labels in an asset, in the order in which it was said."""
        wanted = [label.pk for label in labels]
        about = Q(label__in=wanted) | Q(actually__in=wanted)
        rows = self.standing().filter(about, asset=asset)
        return list(rows.select_related("label", "actually").order_by("pk"))

    @transaction.atomic
    def say(
        self,
        asset: Asset,
        label: Label,
        *,
        by: User | None,
        source: str,
        span: Span,
        text: str,
        actually: Label | None,
    ) -> MentionVerdict:
        """What a mention of `label` is: that, another label, or none. Raises Refused where that was
        said already, and for a label of another project."""
        if actually is not None and actually.project_id != label.project_id:
            raise Refused(f"{actually} is not a label of {label.project}.")
        before = said_of(self.of(asset, [label]), label.pk, source, *span)
        if before is not None and before.actually_id == (actually.pk if actually else None):
            done = "turned down" if actually is None else "said"
            raise Refused(f"That was {done} already.")
        start_s, end_s = span
        about = {"source": source, "start_s": start_s, "end_s": end_s, "text": text[:200]}
        made: MentionVerdict = self.create(
            asset=asset, label=label, actually=actually, by=by, **about
        )
        _record(made, by, _SAID[made.kind])
        return made

    def deny(
        self, asset: Asset, label: Label, *, by: User, source: str, span: Span, text: str
    ) -> MentionVerdict:
        """It is none of that label. Raises Refused where it was turned down already."""
        about: dict[str, Any] = {"by": by, "source": source, "span": span, "text": text}
        return self.say(asset, label, actually=None, **about)

    def take_back(self) -> int:
        """Let what was found count again. Returns how many."""
        return self.standing().update(undone=timezone.now())


class MentionVerdict(models.Model):
    """What a person says of a mention: `label` is what it was found as, `actually` what it is."""

    WORKSPACE = "asset__workspace"

    class Source(models.TextChoices):
        SAID = "said"
        WRITTEN = "written"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="mention_verdicts")
    label = models.ForeignKey(Label, models.CASCADE, related_name="mention_verdicts")
    # none: it is no mention of any; where the label is deleted, what was said of it goes too
    actually = models.ForeignKey(Label, models.CASCADE, null=True, blank=True, related_name="+")
    source = models.CharField(max_length=8, choices=Source)
    start_s = models.FloatField()
    end_s = models.FloatField()
    text = models.CharField(max_length=200)  # what was said or written
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = MentionVerdictQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["asset", "label"], name="mentions_judged_by_label")]

    def __str__(self) -> str:
        said = {
            "rejected": f"is not {self.label}",
            "confirmed": f"is {self.label}",
            "renamed": f"is {self.actually}, not {self.label}",
        }
        return f"“{self.text}” {said[self.kind]}"

    @property
    def kind(self) -> str:
        """rejected, confirmed or renamed."""
        if self.actually_id is None:
            return "rejected"
        return "confirmed" if self.actually_id == self.label_id else "renamed"

    def covers(self, label: int, source: str, start_s: float, end_s: float) -> bool:
        """Whether a mention is the one that this is about: they share most of the shorter."""
        if (label, source) != (self.label_id, self.source):
            return False
        return is_same_span((self.start_s, self.end_s), (start_s, end_s))

    @transaction.atomic
    def undo(self, *, by: User) -> bool:
        """Let the mention count as it was found. False: it was taken back already."""
        is_back = bool(MentionVerdict.objects.filter(pk=self.pk).take_back())
        if is_back:
            again = self.kind == "rejected"
            _record(
                self, by, "let a mention count again" if again else "took back what a mention is"
            )
            self.refresh_from_db()
        return is_back


def is_same_span(one: Span, other: Span) -> bool:
    """Whether two spans are one thing that was heard twice: they share most of the shorter."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    shorter = min(one[1] - one[0], other[1] - other[0])
    return shared >= _SHARED * max(shorter, _SHORTEST_S)


def said_of(
    said: Sequence[MentionVerdict], label: int, source: str, start_s: float, end_s: float
) -> MentionVerdict | None:
    """What was said last of a mention; None where nobody said anything."""
    return next((v for v in reversed(said) if v.covers(label, source, start_s, end_s)), None)


def _record(verdict: MentionVerdict, by: User | None, what: str) -> None:
    about = {"label": verdict.label.name, "text": verdict.text}
    if verdict.actually is not None:
        about["actually"] = verdict.actually.name
    at = round(verdict.start_s, 2)
    Event.record(verdict.asset.workspace, by, what, str(verdict.asset), time_s=at, **about)
