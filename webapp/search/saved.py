"""Searches that people keep, and what was found for them since they last looked."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q, Sum
from django.utils import timezone

from analysis.retrieval.query import LONGEST
from webapp.accounts.models import Refused, User, Workspace
from webapp.assets.models import Asset

MOST = 100  # of a person in a workspace
LONGEST_NAME = 120


class SavedSearchQuerySet(models.QuerySet["SavedSearch"]):
    def of(self, user: Any, workspace: Workspace) -> Any:
        """A person's own, with `n_new` moments since they last looked."""
        return self.filter(user=user, workspace=workspace).with_news()

    def with_news(self) -> Any:
        fresh = Q(finds__asset__removed=None)
        return self.annotate(n_new=Sum("finds__n_new", filter=fresh, default=0))

    def keep(
        self, user: User, workspace: Workspace, query: str, *, name: str = "", alerts: bool = True
    ) -> SavedSearch:
        """Save a query. Raises Refused."""
        query = "".join(c if c.isprintable() else " " for c in query).strip()
        name = " ".join(name.split()) or query
        if not query:
            raise Refused("Type what to look for first.")
        if len(query) > LONGEST:
            raise Refused(f"A search holds at most {LONGEST} characters.")
        mine = self.filter(user=user, workspace=workspace)
        if mine.count() >= MOST:
            raise Refused(f"A person keeps {MOST} searches at most. Delete one first.")
        saved, is_new = self.get_or_create(
            user=user,
            workspace=workspace,
            query=query,
            defaults={"name": name[:LONGEST_NAME], "alerts": alerts},
        )
        if not is_new:
            raise Refused("This search is saved already.")
        return saved


class SavedSearch(models.Model):
    """A query that somebody comes back to. With `alerts` it is asked of all that is indexed."""

    WORKSPACE = "workspace"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="saved_searches")
    user = models.ForeignKey(User, models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.CharField(max_length=LONGEST)
    alerts = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)
    looked = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Any] = SavedSearchQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "workspace", "query"], name="one_saved_search_a_query"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def look(self) -> None:
        """Its person has seen what there is: nothing is new any more."""
        self.finds.filter(n_new__gt=0).update(n_new=0)
        SavedSearch.objects.filter(pk=self.pk).update(looked=timezone.now())


class SavedFindQuerySet(models.QuerySet["SavedFind"]):
    def new(self, user: Any, workspace: Workspace) -> Any:
        """What was found for a person's searches since they last looked."""
        mine = self.filter(saved__user=user, saved__workspace=workspace)
        return mine.filter(n_new__gt=0, asset__removed=None)


class SavedFind(models.Model):
    """How many moments of an asset a saved search has found, and how many of them are new."""

    WORKSPACE = "saved__workspace"

    saved = models.ForeignKey(SavedSearch, models.CASCADE, related_name="finds", db_index=False)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    source = models.CharField(max_length=8)
    n = models.PositiveIntegerField(default=0)
    n_new = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Any] = SavedFindQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["saved", "asset", "source"], name="one_find_an_asset_and_source"
            )
        ]

    def __str__(self) -> str:
        return f"{self.n} of {self.saved} in {self.asset}"
