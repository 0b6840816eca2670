"""One analysis of one asset: asked for, moved from stage to stage, and over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Now
from django.dispatch import Signal
from django.utils import timezone

from webapp import erasing, jobs
from webapp.accounts.models import Event, User
from webapp.assets.models import Asset
from webapp.leases import Status, claim_first, lease_end
from webapp.projects.models import Label, Project, fingerprint, snapshot
from webapp.runs import again
from webapp.runs.refusals import RunRefused, refuse_another_track, refuse_the_impossible
from webapp.runs.standing import Standing
from webapp.runs.workers import Worker
from webapp.stored_files import StoredFile

if TYPE_CHECKING:
    from webapp.runs.segments import Segment

# Sent once a `run` (its number) is stored that looked for one label again in another.
looked_again = Signal()

POISONOUS = "This stopped the worker {} times. The machine may have too little memory for it."


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
        is_shadow: bool = False,
    ) -> Run:
        """A new analysis of `asset` for what `project` looks for.

        Asked again by the same person with the same `key`, it is the run of the first time.
        Whoever asks for many gives the project's snapshot as `inputs`: read once, the same for all.
        """
        if before := self.asked_before(by, key):
            return before
        if asset.workspace_id != project.workspace_id:
            raise RunRefused(f"{asset} and {project} are in different workspaces.")
        inputs = inputs or snapshot(project)
        refuse_the_impossible(asset, inputs)
        options = {"mode": "interval", "interval_s": 0.2, "change": 0.03}
        options |= {"tile": None, "follow": True}
        options |= project.sampling | (sampling or {})
        refuse_another_track(asset, options)
        run = self.create(
            asset=asset,
            project=project,
            requested_by=by,
            priority=priority,
            is_shadow=is_shadow,
            idempotency_key=key or None,
            options=options,
            inputs=inputs,
            software_version=settings.VERSION,
            input_hash=_fingerprint(asset, options, inputs),
        )
        what = "started a run to compare" if is_shadow else "started a run"
        Event.record(asset.workspace, by, what, str(asset), run=run.pk)
        jobs.work()
        return run

    @transaction.atomic
    def look_again(
        self,
        parent: Run,
        label: Label,
        boxes: list[dict[str, Any]],
        *,
        by: User | None,
        key: str | None = None,
    ) -> Run:
        """A new version of a finished run, in which this label alone is looked for again.

        boxes: where a person saw it, each {"time_s": of an analysed frame, "box": xyxy}. All that
        the run found of other labels is taken over. Somebody waits for it, so it goes first.
        """
        if parent.status != Run.Status.SUCCEEDED:
            raise RunRefused("This analysis is not finished, so there is nothing to go out from.")
        inputs = again.inputs_of(parent, label, boxes)
        refuse_the_impossible(parent.asset, inputs)
        options = parent.options | {"follow": True}
        run = self.create(
            asset=parent.asset,
            project=parent.project,
            parent=parent,
            requested_by=by,
            priority=Run.MOST_URGENT,
            is_soon=not again.needs_the_model(inputs),
            idempotency_key=key or None,
            options=options,
            inputs=inputs,
            software_version=settings.VERSION,
            input_hash=_fingerprint(parent.asset, options, inputs),
        )
        about = {"run": run.pk, "label": label.name, "from_run": parent.pk}
        Event.record(parent.asset.workspace, by, "looked again", str(parent.asset), **about)
        jobs.work(soon=run.is_soon)
        return run

    def asked_before(self, by: User | None, key: str | None) -> Run | None:
        """The run that this person asked for with this key."""
        before = key and Run.everything.filter(requested_by=by, idempotency_key=key).first()
        if before and before.removed is not None:
            raise RunRefused("This Idempotency-Key was used for a run that is deleted.")
        return before or None

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

    def soon(self) -> Self:
        """Those that workers for what somebody waits for may do as well."""
        return self.unfinished().filter(is_soon=True)

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

    def all_analysed(self) -> int:
        """Move those on to the finish whose last segment is done. Returns how many."""
        left = [status for status in Status if status != Status.DONE]
        analysed = self.filter(stage=Run.Stage.ANALYSE, status=Run.Status.RUNNING)
        return analysed.exclude(segments__status__in=left).update(
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


class LivingRuns(models.Manager.from_queryset(RunQuerySet)):
    """All but those that went with their project and wait to be erased: what workers work on, and
    what is seen by whoever has its number."""

    def get_queryset(self) -> RunQuerySet:
        return super().get_queryset().filter(removed=None)


class VisibleRuns(LivingRuns):
    """Of these what is found, listed and counted: none that only tries a model."""

    def get_queryset(self) -> RunQuerySet:
        return super().get_queryset().filter(is_shadow=False)


class Run(models.Model):
    """One analysis of one asset for one project. Its results never change once it succeeded."""

    WORKSPACE = "asset__workspace"
    MAX_ATTEMPTS = 5  # of planning it, and of finishing it
    MOST_URGENT = 100

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
    # what one label was looked for again in; `inputs` say all of it that this one rests on
    parent = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="later_versions"
    )
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    priority = models.IntegerField(default=0)
    is_soon = models.BooleanField(default=False)  # workers of the queue `soon` do it as well
    # tries a model beside the one in use: it is nobody's answer, and no page lists it
    is_shadow = models.BooleanField(default=False)

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
    living = LivingRuns()
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
            # and one that only does what somebody waits for
            models.Index(fields=["status"], name="run_soon", condition=Q(is_soon=True)),
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
            pictures = [p for label in labels for p in _pictures_of(label)]
            files = {picture["file"] for picture in pictures}
            RunReference.objects.bulk_create(
                RunReference(run=self, file=file) for file in sorted(files)
            )

    # --- questions ----------------------------------------------------------------------

    @property
    def again(self) -> dict[str, Any] | None:
        """Which label was looked for again, with what and in what (`again.inputs_of`)."""
        return self.inputs.get("again")

    @property
    def looked_again_for(self) -> str:
        """The name of that label, or ""."""
        names = {number: name for name, number in self.label_ids().items()}
        return names.get(self.again["label"], "") if self.again else ""

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
        """Pictures of its frames, and of the regions that it keeps."""
        sprites = self.segments.exclude(sprite="").values_list("sprite", flat=True)
        sheets = self.segments.exclude(regions=None).exclude(regions__sheet="")
        return [*sprites, *sheets.values_list("regions__sheet", flat=True)]

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
        if self.again:
            names |= {"plan": "Take over the rest", "analyse": f"Look for {self.looked_again_for}"}
        if self.status == self.Status.SUCCEEDED:
            return [(name, "done") for name in names.values()]
        now = list(names).index(self.stage)
        here = "failed" if self.status == self.Status.FAILED else "now"
        states = ["done"] * now + [here] + ["to come"] * (len(names) - now - 1)
        return list(zip(names.values(), states, strict=True))

    def standing(self) -> Standing:
        """How it stands, in the words of every page."""
        return Standing.of(self)

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
        ahead = Run.living.filter(status__in=[self.Status.QUEUED, self.Status.RUNNING]).filter(
            Q(priority__gt=self.priority) | Q(priority=self.priority, pk__lt=self.pk)
        )
        if n := ahead.count():
            return f"{n} run{'s' if n > 1 else ''} before it in the queue."
        return "The worker is about to start it."

    # --- verbs a person uses ------------------------------------------------------------

    def _move(self, before: tuple[str, ...], **after: Any) -> bool:
        moved = Run.living.filter(pk=self.pk, status__in=before).update(**after)
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
            jobs.work(soon=self.is_soon)
        return moved

    def remove(self, tick: Callable[[], None] = lambda: None) -> None:
        """Delete the run and what it found, piece by piece: first its files, then the rows."""
        erasing.erase(Run.everything.filter(pk=self.pk), tick)

    # --- verbs the workers use ----------------------------------------------------------

    def _still(self, stage: str) -> models.QuerySet:
        """This run, while it is still this worker's to plan or to finish."""
        return Run.living.filter(
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
            self.segments.bulk_create(segments)
            idle = Worker.objects.idle("analysis").count()
            jobs.work(times=min(len(segments), max(idle, 1)), soon=self.is_soon)
        return bool(planned)

    def all_analysed(self) -> bool:
        """Move on to the finish when the last segment is done; True for the one who moved it."""
        return bool(Run.living.filter(pk=self.pk).all_analysed())

    def is_mine_to_finish(self) -> bool:
        """Whether it is, and stays so until the end of the caller's transaction."""
        return self._still(self.Stage.FINISH).select_for_update().exists()

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
            Run.living.filter(pk=self.pk, status__in=self.UNFINISHED).update(
                status=self.Status.FAILED,
                error=message,
                error_step=step,
                can_retry=can_retry,
                finished=timezone.now(),
                lease_until=None,
            )
        )


def _pictures_of(label: dict[str, Any]) -> list[dict[str, Any]]:
    """All that a run looks with for a label of its inputs."""
    return [*label["references"], *label.get("not_this", [])]


def _fingerprint(asset: Asset, options: dict[str, Any], inputs: dict[str, Any]) -> str:
    """What the results of a run follow from, as one number."""
    told = (json.dumps(part, sort_keys=True) for part in (options, inputs))
    return fingerprint(asset.sha256, *told, settings.VERSION)


class RunReference(models.Model):
    """A logo picture's file that a run looks with, which stays for as long as the run does."""

    WORKSPACE = "run__asset__workspace"

    run = models.ForeignKey(Run, models.CASCADE, related_name="references")
    file = StoredFile(is_shared=True, db_index=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.file} of {self.run}"
