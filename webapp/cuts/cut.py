"""A cut and its clips, as people make them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from math import isfinite
from typing import Any, ClassVar, Literal

from django.db import models, transaction
from django.utils import timezone

from analysis.cutting import Clip, Source
from analysis.cutting.clips import LONGEST_TITLE
from webapp import erasing
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.assets.models import ERASE_AFTER, Asset
from webapp.cuts.sources import source_of, sources_of

MOST_CLIPS = 500
_KEPT = timedelta(days=1)  # what was taken out of a cut, to be put back
_LEAST_S = 0.01
Border = Literal["start", "end"]


class CutQuerySet(models.QuerySet["Cut"]):
    @transaction.atomic
    def make(
        self,
        workspace: Workspace,
        clips: Sequence[Clip],
        *,
        title: str,
        by: User | None,
        chosen: dict[str, Any] | None = None,
    ) -> Cut:
        """A new cut of these clips, whose sources are `about` an asset. `chosen`: how they were.

        Raises Refused for none, and for more than a cut can have.
        """
        if not clips:
            raise Refused("There is nothing to cut: no part of a film was chosen.")
        title = one_line(title)[:LONGEST_TITLE] or "Cut"
        cut = self.create(workspace=workspace, title=title, made_by=by, chosen=chosen or {})
        cut.add(clips)
        Event.record(workspace, by, "made a cut", cut.title, cut=cut.pk, clips=len(clips))
        return cut


class VisibleCuts(models.Manager.from_queryset(CutQuerySet)["Cut"]):  # type: ignore[misc]
    """All but those that were deleted and wait to be erased."""

    def get_queryset(self) -> CutQuerySet:
        return CutQuerySet(self.model, using=self._db).filter(removed=None)


class Cut(models.Model):
    """Clips in an order. `chosen` says how they were found: a query, topics, a brand."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="cuts")
    title = models.CharField(max_length=LONGEST_TITLE)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    chosen: Any = models.JSONField(default=dict, blank=True)
    removed = models.DateTimeField(null=True, blank=True, db_index=True)

    objects: ClassVar[Any] = VisibleCuts()
    everything: ClassVar[Any] = CutQuerySet.as_manager()

    class Meta:
        ordering = ["-changed", "-pk"]
        indexes = [models.Index(fields=["workspace", "-changed"], name="cuts_of_workspace")]

    def __str__(self) -> str:
        return self.title

    # --- what is in it ------------------------------------------------------------------------

    def standing(self) -> models.QuerySet[CutClip]:
        """Its clips in their order, also those whose film was deleted."""
        clips = self.clips.filter(removed=None)
        return clips.select_related("asset").order_by("place", "pk")

    def playable(self) -> list[CutClip]:
        """Those whose film is there."""
        return [clip for clip in self.standing() if not clip.is_gone]

    @property
    def fingerprint(self) -> str:
        """Changes with anything that a rendering shows."""
        rows = [
            (clip.asset_id, clip.start_s, clip.end_s, clip.title)
            for clip in self.standing()
            if not clip.is_gone
        ]
        return hashlib.sha256(json.dumps([self.title, rows]).encode()).hexdigest()[:16]

    # --- changing it --------------------------------------------------------------------------

    @transaction.atomic
    def add(self, clips: Sequence[Clip]) -> list[CutClip]:
        """Put these at its end. Raises Refused for more than a cut can have."""
        held = Cut.everything.select_for_update().get(pk=self.pk)
        n_clips = held.standing().count() + len(clips)
        if n_clips > MOST_CLIPS:
            raise Refused(f"A cut has at most {MOST_CLIPS} clips; this one would have {n_clips}.")
        first = (held.clips.aggregate(last=models.Max("place"))["last"] or 0) + 1
        rows = [
            CutClip(
                cut=self,
                asset_id=clip.source.about,
                asset_name=clip.source.name,
                place=place,
                start_s=round(clip.start_s, 6),
                end_s=round(clip.end_s, 6),
                title=clip.title[:LONGEST_TITLE],
            )
            for place, clip in enumerate(clips, start=first)
        ]
        made = CutClip.objects.bulk_create(rows)
        self.touch()
        return made

    def rename(self, title: str, *, by: User | None) -> None:
        """Raises Refused for no title."""
        title = one_line(title)
        if not title:
            raise Refused("A cut needs a title.")
        if len(title) > LONGEST_TITLE:
            raise Refused(f"A title has at most {LONGEST_TITLE} characters.")
        before, self.title = self.title, title
        self.save(update_fields=["title", "changed"])
        Event.record(self.workspace, by, "renamed a cut", title, before=before)

    def touch(self) -> None:
        self.save(update_fields=["changed"])

    def remove(self, *, by: User | None) -> bool:
        """Out of sight, and its links with it; erased when nobody asks for it back."""
        hidden = Cut.objects.filter(pk=self.pk).update(removed=timezone.now())
        if hidden:
            Event.record(self.workspace, by, "deleted a cut", self.title, cut=self.pk)
        return bool(hidden)

    def restore(self, *, by: User | None) -> bool:
        back = Cut.everything.filter(pk=self.pk).exclude(removed=None).update(removed=None)
        if back:
            Event.record(self.workspace, by, "restored a cut", self.title, cut=self.pk)
        return bool(back)


class CutClip(models.Model):
    """A stretch of an asset in a cut. Where the asset was deleted, its name stays."""

    WORKSPACE = "cut__workspace"

    cut = models.ForeignKey(Cut, models.CASCADE, related_name="clips")
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, related_name="cut_clips")
    asset_name = models.CharField(max_length=255)
    place = models.PositiveIntegerField()
    start_s = models.FloatField()
    end_s = models.FloatField()
    title = models.CharField(max_length=LONGEST_TITLE, blank=True)
    removed = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["place", "pk"]
        indexes = [models.Index(fields=["cut", "place"], name="clips_in_order")]

    def __str__(self) -> str:
        return self.title or f"{self.asset_name} at {self.start_s:.1f} s"

    @property
    def is_gone(self) -> bool:
        """Whether its film was deleted; while that can be undone, it may come back."""
        return self.asset is None or self.asset.removed is not None

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s

    @transaction.atomic
    def trim(self, *, start_s: float | None = None, end_s: float | None = None) -> None:
        """Begin or end elsewhere, on whole frames. Raises Refused."""
        source = self._source()
        start = self.start_s if start_s is None else start_s
        end = self.end_s if end_s is None else end_s
        if not (isfinite(start) and isfinite(end)):
            raise Refused("A time is a number of seconds.")
        if start >= end:
            raise Refused("A clip begins before it ends.")
        if start < 0 or start >= source.duration_s or end > source.duration_s + 0.5:
            raise Refused(f"A clip lies within its film, which is {source.duration_s:.2f} s long.")
        start, end = source.snapped(start, min(end, source.duration_s))
        self._to(start, end)

    def nudge(self, border: Border, frames: int) -> None:
        """Move where it begins or ends by frames of its film. Raises Refused."""
        source = self._source()
        at = self.start_s if border == "start" else self.end_s
        moved = source.moved(at, frames)
        start, end = (moved, self.end_s) if border == "start" else (self.start_s, moved)
        if end - start < _LEAST_S:
            raise Refused("A clip has one frame at least.")
        self._to(start, end)

    def _source(self) -> Source:
        if self.is_gone or self.asset is None:
            raise Refused(f"{self.asset_name} was deleted, so this clip cannot be changed.")
        return source_of(self.asset)

    def _to(self, start_s: float, end_s: float) -> None:
        self.start_s, self.end_s = round(start_s, 6), round(end_s, 6)
        self.save(update_fields=["start_s", "end_s"])
        self.cut.touch()

    def rename(self, title: str) -> None:
        title = one_line(title)
        if len(title) > LONGEST_TITLE:
            raise Refused(f"A title has at most {LONGEST_TITLE} characters.")
        self.title = title
        self.save(update_fields=["title"])
        self.cut.touch()

    @transaction.atomic
    def move_to(self, place: int) -> None:
        """Be the clip number `place`, from 0, of its cut; the others make room."""
        list(Cut.everything.select_for_update().filter(pk=self.cut_id))  # one order at a time
        others = [clip for clip in self.cut.standing() if clip.pk != self.pk]
        others.insert(min(max(place, 0), len(others)), self)
        for number, clip in enumerate(others, start=1):
            clip.place = number
        CutClip.objects.bulk_update(others, ["place"])
        self.cut.touch()

    def remove(self) -> bool:
        """Out of the cut; to be put back for a day."""
        CutClip.objects.filter(cut=self.cut_id, removed__lt=timezone.now() - _KEPT).delete()
        mine = CutClip.objects.filter(pk=self.pk, removed=None).update(removed=timezone.now())
        self.cut.touch()
        return bool(mine)

    def restore(self) -> bool:
        """Back to its place."""
        back = CutClip.objects.filter(pk=self.pk).exclude(removed=None).update(removed=None)
        self.cut.touch()
        return bool(back)


def clips_of_rows(rows: Iterable[CutClip]) -> list[Clip]:
    """Rows as `analysis.cutting` has them; those whose film is gone are left out."""
    there = [row for row in rows if not row.is_gone]
    sources = sources_of(row.asset for row in there if row.asset is not None)
    return [
        Clip(sources[row.asset_id], row.start_s, row.end_s, row.title)
        for row in there
        if row.asset_id in sources
    ]


def one_line(text: str) -> str:
    """Text without line breaks and what cannot be seen; a database refuses some of those."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def cuts_to_erase() -> models.QuerySet[Cut]:
    """What was deleted long enough ago that nobody can ask for it back."""
    return Cut.everything.filter(removed__lt=timezone.now() - ERASE_AFTER)


def purge_removed_cuts(tick: Callable[[], None] = lambda: None) -> None:
    """Erase them with what was rendered of them, piece by piece."""
    erasing.erase(cuts_to_erase(), tick)
