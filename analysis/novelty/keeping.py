"""Choosing the regions that a run keeps, while its frames are decoded for the detector anyhow.

A frame that the detector looked at is seen about once a second. What was detected in it is cut out,
whatever its confidence, and so are places that look like a logo. Which of these are kept is known
at the end: of each track the frame that shows it best, the one of which the detector was least
sure and the middle one; of other places those that stayed for a while, longest first. Only those
go through the embedding, which is most of the cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.boxes import intersections, ious
from analysis.detectors.reference.embedding import crop_at, read_embedding
from analysis.media.frames import Frame
from analysis.media.opencv import cvt_color, resize
from analysis.novelty.proposals import propose
from analysis.novelty.regions import NONE, REGION, SIZE, Regions
from analysis.types import Box, Detection, FrameResult

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

TILE = 96  # pixels: the side of a small picture, whatever the shape of its region
EVERY_S = 1.0  # a frame is looked at that often
MOST_SIGHTS = 60  # of no known label, in one stretch
MOST_TRACKS = 200  # of one stretch
_MOST_FRAMES = 120  # of one stretch; a longer one is looked at half as often
_SAME_BOX = 0.5  # intersection over union of a detection and what the track says
_SAME_PLACE = 0.3  # … of one place in two frames that follow each other
_SAME_PICTURE = 0.5  # correlation of what both show
_COVERED = 0.6  # of a place that lies in a detection: it is what was detected
_BATCH = 32  # crops that are embedded together


@dataclass(slots=True)
class _Cut:
    """A region of one frame, with its pixels."""

    time_s: float
    box: Box
    label: str | None
    score: float  # confidence, or how much it looks like a logo
    crop: Pixels  # (48, 48, 3) Y, Cb, Cr
    tile: Pixels  # (96, 96, 3) BGR


@dataclass(slots=True)
class _Sight:
    """Regions of one thing, in time order."""

    cuts: list[_Cut] = field(default_factory=list)
    track: int = NONE
    start_s: float = math.inf
    end_s: float = -math.inf

    def add(self, cut: _Cut, start_s: float, end_s: float) -> None:
        self.cuts.append(cut)
        self.start_s, self.end_s = min(self.start_s, start_s), max(self.end_s, end_s)


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Regions in time order, the name of what each was detected as, and a small picture of each."""

    rows: NDArray[np.void]  # dtype REGION; their label is NONE
    looks: Floats
    labels: list[str | None]
    tiles: list[Pixels]  # (96, 96, 3) BGR

    def regions(self, label_ids: Mapping[str, int]) -> Regions:
        """With the numbers of their labels; what is called something else has none."""
        rows = self.rows.copy()
        rows["label"] = [NONE if n is None else label_ids.get(n, NONE) for n in self.labels]
        return Regions(rows, self.looks)


class Keeper:
    """Sees the frames of one stretch, and says at its end which regions are kept.

    every_s: how often a frame is looked at; 0: each that it is shown.
    """

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._last_s = -math.inf
        self._frames: list[tuple[float, list[_Cut], list[_Cut]]] = []

    def see(self, frame: Frame, found: Sequence[Detection]) -> None:
        """Look at a frame in which `found` was detected. Its pixels are not needed afterwards."""
        if frame.time_s < self._last_s + self._every_s - 1e-6:
            return
        self._last_s = frame.time_s
        planes = (frame.luma, *frame.chroma)
        detected = [
            cut for d in found if (cut := _cut(frame, planes, d.box, d.label, d.confidence))
        ]
        boxes = np.array([cut.box for cut in detected]).reshape(-1, 4)
        others = [
            cut
            for one in propose(frame.luma)
            if not _is_covered(one.box, boxes)
            and (cut := _cut(frame, planes, one.box, None, one.score))
        ]
        self._frames.append((frame.time_s, detected, others))
        if len(self._frames) > _MOST_FRAMES:
            self._frames = self._frames[::2]
            self._every_s = max(self._every_s, EVERY_S / 2) * 2

    def finish(self, results: Sequence[FrameResult]) -> Kept:
        """The regions of what was seen. results: of the same stretch, tracks numbered."""
        sights = [*self._tracks(results), *self._places(results)]
        chosen = [
            (sight, cut, number)
            for number, sight in enumerate(sights)
            for cut in (_of_track(sight) if sight.cuts[0].label else _of_place(sight))
        ]
        chosen.sort(key=lambda one: (one[1].time_s, one[1].box, one[2]))
        rows = np.array(
            [
                (
                    *(cut.time_s, sight.start_s, sight.end_s, NONE, sight.track, number, place),
                    *(*cut.box, cut.score),
                )
                for place, (sight, cut, number) in enumerate(chosen)
            ],
            REGION,
        )
        looks = embedded([cut.crop for _, cut, _ in chosen])
        labels, tiles = [cut.label for _, cut, _ in chosen], [cut.tile for _, cut, _ in chosen]
        return Kept(rows, looks, labels, tiles)

    def _tracks(self, results: Sequence[FrameResult]) -> list[_Sight]:
        """What was detected, by track; each that has none alone."""
        by_time = {result.sample.time_s: result for result in results}
        spans: dict[int, tuple[float, float]] = {}
        for each in results:
            for d in each.detections:
                if d.track is not None:
                    start_s, _ = spans.get(d.track, (each.sample.start_s, 0.0))
                    spans[d.track] = start_s, each.sample.end_s
        tracked: dict[int, _Sight] = {}
        alone: list[_Sight] = []
        for time_s, detected, _ in self._frames:
            if (result := by_time.get(time_s)) is None:
                continue
            for cut in detected:
                track = _track_of(cut, result.detections)
                if track is None:
                    sight = _Sight()
                    sight.add(cut, result.sample.start_s, result.sample.end_s)
                    alone.append(sight)
                else:
                    sight = tracked.setdefault(track, _Sight(track=track))
                    sight.add(cut, *spans[track])
        sights = [*tracked.values(), *alone]
        sights.sort(key=lambda sight: (sight.start_s - sight.end_s, sight.cuts[0].time_s))
        return sights[:MOST_TRACKS]

    def _places(self, results: Sequence[FrameResult]) -> list[_Sight]:
        """Places that look like a logo, followed from look to look; those that stayed longest.

        One that was seen in a single look is noise more often than not; only where there was a
        single look, as at a picture, is it kept.
        """
        dwell = {r.sample.time_s: (r.sample.start_s, r.sample.end_s) for r in results}
        going: list[_Sight] = []
        over: list[_Sight] = []
        for time_s, _, others in self._frames:
            span = dwell.get(time_s, (time_s, time_s))
            late = [s for s in going if s.cuts[-1].time_s < time_s - 2.5 * max(self._every_s, 1.0)]
            over += late
            going = [sight for sight in going if sight not in late]
            for cut in others:
                sight = _continued(going, cut)
                if sight is None:
                    sight = _Sight()
                    going.append(sight)
                sight.add(cut, *span)
        least = 2 if len(self._frames) > 1 else 1
        sights = [sight for sight in over + going if len(sight.cuts) >= least]
        sights.sort(key=lambda s: (-len(s.cuts) * max(c.score for c in s.cuts), s.start_s))
        return sights[:MOST_SIGHTS]


def embedded(crops: Sequence[Pixels]) -> Floats:
    """(n, 128): what the embedding makes of (48, 48, 3) crops, in rows of unit length."""
    if not crops:
        return np.empty((0, SIZE), np.float32)
    network = read_embedding()
    parts = [network(np.stack(crops[at : at + _BATCH])).gist for at in range(0, len(crops), _BATCH)]
    return np.concatenate(parts).astype(np.float32)


def _cut(
    frame: Frame, planes: tuple[Pixels, Pixels, Pixels], box: Box, label: str | None, score: float
) -> _Cut | None:
    """A region with its pixels; None where hardly anything of it lies in the frame."""
    inside = box.clipped()
    x1, y1, x2, y2 = (
        *(inside.x1 * frame.width, inside.y1 * frame.height),
        *(inside.x2 * frame.width, inside.y2 * frame.height),
    )
    if x2 - x1 < 4 or y2 - y1 < 4:
        return None
    corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float64)
    tile = _tile(planes, (x1, y1, x2, y2), frame.height)
    return _Cut(frame.time_s, inside, label, score, crop_at(planes, corners), tile)


def _tile(planes: tuple[Pixels, Pixels, Pixels], sides: tuple[float, ...], height: int) -> Pixels:
    """(96, 96, 3) BGR of a part of a frame."""
    parts = []
    for plane in planes:
        share = plane.shape[0] / height
        x1, y1 = (math.floor(side * share) for side in sides[:2])
        x2, y2 = (math.ceil(side * share) for side in sides[2:])
        part = plane[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        kind = cv2.INTER_AREA if min(part.shape) > TILE else cv2.INTER_LINEAR
        parts.append(resize(np.ascontiguousarray(part), (TILE, TILE), interpolation=kind))
    luma, blue, red = parts
    return cvt_color(np.dstack([luma, red, blue]), cv2.COLOR_YCrCb2BGR)


def _is_covered(box: Box, detected: NDArray) -> bool:
    if not len(detected):
        return False
    shared = intersections(np.array([box]), detected)[0]
    return bool((shared > _COVERED * box.area).any() or (ious([box], detected) > _SAME_BOX).any())


def _track_of(cut: _Cut, detections: Sequence[Detection]) -> int | None:
    own = [d for d in detections if d.label == cut.label and d.track is not None]
    if not own:
        return None
    shared = ious([cut.box], [d.box for d in own])[0]
    best = int(np.argmax(shared))
    return own[best].track if shared[best] >= _SAME_BOX else None


def _continued(going: Sequence[_Sight], cut: _Cut) -> _Sight | None:
    """What was there in the look before, and looks the same."""
    before = [sight for sight in going if sight.cuts[-1].time_s < cut.time_s]
    if not before:
        return None
    shared = ious([cut.box], [sight.cuts[-1].box for sight in before])[0]
    best = int(np.argmax(shared))
    if shared[best] < _SAME_PLACE or _correlation(before[best].cuts[-1], cut) < _SAME_PICTURE:
        return None
    return before[best]


def _correlation(one: _Cut, other: _Cut) -> float:
    a, b = (cut.crop[:, :, 0].astype(np.float32) for cut in (one, other))
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-6))


def _of_track(sight: _Sight) -> list[_Cut]:
    """The frame that shows it best, the one that was least sure, and the middle one."""
    cuts = sight.cuts
    best = max(cuts, key=lambda cut: cut.score * math.sqrt(cut.box.area))
    worst = min(cuts, key=lambda cut: cut.score)
    picked = {id(cut): cut for cut in (best, worst, cuts[len(cuts) // 2])}
    return list(picked.values())


def _of_place(sight: _Sight) -> list[_Cut]:
    """The best, and another one where it was seen for long."""
    cuts = sorted(sight.cuts, key=lambda cut: -cut.score)
    return cuts[: 2 if len(cuts) > 3 else 1]
