"""A run and the rules of its project → items in the queue, in one piece: a second or two.

They are stored in one transaction with the finish: a worker that dies leaves nothing behind, and
the next one begins anew.
"""

from __future__ import annotations

from django.db import transaction

from webapp.review_queue.choosing import Chosen, choose, n_tracks_of
from webapp.review_queue.heard import is_same
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.rules import ReviewRule
from webapp.review_queue.siftings import Sifting
from workers.engine.heartbeat import Heartbeat
from workers.engine.piece import piece

_AT_ONCE = 500  # rows of one statement


@piece(Sifting, tries=3)
def sift(row: Sifting, beat: Heartbeat) -> None:
    """Put what a person should see of an analysis into the queue."""
    rules = list(ReviewRule.objects.working().filter(project=row.run.project_id))
    store(row, choose(row.run, rules))


@transaction.atomic
def store(row: Sifting, chosen: Chosen) -> bool:
    """Rows, with the finish. False: the lease was lost; nothing was written."""
    run = row.run
    before = ReviewItem.objects.filter(run=run)
    known = dict(before.frames().values_list("frame", "boxes"))
    frames = [item for item in chosen.items if item.is_frame and item.frame not in known]
    sent = n_tracks_of([*known.values(), *(item.boxes for item in frames)])
    told = list(before.exclude(kind=ReviewItem.Kind.FRAME))
    new = [*frames, *_unasked(chosen, told)]
    there = {"n_frames": chosen.n_frames, "n_tracks": chosen.n_tracks, "n_tracks_sent": sent}
    if not row.finish(n_items=len(new), note=chosen.note, **there):
        return False
    _carry_over(chosen, told)
    ReviewItem.objects.bulk_create(new, batch_size=_AT_ONCE)
    older = ReviewItem.objects.filter(
        run__asset=run.asset_id, project=run.project_id, run__lt=run.pk
    )
    untouched = older.free().filter(n_decided=0)
    untouched.update(state=State.WITHDRAWN, leased_to=None, lease_until=None)
    return True


def _unasked(chosen: Chosen, told: list[ReviewItem]) -> list[ReviewItem]:
    """The mentions and sentences that no item of this run is about yet, each once."""
    new: list[ReviewItem] = []
    keys = {item.key for item in told}
    for item in chosen.items:
        if item.is_frame or item.key in keys:
            continue
        if not any(is_same(item, old) for old in told):
            keys.add(item.key)
            new.append(item)
    return new


def _carry_over(chosen: Chosen, told: list[ReviewItem]) -> None:
    """What waits from an earlier transcript: as it was heard now, or withdrawn where it was not."""
    for old in told:
        mine = ReviewItem.objects.filter(pk=old.pk, n_decided=0).free()
        if again := next((item for item in chosen.heard.items if is_same(item, old)), None):
            mine.update(told=again.told, because=again.because, time_s=again.time_s)
        elif not chosen.heard.is_there(old):
            mine.update(state=State.WITHDRAWN, leased_to=None, lease_until=None)
