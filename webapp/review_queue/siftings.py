"""Going through an analysis with the rules of its project, to see what a person should look at."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models, transaction

from webapp import jobs
from webapp.accounts.models import Event, Refused, User
from webapp.indexing.indexing import Indexing
from webapp.leases import Leased, LeasedQuerySet, Piece
from webapp.projects.models import Project
from webapp.review_queue.rules import ReviewRule
from webapp.runs.run import Run
from webapp.search.keeping import newest_runs

_OF_WORDS = {"said", "written", "mentions", "words"}


def newest(project: Project) -> models.QuerySet[Run]:
    """The newest finished analysis of each asset of a project, newest first."""
    return newest_runs().filter(project=project).select_related("asset").order_by("-pk")


class SiftingQuerySet(LeasedQuerySet["Sifting"]):
    @transaction.atomic
    def request(self, run: Run, *, by: User | None) -> Sifting | None:
        """Have a run gone through; None where the project has no rule, it waits already, or the run
        only tries a model."""
        if run.is_shadow:
            return None
        if not ReviewRule.objects.working().filter(project=run.project_id).exists():
            return None
        if self.unfinished().filter(run=run).exists():
            return None
        row = self.create(run=run, requested_by=by)
        jobs.ring(row)
        return row

    @transaction.atomic
    def request_after(self, indexing: Indexing) -> int:
        """Have those rules look once more that ask for what is said or written: an asset was
        listened to or read. Returns how many analyses are gone through."""
        runs = newest_runs().filter(asset=indexing.asset_id, removed=None)
        rules = ReviewRule.objects.working().filter(project__in=runs.values("project"))
        asking = {rule.project_id for rule in rules if rule.rule.needs & _OF_WORDS}
        asked = runs.filter(project__in=asking).select_related("asset")
        return sum(self.request(run, by=None) is not None for run in asked)

    def open(self) -> Self:
        return self.claimable().filter(run__removed=None, run__asset__removed=None)

    @transaction.atomic
    def request_latest(self, rule: ReviewRule, *, by: User) -> int:
        """Have the newest analysis of each asset of the rule's project gone through."""
        if not rule.is_on:
            raise Refused(f"{rule} is off: turn it on first.")
        n = sum(self.request(run, by=by) is not None for run in newest(rule.project))
        if n:
            workspace = rule.project.workspace
            Event.record(workspace, by, "applied the review rules", rule.project.name, assets=n)
        return n


class Sifting(Leased):
    """One run gone through. `note`: what a person should know of what came out."""

    WORKSPACE = "run__asset__workspace"
    PIECE = Piece(
        "sift",
        "batch",
        "analyses to go through with the review rules",
        soon=models.Q(requested_by__isnull=False),
        what_soon="analyses to go through for somebody who waits",
    )

    run = models.ForeignKey(Run, models.CASCADE, related_name="siftings")
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    n_items = models.PositiveIntegerField(default=0)
    # what there was to send, and how many of these tracks people were asked about by now
    n_frames = models.PositiveIntegerField(null=True)
    n_tracks = models.PositiveIntegerField(null=True)
    n_tracks_sent = models.PositiveIntegerField(null=True)
    note = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SiftingQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.run} gone through"

    def is_wanted(self) -> bool:
        return Run.objects.filter(pk=self.run_id, asset__removed=None).exists()
