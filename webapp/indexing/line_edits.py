"""Lines of writing that people corrected: beside what was read, never over it."""

from __future__ import annotations

import re
from typing import Self

from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.indexing.text_regions import TextRegion
from webapp.leases import Status

# Sent within the transaction, with the `region` that reads otherwise now.
line_changed = Signal()

LONGEST_LINE = 1000  # characters
_SPACES = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def tidy(text: str) -> str:
    """As a correction is kept: one blank between words, and nothing that cannot be seen."""
    return _SPACES.sub(" ", _CONTROL.sub("", text)).strip()


class LineEditQuerySet(models.QuerySet["LineEdit"]):
    def standing(self) -> Self:
        """Those that were not taken back."""
        return self.filter(undone=None)

    @transaction.atomic
    def make(self, region: TextRegion, text: str, *, by: User) -> LineEdit:
        """Let `text` stand for a line; "" for one that nobody wrote. Raises Refused."""
        text = tidy(text)
        if region.indexing.status != Status.DONE:
            raise Refused("It is still being read: lines may be joined. Correct it afterwards.")
        if len(text) > LONGEST_LINE:
            raise Refused(f"At most {LONGEST_LINE:,} characters can stand for a line.")
        was = TextRegion.objects.as_it_reads().get(pk=region.pk).reads
        if tidy(was) == text:
            raise Refused("It says that already.")
        edit = self.create(region=region, text=text, by=by)
        _record(region, by, "edited what is written", was=was[:200], now=text[:200])
        line_changed.send(LineEdit, region=region)
        return edit


class LineEdit(models.Model):
    """A person's text for a line of writing. The latest that was not taken back holds."""

    WORKSPACE = "region__indexing__asset__workspace"

    region = models.ForeignKey(TextRegion, models.CASCADE, related_name="line_edits")
    text = models.CharField(max_length=LONGEST_LINE, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects = LineEditQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"“{self.text}” by {self.by}"

    @transaction.atomic
    def undo(self, *, by: User) -> bool:
        """Take it back: what stood there before it holds again. False: it was taken back."""
        mine = LineEdit.objects.filter(pk=self.pk, undone=None)
        is_back = bool(mine.update(undone=timezone.now()))
        if is_back:
            _record(self.region, by, "took back an edit", was=self.text[:200])
            line_changed.send(LineEdit, region=self.region)
            self.refresh_from_db()
        return is_back


def _record(region: TextRegion, by: User, what: str, **about: str) -> None:
    asset = region.indexing.asset
    at = round(region.start_s, 2)
    about_it = {"indexing": region.indexing_id, "time_s": at, **about}
    Event.record(asset.workspace, by, what, str(asset), **about_it)
