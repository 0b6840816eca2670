"""Telling people that something new was found for a search they saved."""

from __future__ import annotations

from django.db import transaction

from webapp.search.passages import PassageSet
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
