"""What was heard: speech segments, each some words of one speaker or one breath."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment


class SpeechSegment(models.Model):
    """A sentence or so. It belongs to the segment of the indexing in which it was heard, and may
    reach over its border; its words are columns: texts, starts, ends and confidences."""

    WORKSPACE = "indexing__asset__workspace"

    # found by the index below, which begins with it
    indexing = models.ForeignKey(
        Indexing, models.CASCADE, related_name="speech_segments", db_index=False
    )
    segment = models.ForeignKey(IndexingSegment, models.CASCADE, related_name="speech_segments")
    start_s = models.FloatField()
    end_s = models.FloatField()
    text = models.TextField()
    language = models.CharField(max_length=16, blank=True)
    confidence = models.FloatField(default=0)
    channel = models.SmallIntegerField(default=-1)  # -1: all mixed
    words: Any = models.JSONField(default=dict)  # {"text", "start_s", "end_s", "confidence"}: lists

    class Meta:
        ordering = ["indexing_id", "start_s", "pk"]
        indexes = [models.Index(fields=["indexing", "start_s"], name="speech_by_time")]

    def __str__(self) -> str:
        return f"{self.text[:40]} at {self.start_s:.1f} s"
