"""The one frame that shows a brand best: what a report prints beside the brand's seconds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.exposure.figures import SAME_TIME_S
from analysis.exposure.measure import Exposure
from analysis.exposure.sightings import boxes_of, counting, sightings_of
from analysis.film.columns import Columns


class Evidence(NamedTuple):
    """An analysed frame with the boxes of one brand that count in it."""

    time_s: float  # of the frame itself, from the start of the asset
    boxes: tuple[tuple[float, float, float, float], ...]  # xyxy, fractions of the frame
    confidence: float  # of the surest of them
    size: float  # of their union, as a share of the frame


def best_sightings(columns: Columns, exposure: Exposure) -> dict[int, Evidence]:
    """For each brand with an episode the frame that shows it best, by label.

    The best is the one with the highest confidence × √size among the frames of the episodes that
    the methodology keeps: sure, and large enough for a reader to see. Our own choice; no figure
    rests on it. `columns` are those that `exposure` was measured on.
    """
    labels = [brand.label for brand in exposure.brands]
    hidden = [brand.label for brand in exposure.brands if brand.is_hidden]
    boxes = boxes_of(columns, labels, exposure.thresholds, hidden)
    boxes = boxes.take(counting(boxes, exposure.method))
    seen = sightings_of(boxes, dominant_only=exposure.method.dominant_only)
    score = seen.confidence * np.sqrt(seen.size)
    found = {}
    for place, brand in enumerate(exposure.brands):
        rows = np.flatnonzero(seen.brand == place)
        rows = rows[_in_episodes(columns.frames[seen.frame[rows]], exposure, place)]
        if not len(rows):
            continue
        best = rows[score[rows].argmax()]
        frame = seen.frame[best]
        mine = boxes.rows(np.flatnonzero((boxes.brand == place) & (boxes.frame == frame)))
        sides = (side.tolist() for side in (mine.x1, mine.y1, mine.x2, mine.y2))
        found[brand.label] = Evidence(
            time_s=float(columns.frames["time_s"][frame]),
            boxes=tuple(zip(*sides, strict=True)),
            confidence=float(seen.confidence[best]),
            size=float(seen.size[best]),
        )
    return found


def _in_episodes(frames: NDArray[np.void], exposure: Exposure, place: int) -> NDArray[np.bool_]:
    """Of each frame whether its cell lies in an episode of the brand, in a window with a part."""
    episodes = exposure.brands[place].episodes
    if not episodes or not exposure.duration_s:
        return np.full(len(frames), bool(episodes))
    starts, ends = np.array([(episode.start_s, episode.end_s) for episode in episodes]).T
    begun = np.searchsorted(starts, frames["end_s"] - SAME_TIME_S) - 1  # the last before its end
    return (begun >= 0) & (frames["start_s"] < ends[begun] - SAME_TIME_S)
