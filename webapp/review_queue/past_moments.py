"""What past analyses keep of a label, as frames that people are asked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.boxes import ious
from analysis.film.columns import Columns
from analysis.novelty.regions import SIDES
from webapp.projects.models import Label
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.pace import weigh
from webapp.review_queue.predictions import Predictions, doubt, stake_s
from webapp.runs.results import columns_of
from webapp.runs.run import Run

PROPOSED = "m"  # begins the id of a box that no analysis found: it was proposed by its looks
_SAME = 0.5  # intersection over union of a region and what was detected there


def items_of(label: Label, run: Run, moments: Sequence[dict[str, Any]]) -> list[ReviewItem]:
    """An item for each frame of these moments that is none yet: a region where something was
    detected asks about that, another one is a box of the label, to be accepted or not.

    moments: of this run, as `webapp.novelty.past.search_past` tells them.
    """
    columns = columns_of(run)
    if not len(columns.frames):
        return []
    of_project = Label.objects.filter(project=run.project_id)
    predictions = Predictions(columns, dict(of_project.values_list("pk", "threshold")))
    known = set(ReviewItem.objects.frames().filter(run=run).values_list("frame", flat=True))
    by_frame: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for moment in moments:
        at = np.searchsorted(columns.frames["start_s"], moment["time_s"] + 1e-6, "right") - 1
        by_frame[max(int(at), 0)].append(moment)
    made = [
        _item(label, run, frame, some, predictions)
        for frame, some in sorted(by_frame.items())
        if frame not in known
    ]
    weigh(made, run.asset.workspace)
    return made


def _item(
    label: Label, run: Run, frame: int, moments: list[dict[str, Any]], predictions: Predictions
) -> ReviewItem:
    columns = predictions.columns
    there = [(moment, _detected(columns, frame, moment)) for moment in moments]
    boxes = predictions.drawn(frame, {row for _, rows in there for row in rows})
    new = [moment for moment, rows in there if not rows]
    boxes += [_proposed(label, n, moment) for n, moment in enumerate(new)]
    best = max(moments, key=lambda one: one["likeness"])
    dwell_s = float(predictions.dwell_s[frame])
    was = best["was"] or "nothing"
    words = f"looks like {label.name} ({best['likeness']:.2f}), detected as {was}"
    return ReviewItem(
        workspace_id=run.asset.workspace_id,
        project_id=run.project_id,
        run=run,
        label=label,
        frame=frame,
        time_s=float(columns.frames["time_s"][frame]),
        boxes=boxes,
        because=[{"rule": "Past analyses", "words": words, "conditions": []}],
        stake_s=round(stake_s(boxes, dwell_s), 4),
        doubt=round(doubt(min(max(best["likeness"], 0.0), 1.0)), 4),
    )


def _detected(columns: Columns, frame: int, moment: dict[str, Any]) -> list[int]:
    """The rows of what was detected where the region is."""
    low, high = np.searchsorted(columns.detections["frame"], [frame, frame + 1]).tolist()
    there = columns.detections[low:high]
    boxes = np.stack([there[side] for side in SIDES], 1)
    return (low + np.flatnonzero(ious(boxes, moment["box"])[:, 0] >= _SAME)).tolist()


def _proposed(label: Label, n: int, moment: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{PROPOSED}{n}",
        "label": label.pk,
        "box": moment["box"],
        "confidence": round(min(max(moment["likeness"], 0.0), 1.0), 4),
        "is_weak": True,  # it counts nowhere until somebody says that it is there
        "is_matched": True,
        "track": None,
    }
