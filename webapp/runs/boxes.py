"""The boxes of a run, a page at a time, out of its columns.

A box has no row of its own. Its number is made of when it is shown and of which it is in its frame,
so it stays the same whatever else the run finds later, and numbers ascend with time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from django.http import Http404
from numpy.typing import NDArray
from rest_framework.pagination import Cursor as Position
from rest_framework.request import Request
from rest_framework.views import APIView

from analysis.film.columns import SOURCES, Columns
from webapp.pagination import Cursor
from webapp.projects.models import Label
from webapp.runs.models import Run
from webapp.runs.results import columns_of

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
        found, frames = self.columns.detections, self.columns.frames
        first, last = np.searchsorted(frames["time_s"], [start_s or 0.0, end_s or 0.0])
        low = 0 if start_s is None else int(np.searchsorted(found["frame"], first))
        high = len(found) if end_s is None else int(np.searchsorted(found["frame"], last))
        wanted = np.ones(max(high - low, 0), bool)
        if label is not None:
            wanted &= found["label"][low:high] == label
        if floor is not None:  # as confidences are kept: 0.7 there is a little under 0.7
            wanted &= found["confidence"][low:high] >= np.float32(floor)
        self.rows: NDArray[np.intp] = np.flatnonzero(wanted) + low

    def after(self, number: int, n: int) -> list[Box]:
        """The first `n` with higher numbers than this."""
        at = int(np.searchsorted(self.rows, self._row(number), "right"))
        return self._boxes(self.rows[at : at + n])

    def before(self, number: int, n: int) -> list[Box]:
        """The last `n` with lower numbers than this, by time."""
        at = int(np.searchsorted(self.rows, self._row(number), "left"))
        return self._boxes(self.rows[max(at - n, 0) : at])

    def _row(self, number: int) -> int:
        """Where the box of that number is; -1 before the first."""
        if number < 0:
            return -1
        stamp, place = divmod(number, _PER_FRAME)
        frame = int(np.searchsorted(_stamps(self.columns.frames), stamp))
        return int(np.searchsorted(self.columns.detections["frame"], frame)) + place

    def _boxes(self, rows: NDArray[np.intp]) -> list[Box]:
        found = self.columns.detections[rows]
        frames = self.columns.frames[found["frame"]]
        places = rows - np.searchsorted(self.columns.detections["frame"], found["frame"])
        numbers = _stamps(frames) * _PER_FRAME + places
        names = dict(
            Label.objects.filter(pk__in=set(found["label"].tolist())).values_list("pk", "name")
        )
        followed = self.run.tracks.filter(number__in=set(found["track"].tolist()))
        tracks = dict(followed.values_list("number", "pk"))
        return [
            _box(number, frame, row, names, tracks)
            for number, frame, row in zip(numbers.tolist(), frames, found, strict=True)
        ]


def _stamps(frames: NDArray[np.void]) -> NDArray[np.int64]:
    return np.round(frames["time_s"] * _PER_SECOND).astype(np.int64)


def _box(
    number: int, frame: np.void, row: np.void, names: dict[int, str], tracks: dict[int, int]
) -> Box:
    clarity = float(row["clarity"])
    return Box(
        id=number,
        time_s=float(frame["time_s"]),
        dwell_s=float(frame["end_s"] - frame["start_s"]),
        label=int(row["label"]),
        label_name=names.get(int(row["label"]), ""),
        track=tracks.get(int(row["track"])),
        box=[float(row[side]) for side in ("x1", "y1", "x2", "y2")],
        confidence=float(row["confidence"]),
        clarity=None if np.isnan(clarity) else clarity,
        source=SOURCES[row["source"]],
    )


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
