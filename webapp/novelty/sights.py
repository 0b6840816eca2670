"""The sights of an analysis that belong to no known label, as rules ask for them."""

from __future__ import annotations

import numpy as np

from analysis.novelty.energy import confidence
from analysis.novelty.regions import NONE, SIDES
from analysis.rules.seen import Novel
from webapp.novelty.known import SURE, KnownLooks, novel_rows
from webapp.runs.regions import regions_of
from webapp.runs.run import Run

_USUAL = 0.05  # the temperature where none was fitted: it only orders the regions of a sight


def novel_of(run: Run) -> list[Novel] | None:
    """One for each sight, at its strangest moment. None where nobody looked, or nothing is kept."""
    known = KnownLooks.objects.filter(project=run.project_id).first()
    kept = regions_of(run)
    if known is None or kept is None:
        return None
    prototypes, fit, rows = known.read(), known.fitted, kept.regions.rows
    is_sure = (rows["label"] != NONE) & (rows["confidence"] >= SURE)
    is_new = novel_rows(kept.regions, prototypes, fit) & ~is_sure
    energy = -confidence(prototypes.scores(kept.regions.looks), fit.temperature if fit else _USUAL)
    found = []
    for sight in np.unique(rows["sight"][is_new]).tolist():
        own = np.flatnonzero(is_new & (rows["sight"] == sight))
        row = rows[own[int(np.argmax(energy[own]))]]
        label = int(row["label"])
        x1, y1, x2, y2 = (float(row[side]) for side in SIDES)
        found.append(
            Novel(
                time_s=float(row["time_s"]),
                label=None if label == NONE else label,
                box=(x1, y1, x2, y2),
                seconds=float(row["end_s"] - row["start_s"]),
            )
        )
    return found
