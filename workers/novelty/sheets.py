"""The small pictures of regions, read back from the sheets that runs keep."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.novelty.keeping import TILE
from analysis.novelty.logo_like import logo_like
from webapp.runs.regions import RunRegions
from webapp.runs.run import Run
from webapp.runs.segments import SegmentRegions
from workers.engine.originals import local_path

Pixels = NDArray[np.uint8]

_BEST = 3  # sights of a group that it is judged by …
_MOST_SIGHTS = 8  # … out of so many, the most typical
_KEPT = 8  # sheets in memory


class Sheets:
    """Sheets by run and segment; the last few stay in memory."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, int], tuple[Pixels, int] | None] = {}

    def doubts(self, sights: Sequence[tuple[Run, RunRegions, int]]) -> bool:
        """Whether these regions look less like a logo than logos do. Not where no small picture is
        left: what nobody can look at is not put aside.

        sights: run, its regions, and the position among them; the most typical first.
        """
        tiles, looks = [], []
        for run, kept, at in sights[:_MOST_SIGHTS]:
            tile = self.tile(run, int(kept.segments[at]), int(kept.regions.rows["tile"][at]))
            if tile is not None:
                tiles.append(tile)
                looks.append(kept.regions.looks[at])
        if not tiles:
            return False
        above = logo_like()(tiles, np.stack(looks))
        return bool(np.sort(above)[-_BEST:].mean() < 0)

    def tile(self, run: Run, segment: int, number: int) -> Pixels | None:
        """(96, 96, 3) BGR; None where it is gone."""
        key = run.pk, segment
        if key not in self._read:
            while len(self._read) >= _KEPT:
                self._read.pop(next(iter(self._read)))
            self._read[key] = _sheet(run, segment)
        found = self._read[key]
        if found is None:
            return None
        image, columns = found
        down, across = divmod(number, columns)
        tile = image[down * TILE : (down + 1) * TILE, across * TILE : (across + 1) * TILE]
        return tile if tile.shape[:2] == (TILE, TILE) else None


def _sheet(run: Run, segment: int) -> tuple[Pixels, int] | None:
    row = SegmentRegions.objects.filter(segment__run=run, segment__index=segment).first()
    if row is None or not row.sheet or not row.columns:
        return None
    try:
        data = np.fromfile(local_path(row.sheet), np.uint8)
    except OSError:
        return None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    return (image.astype(np.uint8, copy=False), row.columns) if image is not None else None
