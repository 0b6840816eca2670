"""The boxes of a run, a page at a time, out of its columns.

A box has no row of its own. Its number is made of when it is shown and of which it is in its frame,
so it stays the same whatever else the run finds later, and numbers ascend with time.
"""

from __future__ import annotations

from bisect import bisect_left
from math import isnan
from typing import NamedTuple

import numpy as np
from django.http import Http404
from numpy.typing import NDArray
from rest_framework.pagination import Cursor as Position
from rest_framework.request import Request
from rest_framework.views import APIView

from analysis.film.columns import KNOWN, SOURCES, Columns
from webapp.pagination import Cursor
from webapp.projects.models import Label
from webapp.runs.results import columns_of
from webapp.runs.run import Run

_PER_FRAME = 1_000  # more boxes than anything finds in one frame
_PER_SECOND = 1_000_000


class Box(NamedTuple):
    """One box in one analysed frame, xyxy fractions of the displayed frame."""

    id: int
    time_s: float
    dwell_s: float
    label: int
    label_name: str
    track: int | None  # the row of the track
    box: list[float]
    confidence: float
    clarity: float | None
    source: str
    known: str


class Boxes:
    """Those boxes of a run that fulfil some conditions, by time."""

    def __init__(
        self,
        run: Run,
        *,
        label: int | None = None,
        floor: float | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> None:
        self.run = run
        self.columns: Columns = columns_of(run)
        found, times = self.columns.detections, self.columns.frames["time_s"]
        # bisect looks at a few places; searchsorted would copy a column of the table first
        low = 0 if start_s is None else _first_of(found, bisect_left(times, start_s))
        high = len(found) if end_s is None else _first_of(found, bisect_left(times, end_s))
        self.rows: NDArray[np.intp] = np.arange(low, max(high, low))
        wanted = []
        if label is not None:
            wanted.append(found["label"][low:high] == label)
        if floor is not None:  # as confidences are kept: 0.7 there is a little under 0.7
            wanted.append(found["confidence"][low:high] >= np.float32(floor))
        if wanted and len(self.rows):
            self.rows = self.rows[np.logical_and.reduce(wanted)]

    def after(self, number: int, n: int) -> list[Box]:
        """The first `n` with higher numbers than this."""
        at = int(np.searchsorted(self.rows, self._row(number), "right"))
        return self._boxes(self.rows[at : at + n])

    def before(self, number: int, n: int) -> list[Box]:
        """The last `n` with lower numbers than this, by time."""
        at = int(np.searchsorted(self.rows, self._row(number), "left"))
        return self._boxes(self.rows[max(at - n, 0) : at])

    def at(self, number: int) -> Box | None:
        """The one of that number."""
        row = self._row(number)
        if not 0 <= row < len(self.columns.detections):
            return None
        (found,) = self._boxes(np.array([row]))
        return found if found.id == number else None

    def _row(self, number: int) -> int:
        """Where the box of that number is; -1 before the first."""
        if number < 0:
            return -1
        stamp, place = divmod(number, _PER_FRAME)
        frames = self.columns.frames
        frame = bisect_left(frames, stamp, key=lambda frame: int(_stamps(frame)))
        return _first_of(self.columns.detections, frame) + place

    def _boxes(self, rows: NDArray[np.intp]) -> list[Box]:
        if not len(rows):
            return []
        found = self.columns.detections[rows]
        frames = self.columns.frames[found["frame"]]
        first = _first_of(self.columns.detections, int(found["frame"][0]))
        here = self.columns.detections["frame"][first : rows[-1] + 1]
        places = rows - first - np.searchsorted(here, found["frame"])
        labels = Label.objects.filter(pk__in=set(found["label"].tolist())).order_by()
        names = dict(labels.values_list("pk", "name"))
        followed = self.run.tracks.filter(number__in=set(found["track"].tolist())).order_by()
        tracks = dict(followed.values_list("number", "pk"))
        values = zip(
            (_stamps(frames) * _PER_FRAME + places).tolist(),
            frames["time_s"].tolist(),
            (frames["end_s"] - frames["start_s"]).tolist(),
            *(found[column].tolist() for column in ("label", "track")),
            zip(found["source"].tolist(), found["known"].tolist(), strict=True),
            zip(*(found[side].tolist() for side in ("x1", "y1", "x2", "y2")), strict=True),
            *(found[column].tolist() for column in ("confidence", "clarity")),
            strict=True,
        )
        return [
            Box(
                id=number,
                time_s=time_s,
                dwell_s=dwell_s,
                label=label,
                label_name=names.get(label, ""),
                track=tracks.get(track),
                box=list(box),
                confidence=confidence,
                clarity=None if isnan(clarity) else clarity,
                source=SOURCES[how[0]],
                known=KNOWN[how[1]],
            )
            for number, time_s, dwell_s, label, track, how, box, confidence, clarity in values
        ]


def numbered(time_s: float, place: int) -> int:
    """The number of a box: of when its frame is shown, and which it is in the frame."""
    return round(time_s * _PER_SECOND) * _PER_FRAME + place


def _first_of(found: NDArray[np.void], frame: int) -> int:
    """Where the boxes of that frame begin."""
    return bisect_left(found["frame"], frame)


def _stamps(frames: NDArray[np.void]) -> NDArray[np.int64]:
    return np.round(frames["time_s"] * _PER_SECOND).astype(np.int64)


class ByBox(Cursor):
    """Pages of boxes. The cursor is the number of the box that the page begins after."""

    def paginate_queryset(
        self, found: Boxes, request: Request, view: APIView | None = None
    ) -> list[Box]:
        self.request = request
        size = self.get_page_size(request) or 0
        self.base_url = request.build_absolute_uri()
        self.cursor = self.decode_cursor(request) or Position(0, False, "-1")
        number = _number(self.cursor.position)
        if self.cursor.reverse:
            page = found.before(number, size + 1)
            self.has_previous, self.has_next = len(page) > size, True
            page = page[-size:]
        else:
            page = found.after(number, size + 1)
            self.has_previous, self.has_next = number >= 0, len(page) > size
            page = page[:size]
        self.page = page
        return page

    def get_next_link(self) -> str | None:
        if not (self.has_next and self.page):
            return None
        return self.encode_cursor(Position(0, False, str(self.page[-1].id)))

    def get_previous_link(self) -> str | None:
        if not (self.has_previous and self.page):
            return None
        return self.encode_cursor(Position(0, True, str(self.page[0].id)))


def _number(position: str | None) -> int:
    try:
        return int((position or "-1")[:20])
    except ValueError as error:
        raise Http404("This is no cursor of ours.") from error
