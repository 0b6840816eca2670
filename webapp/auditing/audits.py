"""An audit of a run: which brands are checked, and how many answers are wanted of each."""

from __future__ import annotations

from typing import Any

from django.db import models

from analysis.auditing import Population, stretch_s
from analysis.exposure.methodologies import Methodology
from webapp.accounts.models import Event, User
from webapp.auditing.populations import beginnings_of, population_of
from webapp.projects.models import Label
from webapp.runs.run import Run


class Audit(models.Model):
    """All that people check of one run."""

    WORKSPACE = "run__asset__workspace"

    run = models.OneToOneField(Run, models.CASCADE, related_name="audit")
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    seed = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"audit of {self.run}"


class What(models.TextChoices):
    """What of a brand is checked."""

    SECONDS = "seconds", "Seconds on screen"  # by frames: is it there?
    TIMES = "times", "Number of exposures"  # by stretches of film: does one begin there?


class AuditedLabel(models.Model):
    """One brand of an audit. `threshold` stays as it was when the frames were drawn; `wanted` are
    the answers asked for by stratum, in all rounds so far.

    Of TIMES `gap_s` and `minimum_s` say what one exposure is: another gap makes another number.

    Whoever changes what is asked or answered of it holds this row meanwhile (`held`).
    """

    WORKSPACE = "audit__run__asset__workspace"

    audit = models.ForeignKey(Audit, models.CASCADE, related_name="labels")
    label = models.ForeignKey(Label, models.CASCADE, related_name="audits")
    what = models.CharField(max_length=7, choices=What, default=What.SECONDS)
    gap_s = models.FloatField(null=True, blank=True)
    minimum_s = models.FloatField(null=True, blank=True)
    threshold = models.FloatField()
    seed = models.PositiveBigIntegerField()
    round = models.PositiveSmallIntegerField(default=1)
    wanted: Any = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["label__position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["audit", "label", "what"], name="one_audit_of_each"),
        ]

    def __str__(self) -> str:
        return f"{self.label} in {self.audit}"

    @property
    def is_of_times(self) -> bool:
        return self.what == What.TIMES

    @property
    def stretch_s(self) -> float:
        """How long the stretches are that are asked about; 0 where it is frames."""
        found = stretch_s(self.gap_s or 0.0, self.minimum_s or 0.0)
        return found if found and self.is_of_times else 0.0

    def counts_by(self, method: Methodology) -> bool:
        """Whether the exposures that were counted are those of this method."""
        rule = (method.gap_s, method.minimum_s)
        return (
            self.is_of_times
            and rule == (self.gap_s, self.minimum_s)
            and not (method.bridge_counts and method.minimum_s)
        )

    @classmethod
    def held(cls, pk: int) -> AuditedLabel:
        """The row for this transaction alone, with what its rules need."""
        rows = cls.objects.select_for_update(of=("self",))
        return rows.select_related("audit__run__asset__workspace", "label").get(pk=pk)

    @property
    def run(self) -> Run:
        return self.audit.run

    @property
    def population(self) -> Population:
        return self.population_in(self.run)

    def population_in(self, run: Run) -> Population:
        """As `population`, where its run is at hand."""
        if self.is_of_times:
            rule = (self.gap_s or 0.0, self.minimum_s or 0.0)
            return beginnings_of(run, self.label_id, self.threshold, *rule)
        return population_of(run, self.label_id, self.threshold)

    def log(self, what: str, by: User, **about: Any) -> None:
        """Keep who did what with it."""
        asset = self.run.asset
        about |= {"run": self.run.pk, "label": self.label.name}
        Event.record(asset.workspace, by, what, str(asset), **about)
