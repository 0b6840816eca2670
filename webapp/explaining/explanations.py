"""Why a run says that a label is in one box: worked out once, as what a run found never changes."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models

from webapp import jobs
from webapp.accounts.models import Refused
from webapp.leases import Leased, LeasedQuerySet, Piece
from webapp.runs.boxes import Boxes
from webapp.runs.run import Run


class ExplanationQuerySet(LeasedQuerySet["Explanation"]):
    def asked(self, run: Run, number: int) -> Explanation:
        """That of a box, by its number (`webapp.runs.boxes`); a worker begins where there is none.

        Raises Refused for a box that is none, and for a run that is not finished.
        """
        row = self.filter(run=run, number=number).first()
        if row is not None:
            row.retry_when_rested()
            return row
        if run.status != Run.Status.SUCCEEDED:
            raise Refused("The analysis is not finished: what it found is not settled yet.")
        box = Boxes(run).at(number)
        if box is None:
            raise Refused("There is no such box in this analysis.")
        about = {"time_s": box.time_s, "label": box.label, "label_name": box.label_name}
        about |= {"box": box.box, "confidence": box.confidence, "known": box.known}
        row, is_new = self.get_or_create(run=run, number=number, defaults=about)
        if is_new:
            jobs.ring(row)
        return row

    def open(self) -> Self:
        return self.claimable().filter(run__removed=None, run__asset__removed=None)


class Explanation(Leased):
    """`label` is a number, and its name as it was: the label may be deleted.

    result: {"notes": sentences, "heat": {"effects": rows, "area": xyxy, "confidence",
    "outside_share"} or null, "matches": [{"file", "name", "points": [x, y, x, y]…}],
    "alike": [{"file", "box", "likeness", "source"}], "n_compared"}.
    """

    WORKSPACE = "run__asset__workspace"
    PIECE = Piece("explain", "soon", "boxes to explain")

    run = models.ForeignKey(Run, models.CASCADE, related_name="explanations")
    number = models.BigIntegerField()
    time_s = models.FloatField()
    label = models.BigIntegerField()
    label_name = models.CharField(max_length=120, blank=True)
    box: Any = models.JSONField()
    confidence = models.FloatField()
    known = models.CharField(max_length=12, blank=True)
    progress = models.FloatField(default=0)
    step = models.CharField(max_length=60, blank=True)
    result: Any = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = ExplanationQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="one_explanation_a_box")
        ]

    def __str__(self) -> str:
        return f"why {self.label_name} at {self.time_s:.2f} s"

    def is_wanted(self) -> bool:
        return Run.living.filter(pk=self.run_id, asset__removed=None).exists()
