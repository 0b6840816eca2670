"""What a run found beside its boxes: the stretches between cuts, and logos followed over time."""

from __future__ import annotations

from django.db import models

from webapp.projects.models import Label
from webapp.runs.run import Run
from webapp.runs.segments import Segment


class Shot(models.Model):
    run = models.ForeignKey(Run, models.CASCADE, related_name="shots")
    index = models.PositiveIntegerField()
    start_s = models.FloatField()
    end_s = models.FloatField()

    class Meta:
        ordering = ["run_id", "index"]
        constraints = [models.UniqueConstraint(fields=["run", "index"], name="one_shot_an_index")]

    def __str__(self) -> str:
        return f"shot {self.index} of {self.run}"


class Track(models.Model):
    """One logo instance followed across frames. Segments number their own tracks; the finish of
    the run joins those that cross a segment's border."""

    PER_SEGMENT = 100_000  # numbers of segment 3 run from 300,000

    run = models.ForeignKey(Run, models.CASCADE, related_name="tracks")
    segment = models.ForeignKey(Segment, models.CASCADE, related_name="tracks")
    label = models.ForeignKey(Label, models.PROTECT, related_name="tracks")
    number = models.PositiveIntegerField()
    start_s = models.FloatField()
    end_s = models.FloatField()
    count = models.PositiveIntegerField()
    confidence = models.FloatField()  # its best

    class Meta:
        ordering = ["run_id", "start_s"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="one_track_a_number")]

    def __str__(self) -> str:
        return f"track {self.number} of {self.label}"
