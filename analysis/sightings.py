"""One row per brand and frame: which boxes count, and what the frame shows of the brand.

Everything here works on whole columns: a slider asks again on each move, over 200,000 boxes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.columns import Columns

DEFAULT_THRESHOLD = 0.5
EDGE = 0.002  # a box this close to the frame's border, as a share of its side, touches it
_BATCH = 4_000_000  # numbers held at once while uniting boxes

Thresholds = float | Mapping[int, float]


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Boxes that count, ordered by brand, then frame. All arrays have shape (n,).

    Coordinates are clipped to the frame, so every area is above 0 and at most 1.
    """

    brand: NDArray[np.intp]  # position in the labels asked for
    frame: NDArray[np.intp]
    x1: NDArray[np.float64]
    y1: NDArray[np.float64]
    x2: NDArray[np.float64]
    y2: NDArray[np.float64]
    area: NDArray[np.float64]
    visibility: NDArray[np.float64]  # share of the box inside the frame
    clarity: NDArray[np.float64]  # NaN: not measured
    confidence: NDArray[np.float64]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Boxes:
        return Boxes(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """One row per brand and frame, ordered by brand, then time. All arrays have shape (n,).

    Position, clarity, visibility and edge are those of the main box: the largest.
    """

    brand: NDArray[np.intp]
    frame: NDArray[np.intp]
    n_boxes: NDArray[np.intp]
    size: NDArray[np.float64]  # union of the brand's boxes, share of the frame
    confidence: NDArray[np.float64]  # the surest box
    centre_x: NDArray[np.float64]
    centre_y: NDArray[np.float64]
    clarity: NDArray[np.float64]
    visibility: NDArray[np.float64]
    touches_edge: NDArray[np.bool_]


def threshold_of(thresholds: Thresholds, label: int) -> float:
    """The threshold that applies to `label`: its own, or the default of 0.5."""
    if isinstance(thresholds, Mapping):
        return float(thresholds.get(label, DEFAULT_THRESHOLD))
    return float(thresholds)


def boxes_of(
    columns: Columns,
    labels: Sequence[int],
    thresholds: Thresholds = DEFAULT_THRESHOLD,
    hidden: Collection[int] = (),
) -> Boxes:
    """The boxes of `labels` at or above their thresholds, with some part inside the frame.

    Labels that are hidden, or were not asked for, do not exist for the arithmetic.
    Raises ValueError when a label is given twice.
    """
    brand = _brand_of_rows(columns.detections["label"], labels)
    floors = [2.0 if label in hidden else threshold_of(thresholds, label) for label in labels]
    # Compared as float32, which is how confidences are kept: 0.7 there is a little under 0.7.
    floor = np.array([*floors, 2.0], np.float32)
    rows = np.flatnonzero(columns.detections["confidence"] >= floor[brand])
    rows = rows[_by_brand_then_frame(brand[rows], columns.detections["frame"][rows])]
    boxes = _clipped(columns.detections[rows], brand[rows])
    return boxes.take(boxes.area > 0)


def _brand_of_rows(label: NDArray[np.int32], labels: Sequence[int]) -> NDArray[np.intp]:
    """Position in `labels` for each row; len(labels) where the label was not asked for."""
    if len(set(labels)) != len(labels):
        raise ValueError("each label may be given once")
    if not labels:
        return np.zeros(len(label), np.intp)
    order = np.argsort(labels)
    in_order = np.asarray(labels)[order]
    label = np.ascontiguousarray(label)
    place = np.minimum(np.searchsorted(in_order, label), len(labels) - 1)
    return np.where(in_order[place] == label, order[place], len(labels))


def _by_brand_then_frame(
    brand: NDArray[np.intp], frame: NDArray[np.int32]
) -> NDArray[np.intp] | slice:
    if np.any(frame[1:] < frame[:-1]):
        return np.lexsort((frame, brand))
    # 16-bit keys are sorted by counting, several times faster than by comparing.
    key = brand.astype(np.uint16) if brand.max(initial=0) < 2**16 else brand
    return np.argsort(key, kind="stable")


def _clipped(detections: NDArray[np.void], brand: NDArray[np.intp]) -> Boxes:
    x1, y1, x2, y2 = (detections[side].astype(np.float64) for side in ("x1", "y1", "x2", "y2"))
    whole = np.maximum(x2 - x1, 0) * np.maximum(y2 - y1, 0)
    x1, y1, x2, y2 = (np.clip(side, 0.0, 1.0) for side in (x1, y1, x2, y2))
    area = np.maximum(x2 - x1, 0) * np.maximum(y2 - y1, 0)
    return Boxes(
        brand=brand,
        frame=detections["frame"].astype(np.intp),
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        area=area,
        visibility=np.divide(area, whole, out=np.zeros_like(area), where=whole > 0),
        clarity=detections["clarity"].astype(np.float64),
        confidence=detections["confidence"].astype(np.float64),
    )


def sightings_of(boxes: Boxes, *, dominant_only: bool = False) -> Sightings:
    """What each frame shows of each brand."""
    starts, counts = _groups(boxes)
    main = _largest(boxes.area, starts, counts)
    if dominant_only:
        size, n_boxes = boxes.area[main], np.ones(len(starts), np.intp)
    else:
        size, n_boxes = _union_areas(boxes, starts, counts), counts
    x1, y1, x2, y2 = boxes.x1[main], boxes.y1[main], boxes.x2[main], boxes.y2[main]
    return Sightings(
        brand=boxes.brand[main],
        frame=boxes.frame[main],
        n_boxes=n_boxes,
        size=size,
        confidence=_reduce(np.maximum, boxes.confidence, starts),
        centre_x=(x1 + x2) / 2,
        centre_y=(y1 + y2) / 2,
        clarity=boxes.clarity[main],
        visibility=boxes.visibility[main],
        touches_edge=(x1 <= EDGE) | (y1 <= EDGE) | (x2 >= 1 - EDGE) | (y2 >= 1 - EDGE),
    )


def _groups(boxes: Boxes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each brand-and-frame begins in `boxes`, and how many boxes it has."""
    if not len(boxes.frame):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    changes = (np.diff(boxes.frame) != 0) | (np.diff(boxes.brand) != 0)
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return starts, np.diff(starts, append=len(boxes.frame))


def _reduce(
    ufunc: np.ufunc, values: NDArray[np.float64], starts: NDArray[np.intp]
) -> NDArray[np.float64]:
    return ufunc.reduceat(values, starts) if len(starts) else np.empty(0)


def _largest(
    area: NDArray[np.float64], starts: NDArray[np.intp], counts: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Row of the largest box of each group; the first of equals."""
    largest = np.repeat(_reduce(np.maximum, area, starts), counts)
    rows = np.flatnonzero(area == largest)
    group = np.repeat(np.arange(len(starts)), counts)[rows]
    return rows[np.flatnonzero(np.diff(group, prepend=-1))]


def _union_areas(
    boxes: Boxes, starts: NDArray[np.intp], counts: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Area that the boxes of each group cover together: exact, overlaps counted once."""
    size = boxes.area[starts] if len(starts) else np.empty(0)
    for count in np.unique(counts[counts > 1]):
        groups = np.flatnonzero(counts == count)
        step = max(1, _BATCH // int(4 * count * count))
        for batch in np.split(groups, range(step, len(groups), step)):
            rows = starts[batch][:, None] + np.arange(count)
            unite = _union_of_two if count == 2 else _union_of_many
            size[batch] = unite(boxes.x1[rows], boxes.y1[rows], boxes.x2[rows], boxes.y2[rows])
    return np.minimum(size, 1.0)


def _union_of_two(
    x1: NDArray[np.float64],
    y1: NDArray[np.float64],
    x2: NDArray[np.float64],
    y2: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum less intersection. Sides have shape (groups, 2); areas come back as (groups,)."""
    wide = np.maximum(x2.min(axis=1) - x1.max(axis=1), 0)
    high = np.maximum(y2.min(axis=1) - y1.max(axis=1), 0)
    return ((x2 - x1) * (y2 - y1)).sum(axis=1) - wide * high


def _union_of_many(
    x1: NDArray[np.float64],
    y1: NDArray[np.float64],
    x2: NDArray[np.float64],
    y2: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Slab by slab. Sides have shape (groups, boxes); areas come back as (groups,).

    Between two neighbouring vertical sides the same boxes are present, so the area there is the
    width times the length of a union of intervals; sorted by their start, an interval adds what
    reaches beyond all before it.
    """
    order = np.argsort(y1, axis=1)
    x1, y1, x2, y2 = (np.take_along_axis(side, order, axis=1) for side in (x1, y1, x2, y2))
    cuts = np.sort(np.concatenate([x1, x2], axis=1), axis=1)
    left, right = cuts[:, :-1, None], cuts[:, 1:, None]  # (groups, slabs, 1)
    present = (x1[:, None, :] <= left) & (x2[:, None, :] >= right)
    top = np.where(present, y1[:, None, :], 0.0)
    bottom = np.where(present, y2[:, None, :], 0.0)
    reached = np.zeros_like(bottom)
    np.maximum.accumulate(bottom[:, :, :-1], axis=2, out=reached[:, :, 1:])
    lengths = np.maximum(bottom - np.maximum(top, reached), 0).sum(axis=2)
    return (lengths * (right - left)[:, :, 0]).sum(axis=1)
