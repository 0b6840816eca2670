"""One row per brand and frame: which boxes count, and what the frame shows of the brand.

Everything here works on whole columns: a slider asks again on each move, over 200,000 boxes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.exposure.methodologies import Methodology
from analysis.film.columns import Columns

DEFAULT_THRESHOLD = 0.5
EDGE = 0.002  # a box this close to the frame's border, as a share of its side, touches it
_BATCH = 4_000_000  # numbers held at once in an array while boxes are united

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

    def take(self, wanted: NDArray[np.bool_]) -> Boxes:
        return self if wanted.all() else self.rows(np.flatnonzero(wanted))

    def rows(self, rows: NDArray[np.intp] | slice) -> Boxes:
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


@dataclass(frozen=True, slots=True, eq=False)
class Prepared(Columns):
    """Columns with the boxes of some labels put in order, for what asks many times.

    Stands in for the columns everywhere. Asked for just these labels, in this order, the answer
    is the same and comes in half the time.
    """

    labels: tuple[int, ...]
    boxes: Boxes  # of these labels, whatever their confidence

    @classmethod
    def of(cls, columns: Columns, labels: Sequence[int]) -> Prepared:
        boxes = boxes_of(columns, labels, 0.0)
        return cls(columns.frames, columns.detections, tuple(labels), boxes)


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
    in_view: NDArray[np.bool_] | None = None,
) -> Boxes:
    """The boxes of `labels` at or above their thresholds, with some part inside the frame.

    `in_view` says of each analysed frame whether it is wanted; all are when it is not given.
    Labels that are hidden, or were not asked for, do not exist for the arithmetic.
    Raises ValueError when a label is given twice.
    """
    detections = columns.detections
    floors = [2.0 if label in hidden else threshold_of(thresholds, label) for label in labels]
    # Compared as float32, which is how confidences are kept: 0.7 there is a little under 0.7.
    floor = np.array([*floors, 2.0], np.float32)
    if isinstance(columns, Prepared) and columns.labels == tuple(labels):
        return _passing(columns.boxes, floor, in_view)
    confidence = np.ascontiguousarray(detections["confidence"])
    wanted = confidence >= floor.min()
    if in_view is not None and not in_view.all():
        wanted &= in_view[detections["frame"]]
    rows = np.flatnonzero(wanted)
    brand = _brand_of(detections["label"][rows], labels)
    passes = np.flatnonzero(confidence[rows] >= floor[brand])
    rows, brand = rows[passes], brand[passes]
    order = _by_brand_then_frame(brand, detections["frame"][rows])
    return _clipped(detections, rows[order], brand[order])


def _passing(boxes: Boxes, floor: NDArray, in_view: NDArray[np.bool_] | None) -> Boxes:
    wanted = boxes.confidence >= floor.astype(np.float64)[boxes.brand]
    if in_view is not None and not in_view.all():
        wanted &= in_view[boxes.frame]
    return boxes.take(wanted)


def _brand_of(label: NDArray[np.int32], labels: Sequence[int]) -> NDArray[np.intp]:
    """Position in `labels` for each row; len(labels) where the label was not asked for."""
    if len(set(labels)) != len(labels):
        raise ValueError("each label may be given once")
    if not labels:
        return np.zeros(len(label), np.intp)
    order = np.argsort(labels)
    in_order = np.asarray(labels, np.int32)[order]
    place = np.minimum(np.searchsorted(in_order, label), len(labels) - 1)
    return np.where(in_order[place] == label, order[place], len(labels))


def _by_brand_then_frame(brand: NDArray[np.intp], frame: NDArray[np.int32]) -> NDArray[np.intp]:
    if np.any(frame[1:] < frame[:-1]):
        return np.lexsort((frame, brand))
    # 16-bit keys are sorted by counting, several times faster than by comparing.
    key = brand.astype(np.uint16) if brand.max(initial=0) < 2**16 else brand
    return np.argsort(key, kind="stable")


def _clipped(detections: NDArray[np.void], rows: NDArray[np.intp], brand: NDArray) -> Boxes:
    """The boxes in `rows`, cut to the frame; those with nothing inside it are left out."""

    def column(name: str) -> NDArray[np.float64]:
        # Field by field: gathering whole records is ten times slower.
        return np.ascontiguousarray(detections[name])[rows].astype(np.float64)

    x1, y1, x2, y2 = (column(side) for side in ("x1", "y1", "x2", "y2"))
    whole = _area(x1, y1, x2, y2)
    x1, y1, x2, y2 = (np.clip(side, 0.0, 1.0) for side in (x1, y1, x2, y2))
    area = _area(x1, y1, x2, y2)
    boxes = Boxes(
        brand=brand,
        frame=np.ascontiguousarray(detections["frame"])[rows].astype(np.intp),
        x1=x1,
        y1=y1,
        x2=x2,
        y2=y2,
        area=area,
        visibility=np.divide(area, whole, out=np.zeros_like(area), where=whole > 0),
        clarity=column("clarity"),
        confidence=column("confidence"),
    )
    return boxes.take(area > 0)


def _area(
    x1: NDArray[np.float64],
    y1: NDArray[np.float64],
    x2: NDArray[np.float64],
    y2: NDArray[np.float64],
) -> NDArray[np.float64]:
    return np.maximum(x2 - x1, 0) * np.maximum(y2 - y1, 0)


def counting(boxes: Boxes, method: Methodology) -> NDArray[np.bool_]:
    """Of each box, whether the methodology counts it. Shape (n_boxes,)."""
    return (
        (boxes.area >= method.min_size)
        & (boxes.visibility >= method.min_visibility - 1e-6)
        & ~(boxes.clarity < method.min_clarity)  # not measured: passes; `limits` says so
    )


def sightings_of(boxes: Boxes, *, dominant_only: bool = False) -> Sightings:
    """What each frame shows of each brand; with `dominant_only`, as if its largest box was all."""
    starts, counts = _groups(boxes)
    main, size = starts.copy(), boxes.area[starts]
    confidence = boxes.confidence[starts]
    for groups, rows in _of_several(starts, counts):
        main[groups] = rows[0] + boxes.area[rows].argmax(axis=0)
        size[groups] = boxes.area[main[groups]] if dominant_only else _union(boxes, rows)
        confidence[groups] = boxes.confidence[rows].max(axis=0)
    x1, y1, x2, y2 = boxes.x1[main], boxes.y1[main], boxes.x2[main], boxes.y2[main]
    return Sightings(
        brand=boxes.brand[main],
        frame=boxes.frame[main],
        n_boxes=np.ones_like(counts) if dominant_only else counts,
        size=size,
        confidence=confidence,
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
    changes = (boxes.frame[1:] != boxes.frame[:-1]) | (boxes.brand[1:] != boxes.brand[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return starts, np.diff(starts, append=len(boxes.frame))


def _of_several(
    starts: NDArray[np.intp], counts: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Groups of more than one box, gathered by how many: groups (n,), their rows (boxes, n)."""
    for count in np.flatnonzero(np.bincount(counts)).tolist():
        if count < 2:
            continue
        groups = np.flatnonzero(counts == count)
        step = max(1, _BATCH // (2 * count * count))
        for begin in range(0, len(groups), step):
            batch = groups[begin : begin + step]
            yield batch, starts[batch] + np.arange(count)[:, None]


def _union(boxes: Boxes, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Area that the boxes in each column of `rows` cover together, overlaps counted once."""
    x1, y1, x2, y2 = boxes.x1[rows], boxes.y1[rows], boxes.x2[rows], boxes.y2[rows]
    if len(rows) == 2:
        wide = np.maximum(np.minimum(x2[0], x2[1]) - np.maximum(x1[0], x1[1]), 0)
        high = np.maximum(np.minimum(y2[0], y2[1]) - np.maximum(y1[0], y1[1]), 0)
        return boxes.area[rows[0]] + boxes.area[rows[1]] - wide * high
    return np.minimum(_swept(x1, y1, x2, y2), 1.0)


def _swept(
    x1: NDArray[np.float64],
    y1: NDArray[np.float64],
    x2: NDArray[np.float64],
    y2: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Union areas by slabs. Sides have shape (boxes, n); areas come back as (n,).

    Between two neighbouring vertical sides the same boxes are present, so the area there is the
    width times the length of a union of intervals; sorted by their start, an interval adds what
    reaches beyond all before it.
    """
    order = np.argsort(y1, axis=0)
    x1, y1, x2, y2 = (np.take_along_axis(side, order, axis=0) for side in (x1, y1, x2, y2))
    cuts = np.sort(np.concatenate([x1, x2]), axis=0)
    left, right = cuts[:-1], cuts[1:]  # (slabs, n)
    length, reached = np.zeros_like(left), np.zeros_like(left)
    for box in range(len(x1)):
        present = (x1[box] <= left) & (x2[box] >= right)
        beyond = np.where(present, y2[box] - np.maximum(y1[box], reached), 0.0)
        length += np.maximum(beyond, 0.0)
        np.maximum(reached, y2[box], out=reached, where=present)
    return (length * (right - left)).sum(axis=0)
