"""The parts a run is done in, and what each of them found."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Self

from django.db import connection, models, transaction
from django.db.models import OuterRef, Q, Subquery

from webapp.claiming import NotKept, claim_at_once, finish_and_claim_at_once, finish_at_once
from webapp.leases import (
    UNFINISHED,
    Leased,
    LeasedQuerySet,
    Piece,
    Status,
    claim_first,
)
from webapp.runs.run import Run
from webapp.stored_files import StoredFile

# What is read of a segment with its claim. The moments cost as much to read as all these.
_CLAIMED = (
    *("id", "status", "lease_token", "worker", "attempt", "error"),
    *("run_id", "priority", "index", "start_s", "end_s", "frames_total"),
)


class SegmentQuerySet(LeasedQuerySet):
    def open(self) -> Self:
        """Free, and of a run that goes on."""
        going_on = {"run__status": Run.Status.RUNNING, "run__stage": Run.Stage.ANALYSE}
        return self.claimable().filter(**going_on)

    def soon(self) -> Self:
        """Those of runs that workers of the queue `soon` may do as well, which are few."""
        return self.filter(run__in=list(Run.living.soon().values_list("pk", flat=True)))

    def claim_next(self, worker: str) -> Segment | None:
        """The most urgent segment of these that nobody works on, now this worker's."""
        are_all = not self.query.has_filters()  # the statement is prepared for these
        if are_all and connection.features.has_select_for_update_skip_locked:
            with suppress(NotKept):
                return claim_at_once(Segment, self.in_turn, worker, _CLAIMED)
        return self._claim_one_of(self.in_turn(), worker)

    def _claim_one_of(self, choices: list[models.QuerySet], worker: str) -> Segment | None:
        for rows in choices:
            if segment := claim_first(rows, lambda pk: self.claim(pk, worker)):
                return segment
        return None

    def in_turn(self) -> list[models.QuerySet]:
        """First what a dead worker left, then what waits: each in the order of an index, so that
        however many there are, a few are looked at.

        Whether its run goes on is asked of each row by itself: over a join, PostgreSQL may read and
        sort all segments of all runs that do."""
        open_ = self.claimable()._of_runs_that_go_on(pk=OuterRef("run_id"))
        left_behind = open_.filter(status=Status.WORKING).order_by("lease_until")
        waiting = open_.filter(status=Status.WAITING)
        return [left_behind, waiting.order_by("-priority", "run_id", "index")]

    def next_of_run(self, *, priority: Any, run_id: Any, index: Any) -> list[models.QuerySet]:
        """What waits of one run after a segment of it: PostgreSQL begins at that place in the index
        and passes none of the dead entries before it."""
        waiting = self._of_runs_that_go_on(pk=run_id).waiting()
        return [waiting.filter(priority=priority, index__gt=index).order_by("index")]

    def _of_runs_that_go_on(self, *, pk: Any) -> Self:
        going_on = Run.everything.filter(status=Run.Status.RUNNING, stage=Run.Stage.ANALYSE)
        return self.filter(run_id=Subquery(going_on.filter(pk=pk).order_by().values("pk")[:1]))


class Segment(Leased):
    """About a minute of a run: what a worker claims, what is stored at once, what a crash costs."""

    MAX_ATTEMPTS = 12
    WORKSPACE = "run__asset__workspace"
    PIECE = Piece("work", "analysis", "segments of runs, about a minute each")

    # found by the unique index, which begins with it
    run = models.ForeignKey(Run, models.CASCADE, related_name="segments", db_index=False)
    priority = models.IntegerField(default=0)  # the run's
    index = models.PositiveIntegerField()
    start_s = models.FloatField()
    end_s = models.FloatField()
    frames_total = models.PositiveIntegerField(default=0)
    frames_done = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)  # adaptive: samples that repeated the last one
    missing = models.PositiveIntegerField(default=0)  # samples that could not be decoded
    busy_s = models.FloatField(default=0)
    problem = models.TextField(blank=True)
    sprite = StoredFile(blank=True)
    sprite_data = models.JSONField(default=dict, blank=True)

    objects = SegmentQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["run_id", "index"]
        constraints = [
            models.UniqueConstraint(fields=["run", "index"], name="one_segment_an_index")
        ]
        # Instead of the index of other kinds of work, and without the end of the lease: a heartbeat
        # then changes no index, and PostgreSQL keeps the new row beside the old one.
        indexes = [
            # what a free worker takes next
            models.Index(
                fields=["status", "-priority", "run", "index"],
                name="segment_next",
                condition=Q(status__in=UNFINISHED),
            ),
        ]

    def __str__(self) -> str:
        return f"segment {self.index} of {self.run}"

    def is_wanted(self) -> bool:
        """Still this worker's, and its run still running: asked between frames."""
        return self._mine().filter(run__status=Run.Status.RUNNING).exists()

    def finish(self, **changes: Any) -> bool:
        """Done, without waiting for the disk: a finish that a crash of the database loses is only
        analysed again. The run's own success is waited for, and with it all that came before."""
        return finish_at_once(self, changes)

    def finish_and_claim_next(self, worker: str, **changes: Any) -> tuple[bool, Segment | None]:
        """`finish`, and the next segment of the same run that waits, now this worker's: in one trip
        where the database can.

        It is for those who go on for a moment: what is more urgent, what a dead worker left behind
        and what waits of other runs is `claim_next`'s. A lost lease finishes nothing, and claims
        all the same.
        """
        all_, here = Segment.objects.all(), self._place()
        if connection.features.has_select_for_update_skip_locked:
            with suppress(NotKept):
                return finish_and_claim_at_once(
                    self, changes, all_.next_of_run, worker, _CLAIMED, **here
                )
        with transaction.atomic():
            finished = self.finish(**changes)
            return finished, all_._claim_one_of(all_.next_of_run(**here), worker)

    def _place(self) -> dict[str, int]:
        return {"priority": self.priority, "run_id": self.run_id, "index": self.index}

    def fail(self, message: str, *, can_retry: bool, **changes: Any) -> bool:
        """A segment that fails ends its run."""
        failed = super().fail(message, can_retry=can_retry, **changes)
        if failed:
            self.run.fail(message, step="analysing", can_retry=can_retry)
        return failed


class SegmentResult(models.Model):
    """A segment's frames and detections, as columns (analysis.film.columns) and nowhere else, and
    its change scores, from which shots are found."""

    segment = models.OneToOneField(Segment, models.CASCADE, related_name="result")
    columns = models.BinaryField()
    changes = models.BinaryField(default=bytes)

    def __str__(self) -> str:
        return f"results of {self.segment}"


class SegmentRegions(models.Model):
    """The regions that are kept of a segment (analysis.novelty.regions), with what they look like
    in numbers, and a sheet of small pictures of them. Analyses of before have none."""

    segment = models.OneToOneField(Segment, models.CASCADE, related_name="regions")
    data = models.BinaryField()
    sheet = StoredFile(blank=True)
    columns = models.PositiveSmallIntegerField(default=0)  # tiles in a row of the sheet …
    tiles = models.PositiveIntegerField(default=0)  # … and on all of it

    def __str__(self) -> str:
        return f"regions of {self.segment}"
