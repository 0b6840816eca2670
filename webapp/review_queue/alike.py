"""Items that wait and look like the one before a person: what is said of one may be said of all.

Looked up in what analyses keep of their tracks in numbers; nothing is decoded. Offered, never
taken: a person sees each of them, and takes along those that are ticked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from django.utils import timezone

from analysis.novelty.likeness import nearest
from analysis.novelty.regions import NONE, Floats
from webapp.accounts.models import Refused, User
from webapp.novelty.crops import shown
from webapp.novelty.moments import sight_json
from webapp.projects.models import Label
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.past_moments import PROPOSED
from webapp.reviewing.verdicts import Verdict
from webapp.runs.regions import RunRegions, regions_of
from webapp.runs.results import columns_of
from webapp.runs.run import Run

ALIKE = 0.85  # likeness from which an item is offered to be decided along
MOST = 12  # that are offered: all of them are to be seen
_MOST_LOOKED_AT = 300  # items that wait, those that come first …
_MOST_RUNS = 8  # … of so many analyses


def alike(item: ReviewItem, by: User) -> list[dict[str, Any]]:
    """Items that wait for the same label and look like this one, the most alike first.

    Each as {"item", "likeness"} and what `webapp.novelty.crops.shown` tells of a sight. Only those
    are offered that are about that label alone, one decision ends, and nobody has.
    """
    label = _label_of(item)
    if label is None:
        return []
    kept: dict[int, RunRegions | None] = {}
    own = _regions(item, kept)
    found = kept.get(item.run_id)
    if found is None or not len(own):
        return []
    looks = found.regions.looks[own]
    offered = [
        one
        for other in _others(item, label, by)
        if (one := _likened(other, looks, kept)) is not None
    ]
    offered.sort(key=lambda one: (-one["likeness"], one["item"]))
    return shown(offered[:MOST])


def _label_of(item: ReviewItem) -> int | None:
    """The label that all asked boxes bear; None where they bear several, or there is none."""
    labels = {box["label"] for box in item.boxes if box["is_matched"]}
    return labels.pop() if len(labels) == 1 else None


def _others(item: ReviewItem, label: int, by: User) -> list[ReviewItem]:
    rows = (
        ReviewItem.objects.there()
        .waiting()
        .filter(project=item.project_id, label=label, state=State.OPEN, n_decided=0, people=1)
    )
    rows = rows.exclude(pk=item.pk).exclude(pk__in=rows.held_by_others(by).values("pk"))
    some = list(rows.select_related("run").order_by("-worth", "pk")[:_MOST_LOOKED_AT])
    runs = list(dict.fromkeys([item.run_id, *(row.run_id for row in some)]))[:_MOST_RUNS]
    return [row for row in some if row.run_id in runs and _label_of(row) == label]


def _regions(item: ReviewItem, kept: dict[int, RunRegions | None]) -> np.ndarray:
    """The regions that the run keeps of the tracks that the item asks about."""
    if item.run_id not in kept:
        kept[item.run_id] = regions_of(item.run)
    found = kept[item.run_id]
    if found is None:
        return np.empty(0, np.intp)
    return np.flatnonzero(np.isin(found.regions.rows["track"], _tracks(item.run, item)))


def _tracks(run: Run, item: ReviewItem) -> list[int]:
    """The numbers of the tracks that the item asks about; none where it asks about what no
    analysis found."""
    asked = [box["id"] for box in item.boxes if box["is_matched"]]
    if any(box.startswith(PROPOSED) for box in asked):
        return []
    columns = columns_of(run)
    first = int(np.searchsorted(columns.detections["frame"], item.frame))
    rows = [first + int(box.removeprefix("b")) for box in asked]
    numbers = [int(columns.detections["track"][r]) for r in rows if r < len(columns.detections)]
    return [number for number in numbers if number != NONE]


def _likened(
    other: ReviewItem, looks: Floats, kept: dict[int, RunRegions | None]
) -> dict[str, Any] | None:
    """The item with its likeness, where each of its tracks is alike enough."""
    own = _regions(other, kept)
    found = kept[other.run_id]
    if found is None or not len(own):
        return None
    likeness, _ = nearest(found.regions.looks[own], looks)
    tracks = found.regions.rows["track"][own]
    best = [float(likeness[tracks == track].max()) for track in np.unique(tracks)]
    if len(best) < len(set(_tracks(other.run, other))) or min(best) < ALIKE:
        return None
    at = int(own[int(likeness.argmax())])
    about = {"item": other.pk, "likeness": round(min(best), 3)}
    return sight_json(other.run, found, at) | about


def take_along(item: ReviewItem, decision: Decision, items: Collection[int], by: User) -> int:
    """Say of these items what the decision says of its own, as far as they are still alike and
    wait. They end with it, and come back with its undo. Returns how many.

    Raises Refused where the decision says different things of the boxes that were asked about.
    """
    said = {box["prediction"]: box["label"] for box in decision.boxes}
    answers = {said.get(box["id"]) for box in item.boxes if box["is_matched"]}
    if len(answers) != 1:
        raise Refused(
            "What was asked about turned out to be different things: decide the others alone."
        )
    actually = answers.pop()
    offered = {one["item"] for one in alike(item, by)}
    wanted = [pk for pk in dict.fromkeys(items) if pk in offered]
    rows = ReviewItem.objects.select_for_update(of=("self",)).filter(pk__in=wanted)
    rows = rows.filter(state=State.OPEN, n_decided=0).select_related("run")
    taken = list(rows.exclude(pk__in=ReviewItem.objects.held_by_others(by).values("pk")))
    there = set(Label.objects.filter(project=item.project_id).values_list("pk", flat=True))
    for row in taken:
        for box in row.boxes:
            if box["is_matched"] and box["label"] in there:
                decision.verdicts.add(_verdict(row, box, actually, decision))
    ended = {"settled_by": decision, "state": State.DONE, "done": timezone.now()}
    let_go = {"leased_to": None, "lease_until": None}
    pks = [row.pk for row in taken]
    return ReviewItem.objects.filter(pk__in=pks).update(**ended, **let_go)


def _verdict(
    row: ReviewItem, box: dict[str, Any], actually: int | None, decision: Decision
) -> Verdict:
    lasts = box["track"] if decision.scope == Decision.Scope.TRACK else None
    verdict = Verdict(
        asset_id=row.run.asset_id,
        time_s=row.time_s,
        by=decision.by,
        label_id=box["label"],
        box=box["box"],
        actually_id=actually,
        start_s=lasts["start_s"] if lasts else None,
        end_s=lasts["end_s"] if lasts else None,
    )
    verdict.save()
    return verdict
