"""What one step finds in an asset by one engine: asked for, planned, done by segments, and over.

It belongs to the asset and to no project. A new one is a new version; the one before is shown until
the new one is done, and stays until somebody deletes it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import Count, F, Max, Q, Sum
from django.utils import timezone

from webapp import erasing, jobs
from webapp.accounts.models import Event, User
from webapp.assets.models import Asset
from webapp.indexing import encoders
from webapp.indexing.refusals import refuse
from webapp.indexing.standing import WORDS, Standing, Words
from webapp.leases import UNFINISHED, Leased, LeasedQuerySet, Piece, Status, claim_first
from webapp.runs.workers import Worker

if TYPE_CHECKING:
    from webapp.indexing.segments import IndexingSegment

# The page offers to undo for 10 seconds; the rest is for slow lines.
ERASE_AFTER = timedelta(seconds=30)
BY_A_PERSON = 10  # the priority of what somebody asks for: before what only was uploaded
_TELLING_S = 0.5  # of work, before its speed says anything


class IndexingQuerySet(LeasedQuerySet["Indexing"]):
    @transaction.atomic
    def request(
        self,
        asset: Asset,
        step: str,
        *,
        by: User | None,
        options: dict[str, Any] | None = None,
        priority: int = 0,
    ) -> Indexing:
        """A new version of what `step` finds in the asset. Raises IndexingRefused."""
        held = Asset.objects.select_for_update(of=("self",)).filter(pk=asset.pk).first()
        options = Indexing.DEFAULTS[step] | (options or {})
        if step == Indexing.Step.TEXT:
            options["language"] = options["language"] or (held or asset).workspace.text_language
        if step == Indexing.Step.PICTURES:
            options["encoder"] = options["encoder"] or encoders.of_workspace(asset.workspace)
        refuse(held or asset, step, options, is_there=held is not None)
        last = Indexing.everything.filter(asset=asset, step=step).aggregate(n=Max("version"))["n"]
        indexing = self.create(
            asset=asset,
            step=step,
            version=(last or 0) + 1,
            options=options,
            priority=priority,
            requested_by=by,
        )
        about = {"step": step, "version": indexing.version}
        Event.record(asset.workspace, by, "began to index", str(asset), **about)
        jobs.ring(indexing)
        return indexing

    def claimable(self) -> Self:
        """To plan or to finish. Between the two its segments are what is claimed."""
        return super().claimable().filter(is_paused=False).exclude(stage=Indexing.Stage.SEGMENTS)

    def open(self) -> Self:
        return self.claimable().filter(asset__removed=None)

    def claim_next(self, worker: str) -> Any:
        """What only has to be finished first, then the most urgent."""
        for stage in (Indexing.Stage.FINISH, Indexing.Stage.PLAN):
            in_turn = self.open().filter(stage=stage).order_by("-priority", "pk")
            if indexing := claim_first(in_turn, lambda pk: self.claim(pk, worker)):
                return indexing
        return None

    def succeeded(self) -> Self:
        return self.filter(status=Status.DONE)

    def all_done(self) -> int:
        """Move those on to the finish whose last segment is done. Returns how many."""
        from webapp.indexing.segments import IndexingSegment

        left = IndexingSegment.objects.exclude(status=Status.DONE)
        going_on = self.filter(stage=Indexing.Stage.SEGMENTS, status=Status.WORKING)
        return going_on.exclude(pk__in=left.values("indexing")).update(
            stage=Indexing.Stage.FINISH, status=Status.WAITING, attempt=0
        )


_Manager = models.Manager.from_queryset(IndexingQuerySet)


class VisibleIndexings(_Manager["Indexing"]):
    """All but those that were deleted and wait to be erased."""

    def get_queryset(self) -> IndexingQuerySet:
        return IndexingQuerySet(self.model, using=self._db).filter(removed=None)


class Indexing(Leased):
    """A step over an asset by one engine. While its segments are worked on nobody holds it."""

    WORKSPACE = "asset__workspace"
    PIECE = Piece("index", "batch", "indexings to begin or to finish")
    CANCELLED = "It was cancelled. What was found so far is kept."

    class Step(models.TextChoices):
        SPEECH = "speech"
        TEXT = "text"
        SPEAKERS = "speakers"
        PICTURES = "pictures"  # what encoders make of them, so that they can be compared
        SOUND = "sound"

    class Stage(models.TextChoices):
        PLAN = "plan"
        SEGMENTS = "segments"
        FINISH = "finish"

    # What is asked for where nothing else is said (the options of analysis).
    DEFAULTS: dict[str, dict[str, Any]] = {
        Step.SPEECH: {
            "engine": "",
            "language": "",
            "task": "transcribe",
            "vocabulary": [],
            "track": 0,
            "channels": "mixed",
            "text": "",
        },
        Step.TEXT: {"language": "", "interval_s": 0.5},
        Step.SPEAKERS: {"speakers": 0, "track": 0},
        Step.PICTURES: {"encoder": ""},
        Step.SOUND: {"encoder": "", "track": 0},
    }

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="indexings")
    step = models.CharField(max_length=12, choices=Step)
    version = models.PositiveIntegerField(default=1)
    options = models.JSONField(default=dict, blank=True)
    # said when it is planned, and the same for all segments
    engine = models.CharField(max_length=80, blank=True)
    engine_title = models.CharField(max_length=120, blank=True)
    engine_digest = models.CharField(max_length=80, blank=True)
    priority = models.IntegerField(default=0)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    stage = models.CharField(max_length=8, choices=Stage, default=Stage.PLAN)
    is_paused = models.BooleanField(default=False)
    is_cancelled = models.BooleanField(default=False)
    language = models.CharField(max_length=16, blank=True)  # what is spoken most of the time
    notes = models.JSONField(default=list, blank=True)  # sentences
    duration_s = models.FloatField(default=0)
    created = models.DateTimeField(auto_now_add=True)
    removed = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = VisibleIndexings()
    everything = IndexingQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["asset", "step", "version"], name="one_indexing_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.step} of {self.asset}"

    # --- questions ----------------------------------------------------------------------

    @property
    def is_going_on(self) -> bool:
        return self.status in UNFINISHED

    @property
    def state(self) -> str:
        """One word for programs: waiting, working, paused, done, failed or cancelled."""
        if self.status == Status.FAILED and self.is_cancelled:
            return "cancelled"
        return "paused" if self.is_paused and self.is_going_on else self.status

    def progress(self) -> dict[str, Any]:
        """How far it is: seconds of sound done and in all, a share from 0 to 1, and seconds still
        to go, by the measured speed of what is done; None before that tells anything."""
        sums = self.segments.aggregate(
            total_s=Sum(F("end_s") - F("start_s"), default=0.0),
            done_s=Sum("done_s", default=0.0),
            busy_s=Sum("busy_s", default=0.0),
            segments=Count("pk"),
            segments_done=Count("pk", filter=Q(status=Status.DONE)),
            working=Count("pk", filter=Q(status=Status.WORKING)),
        )
        if self.status == Status.DONE:
            return sums | {"share": 1.0, "speed": None, "remaining_s": 0.0}
        tells = sums["busy_s"] > _TELLING_S and sums["done_s"] > 0
        speed = sums["done_s"] / sums["busy_s"] if tells else None
        left_s = sums["total_s"] - sums["done_s"]
        return sums | {
            "share": min(sums["done_s"] / sums["total_s"], 1.0) if sums["total_s"] else 0.0,
            "speed": speed,
            "remaining_s": left_s / speed / max(sums["working"], 1) if speed else None,
        }

    @property
    def words(self) -> Words:
        return WORDS[self.step]

    def standing(self) -> Standing:
        return Standing.of(self)

    def waiting_because(self) -> str:
        """Why nothing is happening just now, or "" when something is."""
        if self.is_over:
            return ""
        if self.is_paused:
            return "It is paused."
        if self.segments.filter(status=Status.WORKING).exists() or (
            self.lease_until and self.lease_until > timezone.now()
        ):
            return ""
        if not Worker.objects.serving("batch").exists():
            return "No worker serves the queue batch. Start one with `make serve`."
        ahead = Indexing.objects.unfinished().filter(is_paused=False)
        before = Q(priority__gt=self.priority) | Q(priority=self.priority, pk__lt=self.pk)
        if n := ahead.filter(before).count():
            return f"{n} before it in the queue."
        return "The worker is about to go on with it."

    # --- verbs a person uses ------------------------------------------------------------

    def pause(self) -> bool:
        """Stop after the words that are being heard. What is done is kept."""
        return self._moved(UNFINISHED, is_paused=True) if not self.is_paused else False

    def resume(self) -> bool:
        if not (self.is_paused and self._moved(UNFINISHED, is_paused=False)):
            return False
        self._ring()
        return True

    def cancel(self, **changes: Any) -> bool:
        return super().cancel(is_paused=False, **changes)

    @transaction.atomic
    def retry(self, **changes: Any) -> bool:
        """Go on from what is already done."""
        failed = self.segments.filter(status=Status.FAILED)
        failed.update(status=Status.WAITING, attempt=0, error="", done_s=0, busy_s=0)
        planned = self.stage == self.Stage.SEGMENTS
        moved = self._moved(
            (Status.FAILED,),
            status=Status.WORKING if planned else Status.WAITING,
            attempt=0,
            error="",
            finished=None,
            is_cancelled=False,
            is_paused=False,
            **changes,
        )
        if moved:
            self._ring()
        return moved

    def _ring(self) -> None:
        from webapp.indexing.segments import IndexingSegment

        if self.stage == self.Stage.SEGMENTS:
            self.all_done()  # where the last segment ended just before it was stopped
            jobs.wake(IndexingSegment.PIECE.task, IndexingSegment.PIECE.queue)
        else:
            jobs.ring(self)

    def remove(self, *, by: User | None) -> bool:
        """Take it out of sight, to be erased when nobody asks for it back within ERASE_AFTER."""
        self.cancel()
        hidden = Indexing.objects.filter(pk=self.pk).update(removed=timezone.now())
        if hidden:
            about = {"step": self.step, "version": self.version}
            Event.record(self.asset.workspace, by, "deleted an indexing", str(self.asset), **about)
        return bool(hidden)

    def restore(self, *, by: User | None) -> bool:
        """Bring it back. False: it was not deleted, or is being erased already."""
        gone = Indexing.everything.filter(pk=self.pk, removed__gt=timezone.now() - ERASE_AFTER)
        back = gone.update(removed=None)
        if back:
            self.removed = None
            about = {"step": self.step, "version": self.version}
            Event.record(self.asset.workspace, by, "restored an indexing", str(self.asset), **about)
        return bool(back)

    # --- verbs the workers use ----------------------------------------------------------

    def is_wanted(self) -> bool:
        rows = Indexing.objects.filter(pk=self.pk, is_paused=False, asset__removed=None)
        return rows.exists()

    @transaction.atomic
    def plan(self, segments: list[IndexingSegment], **about: Any) -> bool:
        """Set out the segments, once. False: it is not this worker's any more."""
        planned = self._mine().update(
            stage=self.Stage.SEGMENTS,
            lease_until=None,
            lease_token="",
            worker="",
            attempt=0,
            **about,
        )
        if planned:
            for segment in segments:
                segment.priority = self.priority
            self.segments.bulk_create(segments)
            kind = segments[0].PIECE
            idle = Worker.objects.idle(kind.queue).count()
            jobs.wake(kind.task, kind.queue, times=min(len(segments), max(idle, 1)))
        return bool(planned)

    def all_done(self) -> bool:
        """Move on to the finish when the last segment is done; True for the one who moved it."""
        moved = bool(Indexing.objects.filter(pk=self.pk).all_done())
        if moved:
            jobs.ring(self)
        return moved

    def fail_at_a_segment(self, message: str, *, can_retry: bool) -> None:
        """A segment that fails ends the whole; what is done is kept."""
        Indexing.objects.filter(pk=self.pk).unfinished().update(
            status=Status.FAILED,
            error=message,
            can_retry=can_retry,
            finished=timezone.now(),
        )


def indexings_to_erase() -> models.QuerySet[Indexing]:
    """What was deleted long enough ago that nobody can ask for it back."""
    return Indexing.everything.filter(removed__lt=timezone.now() - ERASE_AFTER)


def purge_removed_indexings(tick: Callable[[], None] = lambda: None) -> None:
    """Erase them, piece by piece."""
    erasing.erase(indexings_to_erase(), tick)
