"""Frames that a model labelled itself, beside the pictures of a dataset version.

They are no samples: no person said what is on them, so the gallery, the exports and the labelling
jobs know nothing of them. A version that is frozen with them says so (`recipe["pseudo"]`)."""

from __future__ import annotations

from typing import Any

from django.db import models

from analysis.datasets.types import LabelledBox, LabelledPicture
from analysis.types import Box
from webapp.assets.models import Asset
from webapp.datasets.versions import DatasetVersion
from webapp.stored_files import StoredFile


class PseudoPicture(models.Model):
    """One frame. `version`: whose pictures it was mined beside, and which has it not."""

    WORKSPACE = "version__dataset__project__workspace"

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="pseudo_pictures")
    source = models.CharField(max_length=255)
    file = StoredFile(is_shared=True)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    thumb = StoredFile(is_shared=True, blank=True)
    phash = models.CharField(max_length=16, blank=True)
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, related_name="+")
    video = models.CharField(max_length=255)
    time_s = models.FloatField()
    boxes: Any = models.JSONField(default=list)  # {"label": its name, "box", "confidence"}

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "source"], name="one_pseudo_a_source")
        ]

    def __str__(self) -> str:
        return self.source

    def as_labelled_picture(self) -> LabelledPicture:
        return LabelledPicture(
            source=self.source,
            width=self.width,
            height=self.height,
            boxes=tuple(
                LabelledBox(one["label"], Box(*one["box"]), confidence=one["confidence"])
                for one in self.boxes
            ),
            split="train",
            is_pseudo=True,
            file=self.file,
            sha256=self.sha256,
            video=self.video,
            time_s=self.time_s,
        )
