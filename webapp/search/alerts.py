"""Telling people that something new was found for a search they saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import F

from webapp.comments.comments import Comment
from webapp.search.passages import Passage, PassageSet
from webapp.search.saved import SavedFind, SavedSearch
from webapp.search.searching import search


def tell(made: PassageSet) -> None:
    """Ask every saved search of the workspace of what has just become findable.

    What was found in this asset before is not new when the asset is indexed again.
    """
    workspace = made.asset.workspace
    mine = PassageSet.objects.filter(pk=made.pk)
    wanted = SavedSearch.objects.filter(workspace=workspace, alerts=True)
    answers: dict[str, int] = {}
    for saved in wanted:
        if saved.query not in answers:
            found = search(workspace, saved.query, sets=mine, with_meaning=False)
            answers[saved.query] = len(found.spans)
        _note(saved, made, answers[saved.query])


@transaction.atomic
def _note(saved: SavedSearch, made: PassageSet, n: int) -> None:
    of = {"saved": saved, "asset_id": made.asset_id, "source": made.source}
    before = SavedFind.objects.select_for_update().filter(**of).first()
    if before is None:
        if n:
            SavedFind.objects.create(**of, n=n, n_new=n)
    else:
        before.n_new = min(before.n_new + max(n - before.n, 0), n)
        before.n = n
        before.save(update_fields=["n", "n_new", "at"])


def tell_of_comments(workspace_id: int, tick: Callable[[], None]) -> None:
    """Ask every saved search of the workspace of the comments that changed since this was done."""
    changed = PassageSet.objects.in_sight().filter(asset__workspace=workspace_id)
    for kept in changed.filter(n_untold__gt=0):
        tick()
        _tell_of_comments(kept)
        # what changed meanwhile is still to be told
        PassageSet.objects.filter(pk=kept.pk).update(n_untold=F("n_untold") - kept.n_untold)


def _tell_of_comments(kept: PassageSet) -> None:
    """New to a person is what others wrote since they last looked: counted afresh each time, so
    that nothing is told twice where a worker dies in between."""
    workspace = kept.asset.workspace
    mine = PassageSet.objects.filter(pk=kept.pk)
    answers: dict[str, list[Comment]] = {}
    for saved in SavedSearch.objects.filter(workspace=workspace, alerts=True):
        if saved.query not in answers:
            found = search(workspace, saved.query, sets=mine, with_meaning=False)
            rows = Passage.objects.filter(pk__in=found.by_words).values("row")
            answers[saved.query] = list(Comment.objects.filter(pk__in=rows))
        said = answers[saved.query]
        fresh = [one for one in said if one.by_id != saved.user_id and one.said > saved.looked]
        of: dict[str, Any] = {"saved": saved, "asset_id": kept.asset_id, "source": kept.source}
        if said:
            counts = {"n": len(said), "n_new": len(fresh)}
            SavedFind.objects.update_or_create(**of, defaults=counts)
        else:
            SavedFind.objects.filter(**of).delete()
