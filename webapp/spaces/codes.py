"""The codes of a space: what each fires on, what people call it, and which say nothing."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.spaces.space import Space

LONGEST_NAME = 80
LEAST_PURITY = 0.3  # of what a code is called by


class CodeQuerySet(models.QuerySet["Code"]):
    def matching(self, words: str) -> Self:
        """Those whose name, words or labels hold all of these words."""
        found = self
        for word in words.split():
            found = found.filter(Q(name__icontains=word) | Q(text__icontains=word))
        return found

    def that_fire(self) -> Self:
        return self.filter(fires_on__gt=0)


class Code(models.Model):
    """words: [{"word", "purity", "coverage"}], the best first. labels: the same of labels.
    examples: [{"asset", "time_s", "end_s", "box", "modality"}], where it fires most strongly."""

    WORKSPACE = "space__workspace"

    space = models.ForeignKey(Space, models.CASCADE, related_name="codes")
    number = models.PositiveIntegerField()
    fires_on = models.PositiveIntegerField(default=0)  # moments of five seconds
    words: Any = models.JSONField(default=list, blank=True)
    labels: Any = models.JSONField(default=list, blank=True)
    text = models.TextField(blank=True)  # its words and labels, to be found by
    clarity = models.FloatField(default=0)  # F1 of what names it best, 0 to 1
    examples: Any = models.JSONField(default=list, blank=True)
    name = models.CharField(max_length=80, blank=True)  # by a person
    is_muted = models.BooleanField(default=False)  # it counts in no score and no reason
    changed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    changed = models.DateTimeField(null=True, blank=True)

    objects = CodeQuerySet.as_manager()

    class Meta:
        ordering = ["space", "number"]
        constraints = [
            models.UniqueConstraint(fields=["space", "number"], name="one_code_a_number")
        ]

    def __str__(self) -> str:
        return self.called

    @property
    def called(self) -> str:
        """What it is called wherever codes are shown: by a person, else by what is mostly there."""
        best = (*self.labels[:1], *self.words[:2])
        words = [one["word"] for one in best if one["purity"] >= LEAST_PURITY]
        each: dict[str, str] = {}  # a label and its own word once
        for word in words:
            each.setdefault(word.casefold(), word)
        return self.name or ", ".join(each.values()) or f"code {self.number}"

    @property
    def said(self) -> list[dict[str, Any]]:
        """Its words and labels as they stand, the best first, each once."""
        best: dict[str, dict[str, Any]] = {}
        for one in (*self.labels, *self.words):
            best.setdefault(one["word"], one)
        return list(best.values())

    def rename(self, name: str, *, by: User | None) -> None:
        """Call it so wherever it is shown; "" takes a name back. Raises Refused."""
        name = " ".join(name.split())
        if len(name) > LONGEST_NAME:
            raise Refused(f"A name of {len(name)} characters is too long: {LONGEST_NAME} at most.")
        if name != self.name:
            self._change("renamed a code", by, name=name)

    def mute(self, is_muted: bool, *, by: User | None) -> None:
        """Whether it counts in no score and no reason."""
        if is_muted != self.is_muted:
            self._change("muted a code" if is_muted else "unmuted a code", by, is_muted=is_muted)

    def _change(self, what: str, by: User | None, **columns: Any) -> None:
        before = self.called
        for name, value in columns.items():
            setattr(self, name, value)
        self.changed_by, self.changed = by, timezone.now()
        self.save(update_fields=[*columns, "changed_by", "changed"])
        workspace = self.space.workspace
        Event.record(workspace, by, what, before, code=self.number, space=self.space.number)
