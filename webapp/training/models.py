from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q

from webapp import jobs, torch_arriving
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.datasets.samples import Split
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Leased, LeasedQuerySet, Piece, Status
from webapp.projects.models import Label, Project
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.runs.workers import Worker
from webapp.stored_files import StoredFile
from webapp.training.options import checked

NOTHING = 0.05  # F1 and average precision below which a model knows as good as nothing
_OF_TASK = {"boxes": "boxes around things", "concept": "whole pictures"}
# What a label is shown from: at 1 nothing would be.
LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 0.05, 0.99


def shown_from(best: float) -> float:
    """What a label is shown from where this threshold was measured as its best."""
    return min(max(round(best, 3), LOWEST_THRESHOLD), HIGHEST_THRESHOLD)


class TrainingRunQuerySet(LeasedQuerySet["TrainingRun"]):
    @transaction.atomic
    def request(
        self,
        version: DatasetVersion,
        model: RegisteredModel,
        *,
        base: ModelVersion | None = None,
        options: Mapping[str, Any] | None = None,
        by: User | None,
    ) -> TrainingRun:
        """A new training of `model` on `version`. Raises Refused with the reason why not."""
        wish = dict(options or {})
        if base is not None:
            wish.setdefault("start", "version")
        wanted = checked(wish)
        _refuse_a_dataset(version, model.workspace)
        _refuse_a_base(wanted["start"], base, version, model.workspace)
        run = self.create(
            version=version,
            model=model,
            base=base,
            options=wanted,
            epochs=wanted["epochs"] * wanted["average"],
            software_version=settings.VERSION,
            created_by=by,
        )
        Event.record(
            model.workspace, by, "started a training", str(model), training=run.pk, on=str(version)
        )
        jobs.ring(run)
        return run


def _refuse_a_dataset(version: DatasetVersion, workspace: Workspace) -> None:
    if version.dataset.project.workspace_id != workspace.pk:
        raise Refused("The dataset and the model are in different workspaces.")
    if not version.is_frozen:
        raise Refused(f"{version} is not frozen yet: wait until its pictures are fixed.")


def _refuse_a_base(
    start: str, base: ModelVersion | None, version: DatasetVersion, workspace: Workspace
) -> None:
    if start != "version":
        if base is not None:
            raise Refused("A version to start from was named, but the start is another.")
        return
    if base is None:
        raise Refused("Choose the version to start from.")
    if base.model.workspace_id != workspace.pk:
        raise Refused(f"{base} is in another workspace.")
    if problem := unfit(base, version):
        raise Refused(problem)


def unfit(base: ModelVersion, version: DatasetVersion | None) -> str:
    """Why no training on these pictures can start from the model version; "" where one can."""
    if base.is_being_checked:
        return f"{base} is still being checked. A training can start from it when that is over."
    if not base.is_usable:
        return f"{base} has not passed its check, so nothing can start from it."
    if not base.description.get("trains_further", True):
        return (
            f"{base} can find things but not be trained further: it is no network that we know. "
            "Give the .pt file that it was exported from."
        )
    if version is not None and base.task != version.dataset.task:
        return (
            f"{base} was made for another task than {version}: for {_OF_TASK[base.task]}, and "
            f"that is about {_OF_TASK[version.dataset.task]}."
        )
    return ""


class TrainingRun(Leased):
    """One training: a dataset version in, a model version out, or a sentence saying why not.

    The model version is made when the training has succeeded, so a failed one is never active.
    """

    WORKSPACE = "model__workspace"  # its dataset may be deleted
    PIECE = Piece("train", "train", "trainings")

    class Wish(models.TextChoices):
        GO_ON = "go on"
        STOP = "stop"  # and keep the best epoch so far
        CANCEL = "cancel"

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="training_runs")
    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="training_runs")
    base = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="descendants"
    )
    options = models.JSONField(default=dict)  # analysis.training.options
    software_version = models.CharField(max_length=40)
    wish = models.CharField(max_length=6, choices=Wish, default=Wish.GO_ON)
    step = models.CharField(max_length=60, blank=True)  # what it does now, in words
    epoch = models.PositiveIntegerField(default=0)  # finished so far
    epochs = models.PositiveIntegerField(default=0)
    # how often it began anew after it was cancelled: what was written before is not for it
    beginning = models.PositiveIntegerField(default=0)
    curves = models.JSONField(default=list, blank=True)  # a dict for each finished epoch
    checkpoint = StoredFile(blank=True)  # to go on from after a crash
    notes = models.JSONField(default=list, blank=True)  # sentences: batch halved, stopped early …
    result = models.OneToOneField(
        ModelVersion, models.SET_NULL, null=True, blank=True, related_name="training"
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"training {self.pk} of {self.model}"

    # --- questions ----------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace:
        return self.model.workspace

    @property
    def is_cancelled(self) -> bool:
        return self.status == Status.FAILED and self.wish == self.Wish.CANCEL

    @property
    def has_something_to_keep(self) -> bool:
        return self.epoch > 0

    @property
    def n_pictures(self) -> int:
        """How many pictures it trains on, as the dataset version counts them."""
        return int(self.version.counts.get("splits", {}).get("train", {}).get("pictures", 0))

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1. It may end earlier, when nothing gets better."""
        if self.status == Status.DONE:
            return 1.0
        return min(self.epoch / self.epochs, 1.0) if self.epochs else 0.0

    @property
    def remaining_s(self) -> float | None:
        """At most this many seconds to go, from the measured epochs; None before there is one."""
        if self.is_over:
            return 0.0
        seconds = [row["seconds"] for row in self.curves[-5:] if row.get("seconds")]
        if not seconds:
            return None
        left = 0 if self.wish == self.Wish.STOP else max(self.epochs - self.epoch, 0)
        return float(median(seconds)) * left

    def waiting_because(self) -> str:
        """Why nothing is happening just now, or "" when something is."""
        if self.status != Status.WAITING:
            return ""
        if torch_arriving.is_arriving():
            return f"{torch_arriving.WAITS.capitalize()}."
        return _queue_says(self.pk)

    def wish_now(self) -> str:
        """What was wished since this row was read; cancelled when it is gone."""
        rows = TrainingRun.objects.filter(pk=self.pk)
        return rows.values_list("wish", flat=True).first() or self.Wish.CANCEL

    # --- verbs a person uses ------------------------------------------------------------

    def stop(self) -> bool:
        """End now and keep the best epoch so far. False: there is none, or it is over."""
        open_ = TrainingRun.objects.unfinished().filter(pk=self.pk, wish=self.Wish.GO_ON)
        moved = open_.filter(epoch__gt=0).update(wish=self.Wish.STOP)
        if moved:
            self.refresh_from_db()
            jobs.ring(self)
        return bool(moved)

    def cancel(self, **changes: Any) -> bool:
        """End now and keep nothing."""
        return super().cancel(wish=self.Wish.CANCEL, **changes)

    def retry(self, **changes: Any) -> bool:
        """Go on from the last epoch that was stored; of a cancelled one nothing was kept."""
        anew = {"epoch": 0, "curves": [], "checkpoint": "", "notes": []}
        anew["beginning"] = F("beginning") + 1
        return super().retry(wish=self.Wish.GO_ON, **(anew if self.is_cancelled else {}), **changes)

    # --- verbs the worker uses ----------------------------------------------------------

    @transaction.atomic
    def deliver(
        self, *, file: str, sha256: str, description: dict[str, Any], **changes: Any
    ) -> ModelVersion | None:
        """The version this training made, ready for use, with its evaluation asked for.

        None: the lease was lost, and whoever has it now will deliver.
        """
        if not self.finish(step="", **changes):
            return None
        version = self.model.add_trained_version(
            file=file,
            sha256=sha256,
            description=description,
            source=f"Trained on {self.version}",
            by=self.created_by,
        )
        TrainingRun.objects.filter(pk=self.pk).update(result=version)
        if split := _measured_on(self.version):
            Evaluation.objects.request(version, self.version, split, by=self.created_by)
        self.refresh_from_db()
        return version


def _measured_on(version: DatasetVersion) -> str:
    """The test pictures; where a small set has none, those that the epoch was chosen by."""
    return next((split for split in (Split.TEST, Split.VAL) if _has_pictures(version, split)), "")


def _has_pictures(version: DatasetVersion, split: str) -> bool:
    splits = version.counts.get("splits")
    return splits is None or bool(splits[split]["pictures"])


def _queue_says(training: int = 0) -> str:
    """Why work on the `train` queue has not begun."""
    if not Worker.objects.serving("train").exists():
        return "No training worker is running. Start one with `make serve`."
    ahead = TrainingRun.objects.filter(
        Q(status=Status.WORKING) | Q(status=Status.WAITING, pk__lt=training)
    ).exclude(pk=training)
    if n := ahead.count():
        return f"{n} training{'s' if n > 1 else ''} before it in the queue."
    return "The worker is about to start it."


class EvaluationQuerySet(LeasedQuerySet["Evaluation"]):
    @transaction.atomic
    def request(
        self,
        model_version: ModelVersion,
        dataset_version: DatasetVersion,
        split: str = Split.TEST,
        *,
        by: User | None = None,
    ) -> Evaluation:
        """The evaluation of a version on a split: the one there is, or a new one.

        Raises Refused with the reason why there cannot be one.
        """
        _refuse_an_evaluation(model_version, dataset_version, split)
        found, is_new = self.get_or_create(
            model_version=model_version, dataset_version=dataset_version, split=split
        )
        if is_new:
            workspace = model_version.model.workspace
            on = f"{dataset_version}, {split}"
            Event.record(workspace, by, "asked for an evaluation", str(model_version), on=on)
            jobs.ring(found)
        else:
            found.retry()
        return found


def _refuse_an_evaluation(
    model_version: ModelVersion, dataset_version: DatasetVersion, split: str
) -> None:
    if split not in Split.values:
        raise Refused(f"A split is one of {', '.join(Split.values)}.")
    _refuse_a_dataset(dataset_version, model_version.model.workspace)
    if not model_version.is_usable:
        raise Refused(f"{model_version} has not passed its check, so it cannot be measured.")
    if model_version.task != dataset_version.dataset.task:
        raise Refused(f"{model_version} was made for another task than {dataset_version}.")
    if not _has_pictures(dataset_version, split):
        raise Refused(f"{dataset_version} has no {split} pictures to measure on.")


class Evaluation(Leased):
    """What a model version finds on a split of a dataset version, beside the truth.

    `predictions` (a file) is all that the figures rest on: they can be computed again from it.
    """

    WORKSPACE = "model_version__model__workspace"
    PIECE = Piece("evaluate", "train", "measurements")

    model_version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="evaluations")
    dataset_version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="evaluations")
    split = models.CharField(max_length=5, default="test")
    predictions = StoredFile(blank=True)
    figures = models.JSONField(default=dict, blank=True)  # analysis.measuring.figures
    created = models.DateTimeField(auto_now_add=True)

    objects = EvaluationQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "dataset_version", "split"], name="one_evaluation_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_version} on {self.dataset_version} ({self.split})"

    @property
    def shows_nothing(self) -> bool:
        """Did the version find as good as nothing of what is there?"""
        if not any(row["n_truth"] for row in self.figures.get("labels", [])):
            return False
        overall = self.figures["overall"]
        return (overall["f1"] or 0) < NOTHING and (overall["ap50"] or 0) < NOTHING

    def waiting_because(self) -> str:
        """Why nothing is happening just now, or "" when something is."""
        return _queue_says() if self.status == Status.WAITING else ""

    @transaction.atomic
    def keep_thresholds(self, *, by: User | None) -> int:
        """Show the project's labels from the threshold that was best here; how many there were.

        They go by name or alias, whatever the case, as in a run (Label.class_among). A class of
        which nothing was found says nothing.
        """
        project = self.dataset_version.dataset.project
        found = {row["label"].casefold(): row for row in self.figures["labels"] if row["tp"]}
        n_right = {word: row["tp"] for word, row in found.items()}
        changed = []
        for label in project.labels.filter(archived=None):
            if word := label.class_among(n_right):
                best = shown_from(found[word]["threshold"])
                Label.objects.filter(pk=label.pk).update(threshold=best, threshold_by_hand=False)
                changed.append(label.name)
        if changed:
            Project.objects.filter(pk=project.pk).update(version=F("version") + 1)
            said = ", ".join(changed[:20])
            Event.record(project.workspace, by, "kept the best thresholds", str(self), labels=said)
        return len(changed)
