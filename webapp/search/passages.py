"""What can be found: passages of what is said, written, seen and commented, as tokens.

The tokens are ours (`analysis.tokens`), so that SQLite and PostgreSQL find the same; the full-text
indexes over them (`webapp.search.full_text`) follow every change of the rows by themselves.
"""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q

from analysis.tokens import LONGEST as LONGEST_TOKEN
from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.projects.models import Label
from webapp.runs.run import Run

# Of what tokens are, and of what becomes a passage: sets of another version are made anew.
VERSION = 2


class PassageSetQuerySet(models.QuerySet["PassageSet"]):
    def in_sight(self) -> Self:
        """Those of which nothing was deleted."""
        return self.filter(
            Q(run=None) | Q(run__removed=None, run__project__workspace__isnull=False),
            Q(indexing=None) | Q(indexing__removed=None),
            asset__removed=None,
        )


class PassageSet(models.Model):
    """All passages of one asset out of one indexing, of one run, or of its comments."""

    WORKSPACE = "asset__workspace"

    class Source(models.TextChoices):
        SAID = "said"
        WRITTEN = "written"
        SEEN = "seen"
        COMMENT = "comment"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="passage_sets")
    source = models.CharField(max_length=8, choices=Source)
    indexing = models.OneToOneField(Indexing, models.CASCADE, null=True, related_name="passage_set")
    run = models.OneToOneField(Run, models.CASCADE, null=True, related_name="passage_set")
    version = models.PositiveSmallIntegerField(default=VERSION)
    n_passages = models.PositiveIntegerField(default=0)
    # changes of comments of which nobody who keeps a search was told
    n_untold = models.PositiveIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)

    objects = PassageSetQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["asset", "source"], name="passages_of_an_asset")]

    def __str__(self) -> str:
        if self.source == self.Source.COMMENT:
            return f"the comments on {self.asset}"
        return f"what is {self.source} in {self.asset}"


class Passage(models.Model):
    """A sentence that is said, a text that is written, a brand while it is seen, or a comment."""

    WORKSPACE = "set__asset__workspace"

    # found by the index below, which begins with it
    set = models.ForeignKey(PassageSet, models.CASCADE, related_name="passages", db_index=False)
    start_s = models.FloatField()
    end_s = models.FloatField()
    confidence = models.FloatField(default=1)
    text = models.TextField()  # as people read it
    tokens = models.TextField()  # as it is found, with a blank between two
    # the speech segment, the line of writing, or the comment
    row = models.BigIntegerField(null=True, db_index=True)
    label = models.ForeignKey(Label, models.CASCADE, null=True, related_name="passages")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["set", "start_s"], name="passages_by_time")]

    def __str__(self) -> str:
        return f"“{self.text[:40]}” at {self.start_s:.1f} s"


class Embedding(models.Model):
    """The meaning of a passage as half-precision numbers, by one engine."""

    WORKSPACE = "passage__set__asset__workspace"

    passage = models.OneToOneField(
        Passage, models.CASCADE, primary_key=True, related_name="embedding"
    )
    engine = models.CharField(max_length=60)
    vector: Any = models.BinaryField()

    def __str__(self) -> str:
        return f"meaning of {self.passage_id} by {self.engine}"


class Term(models.Model):
    """A token that passages of a workspace hold, and about how many do."""

    WORKSPACE = "workspace"

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="search_terms", db_index=False
    )
    token = models.CharField(max_length=LONGEST_TOKEN)
    n = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "token"], name="one_term_a_token")
        ]

    def __str__(self) -> str:
        return self.token
