"""An audit of a run: which brands are checked, and how many answers are wanted of each."""

from __future__ import annotations

from typing import Any

from django.db import models

from analysis.auditing import Population
from webapp.accounts.models import Event, User
from webapp.auditing.populations import population_of
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


class AuditedLabel(models.Model):
    """One brand of an audit. `threshold` stays as it was when the frames were drawn; `wanted` are
    the answers asked for by stratum, in all rounds so far.

    Whoever changes what is asked or answered of it holds this row meanwhile (`held`).
    """

    WORKSPACE = "audit__run__asset__workspace"

    audit = models.ForeignKey(Audit, models.CASCADE, related_name="labels")
    label = models.ForeignKey(Label, models.CASCADE, related_name="audits")
    threshold = models.FloatField()
    seed = models.PositiveBigIntegerField()
    round = models.PositiveSmallIntegerField(default=1)
    wanted: Any = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["label__position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["audit", "label"], name="one_audit_a_label"),
        ]

    def __str__(self) -> str:
        return f"{self.label} in {self.audit}"

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
        return population_of(self.run, self.label_id, self.threshold)

    def log(self, what: str, by: User, **about: Any) -> None:
        """Keep who did what with it."""
        asset = self.run.asset
        about |= {"run": self.run.pk, "label": self.label.name}
        Event.record(asset.workspace, by, what, str(asset), **about)
