"""A comment on a moment of an asset, and the thread of answers below it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, ClassVar, Self

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset
from webapp.comments import people

LONGEST = 5000  # characters
MOST = 1000  # comments of an asset: what one page can show
MOST_PEOPLE = 20  # in one comment
KEPT = timedelta(days=30)  # what was deleted, so that its author can have it back
_EARLIER = 20  # texts that are kept for taking an edit back
_SPARE_S = 0.5  # what a player's clock may be past the end

# A comment is there, reads otherwise, or went; sent with `comment`, in the change's transaction.
comment_changed = Signal()


class CommentQuerySet(models.QuerySet["Comment"]):
    def in_sight(self) -> Self:
        return self.filter(asset__removed=None)

    def standing(self) -> Self:
        """Those that were not deleted."""
        return self.filter(deleted=None)

    def forget_deleted(self) -> None:
        """Erase what was deleted long ago; of what others answered, only the words."""
        old = self.filter(deleted__lt=timezone.now() - KEPT)
        old.filter(answers=None).delete()
        old.exclude(text="").update(text="", earlier=[])

    @transaction.atomic
    def say(
        self,
        asset: Asset,
        *,
        by: User,
        text: str,
        start_s: float = 0.0,
        end_s: float | None = None,
        box: Sequence[float] | None = None,
        thread: Comment | None = None,
    ) -> Comment:
        """Comment on a moment, or answer in a thread, which is of its moment. Raises Refused."""
        if thread is not None:
            thread = thread.root
            if thread.deleted:
                raise Refused("This comment was deleted.")
            start_s, end_s, box = thread.start_s, thread.end_s, None
        if self.filter(asset=asset).count() >= MOST:
            raise Refused(f"An asset holds {MOST:,} comments at most.")
        _refuse_moment(asset, start_s, end_s)
        comment: Comment = self.create(
            asset=asset,
            thread=thread,
            start_s=start_s,
            end_s=end_s,
            box=None if box is None else _checked(box),
            text=_read(text, asset),
            by=by,
        )
        comment.tell()
        comment_changed.send(Comment, comment=comment)
        about = {"comment": comment.pk, "time_s": round(start_s, 2)}
        what = "answered a comment" if thread else "commented"
        Event.record(asset.workspace, by, what, str(asset), **about)
        return comment


class Comment(models.Model):
    """`text` is as `people` keeps it. `thread`: the comment that this one answers, or None.

    Whether a thread is resolved stands at its first comment, and so does where in the picture it
    is: `box` is xyxy, fractions of the displayed frame.
    """

    WORKSPACE = "asset__workspace"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="comments", db_index=False)
    thread = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="answers"
    )
    start_s = models.FloatField(default=0)
    end_s = models.FloatField(null=True, blank=True)
    box: Any = models.JSONField(null=True, blank=True)
    text = models.TextField()
    earlier: Any = models.JSONField(default=list, blank=True)  # texts it had, the latest last
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    edited = models.DateTimeField(null=True, blank=True)
    deleted = models.DateTimeField(null=True, blank=True)
    resolved = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects: ClassVar[Any] = CommentQuerySet.as_manager()

    class Meta:
        ordering = ["start_s", "pk"]
        indexes = [
            # the comments of an asset, in playing order
            models.Index(fields=["asset", "start_s"], name="comments_by_time"),
            # what may be erased
            models.Index(
                fields=["deleted"],
                condition=models.Q(deleted__isnull=False),
                name="comments_deleted",
            ),
        ]

    def __str__(self) -> str:
        return f"comment at {self.start_s:.1f} s of {self.asset}"

    @property
    def root(self) -> Comment:
        """The comment that began the thread."""
        return self.thread or self

    @property
    def said(self) -> datetime:
        """Since when it reads as it does."""
        return self.edited or self.created

    def edit(self, text: str, *, by: User) -> None:
        """Let another text stand; the one before can be had back. Raises Refused."""
        self._refuse_others(by)
        with transaction.atomic():
            held = self._held()
            text = _read(text, self.asset, before=held.text)
            if held.text == text:
                raise Refused("It says that already.")
            earlier = [*held.earlier, held.text][-_EARLIER:]
            self._write(text, earlier, timezone.now())
        Event.record(self.asset.workspace, by, "edited a comment", str(self.asset), comment=self.pk)

    def undo_edit(self, *, by: User) -> bool:
        """The text before the latest edit stands again. False: there is none."""
        self._refuse_others(by)
        with transaction.atomic():
            held = self._held()
            if not held.earlier:
                return False
            *earlier, text = held.earlier
            self._write(text, earlier, timezone.now() if earlier else None)
        return True

    def delete_by(self, by: User) -> bool:
        """Out of sight, and to be had back by `restore`. False: it is deleted already."""
        self._refuse_others(by)
        mine = Comment.objects.filter(pk=self.pk, deleted=None)
        return self._stands(mine, timezone.now(), "deleted a comment", by)

    def restore(self, *, by: User) -> bool:
        self._refuse_others(by)
        gone = Comment.objects.filter(pk=self.pk).exclude(deleted=None).exclude(text="")
        return self._stands(gone, None, "restored a comment", by)

    def _stands(
        self, me: models.QuerySet[Comment], deleted: datetime | None, what: str, by: User
    ) -> bool:
        with transaction.atomic():
            is_done = self._done(bool(me.update(deleted=deleted)), what, by)
            if is_done:
                comment_changed.send(Comment, comment=self)
        return is_done

    def resolve(self, *, by: User) -> bool:
        """Nothing is left to be done about its thread. False: that was said already."""
        is_open = Comment.objects.filter(pk=self.root.pk, resolved=None)
        is_mine = bool(is_open.update(resolved=timezone.now(), resolved_by=by))
        return self._done(is_mine, "resolved a comment", by)

    def reopen(self, *, by: User) -> bool:
        over = Comment.objects.filter(pk=self.root.pk).exclude(resolved=None)
        is_mine = bool(over.update(resolved=None, resolved_by=None))
        return self._done(is_mine, "reopened a comment", by)

    def tell(self) -> None:
        """Say to everybody whom it concerns that it is there."""
        from webapp.comments.notices import Notice

        Notice.objects.tell(self)

    def _refuse_others(self, by: User) -> None:
        if self.by_id != by.pk:
            raise PermissionDenied("Only who wrote a comment can change it.")

    def _held(self) -> Comment:
        held: Comment = Comment.objects.select_for_update(of=("self",)).get(pk=self.pk)
        if held.deleted:
            raise Refused("This comment was deleted.")
        return held

    def _write(self, text: str, earlier: list[str], edited: Any) -> None:
        self.text, self.earlier, self.edited = text, earlier, edited
        self.save(update_fields=["text", "earlier", "edited"])
        self.tell()
        comment_changed.send(Comment, comment=self)

    def _done(self, is_done: bool, what: str, by: User) -> bool:
        if is_done:
            Event.record(self.asset.workspace, by, what, str(self.asset), comment=self.pk)
            self.refresh_from_db()
        return is_done


def _read(text: str, asset: Asset, before: str = "") -> str:
    """What was typed, as it is kept. Raises Refused."""
    text = "".join(c for c in text.replace("\r\n", "\n") if c.isprintable() or c in "\n\t").strip()
    if not text:
        raise Refused("Write something first.")
    if len(text) > LONGEST:
        raise Refused(f"A comment has at most {LONGEST:,} characters; this has {len(text):,}.")
    found = people.kept(text, people.people_of(asset.workspace), before)
    if len(people.mentioned(found)) > MOST_PEOPLE:
        raise Refused(f"A comment mentions at most {MOST_PEOPLE} people.")
    return found


def _refuse_moment(asset: Asset, start_s: float, end_s: float | None) -> None:
    times = (start_s,) if end_s is None else (start_s, end_s)
    if not all(map(isfinite, times)) or start_s < 0:
        raise Refused("A comment is at a time from 0 on.")
    if end_s is not None and end_s <= start_s:
        raise Refused("A comment begins before it ends.")
    if max(times) > asset.duration_s + _SPARE_S:
        raise Refused("A comment is within what it is about: this time is after its end.")


def _checked(box: Sequence[float]) -> list[float]:
    """The box, if it is one. Raises Refused."""
    if len(box) != 4 or not all(isfinite(side) and 0 <= side <= 1 for side in box):
        raise Refused("A box is four fractions of the frame, from 0 to 1.")
    x1, y1, x2, y2 = (round(float(side), 5) for side in box)
    if x2 <= x1 or y2 <= y1:
        raise Refused("A box begins left of and above where it ends.")
    return [x1, y1, x2, y2]
