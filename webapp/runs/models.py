from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Now
from django.utils import timezone

from webapp import erasing, jobs
from webapp.accounts.models import Event, User
from webapp.assets.models import Asset
from webapp.leases import (
    UNFINISHED,
    Leased,
    LeasedQuerySet,
    Piece,
    Status,
    claim_first,
    from_now,
    lease_end,
    take_at_once,
)
from webapp.projects.models import Label, Project, fingerprint, snapshot
from webapp.stored_files import StoredFile


class RunRefused(Exception):
    """Why this run cannot start, in a sentence for the person who asked."""


class RunQuerySet(models.QuerySet["Run"]):
    @transaction.atomic
    def request(
        self,
        asset: Asset,
        project: Project,
        *,
        by: User | None,
        sampling: dict[str, Any] | None = None,
        priority: int = 0,
        key: str | None = None,
        inputs: dict[str, Any] | None = None,
    ) -> Run:
        """A new analysis of `asset` for what `project` looks for.

        Asked again by the same person with the same `key`, it is the run of the first time.
        Whoever asks for many gives the project's snapshot as `inputs`: read once, the same for all.
        """
        if key and (before := Run.everything.filter(requested_by=by, idempotency_key=key).first()):
            if before.removed is not None:
                raise RunRefused("This Idempotency-Key was used for a run that is deleted.")
            return before
        if asset.workspace_id != project.workspace_id:
            raise RunRefused(f"{asset} and {project} are in different workspaces.")
        inputs = inputs or snapshot(project)
        _refuse_the_impossible(asset, inputs)
        options = {"mode": "interval", "interval_s": 0.2, "change": 0.03, "tile": None}
        options |= project.sampling | (sampling or {})
        _refuse_another_track(asset, options)
        run = self.create(
            asset=asset,
            project=project,
            requested_by=by,
            priority=priority,
            idempotency_key=key or None,
            options=options,
            inputs=inputs,
            software_version=settings.VERSION,
            input_hash=fingerprint(
                asset.sha256,
                json.dumps(options, sort_keys=True),
                json.dumps(inputs, sort_keys=True),
                settings.VERSION,
            ),
        )
        Event.record(asset.workspace, by, "started a run", str(asset), run=run.pk)
        jobs.work()
        return run

    def unfinished(self) -> Self:
        return self.filter(status__in=Run.UNFINISHED)

    def finished(self) -> Self:
        return self.filter(status=Run.Status.SUCCEEDED)

    @transaction.atomic
    def hide(self) -> int:
        """Take these out of sight, to be erased; what goes on is cancelled. Returns how many."""
        now = timezone.now()
        self.unfinished().update(status=Run.Status.CANCELLED, finished=now, lease_until=None)
        return self.update(removed=now)

    def waiting_for(self, stage: str) -> Self:
        """Those that anybody may plan or finish now, the most urgent first."""
        open_to_work = {"plan": Run.Status.QUEUED, "finish": Run.Status.RUNNING}[stage]
        free = Q(lease_until=None) | Q(lease_until__lt=Now())
        waiting = self.filter(free, stage=stage, status=open_to_work, attempt__lt=Run.MAX_ATTEMPTS)
        return waiting.order_by("-priority", "pk")

    def claim_stage(self, stage: str, worker: str) -> Run | None:
        """Take the planning or the finishing of the most urgent run that waits for it."""

        def claim(pk: int) -> Run | None:
            taken = (
                self.filter(pk=pk)
                .waiting_for(stage)
                .order_by()
                .update(lease_until=lease_end(), worker=worker, attempt=F("attempt") + 1)
            )
            return self.select_related("asset", "project").get(pk=pk) if taken else None

        return claim_first(self.waiting_for(stage), claim)

    def to_plan(self, workers: int) -> bool:
        """Whether a run should be planned before a segment is analysed.

        Only as far ahead as there are workers: planned runs are what everybody looks through. But
        what is more urgent than all that is open does not wait for it.
        """
        next_ = self.waiting_for("plan").values_list("priority", flat=True).first()
        if next_ is None:
            return False
        open_ = Segment.objects.open().order_by("-priority").values_list("priority", flat=True)
        ahead = list(open_[: max(workers, 1)])
        return len(ahead) < max(workers, 1) or next_ > ahead[0]

    def all_analysed(self) -> int:
        """Move those on to the finish whose last segment is done. Returns how many."""
        left = Segment.objects.filter(run=OuterRef("pk")).exclude(status=Status.DONE)
        analysed = self.filter(stage=Run.Stage.ANALYSE, status=Run.Status.RUNNING)
        return analysed.filter(~Exists(left)).update(
            stage=Run.Stage.FINISH, lease_until=None, attempt=0
        )

    def give_up(self) -> int:
        """Fail those whose planning or finishing stopped its worker again and again."""
        tried = self.unfinished().filter(attempt__gte=Run.MAX_ATTEMPTS, lease_until__lt=Now())
        n = 0
        for run in tried.exclude(stage=Run.Stage.ANALYSE):
            step = "planning" if run.stage == Run.Stage.PLAN else "finishing"
            n += run.fail(POISONOUS.format(Run.MAX_ATTEMPTS), step=step, can_retry=True)
        return n


class VisibleRuns(models.Manager.from_queryset(RunQuerySet)):
    """All but those that went with their project and wait to be erased."""

    def get_queryset(self) -> RunQuerySet:
        return super().get_queryset().filter(removed=None)


def _refuse_another_track(asset: Asset, options: dict[str, Any]) -> None:
    """A picture track other than the one that players show must be one of the file's."""
    track = options.get("track")
    known = [picture["index"] for picture in asset.probe.get("pictures", [])]
    if track is not None and track not in known:
        there = ", ".join(map(str, known)) or "none"
        raise RunRefused(f"{asset.name} has no picture track {track}; it has {there}.")


def _refuse_the_impossible(asset: Asset, inputs: dict[str, Any]) -> None:
    if not asset.is_ready:
        raise RunRefused(f"{asset.name} is not ready yet: wait until its upload is prepared.")
    if asset.kind == Asset.Kind.AUDIO:
        raise RunRefused(f"{asset.name} is sound without pictures, so no logo can be seen in it.")
    if not inputs["labels"]:
        raise RunRefused("The project has no labels yet. Add a brand first.")
    has_references = any(label["references"] for label in inputs["labels"])
    if not has_references and inputs["model"] is None:
        raise RunRefused(
            "Nothing tells Sightline what the brands look like. Add a logo picture to a label, or "
            "choose a model for the project."
        )


class Run(models.Model):
    """One analysis of one asset for one project. Its results never change once it succeeded."""

    WORKSPACE = "asset__workspace"
    MAX_ATTEMPTS = 5  # of planning it, and of finishing it

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        PAUSED = "paused"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Stage(models.TextChoices):
        PLAN = "plan"
        ANALYSE = "analyse"
        FINISH = "finish"

    UNFINISHED = (Status.QUEUED, Status.RUNNING, Status.PAUSED)

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="runs")
    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    priority = models.IntegerField(default=0)

    options = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict)  # projects.models.snapshot
    software_version = models.CharField(max_length=40)
    input_hash = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=120, null=True, blank=True)  # noqa: DJ001

    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    stage = models.CharField(max_length=7, choices=Stage, default=Stage.PLAN)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    attempt = models.PositiveIntegerField(default=0)  # of its stage, to plan or to finish
    error = models.TextField(blank=True)
    error_step = models.CharField(max_length=40, blank=True)
    can_retry = models.BooleanField(default=True)
    notes = models.JSONField(
        default=list, blank=True
    )  # sentences: what was skipped, degraded, held
    duration_s = models.FloatField(default=0)
    created = models.DateTimeField(auto_now_add=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    removed = models.DateTimeField(null=True, blank=True)

    objects = VisibleRuns()
    everything = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created"]
        constraints = [
            # a request that was sent twice starts one run
            models.UniqueConstraint(
                fields=["requested_by", "idempotency_key"], name="one_run_a_request"
            )
        ]
        indexes = [
            # what should a free worker do next
            models.Index(fields=["status", "stage", "-priority"], name="run_next"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.asset}"

    @transaction.atomic
    def save(self, **options: Any) -> None:
        """With it, the names of the files it looks with: they stay for as long as it does."""
        is_new = self._state.adding
        super().save(**options)
        if is_new:
            labels = self.inputs.get("labels", [])
            files = {picture["file"] for label in labels for picture in label["references"]}
            RunReference.objects.bulk_create(
                RunReference(run=self, file=file) for file in sorted(files)
            )

    # --- questions ----------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        return self.status not in self.UNFINISHED

    @property
    def is_sampled(self) -> bool:
        return self.options.get("mode") != "every"

    def label_ids(self) -> dict[str, int]:
        """The labels it looked for, by name, as they were called when it was asked for."""
        return {label["name"]: label["id"] for label in self.inputs["labels"]}

    def files(self) -> list[str]:
        return list(self.segments.exclude(sprite="").values_list("sprite", flat=True))

    def progress(self) -> dict[str, Any]:
        """How far it is: frames done and in all, a share from 0 to 1, and seconds still to go.

        The estimate rests on the measured speed of the frames so far; None before there are any.
        """
        done = Q(status=Status.DONE)
        sums = self.segments.aggregate(
            frames=Sum("frames_total", default=0),
            frames_done=Sum("frames_done", default=0),
            busy_s=Sum("busy_s", default=0.0),
            segments=Count("pk"),
            segments_done=Count("pk", filter=done),
            working=Count("pk", filter=Q(status=Status.WORKING)),
            held=Sum("held", default=0),
            missing=Sum("missing", default=0),
        )
        share = sums["frames_done"] / sums["frames"] if sums["frames"] else 0.0
        speed = sums["frames_done"] / sums["busy_s"] if sums["busy_s"] > 0.5 else None
        left = sums["frames"] - sums["frames_done"]
        remaining_s = left / speed / max(sums["working"], 1) if speed else None
        if self.status == self.Status.SUCCEEDED:
            share, remaining_s = 1.0, 0.0
        return sums | {"share": share, "frames_per_s": speed, "remaining_s": remaining_s}

    def steps(self) -> list[tuple[str, str]]:
        """What it does, one after the other, and how each stands: done, now, failed, to come."""
        names = {"plan": "Read the file", "analyse": "Look for brands", "finish": "Join the tracks"}
        if self.status == self.Status.SUCCEEDED:
            return [(name, "done") for name in names.values()]
        now = list(names).index(self.stage)
        here = "failed" if self.status == self.Status.FAILED else "now"
        states = ["done"] * now + [here] + ["to come"] * (len(names) - now - 1)
        return list(zip(names.values(), states, strict=True))

    def waiting_because(self) -> str:
        """Why nothing is happening just now, or "" when something is."""
        if self.status == self.Status.PAUSED:
            return "It is paused."
        if self.is_over or self.segments.filter(status=Status.WORKING).exists():
            return ""
        if self.lease_until and self.lease_until > timezone.now():
            return ""
        if not Worker.objects.serving("analysis").exists():
            return "No analysis worker is running. Start one with `make serve`."
        ahead = Run.objects.filter(status__in=[self.Status.QUEUED, self.Status.RUNNING]).filter(
            Q(priority__gt=self.priority) | Q(priority=self.priority, pk__lt=self.pk)
        )
        if n := ahead.count():
            return f"{n} run{'s' if n > 1 else ''} before it in the queue."
        return "The worker is about to start it."

    # --- verbs a person uses ------------------------------------------------------------

    def _move(self, before: tuple[str, ...], **after: Any) -> bool:
        moved = Run.objects.filter(pk=self.pk, status__in=before).update(**after)
        if moved:
            self.refresh_from_db()
        return bool(moved)

    def pause(self) -> bool:
        return self._move((self.Status.QUEUED, self.Status.RUNNING), status=self.Status.PAUSED)

    def resume(self) -> bool:
        return self._start_again((self.Status.PAUSED,))

    def cancel(self) -> bool:
        return self._move(
            self.UNFINISHED, status=self.Status.CANCELLED, finished=timezone.now(), lease_until=None
        )

    def retry(self) -> bool:
        """Go on from what is already done."""
        self.segments.filter(status=Status.FAILED).update(
            status=Status.WAITING, attempt=0, error=""
        )
        return self._start_again((self.Status.FAILED, self.Status.CANCELLED))

    def _start_again(self, before: tuple[str, ...]) -> bool:
        planned = self.stage != self.Stage.PLAN
        moved = self._move(
            before,
            status=self.Status.RUNNING if planned else self.Status.QUEUED,
            error="",
            error_step="",
            finished=None,
            lease_until=None,
            attempt=0,
        )
        if moved:
            jobs.work()
        return moved

    def remove(self, tick: Callable[[], None] = lambda: None) -> None:
        """Delete the run and what it found, piece by piece: first its files, then the rows."""
        erasing.erase(Run.everything.filter(pk=self.pk), tick)

    # --- verbs the workers use ----------------------------------------------------------

    def _still(self, stage: str) -> models.QuerySet:
        """This run, while it is still this worker's to plan or to finish."""
        return Run.objects.filter(
            pk=self.pk, stage=stage, worker=self.worker, status__in=self.UNFINISHED
        )

    def renew(self, **changes: Any) -> bool:
        """Hold on to the planning or finishing. False: it is somebody else's, or unwanted."""
        return bool(self._still(self.stage).update(lease_until=lease_end(), **changes))

    def is_wanted(self) -> bool:
        return True

    @transaction.atomic
    def plan(self, segments: list[Segment], *, duration_s: float, notes: list[str]) -> bool:
        """Set out the segments, once."""
        planned = self._still(self.Stage.PLAN).update(
            stage=self.Stage.ANALYSE,
            status=self.Status.RUNNING,
            lease_until=None,
            attempt=0,
            started=timezone.now(),
            duration_s=duration_s,
            notes=notes,
        )
        if planned:
            for segment in segments:
                segment.priority = self.priority
            Segment.objects.bulk_create(segments)
            idle = Worker.objects.idle("analysis").count()
            jobs.work(times=min(len(segments), max(idle, 1)))
        return bool(planned)

    def all_analysed(self) -> bool:
        """Move on to the finish when the last segment is done; True for the one who moved it."""
        return bool(Run.objects.filter(pk=self.pk).all_analysed())

    def succeed(self, notes: list[str]) -> bool:
        return bool(
            self._still(self.Stage.FINISH).update(
                status=self.Status.SUCCEEDED,
                finished=timezone.now(),
                lease_until=None,
                notes=[*self.notes, *notes],
            )
        )

    def fail(self, message: str, *, step: str, can_retry: bool) -> bool:
        return bool(
            Run.objects.filter(pk=self.pk, status__in=self.UNFINISHED).update(
                status=self.Status.FAILED,
                error=message,
                error_step=step,
                can_retry=can_retry,
                finished=timezone.now(),
                lease_until=None,
            )
        )


POISONOUS = "This stopped the worker {} times. The machine may have too little memory for it."


class RunReference(models.Model):
    """A logo picture's file that a run looks with, which stays for as long as the run does."""

    WORKSPACE = "run__asset__workspace"

    run = models.ForeignKey(Run, models.CASCADE, related_name="references")
    file = StoredFile(is_shared=True, db_index=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.file} of {self.run}"


class SegmentQuerySet(LeasedQuerySet):
    def open(self) -> Self:
        """Free, and of a run that goes on."""
        going_on = {"run__status": Run.Status.RUNNING, "run__stage": Run.Stage.ANALYSE}
        return self.claimable().filter(**going_on)

    def claim_next(self, worker: str) -> Segment | None:
        """The most urgent segment that nobody works on, now this worker's.

        First what a dead worker left, then what waits: each in the order of an index, so that
        however many there are, a few are looked at.
        """

        def claim(pk: int) -> Segment | None:
            return self.claim(pk, worker)

        left_behind = self.open().filter(status=Status.WORKING).order_by("lease_until")
        waiting = self.open().filter(status=Status.WAITING)
        waiting = waiting.order_by("-priority", "run_id", "index")
        if connection.features.has_select_for_update_skip_locked:
            return take_at_once(Segment, [left_behind, waiting], worker)
        return claim_first(left_behind, claim) or claim_first(waiting, claim)


class Segment(Leased):
    """About a minute of a run: what a worker claims, what is stored at once, what a crash costs."""

    MAX_ATTEMPTS = 12
    WORKSPACE = "run__asset__workspace"
    PIECE = Piece("work", "analysis", "segments of runs, about a minute each")

    run = models.ForeignKey(Run, models.CASCADE, related_name="segments")
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
        indexes = [
            *Leased.Meta.indexes,
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


class Shot(models.Model):
    run = models.ForeignKey(Run, models.CASCADE, related_name="shots")
    index = models.PositiveIntegerField()
    start_s = models.FloatField()
    end_s = models.FloatField()

    class Meta:
        ordering = ["run_id", "index"]
        constraints = [models.UniqueConstraint(fields=["run", "index"], name="one_shot_an_index")]

    def __str__(self) -> str:
        return f"shot {self.index} of {self.run}"


class Track(models.Model):
    """One logo instance followed across frames. Segments number their own tracks; the finish of
    the run joins those that cross a segment's border."""

    PER_SEGMENT = 100_000  # numbers of segment 3 run from 300,000

    run = models.ForeignKey(Run, models.CASCADE, related_name="tracks")
    segment = models.ForeignKey(Segment, models.CASCADE, related_name="tracks")
    label = models.ForeignKey(Label, models.PROTECT, related_name="tracks")
    number = models.PositiveIntegerField()
    start_s = models.FloatField()
    end_s = models.FloatField()
    count = models.PositiveIntegerField()
    confidence = models.FloatField()  # its best

    class Meta:
        ordering = ["run_id", "start_s"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_track_a_number")]

    def __str__(self) -> str:
        return f"track {self.number} of {self.label}"


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> Self:
        return self.filter(seen__gt=from_now(-30))

    def serving(self, queue: str) -> Self:
        """Those alive that take work from this queue."""
        return self.alive().filter(queues__contains=queue)

    def idle(self, queue: str) -> Self:
        """Those of them that do nothing just now."""
        return self.serving(queue).filter(doing="")


class Worker(models.Model):
    """A worker process that was heard of lately: which queues it serves and what it holds."""

    name = models.CharField(max_length=120, unique=True)
    queues = models.CharField(max_length=120)
    device = models.CharField(max_length=80, blank=True)
    holding = models.JSONField(default=list, blank=True)  # loaded detectors and their memory
    doing = models.CharField(max_length=120, blank=True)
    memory_bytes = models.BigIntegerField(default=0)
    started = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField(db_index=True)

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def beat(cls, name: str, **now: Any) -> None:
        cls.objects.update_or_create(name=name, defaults={"seen": Now(), **now})
