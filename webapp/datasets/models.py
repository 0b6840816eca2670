from __future__ import annotations

from typing import Any

from django.db import models

from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.leases import Leased, LeasedQuerySet, Status
from webapp.projects.models import Label, Project


class Split(models.TextChoices):
    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class Dataset(models.Model):
    """Pictures and what is known of them. It grows and changes; its versions do not."""

    WORKSPACE = "project__workspace"

    class Task(models.TextChoices):
        BOXES = "boxes", "Boxes"
        CONCEPT = "concept", "Whole pictures"

    project = models.ForeignKey(Project, models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=80)
    task = models.CharField(max_length=7, choices=Task, default=Task.BOXES)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_dataset_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class SampleQuerySet(models.QuerySet["Sample"]):
    def current(self) -> SampleQuerySet:
        return self.filter(removed=None)


class Sample(models.Model):
    """One picture of a dataset: uploaded, cut from a video, imported or synthesised.

    `source` names where it comes from (a file's name, "film.mp4@12.480"): what is imported again
    under the same source replaces what was there, and the newest wins.
    """

    WORKSPACE = "dataset__project__workspace"

    class Origin(models.TextChoices):
        UPLOAD = "upload"
        FRAME = "frame"
        IMPORT = "import"
        SYNTHETIC = "synthetic"  # never in a test split
        REVIEW = "review"

    class State(models.TextChoices):
        NEW = "new"
        LABELLED = "labelled"  # also when nothing is on it
        SKIPPED = "skipped"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="samples")
    source = models.CharField(max_length=255)
    file = models.CharField(max_length=200, help_text="Name in the media storage.")
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="samples")
    time_s = models.FloatField(null=True, blank=True)  # of a frame of a video
    origin = models.CharField(max_length=9, choices=Origin, default=Origin.UPLOAD)
    state = models.CharField(max_length=8, choices=State, default=State.NEW)
    labels = models.JSONField(default=list, blank=True)  # of the whole picture: ids of labels
    # What may not be torn apart by a split: "asset:12", or the first of its near-duplicates.
    group = models.CharField(max_length=64, blank=True)
    phash = models.CharField(max_length=16, blank=True)  # analysis.near_duplicates; a worker's work
    given_split = models.CharField(max_length=5, choices=Split, blank=True)
    is_golden = models.BooleanField(default=False)  # always test, never training
    uncertainty = models.FloatField(null=True, blank=True)  # by the detector in use, 0 to 1
    version = models.PositiveIntegerField(default=1)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    removed = models.DateTimeField(null=True, blank=True)

    objects = SampleQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "source"], name="one_sample_a_source")
        ]
        indexes = [models.Index(fields=["dataset", "state"], name="sample_state")]

    def __str__(self) -> str:
        return self.source


class Annotation(models.Model):
    """A box that stands for the truth: drawn or accepted by a person, imported, synthesised."""

    WORKSPACE = "sample__dataset__project__workspace"

    class Source(models.TextChoices):
        PERSON = "person"
        IMPORT = "import"
        SYNTHETIC = "synthetic"

    sample = models.ForeignKey(Sample, models.CASCADE, related_name="annotations")
    label = models.ForeignKey(Label, models.PROTECT, related_name="annotations")
    x1 = models.FloatField()  # fractions of the displayed picture
    y1 = models.FloatField()
    x2 = models.FloatField()
    y2 = models.FloatField()
    occluded = models.BooleanField(default=False)
    track = models.PositiveIntegerField(null=True, blank=True)
    source = models.CharField(max_length=9, choices=Source, default=Source.PERSON)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.label} on {self.sample}"

    @property
    def box(self) -> tuple[float, float, float, float]:
        return self.x1, self.y1, self.x2, self.y2


class DatasetVersion(Leased):
    """A dataset as it was: pictures, labels, split, recipe, hash. Never changes.

    A worker writes `file` (gzipped JSON; see analysis.datasets.version) and `counts` while
    `status` is working; once it is done nothing of it is written again.
    """

    WORKSPACE = "dataset__project__workspace"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    # {"seed": 0, "train": 0.8, "val": 0.1, "test": 0.1, "near": 6, "synthetic": true, …}
    recipe = models.JSONField(default=dict)
    file = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    counts = models.JSONField(default=dict, blank=True)  # analysis.datasets.statistics
    note = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "number"], name="one_dataset_version_a_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"

    @property
    def is_frozen(self) -> bool:
        return self.status == Status.DONE


class Transfer(Leased):
    """An import into a dataset, an export out of it, or a batch of synthesised pictures.

    One row for each piece of long work over a dataset, with its progress and its report.
    """

    WORKSPACE = "dataset__project__workspace"

    class Kind(models.TextChoices):
        IMPORT = "import"
        EXPORT = "export"
        FRAMES = "frames"  # cut pictures out of videos
        SYNTHESIS = "synthesis"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="transfers")
    kind = models.CharField(max_length=9, choices=Kind)
    options = models.JSONField(default=dict)  # the format, the files, the recipe
    file = models.CharField(max_length=200, blank=True)  # what came in, or what goes out
    progress = models.FloatField(default=0)  # 0 to 1
    report: Any = models.JSONField(default=dict, blank=True)  # what was kept and what was lost
    is_cancelled = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.kind} of {self.dataset}"
