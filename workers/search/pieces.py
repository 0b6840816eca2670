"""A workspace's search brought up to date: done piece by piece, and gone on with after a crash."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef

from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.leases import UNFINISHED, Status
from webapp.runs.run import Run
from webapp.search import alerts, keeping, meaning, vocabulary
from webapp.search.passages import PassageSet
from webapp.search.standing import SearchIndex
from workers.engine.heartbeat import Heartbeat
from workers.engine.piece import NotYet, piece


@piece(SearchIndex, tries=3)
def search_index(index: SearchIndex, beat: Heartbeat) -> dict[str, Any]:
    """Make findable what is not yet: passages first, then what they mean."""

    asked = SearchIndex.objects.values_list("asked", flat=True).get(pk=index.pk)
    for one in keeping.missing(index.workspace_id):
        beat.tick()
        make_findable(one)
    alerts.tell_of_comments(index.workspace_id, beat.tick)
    index.refresh_from_db()
    if vocabulary.is_stale(index):
        vocabulary.recount(index, beat.tick)
    if meaning.is_on():
        meaning.embed(index.workspace_id, beat.tick)
        index.refresh_from_db()
        if meaning.is_due(index):
            meaning.build(index, beat.tick)
    if SearchIndex.objects.exclude(asked=asked).filter(pk=index.pk).exists():
        raise NotYet  # something came meanwhile
    return {"embedded_by": meaning.engine()}


def make_findable(one: Indexing | Run | Asset) -> None:
    """Passages of what has just ended, and whoever waits for such is told: of
    comments as they change."""
    made = keeping.make_findable(one)
    if made is not None and not isinstance(one, Asset):
        alerts.tell(made)


def make_run_findable(pk: int) -> None:
    if run := Run.objects.finished().filter(pk=pk).first():
        make_findable(run)


def look_what_is_missing() -> None:
    """A worker may have died after the end of an indexing and before its passages; weights may
    have been installed since."""
    waits = SearchIndex.objects.filter(workspace=OuterRef("pk"))
    busy = waits.filter(status__in=(*UNFINISHED, Status.FAILED))
    for workspace in Workspace.objects.filter(~Exists(busy)):
        if _is_behind(workspace):
            SearchIndex.objects.request(workspace)


def _is_behind(workspace: Workspace) -> bool:
    if next(iter(keeping.missing(workspace.pk)), None) is not None:
        return True
    if keeping.are_comments_untold(workspace.pk):
        return True
    index = SearchIndex.objects.filter(workspace=workspace).first()
    if index is None:
        return PassageSet.objects.filter(asset__workspace=workspace).exists()
    if vocabulary.is_stale(index):
        return True
    return meaning.is_on() and index.embedded_by != meaning.engine()
