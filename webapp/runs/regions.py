"""The regions that a run keeps, as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.novelty.regions import Regions
from webapp.runs.run import Run
from webapp.runs.segments import SegmentRegions


@dataclass(frozen=True, slots=True, eq=False)
class RunRegions:
    """Regions in time order, and the index of the segment that keeps each: its sheet shows it."""

    regions: Regions
    segments: NDArray[np.intp]

    def of(self, which: NDArray) -> RunRegions:
        """Those of these positions, or where this is true."""
        return RunRegions(self.regions.of(which), self.segments[which])


def regions_of(run: Run) -> RunRegions | None:
    """All that the run keeps; None where it keeps nothing, as analyses of before do."""
    rows = SegmentRegions.objects.filter(segment__run=run).order_by("segment__index")
    parts = [
        (index, Regions.unpack(data)) for index, data in rows.values_list("segment__index", "data")
    ]
    if not parts:
        return None
    segments = [np.full(len(part.rows), index, np.intp) for index, part in parts]
    return RunRegions(Regions.join(part for _, part in parts), np.concatenate(segments))


def keeps_regions(run: Run) -> bool:
    return SegmentRegions.objects.filter(segment__run=run).exists()
