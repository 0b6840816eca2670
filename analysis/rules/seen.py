"""What a rule looks at: the boxes of one analysis, put in order once for all its conditions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.exposure.sightings import threshold_of
from analysis.film.columns import Columns
from analysis.rules.grammar import ANY, Comparison

Spans = Sequence[tuple[float, float]]  # start and end, seconds from the start of the asset
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]


class Novel(NamedTuple):
    """A sight of no known label, at the moment that shows it best."""

    time_s: float  # of the analysed frame
    label: int | None  # what it was detected as, with too little likeness; None: nothing
    box: tuple[float, float, float, float]  # xyxy, fractions of the frame
    seconds: float  # how long it is on screen


class MentionFact(NamedTuple):
    """A label in words. Times in seconds from the start of the asset; confidence 0 to 1."""

    label: int
    source: Literal["said", "written"]
    start_s: float
    end_s: float
    confidence: float
    is_seen: bool  # the label is on screen near it
    text: str


class WordFact(NamedTuple):
    """A word of a transcript that nobody corrected, and how sure the recogniser was of it."""

    start_s: float
    end_s: float
    confidence: float
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One analysis of a film or picture, and what else is known of the file."""

    columns: Columns
    labels: Mapping[int, str]  # names by the numbers in the columns; others do not exist
    thresholds: Mapping[int, float]  # 0.5 where a label has none
    sha256: str  # of the file
    said: Mapping[int, Spans] | None = None  # by label; None: nobody has listened
    written: Mapping[int, Spans] | None = None  # None: nobody has read
    other: Columns | None = None  # another analysis of the same file, with the same labels
    novel: Sequence[Novel] | None = None  # None: nobody knows what is new
    mentions: Sequence[MentionFact] | None = None  # by time; None: nobody has listened or read
    words: Sequence[WordFact] | None = None  # by time; None: nobody listened, or not word by word


class Seen:
    """All boxes, those of the labels that exist and have some part inside the frame marked.

    Arrays of boxes have shape (n_detections,) and the order of `columns.detections`.
    """

    def __init__(
        self, columns: Columns, labels: Mapping[int, str], thresholds: Mapping[int, float]
    ) -> None:
        detections = columns.detections
        self.frames = columns.frames
        self.n = len(columns.frames)
        ids = sorted(labels)
        self.names = [labels[label] for label in ids]
        self.position = {label: n for n, label in enumerate(ids)}
        self.floors = np.array([*(threshold_of(thresholds, label) for label in ids), 2], np.float32)
        self.frame: Rows = detections["frame"].astype(np.intp)
        self.confidence: NDArray[np.float32] = np.ascontiguousarray(detections["confidence"])
        self.brand = _positions(detections["label"], np.array(ids, np.int32))
        self.is_there: Flags = (self.brand < len(ids)) & _is_inside(detections)
        # Compared as float32, which is how confidences are kept: 0.7 there is a little under 0.7.
        self.counts: Flags = self.is_there & (self.confidence >= self.floors[self.brand])
        self.key: Rows = self.brand * (self.n + 1) + self.frame
        self._detections = detections

    def of(self, name: str) -> Flags:
        """The boxes of a label, or of all."""
        if name == ANY:
            return self.is_there
        return self.is_there & np.isin(self.brand, self.brands(name))

    def brands(self, name: str) -> list[int]:
        return [n for n, known in enumerate(self.names) if name in (ANY, known)]

    def within(self, limits: Collection[tuple[Comparison, float]]) -> Flags:
        """The boxes whose confidence fulfils all of these, 0–100."""
        found = np.ones(len(self.confidence), np.bool_)
        for comparison, limit in limits:
            found &= comparison.holds(self.confidence, np.float32(limit / 100))
        return found

    def in_frames(self, rows: Flags) -> Flags:
        """The frames that hold one of these boxes. Shape (n_frames,)."""
        return np.bincount(self.frame[rows], minlength=self.n) > 0

    def key_of(self, brand: Rows | int, frame: Rows) -> Rows:
        """A number for a label in a frame. Those of one label in neighbouring frames adjoin."""
        return brand * (self.n + 1) + frame

    def parts_of(self, key: Rows) -> tuple[Rows, Rows]:
        """Label and frame of such numbers."""
        brand, frame = np.divmod(key, self.n + 1)
        return brand, frame

    def span(self, frame: int) -> slice:
        """Where the boxes of a frame lie."""
        return slice(int(self._starts[frame]), int(self._starts[frame + 1]))

    @cached_property
    def boxes(self) -> NDArray[np.float64]:
        """xyxy, shape (n_detections, 4)."""
        sides = [self._detections[side].astype(np.float64) for side in ("x1", "y1", "x2", "y2")]
        return np.stack(sides, axis=1)

    @cached_property
    def known(self) -> NDArray[np.uint8]:
        return np.ascontiguousarray(self._detections["known"])

    @cached_property
    def _starts(self) -> Rows:
        return np.searchsorted(self.frame, np.arange(self.n + 1))

    @cached_property
    def by_track(self) -> tuple[Rows, Rows]:
        """Boxes by track, the least sure of each first; and where each track begins among them.

        A box without a track is one of its own. What people gave another label is another track.
        """
        rows = np.flatnonzero(self.is_there)
        track = self._detections["track"][rows].astype(np.int64)
        most = int(track.max(initial=0)) + 1
        alone = np.arange(len(rows)) + most
        key = self.brand[rows] * (most + len(rows)) + np.where(track < 0, alone, track)
        order = np.lexsort((self.confidence[rows], key))
        key = key[order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        return rows[order], starts


def _positions(label: NDArray[np.int32], ids: NDArray[np.int32]) -> Rows:
    """Position in `ids` for each; len(ids) where it is not among them."""
    if not len(ids):
        return np.zeros(len(label), np.intp)
    place = np.minimum(np.searchsorted(ids, label), len(ids) - 1)
    return np.where(ids[place] == label, place, len(ids))


def _is_inside(detections: NDArray[np.void]) -> Flags:
    x1, y1, x2, y2 = (np.clip(detections[side], 0, 1) for side in ("x1", "y1", "x2", "y2"))
    return (x2 > x1) & (y2 > y1)
