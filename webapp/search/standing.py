"""The search of a workspace as one long work: what is not findable yet, is made so."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import F

from webapp import jobs
from webapp.accounts.models import Workspace
from webapp.leases import UNFINISHED, Leased, LeasedQuerySet, Piece, Status
from webapp.stored_files import StoredFile


class SearchIndexQuerySet(LeasedQuerySet["SearchIndex"]):
    @transaction.atomic
    def request(self, workspace: Workspace | int) -> SearchIndex:
        """Have a worker look at what is to do for the workspace."""
        pk = workspace if isinstance(workspace, int) else workspace.pk
        index, is_new = self.get_or_create(workspace_id=pk)
        self.filter(pk=index.pk).update(asked=F("asked") + 1)
        if not is_new and index.status not in UNFINISHED:
            self.filter(pk=index.pk).exclude(status__in=UNFINISHED).update(
                status=Status.WAITING, attempt=0, error="", lease_until=None
            )
        jobs.ring(index)
        return index


class SearchIndex(Leased):
    """How a workspace's search stands: its words counted, and its meanings in one file.

    The file holds the vectors of `engine` of every passage up to `last_passage`; those that came
    since are compared one by one. Vectors of another engine are in no file of this one.
    """

    WORKSPACE = "workspace"
    PIECE = Piece("search_index", "batch", "searches to bring up to date")

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="search_index")
    asked = models.PositiveBigIntegerField(default=0)  # how often: more may come while it is done
    n_counted = models.PositiveIntegerField(default=0)  # passages whose tokens are in the terms
    embedded_by = models.CharField(max_length=60, blank=True)  # the engine that went over it last
    engine = models.CharField(max_length=60, blank=True)
    file = StoredFile(blank=True)
    n_vectors = models.PositiveIntegerField(default=0)
    last_passage = models.BigIntegerField(default=0)

    objects: ClassVar[Any] = SearchIndexQuerySet.as_manager()

    class Meta(Leased.Meta):
        pass

    def __str__(self) -> str:
        return f"the search of {self.workspace}"
