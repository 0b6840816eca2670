"""“Find all” of a labelling job: where a space or past analyses see a label, as proposals."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models, transaction

from webapp import jobs
from webapp.accounts.models import Refused, User
from webapp.labelling.jobs import LabelingJob
from webapp.leases import Leased, LeasedQuerySet, Piece, about_left_s
from webapp.projects.models import Label

LONGEST = 120  # letters of the words


class FindingQuerySet(LeasedQuerySet["Finding"]):
    def open(self) -> Self:
        return self.claimable().filter(job__dataset__project__removed=None)

    @transaction.atomic
    def request(self, job: LabelingJob, label: Label, words: str, *, by: User) -> Finding:
        """Look for a label in what is still to be labelled; `words` say it otherwise. One that goes
        on already is not begun twice. Raises Refused."""
        words = " ".join(words.split())[:LONGEST]
        if not job.is_open:
            raise Refused(f"{job} is over: nothing is labelled in it any more.")
        if label.project_id != job.dataset.project_id or label.archived is not None:
            raise Refused("This label is none of the project.")
        before = self.filter(job=job, label=label, words=words).unfinished().first()
        if before is not None:
            return before
        row = self.create(job=job, label=label, words=words, requested_by=by)
        jobs.ring(row)
        return row


class Finding(Leased):
    """One label looked for in one job. Its proposals lie beside what people draw, and are never
    annotations of their own. note: what came of it, in sentences."""

    WORKSPACE = "job__dataset__project__workspace"
    PIECE = Piece("find_all", "batch", "labels to find in labelling jobs")

    job = models.ForeignKey(LabelingJob, models.CASCADE, related_name="findings")
    label = models.ForeignKey(Label, models.CASCADE, related_name="+")
    words = models.CharField(max_length=LONGEST, blank=True)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    progress = models.FloatField(default=0)
    n_found = models.PositiveIntegerField(default=0)
    note = models.TextField(blank=True)
    is_cancelled = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = FindingQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.words or self.label.name} in {self.job}"

    @property
    def left_s(self) -> float | None:
        return about_left_s(self, self.progress)

    def is_wanted(self) -> bool:
        rows = type(self)._base_manager.filter(pk=self.pk, job__dataset__project__removed=None)
        return rows.filter(job__status=LabelingJob.Status.OPEN).exists()
