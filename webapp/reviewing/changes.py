"""How often anything that people say of a film was said or taken back, in one row of it.

What is made of their words is kept under that number. Numbers or sums of the rows would not do: one
that is given and taken back while figures are made leaves them as they were, and the figures that
had it would stay.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import F

from webapp.assets.models import Asset


class Changes(models.Model):
    """`count` only grows, in the transaction of the change itself."""

    WORKSPACE = "asset__workspace"

    asset = models.OneToOneField(Asset, models.CASCADE, primary_key=True, related_name="changes")
    count = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.count} changes of {self.asset}"

    @classmethod
    def note(cls, assets: Iterable[int]) -> None:
        """Something that is said of these changed. The caller's transaction holds it."""
        for pk in sorted(set(assets)):
            if not cls._one_more(pk):
                cls.objects.get_or_create(asset_id=pk)
                cls._one_more(pk)

    @classmethod
    def _one_more(cls, pk: int) -> int:
        return cls.objects.filter(pk=pk).update(count=F("count") + 1)

    @classmethod
    def so_far(cls, pk: int) -> int:
        """Read it before what it is the number of: what changes in between belongs to the next."""
        return cls.objects.filter(pk=pk).values_list("count", flat=True).first() or 0
