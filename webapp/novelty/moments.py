"""Where regions are, for people: the film, the time, the box, and a small picture of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.novelty.regions import SIDES
from webapp.runs.regions import RunRegions
from webapp.runs.run import Run


def sight_json(run: Run, kept: RunRegions, at: int) -> dict[str, Any]:
    """One region, as groups keep it."""
    row = kept.regions.rows[at]
    return {
        "run": run.pk,
        "asset": run.asset_id,
        "segment": int(kept.segments[at]),
        "tile": int(row["tile"]),
        "time_s": round(float(row["time_s"]), 6),
        "start_s": round(float(row["start_s"]), 6),
        "end_s": round(float(row["end_s"]), 6),
        "box": [round(float(row[side]), 6) for side in SIDES],
    }


def spans(rows: np.ndarray) -> np.ndarray:
    """(n, 2): from when to when the sight of each region lasts, seconds."""
    return np.stack([rows["start_s"], rows["end_s"]], axis=1)
