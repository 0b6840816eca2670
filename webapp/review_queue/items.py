"""A frame, a mention or a sentence that a rule sent to people: who has it in front of them, and
whether it is decided."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from webapp.accounts.models import User, Workspace
from webapp.projects.models import Label, Project
from webapp.review_queue.rules import ReviewRule
from webapp.runs.run import Run


class State(models.TextChoices):
    OPEN = "open", "Waits"
    DISPUTED = "disputed", "People disagree"
    DONE = "done", "Decided"
    WITHDRAWN = "withdrawn", "A newer analysis took its place"


# By a column of its own: a state that is compared with parameters finds no partial index on SQLite.
_WAITS = Q(is_waiting=True)


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def there(self) -> Self:
        """Those whose film and analysis are still there, and of mentions the brand."""
        there = self.filter(run__removed=None, run__asset__removed=None)
        return there.exclude(kind="mention", label=None)

    def frames(self) -> Self:
        return self.filter(kind="frame")

    def waiting(self) -> Self:
        return self.filter(is_waiting=True)

    def free(self) -> Self:
        """Those that nobody has in front of them."""
        return self.waiting().filter(Q(lease_until=None) | Q(lease_until__lt=Now()))

    def held_by_others(self, by: User) -> Self:
        return self.waiting().filter(lease_until__gt=Now()).exclude(leased_to=by)


class ReviewItem(models.Model):
    """One frame of one analysis. `boxes`: what is drawn for people, as it was found. Or a mention
    or a sentence of its asset: `told` says which, and `key` that it is asked about once.

    because: a list of {"rule", "words", "conditions"}, why it is here. stake_s: the seconds of
    the report that a decision may change, as far as they are in doubt; worth: of these, as many as
    a second of a person's work settles, which gives the order.
    """

    WORKSPACE = "workspace"

    class Kind(models.TextChoices):
        FRAME = "frame", "A frame"
        MENTION = "mention", "A mention"
        WORDS = "words", "A sentence with words in doubt"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, related_name="review_items")
    run = models.ForeignKey(Run, models.CASCADE, related_name="review_items")
    rule = models.ForeignKey(ReviewRule, models.SET_NULL, null=True, related_name="items")
    # the one that it is most about; where it is deleted, the frame may show others
    label = models.ForeignKey(Label, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.FRAME)
    # its position among the run's analysed frames; of words, that of the frame shown then
    frame = models.PositiveIntegerField()
    key = models.CharField(max_length=120, blank=True)
    told: Any = models.JSONField(default=dict, blank=True)
    time_s = models.FloatField()
    boxes: Any = models.JSONField(default=list)
    because: Any = models.JSONField(default=list)
    stake_s = models.FloatField(default=0)
    worth = models.FloatField(default=0)
    doubt = models.FloatField(default=0)  # 1: as unsure as can be
    is_by_lot = models.BooleanField(default=False)  # no rule would have sent it without a lot
    people = models.PositiveSmallIntegerField(default=1)
    n_decided = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    is_waiting = models.GeneratedField(
        expression=models.ExpressionWrapper(
            Q(state__in=["open", "disputed"]), models.BooleanField()
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    # the decision about another frame of the same tracks that ended it
    settled_by = models.ForeignKey(
        "review_queue.Decision", models.SET_NULL, null=True, blank=True, related_name="along"
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    leased_to = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    done = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = ReviewItemQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "frame"],
                condition=Q(kind="frame"),
                name="one_review_item_a_frame",
            ),
            models.UniqueConstraint(
                fields=["run", "key"],
                condition=~Q(kind="frame"),
                name="one_review_item_a_mention",
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "-worth", "id"], name="review_by_worth", condition=_WAITS
            ),
            models.Index(
                fields=["workspace", "label", "-worth", "id"],
                name="review_by_brand",
                condition=_WAITS,
            ),
            models.Index(
                fields=["workspace", "-doubt", "id"], name="review_by_doubt", condition=_WAITS
            ),
            models.Index(fields=["workspace", "id"], name="review_by_age", condition=_WAITS),
            models.Index(
                fields=["project", "-worth", "id"], name="review_of_project", condition=_WAITS
            ),
            models.Index(
                fields=["workspace", "lease_until"],
                name="review_lent",
                condition=_WAITS & Q(lease_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.time_s:.2f} s of {self.run}"

    @property
    def is_there(self) -> bool:
        """As `there` says, of a row that was read with its run and its film."""
        is_gone = self.run.removed is not None or self.run.asset.removed is not None
        return not is_gone and (self.kind != self.Kind.MENTION or self.label_id is not None)

    @property
    def is_frame(self) -> bool:
        return self.kind == self.Kind.FRAME
