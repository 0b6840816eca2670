"""Pairs that people bring: moments or pictures, each with the words that belong to it."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from webapp import erasing
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.stored_files import StoredFile


class PairSet(models.Model):
    """Checked before anything of it was stored.

    The file is a zip: `pairs.jsonl`, each line {"asset", "time_s", "text"} or {"picture", "text"},
    and the pictures that lines name.
    """

    WORKSPACE = "workspace"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="pair_sets")
    name = models.CharField(max_length=120)
    file = StoredFile(is_shared=True)
    n_pairs = models.PositiveIntegerField(default=0)
    n_pictures = models.PositiveIntegerField(default=0)
    notes: Any = models.JSONField(default=list, blank=True)  # sentences on what was left out
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def remove(self, *, by: User | None) -> None:
        """Delete it with its file. Raises Refused while a training waits for it."""
        from webapp.spaces.training import SpaceTraining

        waiting = SpaceTraining.objects.filter(workspace=self.workspace_id).unfinished()
        if any(self.pk in row.pair_sets for row in waiting):
            raise Refused(f"A training learns from {self} just now. Wait for it, or cancel it.")
        Event.record(self.workspace, by, "deleted a set of pairs", self.name)
        erasing.delete(PairSet.objects.filter(pk=self.pk))
