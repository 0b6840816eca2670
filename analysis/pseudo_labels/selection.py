"""Frames of an analysis in which the model is sure of all that it sees, and the tracker agrees.

A frame teaches by what is on it and by what is not: a logo without a box says "this is
background". So a frame is taken only where every box in it above the doubt is sure, and is left
out as a whole where one is not. Its place alone cannot be left out: a detector's training knows no
such thing, and a patch painted over would be learnt too.

The tracker is the second witness (a detector and a tracker seldom err alike; Sohn et al., "A
Simple Semi-Supervised Learning Framework for Object Detection", 2020, has the detector alone): a
box counts where its track was seen shortly before and shortly after, and it lies where these two
say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.film.columns import Columns
from analysis.types import Box

Span = tuple[float, float]  # seconds, both ends in it


@dataclass(frozen=True, slots=True)
class Choosing:
    """What a frame must be like."""

    doubt: float = 0.2  # a box of less confidence is none
    within_s: float = 1.0  # before and after which its track must be seen
    agree: float = 0.5  # overlap with where the track says that it is
    apart_s: float = 2.0  # between two frames of one track …
    a_track: int = 3  # … and so many of it at most
    most: int = 200  # frames in all


class SureBox(NamedTuple):
    label: int  # the caller's number
    box: Box
    confidence: float
    track: int


class SureFrame(NamedTuple):
    time_s: float
    boxes: tuple[SureBox, ...]

    @property
    def labels(self) -> set[int]:
        return {box.label for box in self.boxes}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The frames, in the order of time, and how many were left out for which reason."""

    frames: Sequence[SureFrame]
    left_out: Mapping[str, int]


# Why frames are left out, in the order in which it is looked.
BARRED = "a person was asked about them or said something"
UNSURE = "a box on them is not sure enough"
ALONE = "the tracker does not agree"
ALIKE = "they show the same track again"
MANY = "there were enough of their labels"


def sure_frames(
    columns: Columns,
    thresholds: Mapping[int, float],
    *,
    barred: Iterable[Span] = (),
    choosing: Choosing | None = None,
) -> Chosen:
    """Which frames of one analysis may teach.

    thresholds: by the numbers of labels; a label without one makes its frames unusable.
    barred: stretches of which no frame is taken: audited, golden, decided by a person.
    """
    how = choosing or Choosing()
    spans = sorted(barred)
    left_out: Counter[str] = Counter()
    usable = []
    found = columns.detections[columns.detections["confidence"] >= how.doubt]
    witnessed = _witnessed(columns, how)[columns.detections["confidence"] >= how.doubt]
    for rows in np.split(np.arange(len(found)), np.flatnonzero(np.diff(found["frame"])) + 1):
        if not len(rows):
            continue
        time_s = float(columns.frames["time_s"][found["frame"][rows[0]]])
        if why := _why_not(found[rows], witnessed[rows], thresholds, time_s, spans):
            left_out[why] += 1
            continue
        usable.append(SureFrame(time_s, tuple(_box(row) for row in found[rows])))
    frames = _thinned(usable, how, left_out)
    return Chosen(spread(frames, how.most, left_out), dict(left_out))


def _why_not(
    boxes: NDArray[np.void],
    witnessed: NDArray[np.bool_],
    thresholds: Mapping[int, float],
    time_s: float,
    barred: Sequence[Span],
) -> str:
    if any(start <= time_s <= end for start, end in barred):
        return BARRED
    sure = [thresholds.get(int(box["label"]), np.inf) for box in boxes]
    if (boxes["confidence"] < np.array(sure)).any():
        return UNSURE
    return "" if witnessed.all() else ALONE


def _box(row: NDArray[np.void]) -> SureBox:
    corners = Box(*(float(row[name]) for name in ("x1", "y1", "x2", "y2")))
    return SureBox(int(row["label"]), corners, float(row["confidence"]), int(row["track"]))


def _witnessed(columns: Columns, how: Choosing) -> NDArray[np.bool_]:
    """Of each detection, whether its track has it from both sides. Shape (n_detections,)."""
    found = columns.detections
    agreed = np.zeros(len(found), bool)
    if len(found) < 3:
        return agreed
    order = np.lexsort((found["frame"], found["track"]))
    tracks, times = found["track"][order], columns.frames["time_s"][found["frame"][order]]
    corners = np.stack([found[n][order] for n in ("x1", "y1", "x2", "y2")], -1).astype(float)
    gone, left = times[1:-1] - times[:-2], times[2:] - times[1:-1]
    is_near = (gone > 0) & (gone <= how.within_s) & (left > 0) & (left <= how.within_s)
    is_one = (tracks[1:-1] >= 0) & (tracks[1:-1] == tracks[:-2]) & (tracks[1:-1] == tracks[2:])
    share = (gone / np.maximum(gone + left, 1e-9))[:, None]
    between = corners[:-2] + share * (corners[2:] - corners[:-2])
    agrees = _overlaps(between, corners[1:-1]) >= how.agree
    agreed[order[1:-1]] = is_near & is_one & agrees
    return agreed


def _overlaps(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each with the other in its row. Both (n, 4) xyxy."""
    low = np.maximum(boxes[:, :2], others[:, :2])
    shared = np.prod(np.maximum(np.minimum(boxes[:, 2:], others[:, 2:]) - low, 0), axis=1)
    both = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(
        others[:, 2:] - others[:, :2], axis=1
    )
    return shared / np.maximum(both - shared, 1e-12)


def _thinned(frames: Iterable[SureFrame], how: Choosing, left_out: Counter[str]) -> list[SureFrame]:
    """Few of each track: the next frame of a logo that stands still says nothing new."""
    last: dict[int, float] = defaultdict(lambda: -np.inf)
    taken: Counter[int] = Counter()
    kept = []
    for frame in frames:
        tracks = {box.track for box in frame.boxes}
        is_new = any(
            taken[track] < how.a_track and frame.time_s - last[track] >= how.apart_s
            for track in tracks
        )
        if not is_new:
            left_out[ALIKE] += 1
            continue
        for track in tracks:
            taken[track] += 1
            last[track] = frame.time_s
        kept.append(frame)
    return kept


def spread(
    frames: Sequence[SureFrame], most: int, left_out: Counter[str] | None = None
) -> list[SureFrame]:
    """At most so many of these frames, each time one of the label that has fewest by now.

    So a rare label loses none while a common one fills up. In the order of time.
    """
    waiting: dict[int, list[int]] = defaultdict(list)
    for at in sorted(range(len(frames)), key=lambda at: -_surest(frames[at])):
        for label in frames[at].labels:
            waiting[label].append(at)
    taken: set[int] = set()
    n: Counter[int] = Counter()
    while waiting and len(taken) < most:
        label = min(waiting, key=lambda one: (n[one], len(waiting[one]), one))
        free = [at for at in waiting[label] if at not in taken]
        if not free:
            del waiting[label]
            continue
        waiting[label] = free[1:]
        taken.add(free[0])
        n.update(frames[free[0]].labels)
    if left_out is not None and len(taken) < len(frames):
        left_out[MANY] += len(frames) - len(taken)
    return sorted((frames[at] for at in taken), key=lambda frame: frame.time_s)


def _surest(frame: SureFrame) -> float:
    """How sure its least sure box is."""
    return min((box.confidence for box in frame.boxes), default=0.0)
