"""What the workers do for a job."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import Q
from django.db.models.signals import post_delete
from django.dispatch import receiver

from webapp.datasets.versions import DatasetVersion
from webapp.labelling.items import Item, frame_file
from webapp.leases import Leased, LeasedQuerySet, Piece, Status

FRAMES_A_CHUNK = 48  # cut by a worker at once: a second or two of its time


class Chore(Leased):
    """Something the workers do for a job: cut a clip's frames, look for proposals, write down
    what was found when all is done."""

    WORKSPACE = "job__dataset__project__workspace"
    PIECE = Piece(
        "chore",
        "analysis",
        "proposals and results of labelling jobs",
        soon=Q(kind="frames"),
        what_soon="frames to label",
    )

    class Kind(models.TextChoices):
        FRAMES = "frames"
        PROPOSALS = "proposals"
        COMPLETION = "completion"
        TRAINING = "training"

    job = models.ForeignKey("labeling.LabelingJob", models.CASCADE, related_name="chores")
    kind = models.CharField(max_length=10, choices=Kind)
    item = models.ForeignKey(Item, models.CASCADE, null=True, blank=True, related_name="chores")
    chunk = models.PositiveIntegerField(default=0)  # of the item's frames
    done = models.PositiveIntegerField(default=0)  # pieces dealt with so far
    total = models.PositiveIntegerField(default=0)
    note = models.TextField(blank=True)  # what was left out, in sentences
    # Of a training: what it waits for and will be trained on.
    version = models.ForeignKey(
        DatasetVersion, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["item", "kind", "chunk"], name="one_chore_a_chunk")
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.job}"

    def start_again(self, **about: Any) -> None:
        """Do it anew, from the beginning."""
        fresh = {"status": Status.WAITING, "lease_token": "", "lease_until": None, "attempt": 0}
        Chore.objects.filter(pk=self.pk).update(**fresh, done=0, note="", error="", **about)


@receiver(post_delete, sender=Chore)
def delete_frames(sender: type[Chore], instance: Chore, **_: Any) -> None:
    """What was cut goes with the row that says so: with its job, its video, or by itself."""
    if instance.kind != Chore.Kind.FRAMES or instance.item_id is None:
        return
    if instance.status == Status.WAITING:
        return
    first = instance.chunk * FRAMES_A_CHUNK
    names = [frame_file(instance.item_id, first + i) for i in range(FRAMES_A_CHUNK)]
    transaction.on_commit(partial(_delete_files, names))


def _delete_files(names: list[str]) -> None:
    for name in names:
        default_storage.delete(name)
