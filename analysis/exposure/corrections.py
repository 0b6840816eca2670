"""What people say of a film, laid over what was found there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import ious
from analysis.film.columns import DETECTION, SOURCES, Columns
from analysis.types import Box

SAME_IOU = 0.5  # from this overlap on, two boxes of a label in a frame are the same thing
_SIDES = ("x1", "y1", "x2", "y2")
_BY_A_PERSON = SOURCES.index("person")


class Correction(NamedTuple):
    """“Not there from 0:05 to 0:09”, or there, but it is another brand."""

    label: int
    start_s: float
    end_s: float
    instead: int | None = None  # the label that it is; None: none of them


class Verdict(NamedTuple):
    """What a person says of one box: that it is right, or what it really is.

    The box is told by where it was found (xyxy fractions of the frame) and not by its number, so
    that what was said holds for whatever another analysis of the film finds there as well.
    """

    label: int  # as it was found; of a box that a person drew: what it is
    time_s: float  # of the frame that was looked at
    box: Box
    actually: int | None  # the label that it is; None: none of them
    moved_to: Box | None = None  # where it is in that frame, where it was drawn anew
    is_drawn: bool = False  # nothing was found there
    track_s: tuple[float, float] | None = None  # said of its whole track, which lasts so long


def corrected(columns: Columns, said: Sequence[Correction | Verdict]) -> Columns:
    """The columns as if the detector had known it; those given stay as they are.

    A correction is about every box of its label in the frames that are shown in it, from its start
    up to, but not with, its end. A verdict is about the box of its label that overlaps the most,
    by at least half (intersection over union), in the frame that answers for its time, and about
    the track of that box where it says so; where nothing of the kind was found, it says nothing.
    What a person confirms, names or draws has a confidence of 1. One after the other, so what was
    said later counts. Frames stay: what was looked at was looked at.

    Raises ValueError for an end before its start.
    """
    return Said(columns, said).columns()


class Said:
    """The boxes of some columns with what was said of them: `boxes`, a row for each that was
    found, as it is now; `kept`, which of them there are; `drawn`, those that were added."""

    def __init__(self, columns: Columns, said: Sequence[Correction | Verdict]) -> None:
        self.found = columns
        self.boxes = columns.detections.copy()
        self.kept = np.ones(len(self.boxes), np.bool_)
        self.time_s = columns.frames["time_s"][self.boxes["frame"]]
        self.drawn: list[NDArray[np.void]] = []
        self._tracks: tuple[NDArray[np.intp], NDArray[np.int32]] | None = None
        for one in said:
            if isinstance(one, Verdict):
                self._judge(one)
            else:
                self._correct(one)

    def _correct(self, said: Correction) -> None:
        label, start_s, end_s, instead = said
        if not start_s <= end_s:
            raise ValueError("a correction ends before it starts")
        boxes, times = self.boxes, self.time_s
        meant = self.kept & (boxes["label"] == label) & (times >= start_s) & (times < end_s)
        self._say(np.flatnonzero(meant), instead)
        for row in self.drawn:
            time_s = self.found.frames["time_s"][row["frame"]]
            if row["label"] == label and start_s <= time_s < end_s:
                row["label"] = -1 if instead is None else instead

    def _judge(self, said: Verdict) -> None:
        frame = self._frame_at(said.time_s)
        if frame is None:
            return
        row = self._row_of(said, frame)
        if row is None:
            if said.is_drawn:
                self._draw(said, frame)
            return
        rows = np.array([row]) if said.track_s is None else self._track_of(row, said)
        self.kept[rows] = True  # also where it was turned down before
        self.boxes["label"][rows] = said.label
        self._say(rows, said.actually)
        self.boxes["confidence"][rows] = 1.0
        if said.moved_to is not None:
            for side, value in zip(_SIDES, said.moved_to.clipped(), strict=True):
                self.boxes[side][row] = value

    def columns(self) -> Columns:
        boxes = self.boxes[self.kept]
        drawn = [row for row in self.drawn if row["label"] >= 0]
        if drawn:
            boxes = np.concatenate([boxes, np.array(drawn, DETECTION)])
            boxes = boxes[np.argsort(boxes["frame"], kind="stable")]
        return Columns(self.found.frames, boxes)

    def _say(self, rows: NDArray[np.intp], label: int | None) -> None:
        if label is None:
            self.kept[rows] = False
        else:
            self.boxes["label"][rows] = label

    def _frame_at(self, time_s: float) -> int | None:
        """The frame whose stretch holds that time; None where none was analysed there."""
        frames = self.found.frames
        at = int(np.searchsorted(frames["start_s"], time_s + 1e-6, "right")) - 1
        return at if at >= 0 and time_s <= frames["end_s"][at] + 1e-6 else None

    def _row_of(self, said: Verdict, frame: int) -> int | None:
        """The row that is meant, as it was found."""
        found = self.found.detections
        low, high = (bisect_left(found["frame"], f) for f in (frame, frame + 1))
        rows = low + np.flatnonzero(found["label"][low:high] == said.label)
        if not len(rows):
            return None
        boxes = np.stack([found[side][rows] for side in _SIDES], axis=1).astype(np.float64)
        overlap = ious([said.box], boxes)[0]
        best = int(overlap.argmax())
        return int(rows[best]) if overlap[best] >= SAME_IOU else None

    def _track_of(self, row: int, said: Verdict) -> NDArray[np.intp]:
        """Every row of its track while the track lasted that was judged."""
        found = self.found.detections
        track = int(found["track"][row])
        if track < 0 or said.track_s is None:
            return np.array([row])
        if self._tracks is None:
            order = np.argsort(found["track"], kind="stable")
            self._tracks = order, found["track"][order]
        order, numbers = self._tracks
        low, high = (int(np.searchsorted(numbers, n)) for n in (track, track + 1))
        rows = order[low:high]
        first_s, last_s = said.track_s
        times = self.time_s[rows]
        lasts = (times >= first_s - 1e-6) & (times <= last_s + 1e-6)
        same = found["label"][rows] == said.label
        return rows[(lasts & same) | (rows == row)]

    def _draw(self, said: Verdict, frame: int) -> None:
        if said.actually is None:
            return
        row = np.zeros((), DETECTION)
        row["frame"], row["label"], row["track"] = frame, said.actually, -1
        for side, value in zip(_SIDES, (said.moved_to or said.box).clipped(), strict=True):
            row[side] = value
        row["confidence"], row["clarity"], row["source"] = 1.0, np.nan, _BY_A_PERSON
        self.drawn.append(row)
