"""Beginnings and ends of exposures that the picture does not explain.

A board does not vanish. It leaves with a cut, at the edge of the frame, or as the camera moves;
where none of these happened, somebody stood before it, the board changed, or the detector lost it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.exposure.figures import SAME_TIME_S, Cells, Doubt, Episodes
from analysis.exposure.sightings import Boxes, Sightings

LOOK_S = 0.5  # a box is compared with itself this much further inside the exposure
STILL_IOU = 0.7  # from here on it hardly moved: by less than about a tenth of its sides
NEAR_CUT_S = 0.5  # a cut this close explains it: dissolves are no moment
NEAR_EDGE = 0.02  # share of the frame's side; closer than this, a box was about to leave

Rows = NDArray[np.intp]


class Doubts(NamedTuple):
    """The doubtful ones, by the number of their episode."""

    begins: dict[int, Doubt]
    ends: dict[int, Doubt]


def doubtful_ends(
    boxes: Boxes, seen: Sightings, episodes: Episodes, cells: Cells, cuts: Sequence[float]
) -> Doubts:
    """The beginnings and ends of kept episodes in the middle of an unbroken, still shot.

    A beginning is doubtful when all of these hold; an end likewise, the other way round in time:

    - The frame before was analysed, lies in the window and adjoins: somebody looked.
    - No shot begins between that frame and the frame compared with, nor within NEAR_CUT_S.
    - A box of the brand in the first frame lies further than NEAR_EDGE from every side of it.
    - That box overlaps a box of the brand in the frame compared with by STILL_IOU at least: it
      hardly moved, and so neither did the camera. Compared is the last frame of the episode that
      is at most LOOK_S later, else the next one; an episode of one frame has none.

    boxes: those that count, ordered by brand, then frame, and `seen` made of them; shapes
    (n_boxes,), (n_sightings,). cuts: when each shot begins, in seconds, in time order; where none
    is known nothing is doubtful, as no shot is known to be unbroken. Of several such boxes the
    surest is given. Source: ours.
    """
    if not len(cuts):
        return Doubts({}, {})
    kept = np.flatnonzero(episodes.is_kept)
    return Doubts(
        *(
            _doubts(boxes, seen, cells, np.asarray(cuts, np.float64), kept, border, limit)
            for border, limit in (
                (episodes.first[kept], episodes.last[kept]),
                (episodes.last[kept], episodes.first[kept]),
            )
        )
    )


def _doubts(
    boxes: Boxes,
    seen: Sightings,
    cells: Cells,
    cuts: NDArray[np.float64],
    episode: Rows,
    border: Rows,
    limit: Rows,
) -> dict[int, Doubt]:
    """`border` is the first or last sighting of each episode, `limit` the one at its other end."""
    several = np.flatnonzero(border != limit)  # one sighting cannot be seen to stand still
    episode, border, limit = episode[several], border[several], limit[several]
    inwards = np.sign(limit - border)
    inner = _compared_with(seen, cells, border, limit, inwards)
    beyond = seen.frame[border] - inwards
    asked = _looked_at(cells, seen.frame[border], beyond)
    beyond = np.clip(beyond, 0, len(cells.time_s) - 1)
    times = cells.time_s[np.stack([beyond, seen.frame[border], seen.frame[inner]])]
    asked &= ~_is_cut(cuts, times)
    episode, border, inner = episode[asked], border[asked], inner[asked]
    return _still(boxes, seen, cells, episode, border, inner)


def _compared_with(seen: Sightings, cells: Cells, border: Rows, limit: Rows, inwards: Rows) -> Rows:
    """The sighting of the episode that is furthest inside and at most LOOK_S away, else the next.

    An episode's sightings lie one after the other, so positions in `seen` say which is its own.
    """
    n = len(cells.time_s)
    until_s = cells.time_s[seen.frame[border]] + inwards * (LOOK_S + SAME_TIME_S)
    last = np.where(
        inwards > 0,
        np.searchsorted(cells.time_s, until_s, "right") - 1,
        np.searchsorted(cells.time_s, until_s, "left"),
    )
    key, wanted = seen.brand * n + seen.frame, seen.brand[border] * n + last
    row = np.where(
        inwards > 0,
        np.searchsorted(key, wanted, "right") - 1,
        np.searchsorted(key, wanted, "left"),
    )
    next_one = border + inwards
    return np.clip(row, np.minimum(next_one, limit), np.maximum(next_one, limit))


def _looked_at(cells: Cells, frame: Rows, beyond: Rows) -> NDArray[np.bool_]:
    """Whether `beyond` is an analysed frame, in the window, that adjoins `frame`."""
    exists = (beyond >= 0) & (beyond < len(cells.time_s))
    beyond = np.where(exists, beyond, frame)
    earlier, later = np.minimum(frame, beyond), np.maximum(frame, beyond)
    adjoins = cells.start_s[later] - cells.end_s[earlier] <= SAME_TIME_S
    return exists & (cells.weight[beyond] > 0) & adjoins


def _is_cut(cuts: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a shot begins among these times, or close to the border, which is the second."""
    low = np.minimum(times.min(axis=0), times[1] - NEAR_CUT_S)
    high = np.maximum(times.max(axis=0), times[1] + NEAR_CUT_S)
    return np.searchsorted(cuts, high, "right") > np.searchsorted(cuts, low, "left")


def _still(
    boxes: Boxes, seen: Sightings, cells: Cells, episode: Rows, border: Rows, inner: Rows
) -> dict[int, Doubt]:
    """The surest box at each border that is away from the edge and stands as it does inside."""
    n = len(cells.time_s)
    key = boxes.brand * n + boxes.frame
    at_border, of_border = _rows_of(key, seen.brand[border] * n + seen.frame[border])
    inside, of_box = _rows_of(key, (seen.brand[inner] * n + seen.frame[inner])[of_border])
    iou = _iou(boxes, at_border[of_box], inside)
    is_still = np.zeros(len(at_border), bool)
    is_still[of_box[iou >= STILL_IOU]] = True
    found = np.flatnonzero(is_still & ~_near_edge(boxes, at_border))
    surest_last = found[np.argsort(boxes.confidence[at_border[found]], kind="stable")]
    rows = at_border[surest_last]
    times = cells.time_s[boxes.frame[rows]].tolist()
    sides = (side[rows].tolist() for side in (boxes.x1, boxes.y1, boxes.x2, boxes.y2))
    doubts = map(Doubt, times, zip(*sides, strict=True), boxes.confidence[rows].tolist())
    return dict(zip(episode[of_border[surest_last]].tolist(), doubts, strict=True))


def _rows_of(key: Rows, wanted: Rows) -> tuple[Rows, Rows]:
    """All rows with each of the wanted keys, in turn, and which of `wanted` each is for."""
    starts = np.searchsorted(key, wanted, "left")
    counts = np.searchsorted(key, wanted, "right") - starts
    which = np.repeat(np.arange(len(wanted)), counts)
    before = np.cumsum(counts) - counts
    return np.arange(len(which)) + (starts - before)[which], which


def _iou(boxes: Boxes, one: Rows, other: Rows) -> NDArray[np.float64]:
    wide = np.minimum(boxes.x2[one], boxes.x2[other]) - np.maximum(boxes.x1[one], boxes.x1[other])
    high = np.minimum(boxes.y2[one], boxes.y2[other]) - np.maximum(boxes.y1[one], boxes.y1[other])
    shared = np.maximum(wide, 0) * np.maximum(high, 0)
    return shared / (boxes.area[one] + boxes.area[other] - shared)


def _near_edge(boxes: Boxes, rows: Rows) -> NDArray[np.bool_]:
    near = np.minimum(boxes.x1[rows], boxes.y1[rows]) <= NEAR_EDGE
    return near | (np.maximum(boxes.x2[rows], boxes.y2[rows]) >= 1 - NEAR_EDGE)
