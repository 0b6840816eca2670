"""Moments of an asset, and how people corrected them: beside what was found, never over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.moments.outlines import Outline

LONGEST = 120  # characters of a title


class Moment(models.Model):
    """As it was found: a topic or a chapter of what is said, or where the sound stands out."""

    WORKSPACE = "outline__asset__workspace"

    class Kind(models.TextChoices):
        CHAPTER = "chapter"
        TOPIC = "topic"
        LOUD = "loud"
        APPLAUSE = "applause"

    # found by the index below, which begins with it
    outline = models.ForeignKey(Outline, models.CASCADE, related_name="moments", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    start_s = models.FloatField()
    end_s = models.FloatField()
    title = models.CharField(max_length=LONGEST)
    phrases: Any = models.JSONField(default=list, blank=True)
    entities: Any = models.JSONField(default=list, blank=True)  # [{"text", "kind", "count"}]
    score = models.FloatField(default=0)  # 0 to 1: how much it stands out
    chapter = models.PositiveIntegerField(default=0)  # of a topic: which one it is in, from 0

    class Meta:
        ordering = ["outline_id", "start_s", "pk"]
        indexes = [models.Index(fields=["outline", "kind", "start_s"], name="moments_by_time")]

    def __str__(self) -> str:
        return f"{self.title} at {self.start_s:.1f} s"


class MomentEditQuerySet(models.QuerySet["MomentEdit"]):
    def standing(self) -> MomentEditQuerySet:
        """Those that were not taken back."""
        return self.filter(undone=None)

    @transaction.atomic
    def make(
        self,
        moment: Moment,
        *,
        by: User,
        title: str | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        is_gone: bool | None = None,
    ) -> MomentEdit:
        """Let this stand for what was found; None leaves it. Raises Refused."""
        title = None if title is None else " ".join(title.split())
        now = read([moment])[0]
        wish = replace(now, **_given(title=title, start_s=start_s, end_s=end_s, is_gone=is_gone))
        if not wish.title:
            raise Refused("A moment needs a title.")
        if len(wish.title) > LONGEST:
            raise Refused(f"A title has at most {LONGEST} characters.")
        asset = moment.outline.asset
        times = wish.start_s, wish.end_s
        if not all(map(isfinite, times)) or not 0 <= wish.start_s < wish.end_s:
            raise Refused("A moment begins before it ends.")
        if asset.duration_s and wish.end_s > asset.duration_s + 0.5:
            raise Refused("A moment ends within its film.")
        if wish == now:
            raise Refused("It says that already.")
        edit = self.create(
            moment=moment, by=by, title=title, start_s=start_s, end_s=end_s, is_gone=is_gone
        )
        _record(moment, by, "took out a moment" if is_gone else "corrected a moment")
        return edit


class MomentEdit(models.Model):
    """What a person says of a moment: of each column, the latest that was not taken back holds."""

    WORKSPACE = "moment__outline__asset__workspace"

    moment = models.ForeignKey(Moment, models.CASCADE, related_name="edits")
    title = models.CharField(max_length=LONGEST, null=True, blank=True)  # noqa: DJ001  null: as found
    start_s = models.FloatField(null=True, blank=True)
    end_s = models.FloatField(null=True, blank=True)
    is_gone = models.BooleanField(null=True, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = MomentEditQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"correction of {self.moment} by {self.by}"

    def values(self) -> dict[str, Any]:
        """What it changes."""
        return _given(
            title=self.title, start_s=self.start_s, end_s=self.end_s, is_gone=self.is_gone
        )

    @transaction.atomic
    def undo(self, *, by: User) -> bool:
        """Take it back. False: it was taken back already."""
        mine = MomentEdit.objects.filter(pk=self.pk, undone=None)
        is_back = bool(mine.update(undone=timezone.now()))
        if is_back:
            _record(self.moment, by, "took back a correction")
            self.refresh_from_db()
        return is_back


@dataclass(frozen=True, slots=True)
class MomentRead:
    """A moment as people read it. `edit`: the latest correction that holds, or None."""

    moment: Moment
    title: str
    start_s: float
    end_s: float
    is_gone: bool = False
    edit: MomentEdit | None = None

    @property
    def more_phrases(self) -> list[str]:
        """Those that its title does not say."""
        title = self.title.casefold()
        return [phrase for phrase in self.moment.phrases if phrase.casefold() not in title]

    @property
    def is_edited(self) -> bool:
        return self.edit is not None


def read(moments: Iterable[Moment]) -> list[MomentRead]:
    """As people corrected them; those that they took out are among them, and say so."""
    rows = list(moments)
    found = {row.pk: MomentRead(row, row.title, row.start_s, row.end_s) for row in rows}
    edits = MomentEdit.objects.standing().filter(moment__in=rows).select_related("by")
    for edit in edits.order_by("pk"):
        before = found[edit.moment_id]
        found[edit.moment_id] = replace(before, edit=edit, **edit.values())
    return sorted(found.values(), key=lambda one: (one.start_s, one.moment.pk))


def moments_of(outline: Outline | None, *kinds: str) -> list[MomentRead]:
    """Those of an outline that stand, by time."""
    if outline is None:
        return []
    rows = outline.moments.filter(kind__in=kinds) if kinds else outline.moments.all()
    return [one for one in read(rows) if not one.is_gone]


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _record(moment: Moment, by: User, what: str) -> None:
    asset = moment.outline.asset
    about = {"kind": moment.kind, "time_s": round(moment.start_s, 2), "was": moment.title}
    Event.record(asset.workspace, by, what, str(asset), moment=moment.pk, **about)
