"""Answers of an audit that hold for an analysis which looked again for one brand.

What people said of a frame is said of the film, and the new analysis draws frames by the same lot.
An answer is taken over where the brand's boxes in that frame are as they were, overlapping by at
least half; where they changed, somebody is asked again. Stretches that were watched are asked about
anew: which there are depends on where the new analysis sees an exposure begin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import transaction

from analysis.labelling.consensus import Said, agreement
from analysis.types import Box
from webapp.auditing.audits import Audit, AuditedLabel, What
from webapp.auditing.items import AuditItem
from webapp.auditing.rounds import settle
from webapp.runs.results import columns_of
from webapp.runs.run import Run

AGREES = 0.5  # intersection over union: that of `analysis.labelling.consensus`
_SAID = ["answer", "answered_by", "answered", "spent_s", "is_carried"]
_SIDES = ("x1", "y1", "x2", "y2")


def on_finish(sender: Any, run: int, **_: Any) -> None:
    if found := Run.objects.finished().select_related("parent", "asset").filter(pk=run).first():
        carry_over(found)


@transaction.atomic
def carry_over(run: Run) -> int:
    """Begin the audit of a run with what was answered of the one it looked again in. Returns how
    many answers hold; none where there was no audit, or the run has its own."""
    parent = run.parent if run.again is not None else None
    before = Audit.objects.filter(run=parent).first() if parent is not None else None
    if parent is None or before is None or Audit.objects.filter(run=run).exists():
        return 0
    audit = Audit.objects.create(run=run, made_by=before.made_by, seed=before.seed)
    of_frames = before.labels.filter(what=What.SECONDS).select_related("label")
    return sum(_carry(old, audit, parent, run) for old in of_frames)


def _carry(old: AuditedLabel, audit: Audit, parent: Run, run: Run) -> int:
    about = {"threshold": old.threshold, "seed": old.seed, "round": old.round}
    new = AuditedLabel.objects.create(audit=audit, label=old.label, wanted=old.wanted, **about)
    settle(new)
    said = old.items.filter(answer__in=AuditItem.TOLD).select_related("answered_by")
    by_time = {round(item.time_s, 3): item for item in said}
    carried = []
    for item in new.items.open():
        was = by_time.get(round(item.time_s, 3))
        if was is None:
            continue
        if agreement([_boxes(parent, old, was.frame)], [_boxes(run, new, item.frame)]) < 1.0:
            continue
        item.answer, item.answered_by, item.answered = was.answer, was.answered_by, was.answered
        item.spent_s, item.is_carried = was.spent_s, True
        carried.append(item)
    AuditItem.objects.bulk_update(carried, _SAID, batch_size=500)
    return len(carried)


def _boxes(run: Run, audited: AuditedLabel, frame: int) -> list[Said]:
    """The label's boxes that count in an analysed frame."""
    rows = columns_of(run).detections
    low, high = np.searchsorted(rows["frame"], [frame, frame + 1])
    rows = rows[low:high]
    counts = rows["label"] == audited.label_id
    counts &= rows["confidence"] >= np.float32(audited.threshold)
    return [
        Said(audited.label_id, Box(*(float(row[side]) for side in _SIDES))) for row in rows[counts]
    ]
