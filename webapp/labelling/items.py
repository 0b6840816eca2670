"""The pieces of a job: pictures, and stretches of videos."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from webapp.accounts.models import Refused, User
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.labelling import documents

if TYPE_CHECKING:
    from webapp.labelling.jobs import LabelingJob

MOST_CLIP_FRAMES = 20_000


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a video to draw tracks in: its frames, in seconds."""

    asset: Asset
    times_s: list[float]


class Item(models.Model):
    """One piece of a job: a picture, or a stretch of a video to draw tracks in."""

    WORKSPACE = "job__dataset__project__workspace"

    job = models.ForeignKey("labeling.LabelingJob", models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    sample = models.ForeignKey(Sample, models.CASCADE, null=True, blank=True, related_name="items")
    # Of a clip. It may be deleted when the job is over: the labelled frames stay as samples.
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="clips")
    times_s = models.JSONField(default=list, blank=True)  # of a clip: its frames, in seconds
    # Of a hidden check picture: the document that is right. Nobody who labels may see this.
    expected = models.JSONField(null=True, blank=True)
    # What a model found before anybody looked: [{"id", "frame", "label", "box", "confidence"}]
    proposals = models.JSONField(default=list, blank=True)
    n_open = models.PositiveSmallIntegerField(default=1)  # people it still needs
    # A part of a film that is one person's; other pieces are whoever's is free.
    assigned_to = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    set_aside = models.DateTimeField(null=True, blank=True)  # taken out of the job, kept

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["job", "position"], name="one_item_a_position")
        ]
        # what is still free
        indexes = [models.Index(fields=["job", "n_open", "position"], name="item_free")]

    def __str__(self) -> str:
        return f"{self.sample or self.asset or 'a deleted video'} in {self.job}"

    @property
    def is_clip(self) -> bool:
        return self.sample_id is None

    @property
    def is_check(self) -> bool:
        """Whether it is a hidden check picture, of which is known what is right."""
        return type(self).objects.filter(pk=self.pk, expected__isnull=False).exists()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the displayed picture; (16, 9) where its video was deleted."""
        what = self.asset if self.is_clip else self.sample
        return (what.width, what.height) if what is not None else (16, 9)

    def frame_file(self, number: int) -> str:
        """Where a frame of a clip lies once it is cut."""
        return frame_file(self.pk, number)


def frame_file(item: int, number: int) -> str:
    return f"labelling/{item}/{number:06}.jpg"


def free_for(user: User) -> Q:
    """Items that this person may be handed."""
    return Q(assigned_to=None) | Q(assigned_to=user)


# --- making them for a job ----------------------------------------------------------------------


def picture_items(job: LabelingJob, samples: Iterable[int]) -> list[Item]:
    wanted = job.dataset.samples.current().filter(pk__in=list(samples))
    return [
        Item(job=job, sample_id=pk, n_open=job.people_per_item)
        for pk in wanted.order_by("pk").values_list("pk", flat=True)
    ]


def clip_items(job: LabelingJob, clips: Iterable[Clip]) -> list[Item]:
    items = []
    for clip in clips:
        if job.dataset.task == Dataset.Task.CONCEPT:
            raise Refused("Whole-picture labels are given to pictures: cut frames first.")
        if clip.asset.workspace_id != job.workspace.pk or clip.asset.kind != Asset.Kind.VIDEO:
            raise Refused(f"{clip.asset} is no video of this workspace.")
        if not 1 <= len(clip.times_s) <= MOST_CLIP_FRAMES:
            raise Refused(f"A clip has 1 to {MOST_CLIP_FRAMES:,} frames.")
        items.append(
            Item(job=job, asset=clip.asset, times_s=clip.times_s, n_open=job.people_per_item)
        )
    return items


def with_checks(job: LabelingJob, items: list[Item], share: float) -> list[Item]:
    """The items with check pictures among them, evenly but not predictably."""
    if not 0 < share <= 0.5:
        raise Refused("The share of check pictures goes from 0 to a half.")
    own = {item.sample_id for item in items if item.sample_id is not None}
    golden = job.dataset.samples.current().filter(is_golden=True, state=Sample.State.LABELLED)
    checks = [sample for sample in golden.prefetch_related("annotations") if sample.pk not in own]
    if not checks:
        raise Refused(
            "There are no check pictures: mark labelled pictures of the dataset as golden first."
        )
    if job.dataset.samples.filter(pk__in=own, state=Sample.State.LABELLED).exists():
        raise Refused(
            "Check pictures would stand out: some pictures of the job are labelled already and "
            "come with their boxes. Choose those that nobody has labelled."
        )
    dice = random.Random(job.pk)  # noqa: S311  nobody gains by guessing
    dice.shuffle(checks)
    n = min(len(checks), max(round(len(items) * share / (1 - share)), 1))
    each = len(items) / n
    at = sorted(int(each * (i + dice.random())) for i in range(n))
    for offset, (place, sample) in enumerate(zip(at, checks[:n], strict=True)):
        item = Item(
            job=job, sample=sample, n_open=job.people_per_item, expected=documents.of_sample(sample)
        )
        items.insert(place + offset, item)
    return items
