"""Right or wrong: what people say of an answer to what they asked."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, ClassVar, NamedTuple, Self

from django.db import models

from webapp.accounts.models import User, Workspace
from webapp.asking.asks import Ask
from webapp.assets.models import Asset
from webapp.spaces.searching import Hit

ABOUT_S = 3.0
LONGEST = 300  # letters of a question that is judged


class Pair(NamedTuple):
    """What was asked, in words or by an ask, and where it was found."""

    text: str
    ask: Ask | None
    asset: int
    time_s: float


class JudgementQuerySet(models.QuerySet["Judgement"]):
    def there(self) -> Self:
        return self.filter(asset__removed=None, ask__asset__removed=None)

    def of(self, user: User, workspace: Workspace | int) -> Self:
        return self.filter(user=user, workspace=workspace).there()

    def to_question(self, words: str, asks: list[int]) -> Self:
        """What was said of answers to these words, or to any of these asks."""
        question = models.Q(ask__in=asks)
        if words:
            question |= models.Q(ask=None, words=words[:LONGEST])
        return self.filter(question)

    def pairs(self, workspace: Workspace | int) -> Iterator[Pair]:
        """What was said to be right, as pairs to learn from: each once, whoever said it, but those
        that somebody said are wrong."""
        for row in self.select_related("ask")._right(workspace):
            yield Pair("" if row.ask_id else row.words, row.ask, row.asset_id, row.time_s)

    def n_pairs(self, workspace: Workspace | int) -> int:
        """How many of these there are: without reading what encoders made of each ask."""
        return len(self._right(workspace))

    def _right(self, workspace: Workspace | int) -> list[Judgement]:
        rows = self.filter(workspace=workspace).there().order_by("pk")
        wrong = {row.key for row in rows if not row.is_right}
        right = {row.key: row for row in rows if row.is_right and row.key not in wrong}
        return list(right.values())


class Judgement(models.Model):
    """Of one answer, by one person; of a search that asks by several things there is one a thing.

    found: the item of an index that was found (`webapp.spaces.searching.Hit`); null where words
    alone found it. words: the question, where no ask is named.
    """

    WORKSPACE = "workspace"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="judgements")
    user = models.ForeignKey(User, models.CASCADE, related_name="judgements")
    ask = models.ForeignKey(Ask, models.CASCADE, null=True, blank=True, related_name="judgements")
    words = models.CharField(max_length=LONGEST, blank=True)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="judgements")
    time_s = models.FloatField()
    end_s = models.FloatField()
    found: Any = models.JSONField(null=True, blank=True)
    is_right = models.BooleanField()
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = JudgementQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["user", "workspace", "words"], name="judged_by_words")]

    def __str__(self) -> str:
        return f"{'right' if self.is_right else 'wrong'} at {self.time_s:.1f} s of {self.asset_id}"

    @property
    def hit(self) -> Hit | None:
        return Hit(**self.found) if self.found else None

    def is_of(self, asset: Hashable, start_s: float, end_s: float) -> bool:
        """Whether it was said of a moment. Of what was found by looks or sound, which the best of
        what lies together stands for, it was said of what lies about there."""
        about_s = ABOUT_S if self.found else 0.0
        is_then = start_s - about_s <= self.time_s <= end_s + about_s
        return asset == self.asset_id and is_then

    @property
    def key(self) -> tuple[Any, ...]:
        """The question and the answer."""
        return self.ask_id or self.words, self.asset_id, round(self.time_s, 1)
