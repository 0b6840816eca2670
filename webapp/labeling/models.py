from __future__ import annotations

from django.db import models

from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.datasets.models import Dataset, Sample


class LabelingJob(models.Model):
    """Pictures and clips for people to label, with instructions and a queue."""

    WORKSPACE = "dataset__project__workspace"

    class Status(models.TextChoices):
        OPEN = "open"
        COMPLETE = "complete"
        CLOSED = "closed"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="jobs")
    title = models.CharField(max_length=120)
    instructions = models.TextField(blank=True)  # markdown
    examples = models.ManyToManyField(Sample, blank=True, related_name="+")
    people_per_item = models.PositiveSmallIntegerField(default=1)
    batch_size = models.PositiveSmallIntegerField(default=20)  # claimed at once
    deadline = models.DateTimeField(null=True, blank=True)
    # Started when the job is complete: training.models.TrainingRun options, or null.
    then_train = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    completed = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.title


class Assignment(models.Model):
    """A person who works in a job. They see it, and no other."""

    WORKSPACE = "job__dataset__project__workspace"

    job = models.ForeignKey(LabelingJob, models.CASCADE, related_name="assignments")
    user = models.ForeignKey(User, models.CASCADE, related_name="assignments")
    told = models.DateTimeField(null=True, blank=True)  # by e-mail that work waits
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "user"], name="assigned_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.job}"


class Item(models.Model):
    """One piece of a job: a picture, or a stretch of a video to draw tracks in."""

    WORKSPACE = "job__dataset__project__workspace"

    job = models.ForeignKey(LabelingJob, models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    sample = models.ForeignKey(Sample, models.CASCADE, null=True, blank=True, related_name="items")
    asset = models.ForeignKey(Asset, models.CASCADE, null=True, blank=True, related_name="+")
    times_s = models.JSONField(default=list, blank=True)  # of a clip: its frames, in seconds
    # Of a hidden check picture: the document that is right. Nobody who labels may see this.
    expected = models.JSONField(null=True, blank=True)
    n_open = models.PositiveSmallIntegerField(default=1)  # people it still needs

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["job", "position"], name="one_item_a_position")
        ]

    def __str__(self) -> str:
        return f"{self.sample or self.asset} in {self.job}"

    @property
    def is_clip(self) -> bool:
        return self.asset_id is not None


class Work(models.Model):
    """One person's work on one item. `document` is what the operations so far add up to.

    A document: {"shapes": {id: shape}, "nothing": bool}. A shape of a picture is
    {"label": 3, "box": [x1, y1, x2, y2], "occluded": false, "rev": 4}; a track of a clip is
    {"label": 3, "keys": {"0": {"box": […], "occluded": false, "outside": false}}, "rev": 9}, its
    keys numbered by frame of the clip; a whole-picture label is {"label": 3, "rev": 1}.
    """

    WORKSPACE = "item__job__dataset__project__workspace"

    class Status(models.TextChoices):
        CLAIMED = "claimed"
        DONE = "done"
        SKIPPED = "skipped"
        RETURNED = "returned"

    item = models.ForeignKey(Item, models.CASCADE, related_name="works")
    user = models.ForeignKey(User, models.CASCADE, related_name="works")
    status = models.CharField(max_length=8, choices=Status, default=Status.CLAIMED)
    document = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)  # the number of its last operation
    reason = models.CharField(max_length=200, blank=True)  # why it was skipped or sent back
    seconds = models.FloatField(default=0)  # at work, pauses left out
    score = models.FloatField(null=True, blank=True)  # against a check picture, 0 to 1
    agreement = models.FloatField(null=True, blank=True)  # with the others' work on the item
    claimed = models.DateTimeField(auto_now_add=True)
    touched = models.DateTimeField(auto_now=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "user"], name="one_work_a_person")]
        indexes = [models.Index(fields=["user", "status"], name="work_of")]

    def __str__(self) -> str:
        return f"{self.user} on {self.item}"


class Operation(models.Model):
    """One change to a work's document. None is ever deleted, so any earlier state can come back.

    `change`: {"put": id, "shape": {…}}, {"delete": id} or {"nothing": true}; `before` is what it
    replaced, in the same form.
    """

    WORKSPACE = "work__item__job__dataset__project__workspace"

    work = models.ForeignKey(Work, models.CASCADE, related_name="operations")
    number = models.PositiveIntegerField()
    # The browser's own name for it: sent twice after a lost answer, it counts once.
    key = models.CharField(max_length=40)
    change = models.JSONField()
    before = models.JSONField(null=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["work", "number"], name="one_operation_a_number"),
            models.UniqueConstraint(fields=["work", "key"], name="one_operation_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.work}"
