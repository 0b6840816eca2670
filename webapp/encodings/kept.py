"""What an encoder makes of a stretch of an asset, as a file beside its row."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from django.core.files.storage import default_storage
from django.db import models
from django.db.models import Max
from numpy.typing import NDArray

from analysis.crossmodal.encodings import Encodings as Packed
from analysis.errors import UnusableModel
from analysis.film.columns import FRAME
from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.leases import Status
from webapp.runs.segments import Segment
from webapp.stored_files import StoredFile

GONE = "What was encoded here is gone: encode it again."


def read(name: str) -> Packed:
    """What a file holds. Raises UnusableModel where it is gone, damaged or something else."""
    try:
        with default_storage.open(name) as file:
            return Packed.unpack(file.read())
    except FileNotFoundError as error:
        raise UnusableModel(GONE) from error


class EncodingsQuerySet(models.QuerySet["Encodings"]):
    def in_sight(self) -> Self:
        """Those of assets and indexings that were not deleted."""
        return self.filter(asset__removed=None, segment__indexing__removed=None)

    def newest(self, workspace: Workspace | int, engine: str) -> dict[int, int]:
        """Of each asset the newest indexing that an encoder has made to its end, by asset."""
        done = self.in_sight().filter(
            engine=engine, asset__workspace=workspace, segment__indexing__status=Status.DONE
        )
        pairs = done.order_by().values_list("asset").annotate(newest=Max("segment__indexing"))
        return dict(pairs)


class Kept(models.Model):
    """The file holds what `analysis.crossmodal.encodings` packs; `times` is the FRAME columns of
    that, so that an answer can say when without reading it. `engine` names the encoder
    (`analysis.crossmodal.types.Encoder.engine`): numbers of two engines are never compared. Files
    are called by what is in them, and never change.
    """

    engine = models.CharField(max_length=200)
    file = StoredFile()
    n_items = models.PositiveIntegerField(default=0)
    times = models.BinaryField(default=bytes)

    class Meta:
        abstract = True

    def frames(self) -> NDArray[np.void]:
        """When its items are: dtype FRAME, shape (n_items,)."""
        return np.frombuffer(bytes(self.times), FRAME)

    def read(self) -> Packed:
        """Raises UnusableModel where the file is gone or damaged."""
        return read(self.file)


class Encodings(Kept):
    """The items of one modality in a stretch: frames about a second apart, or pieces of sound."""

    WORKSPACE = "asset__workspace"

    class Modality(models.TextChoices):
        PICTURE = "picture"
        SOUND = "sound"

    segment = models.OneToOneField(IndexingSegment, models.CASCADE, related_name="encodings")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="encodings")
    modality = models.CharField(max_length=8, choices=Modality)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = EncodingsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["engine", "asset"], name="encodings_of_an_engine")]

    def __str__(self) -> str:
        return f"{self.modality} of {self.asset} by {self.engine}"

    @property
    def indexing(self) -> Indexing:
        return self.segment.indexing


class EncodedInPassing(Kept):
    """Frames that a run has encoded while it looked for something else. When the run ends they
    become an indexing of pictures, or go."""

    WORKSPACE = "segment__run__asset__workspace"

    segment = models.OneToOneField(Segment, models.CASCADE, related_name="encoded")

    def __str__(self) -> str:
        return f"pictures of {self.segment} by {self.engine}"
