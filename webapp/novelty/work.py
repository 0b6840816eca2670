"""Long work about what is new: gathering it, giving a label its pictures, keeping regions again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction

from webapp import jobs
from webapp.accounts.models import Refused, User
from webapp.datasets.dataset import Dataset
from webapp.leases import Leased, LeasedQuerySet, Piece, Status, about_left_s
from webapp.novelty.labelled import MOST, free_places, labelled_boxes
from webapp.projects.models import Label, Project
from webapp.runs.regions import keeps_regions
from webapp.runs.run import Run

if TYPE_CHECKING:
    from webapp.novelty.groups import NewBrand


class NoveltyWorkQuerySet(LeasedQuerySet["NoveltyWork"]):
    def open(self) -> Self:
        return self.claimable().filter(project__removed=None)

    def waiting(self) -> Self:
        return self.filter(status=Status.WAITING)

    @transaction.atomic
    def ask_gather(self, project: Project, *, by: User | None) -> NoveltyWork:
        """Have it looked what is new in a project; the one that waits already, where one does."""
        before = self.filter(project=project, kind=NoveltyWork.Kind.GATHER)
        if waits := before.waiting().first():
            return waits
        return self._asked(NoveltyWork.Kind.GATHER, project, by=by)

    def ask_name(self, brand: NewBrand, dataset: Dataset | None, *, by: User) -> NoveltyWork:
        """Have the label of a group given pictures, and a dataset examples."""
        about = {"brand": brand, "dataset": dataset}
        return self._asked(NoveltyWork.Kind.NAME, brand.project, by=by, **about)

    @transaction.atomic
    def ask_keep(self, run: Run, *, by: User | None) -> NoveltyWork:
        """Have the regions of an analysis kept that has none. Raises Refused."""
        if run.status != Run.Status.SUCCEEDED:
            raise Refused("The analysis is not finished.")
        if keeps_regions(run):
            raise Refused("This analysis keeps its regions already.")
        before = self.filter(run=run, kind=NoveltyWork.Kind.KEEP)
        if going := before.unfinished().first():
            return going
        return self._asked(NoveltyWork.Kind.KEEP, run.project, by=by, run=run)

    @transaction.atomic
    def ask_people(self, label: Label, *, by: User) -> NoveltyWork:
        """Have what past analyses keep of a label sent to people; no second time meanwhile."""
        before = self.filter(label=label, kind=NoveltyWork.Kind.ASK)
        if going := before.unfinished().first():
            return going
        return self._asked(NoveltyWork.Kind.ASK, label.project, by=by, label=label)

    @transaction.atomic
    def ask_take(self, label: Label, *, by: User) -> NoveltyWork:
        """Have logo pictures of a label taken from its labelled boxes. Raises Refused."""
        if label.archived:
            raise Refused(f"{label} was removed from the project.")
        if not labelled_boxes(label).exists():
            raise Refused(
                f"No box of {label} is labelled that may be taken: golden pictures, pictures that "
                "were made and boxes of what is covered are left out."
            )
        if free_places(label) < 1:
            raise Refused(f"{label} has {MOST} logo pictures or more. Remove some first.")
        going = self.filter(label=label, kind=NoveltyWork.Kind.TAKE).unfinished().first()
        return going or self._asked(NoveltyWork.Kind.TAKE, label.project, by=by, label=label)

    def _asked(self, kind: str, project: Project, *, by: User | None, **about: Any) -> NoveltyWork:
        row = self.create(kind=kind, project=project, requested_by=by, **about)
        jobs.ring(row)
        return row


class NoveltyWork(Leased):
    """One piece. `note`: what a person should know of what came out."""

    WORKSPACE = "project__workspace"
    PIECE = Piece(
        "novelty",
        "batch",
        "what is new in projects",
        soon=models.Q(requested_by__isnull=False),
        what_soon="what is new, for somebody who waits",
    )

    class Kind(models.TextChoices):
        GATHER = "gather", "Looking for what is new"
        NAME = "name", "Giving a label its pictures"
        KEEP = "keep", "Keeping the regions of an analysis"
        ASK = "ask", "Sending past moments to the review"
        TAKE = "take", "Taking logo pictures from labelled boxes"

    project = models.ForeignKey(Project, models.CASCADE, related_name="novelty_work")
    kind = models.CharField(max_length=6, choices=Kind)
    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="+")
    brand = models.ForeignKey("novelty.NewBrand", models.CASCADE, null=True, related_name="work")
    label = models.ForeignKey(Label, models.CASCADE, null=True, related_name="+")
    dataset = models.ForeignKey(Dataset, models.SET_NULL, null=True, related_name="+")
    progress = models.FloatField(default=0)
    step = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=300, blank=True)
    is_cancelled = models.BooleanField(default=False)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = NoveltyWorkQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.Kind(self.kind).label} of {self.project}"

    @property
    def left_s(self) -> float | None:
        return about_left_s(self, self.progress)

    def is_wanted(self) -> bool:
        mine = type(self)._base_manager.filter(pk=self.pk, project__removed=None)
        return mine.filter(models.Q(run=None) | models.Q(run__asset__removed=None)).exists()
