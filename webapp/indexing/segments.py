"""The parts an indexing is done in."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from webapp.indexing.indexing import Indexing
from webapp.leases import UNFINISHED, Leased, LeasedQuerySet, Piece, Status, claim_first


class IndexingSegmentQuerySet(LeasedQuerySet):
    def open(self) -> Self:
        """Free, and of an indexing that goes on."""
        return self.claimable().filter(
            indexing__status=Status.WORKING,
            indexing__stage=Indexing.Stage.SEGMENTS,
            indexing__is_paused=False,
            indexing__removed=None,
            indexing__asset__removed=None,
        )

    def claim_next(self, worker: str) -> Any:
        """The most urgent one that nobody works on, now this worker's: what a dead worker left
        first, then what waits, in the order of the index."""
        waiting = self.open().filter(status=Status.WAITING)
        for rows in (
            self.open().filter(status=Status.WORKING).order_by("lease_until"),
            waiting.order_by("-priority", "indexing_id", "index"),
        ):
            if segment := claim_first(rows, lambda pk: self.claim(pk, worker)):
                return segment
        return None


class IndexingSegment(Leased):
    """About a minute of an asset: what a worker claims, what is stored at once, what a crash
    costs."""

    WORKSPACE = "indexing__asset__workspace"
    PIECE = Piece("index_segment", "batch", "segments of indexings, about a minute each")

    # found by the unique index, which begins with it
    indexing = models.ForeignKey(Indexing, models.CASCADE, related_name="segments", db_index=False)
    priority = models.IntegerField(default=0)  # the indexing's
    index = models.PositiveIntegerField()
    start_s = models.FloatField()
    end_s = models.FloatField()
    done_s = models.FloatField(default=0)  # of end_s - start_s
    busy_s = models.FloatField(default=0)
    language = models.CharField(max_length=16, blank=True)
    remarks = models.JSONField(default=list, blank=True)  # sentences
    # passages that were taken for made up: [{"start_s", "end_s", "text", "why"}]
    dropped = models.JSONField(default=list, blank=True)
    # of the picture: {"sampled": looked at, "read": of those, the ones that were read}
    frames = models.JSONField(default=dict, blank=True)

    objects: ClassVar[Any] = IndexingSegmentQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["indexing_id", "index"]
        constraints = [
            models.UniqueConstraint(
                fields=["indexing", "index"], name="one_indexing_segment_an_index"
            )
        ]
        indexes = [
            # what a free worker takes next
            models.Index(
                fields=["status", "-priority", "indexing", "index"],
                name="indexing_segment_next",
                condition=Q(status__in=UNFINISHED),
            ),
        ]

    def __str__(self) -> str:
        return f"segment {self.index} of {self.indexing}"

    def is_wanted(self) -> bool:
        """Still this worker's, and its indexing goes on: asked with each beat."""
        going_on = Q(
            indexing__status=Status.WORKING,
            indexing__is_paused=False,
            indexing__removed=None,
            indexing__asset__removed=None,
        )
        return self._mine().filter(going_on).exists()

    def fail(self, message: str, *, can_retry: bool, **changes: Any) -> bool:
        """A segment that fails ends its indexing."""
        failed = super().fail(message, can_retry=can_retry, **changes)
        if failed:
            self.indexing.fail_at_a_segment(message, can_retry=can_retry)
        return failed
