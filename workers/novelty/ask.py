"""What past analyses keep of a label → items of the review queue, each once."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from analysis.errors import Stopped
from webapp.accounts.models import Refused
from webapp.novelty.past import search_past
from webapp.novelty.work import NoveltyWork
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.past_moments import items_of
from webapp.runs.run import Run
from workers.engine.heartbeat import Heartbeat


def ask(row: NoveltyWork, beat: Heartbeat) -> dict[str, Any]:
    """Analysis by analysis, without what counts as another label. Done again after a crash, nothing
    is asked twice: of a frame of an analysis there is one item."""
    if row.label is None:
        raise Refused("The label was deleted meanwhile: there is nothing to ask about.")
    found = search_past(row.label)
    if found.problem:
        raise Refused(found.problem)
    unsure = [one for one in found.moments if not one["is_another"]]
    moments = sorted(unsure, key=lambda one: (one["run"], one["time_s"]))
    runs = Run.living.select_related("asset").in_bulk({one["run"] for one in moments})
    n = n_done = 0
    for pk, some in groupby(moments, key=lambda one: int(one["run"])):
        if beat.should_stop():
            raise Stopped
        beat.note(step="sending moments to the review", progress=n_done / len(moments))
        of_run = list(some)
        n_done += len(of_run)
        if pk in runs:
            items = items_of(row.label, runs[pk], of_run)
            ReviewItem.objects.bulk_create(items, ignore_conflicts=True)
            n += len(items)
    return {"progress": 1.0, "step": "", "note": _note(n, len(moments), row.label.name)}


def _note(n: int, n_moments: int, name: str) -> str:
    if not n_moments:
        return f"All that looks like {name} counts as another label: there is nothing to ask."
    if not n:
        return f"All moments of {name} are in the review queue already."
    items = "frame waits" if n == 1 else f"{n:,} frames wait"
    of = f"{n_moments:,} moment{'' if n_moments == 1 else 's'} of {name}"
    return f"{'One' if n == 1 else ''} {items} for review, for {of}.".strip()
