"""What a person decided for an item: the boxes that are really there."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from webapp.accounts.models import User
from webapp.indexing.line_edits import LineEdit
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.indexing.word_edits import WordEdit
from webapp.review_queue.items import ReviewItem
from webapp.reviewing.verdicts import Verdict


class DecisionQuerySet(models.QuerySet["Decision"]):
    def standing(self) -> DecisionQuerySet:
        """Those that were not taken back."""
        return self.filter(undone=None)


class Decision(models.Model):
    """boxes: [{"prediction": the box it goes out from or null, "label", "box"}, …], all that is
    there. answer: of a mention or a sentence instead (`webapp.review_queue.answers`). What it
    settles in the figures are its `verdicts`, `mention_verdicts`, `word_edits` and `line_edits`;
    the prediction stays as it is."""

    WORKSPACE = "item__workspace"

    class Scope(models.TextChoices):
        TRACK = "track", "Whole tracks"
        FRAME = "frame", "This frame"

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="decisions")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    boxes: Any = models.JSONField(default=list)
    answer: Any = models.JSONField(default=dict, blank=True)
    is_unsure = models.BooleanField(default=False)
    scope = models.CharField(max_length=5, choices=Scope, default=Scope.FRAME)
    # whether what counted of what was found is just what is there; None: nobody could tell
    is_right = models.BooleanField(null=True)
    settles = models.BooleanField(default=False)  # where others disagreed
    spent_s = models.FloatField(default=0)  # between seeing the item and deciding
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)
    verdicts = models.ManyToManyField(Verdict, related_name="decisions")
    mention_verdicts = models.ManyToManyField(MentionVerdict, related_name="decisions")
    word_edits = models.ManyToManyField(WordEdit, related_name="decisions")
    line_edits = models.ManyToManyField(LineEdit, related_name="decisions")

    objects: ClassVar[Any] = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["item", "by"],
                condition=models.Q(undone=None, settles=False),
                name="one_decision_a_person",
            )
        ]
        indexes = [models.Index(fields=["by", "-created"], name="decisions_of_a_person")]

    def __str__(self) -> str:
        return f"{self.by} about {self.item}"


class Skip(models.Model):
    """This person would rather do others first."""

    WORKSPACE = "item__workspace"

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="skips")
    by = models.ForeignKey(User, models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "by"], name="skipped_once"),
        ]

    def __str__(self) -> str:
        return f"{self.by} skipped {self.item}"
