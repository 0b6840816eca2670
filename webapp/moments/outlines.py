"""An outline of what is said in an asset: asked for, made by a worker in seconds, and over.

It rests on one transcript. A new one is made when another transcript is done, or when somebody asks
for it after words were corrected; the one before is shown until then.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models, transaction

from webapp import jobs
from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.leases import Leased, LeasedQuerySet, Piece, Status


class OutlineQuerySet(LeasedQuerySet["Outline"]):
    @transaction.atomic
    def request(self, indexing: Indexing, *, by: User | None) -> Outline:
        """A new outline of a transcript that is done. Raises Refused."""
        if indexing.step != Indexing.Step.SPEECH or indexing.status != Status.DONE:
            raise Refused("There is no transcript yet that could be outlined.")
        if self.unfinished().filter(indexing=indexing).exists():
            raise Refused("Its outline is being made already.")
        row = self.create(asset=indexing.asset, indexing=indexing, requested_by=by)
        version = indexing.version
        Event.record(row.asset.workspace, by, "asked for an outline", str(row.asset), of=version)
        jobs.ring(row)
        return row

    def open(self) -> Self:
        return self.claimable().filter(asset__removed=None, indexing__removed=None)

    def shown(self, asset: Asset) -> Outline | None:
        """The newest that is done, of a transcript that is there."""
        done = self.filter(asset=asset, status=Status.DONE, indexing__removed=None)
        return done.defer("names").order_by("-pk").first()

    def newest(self, asset: Asset) -> Outline | None:
        rows = self.filter(asset=asset, indexing__removed=None)
        return rows.defer("names").order_by("-pk").first()


class Outline(Leased):
    """Of one transcript. `names`: by speech segment the places of words that are used as names."""

    WORKSPACE = "asset__workspace"
    PIECE = Piece("outline", "batch", "outlines of what is said")

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="outlines")
    indexing = models.ForeignKey(Indexing, models.CASCADE, related_name="outlines")
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    is_cancelled = models.BooleanField(default=False)
    progress = models.FloatField(default=0)  # 0 to 1
    step = models.CharField(max_length=60, blank=True)
    made_by = models.CharField(max_length=120, blank=True)  # what read the sentences
    n_edits = models.PositiveIntegerField(default=0)  # words that people had corrected by then
    names: Any = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = OutlineQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"outline of {self.asset}"

    @property
    def is_going_on(self) -> bool:
        return not self.is_over

    @property
    def state(self) -> str:
        """One word for programs: waiting, working, done, failed or cancelled."""
        return "cancelled" if self.status == Status.FAILED and self.is_cancelled else self.status

    def is_wanted(self) -> bool:
        rows = Outline.objects.filter(pk=self.pk, asset__removed=None, indexing__removed=None)
        return bool(rows.exists())
