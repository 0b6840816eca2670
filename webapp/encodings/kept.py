"""What an encoder makes of a stretch of an asset, as a file beside its row."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models

from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.stored_files import StoredFile


class EncodingsQuerySet(models.QuerySet["Encodings"]):
    def in_sight(self) -> Self:
        """Those of assets and indexings that were not deleted."""
        return self.filter(asset__removed=None, segment__indexing__removed=None)


class Encodings(models.Model):
    """The items of one modality in a stretch: frames about a second apart, or pieces of sound.

    `engine` names the encoder (`analysis.crossmodal.types.Encoder.engine`): numbers of two engines
    are never compared. The file holds what `analysis.crossmodal.encodings` packs.
    """

    WORKSPACE = "asset__workspace"

    class Modality(models.TextChoices):
        PICTURE = "picture"
        SOUND = "sound"

    segment = models.OneToOneField(IndexingSegment, models.CASCADE, related_name="encodings")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="encodings")
    modality = models.CharField(max_length=8, choices=Modality)
    engine = models.CharField(max_length=200)
    file = StoredFile()
    n_items = models.PositiveIntegerField(default=0)
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
