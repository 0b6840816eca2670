"""The codes of a space: what each fires on, what people call it, and which say nothing."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.accounts.models import User
from webapp.spaces.space import Space


class Code(models.Model):
    """words: [{"word", "purity", "coverage"}], the best first. labels: the same of labels.
    examples: [{"asset", "time_s", "end_s", "box", "modality"}], where it fires most strongly."""

    WORKSPACE = "space__workspace"

    space = models.ForeignKey(Space, models.CASCADE, related_name="codes")
    number = models.PositiveIntegerField()
    fires_on = models.PositiveIntegerField(default=0)  # items
    words: Any = models.JSONField(default=list, blank=True)
    labels: Any = models.JSONField(default=list, blank=True)
    examples: Any = models.JSONField(default=list, blank=True)
    name = models.CharField(max_length=80, blank=True)  # by a person
    is_muted = models.BooleanField(default=False)  # it counts in no score and no reason
    changed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    changed = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["space", "number"]
        constraints = [
            models.UniqueConstraint(fields=["space", "number"], name="one_code_a_number")
        ]

    def __str__(self) -> str:
        return self.called

    @property
    def called(self) -> str:
        """What it is called wherever codes are shown."""
        words = [one["word"] for one in (*self.labels[:1], *self.words[:2])]
        return self.name or ", ".join(dict.fromkeys(words)) or f"code {self.number}"
