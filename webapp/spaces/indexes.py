"""Where the items of a modality are found in a space: which parts of an index there are."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models

from webapp.leases import Leased, LeasedQuerySet, Piece
from webapp.spaces.space import Space


class SpaceIndexQuerySet(LeasedQuerySet["SpaceIndex"]):
    def open(self) -> Self:
        return self.claimable().filter(space__state__in=(Space.State.SERVING, Space.State.COMING))


class SpaceIndex(Leased):
    """The index (`analysis.crossmodal.index`) of one modality. Its key of an item is
    `key_of(encodings, row)`, its owner the asset.

    parts: as the index lists them, each with the stored file that holds it. placed: the keys of
    the `Encodings` that are in it. Who claims it places what is missing and drops what is gone.
    """

    WORKSPACE = "space__workspace"
    PIECE = Piece("index_space", "batch", "indexes of spaces to bring up to date")

    space = models.ForeignKey(Space, models.CASCADE, related_name="indexes")
    modality = models.CharField(max_length=8)
    parts: Any = models.JSONField(default=list, blank=True)
    placed: Any = models.JSONField(default=list, blank=True)
    n_items = models.PositiveIntegerField(default=0)
    progress = models.FloatField(default=0)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SpaceIndexQuerySet.as_manager()

    class Meta(Leased.Meta):
        constraints = [
            models.UniqueConstraint(fields=["space", "modality"], name="one_index_a_modality")
        ]

    def __str__(self) -> str:
        return f"{self.modality} in {self.space}"


_ROWS = 1 << 20  # items in one `Encodings`, at most


def key_of(encodings: int, row: int) -> int:
    """How an index calls the row-th item of an `Encodings`."""
    return encodings * _ROWS + row


def item_of(key: int) -> tuple[int, int]:
    """The `Encodings` and the row in it that a key names."""
    return divmod(key, _ROWS)
