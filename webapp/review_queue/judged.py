"""Boxes of an item of whose track somebody said already what it is, at another frame of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem, State
from webapp.reviewing.verdicts import Verdict

Judged = dict[str, int | None]  # by the id of a box: the label that it is; None: it is none
_Track = tuple[int, float, float]


def judged(items: Iterable[ReviewItem], *, before: Decision | None = None) -> dict[int, Judged]:
    """By item, its boxes whose whole track was judged, or was `before` a decision. What was said
    last counts."""
    items = list(items)
    assets = {item.run.asset_id for item in items}
    of_tracks = Verdict.objects.standing().filter(asset__in=assets, start_s__isnull=False)
    if before is not None:
        of_tracks = of_tracks.exclude(decisions=before)
    said: dict[int, dict[_Track, int | None]] = {asset: {} for asset in assets}
    rows = of_tracks.order_by("pk").values_list("asset", "label", "start_s", "end_s", "actually")
    for asset, label, start_s, end_s, actually in rows:
        said[asset][(label, start_s or 0.0, end_s or 0.0)] = actually
    return {item.pk: _of(item, said[item.run.asset_id]) for item in items}


def _of(item: ReviewItem, said: dict[_Track, int | None]) -> Judged:
    found: Judged = {}
    for box in item.boxes:
        key = _track(box)
        if key in said:
            found[box["id"]] = said[key]
    return found


def _track(box: dict[str, Any]) -> _Track | None:
    track = box["track"]
    return (box["label"], track["start_s"], track["end_s"]) if track else None


def settle_along(decision: Decision) -> int:
    """End what else waits only for tracks that this decision was about. Returns how many."""
    item = decision.item
    tracks = {key for box in item.boxes if (key := _track(box))}
    if decision.scope != Decision.Scope.TRACK or not tracks:
        return 0
    first_s, last_s = min(t[1] for t in tracks), max(t[2] for t in tracks)
    waits = ReviewItem.objects.filter(run=item.run_id, state=State.OPEN, n_decided=0)
    beside = waits.filter(time_s__gte=first_s, time_s__lte=last_s).exclude(pk=item.pk).only("boxes")
    done = [row.pk for row in beside if _is_about(row, tracks)]
    along = {"settled_by": decision, "state": State.DONE, "done": timezone.now()}
    if not done:
        return 0
    return ReviewItem.objects.filter(pk__in=done, state=State.OPEN, n_decided=0).update(**along)


def _is_about(row: ReviewItem, tracks: set[_Track]) -> bool:
    asked = [_track(box) for box in row.boxes if box["is_matched"]]
    return bool(asked) and tracks.issuperset(asked)


def unsettle_along(decision: Decision) -> int:
    """Ask again about what was ended with it."""
    rows = ReviewItem.objects.filter(settled_by=decision)
    return rows.update(settled_by=None, state=State.OPEN, done=None)
