"""What was read on the picture: captions, scores, signs: each one row for as long as it stands."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment


class TextRegionQuerySet(models.QuerySet["TextRegion"]):
    def as_it_reads(self) -> Any:
        """With `reads`, what a person wrote for the line where one did, else what was read; and
        `edit`, the correction that holds."""
        standing = apps.get_model("indexing.LineEdit").objects.standing()
        last = standing.filter(region=OuterRef("pk")).order_by("-pk")
        return self.annotate(
            edit=Subquery(last.values("pk")[:1]),
            reads=Coalesce(
                Subquery(last.values("text")[:1]), F("text"), output_field=models.TextField()
            ),
        )


class TextRegion(models.Model):
    """A line of writing. It belongs to the segment of the indexing in which it began to be seen;
    where it goes on in the next ones it is made one row when the indexing is finished."""

    WORKSPACE = "indexing__asset__workspace"

    class Kind(models.TextChoices):
        OVERLAY = "overlay"  # put over the picture: it stands still while that moves
        SCENE = "scene"  # filmed: it moves with what it is written on
        UNTOLD = "untold"  # nothing moved while it was there, so nobody can say

    # found by the index below, which begins with it
    indexing = models.ForeignKey(
        Indexing, models.CASCADE, related_name="text_regions", db_index=False
    )
    segment = models.ForeignKey(IndexingSegment, models.CASCADE, related_name="text_regions")
    start_s = models.FloatField()
    end_s = models.FloatField()
    text = models.TextField()
    confidence = models.FloatField(default=0)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.UNTOLD)
    box: Any = models.JSONField(default=list)  # where it was read best: xyxy, shares of the frame
    # where it was seen, by time, as far as it moved: [[time_s, x1, y1, x2, y2], …]
    path: Any = models.JSONField(default=list, blank=True)
    looks = models.PositiveIntegerField(default=1)  # frames in which it was read

    objects: ClassVar[Any] = TextRegionQuerySet.as_manager()

    class Meta:
        ordering = ["indexing_id", "start_s", "pk"]
        indexes = [models.Index(fields=["indexing", "start_s"], name="text_by_time")]

    def __str__(self) -> str:
        return f"{self.text[:40]} at {self.start_s:.1f} s"
