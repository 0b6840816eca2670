"""Where the items of a modality are found in a space: which parts of an index there are."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import F

from webapp import erasing, jobs
from webapp.accounts.models import Workspace
from webapp.leases import UNFINISHED, Leased, LeasedQuerySet, Piece, Status
from webapp.spaces.space import Space
from webapp.stored_files import StoredFile

MODALITIES = frozenset({"picture", "clip", "sound"})  # that a library is made of


class SpaceIndexQuerySet(LeasedQuerySet["SpaceIndex"]):
    def open(self) -> Self:
        return self.claimable().filter(space__state__in=(Space.State.SERVING, Space.State.COMING))

    @transaction.atomic
    def request_for(self, workspace: Workspace | int) -> None:
        """Have a worker look at what is to be placed, or to be dropped, in each index of the spaces
        that a workspace answers from, or will. Also for a space that has just been made."""
        spaces = list(Space.objects.to_index().filter(workspace=workspace))
        for space in spaces:
            for modality in sorted(MODALITIES & space.engines.keys()):
                self.get_or_create(space=space, modality=modality)
        rows = self.filter(space__in=spaces).order_by("pk")
        rows.update(asked=F("asked") + 1)
        for index in rows:
            self.filter(pk=index.pk).exclude(status__in=UNFINISHED).update(
                status=Status.WAITING, attempt=0, error="", lease_until=None, progress=0.0
            )
            jobs.ring(index)

    def serve(self, space: Space) -> bool:
        """Let a space answer searches once all of its indexes are complete, in place of the one
        that does; that one is kept, without its indexes. Inside of a transaction. True: it does
        from now on."""
        spaces = Space.objects.select_for_update().filter(workspace=space.workspace_id)
        before = list(spaces.filter(state=Space.State.SERVING))
        if not spaces.filter(pk=space.pk, state=Space.State.COMING).exists():
            return False
        if self.filter(space=space).exclude(status=Status.DONE).exists():
            return False
        for one in before:
            spaces.filter(pk=one.pk).update(state=Space.State.KEPT)
            erasing.delete(self.filter(space=one))
        spaces.filter(pk=space.pk).update(state=Space.State.SERVING)
        return True

    def note_named(self, space: Space) -> None:
        """Note how much there was when the codes of a new space were named, once all that is
        encoded is placed in it."""
        if not self.filter(space=space).exclude(status=Status.DONE).exists():
            Space.objects.filter(pk=space.pk, n_named_by=0).update(n_named_by=space.n_items())


class SpaceIndex(Leased):
    """The index (`analysis.crossmodal.index`) of one modality. Its key of an item is `key_of`, its
    owner the asset.

    placed: of each asset that is in it, by its key as a text, which indexing of it and which run,
    whose shots its clips are (0: none). Who claims it places what is missing and drops what is
    gone. notes: sentences on what could not be placed.
    """

    WORKSPACE = "space__workspace"
    PIECE = Piece("index_space", "batch", "indexes of spaces to bring up to date")

    space = models.ForeignKey(Space, models.CASCADE, related_name="indexes")
    modality = models.CharField(max_length=8)
    asked = models.PositiveBigIntegerField(default=0)  # how often: more may come while it is done
    version = models.PositiveIntegerField(default=0)  # of how its parts are written
    placed: Any = models.JSONField(default=dict, blank=True)
    n_items = models.PositiveIntegerField(default=0)
    progress = models.FloatField(default=0)  # 0 to 1
    notes: Any = models.JSONField(default=list, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SpaceIndexQuerySet.as_manager()

    class Meta(Leased.Meta):
        constraints = [
            models.UniqueConstraint(fields=["space", "modality"], name="one_index_a_modality")
        ]

    def __str__(self) -> str:
        return f"{self.modality} in {self.space}"


class IndexPart(models.Model):
    """A part of an index, as a tar file of its folder, which never changes; and what was removed
    of it since."""

    WORKSPACE = "index__space__workspace"

    index = models.ForeignKey(SpaceIndex, models.CASCADE, related_name="parts")
    name = models.CharField(max_length=60, unique=True)
    file = StoredFile()
    sha256 = models.CharField(max_length=64, default="")
    gone: Any = models.JSONField(default=list, blank=True)  # assets

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


_ROWS, _FRAMES = 1 << 20, 1 << 7  # items in one `Encodings`, and frames of a clip, fewer than these


def key_of(encodings: int, row: int, frames: int = 1) -> int:
    """How an index calls the row-th item of an `Encodings`, or a clip of some frames from it on."""
    return (encodings * _ROWS + row) * _FRAMES + frames


def item_of(key: int) -> tuple[int, int, int]:
    """The `Encodings`, the row in it and how many frames that a key names."""
    item, frames = divmod(key, _FRAMES)
    encodings, row = divmod(item, _ROWS)
    return encodings, row, frames
