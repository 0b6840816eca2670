"""Detections over time → tracks: which boxes are the same logo, seen again.

Logos hang on things: they move with a camera and with people, at 5 samples a second by up to
their own size. So boxes are paired label by label, in one best assignment (Kuhn 1955; many
by scipy), where the cost is first how little a box overlaps the place its track is heading for,
and, for what overlaps nothing, how many of its own sizes away it is. After Bewley et al., SORT
(2016), and Zhang et al., ByteTrack (2022), whose order we keep: sure boxes choose first.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import ious
from analysis.types import Box, Detection, FrameResult, Sample

Boxes = NDArray[np.float64]  # (n, 4), xyxy

NEVER = 1e6  # the cost of a pair that cannot be
_TRIED = 360  # ways to pair tracks and boxes: so many are tried sooner than scipy is loaded


@dataclass(frozen=True, slots=True)
class TrackingOptions:
    """What may still be the same logo."""

    max_gap_s: float = 1.0  # it may be out of sight for this long
    sure: float = 0.25  # boxes at least this confident choose their tracks first
    min_iou: float = 0.1  # less overlap than this is none
    reach: float = 1.0  # how many of its own sizes it may jump at once …
    reach_per_s: float = 4.0  # … and for every second that passed …
    max_reach: float = 3.0  # … but never more
    max_growth: float = 3.0  # by what factor its area may change in a jump


@dataclass(slots=True)
class _Track:
    """What is known of a logo: where it was last, when, and how it moves."""

    number: int
    box: Boxes  # (4,)
    time_s: float
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))  # centre, per second
    is_moving: bool = False  # its velocity has been measured

    def follow(self, box: Boxes, time_s: float) -> None:
        """Take over a new position."""
        elapsed = time_s - self.time_s
        if elapsed > 0:
            measured = (_centres(box[None]) - _centres(self.box[None]))[0] / elapsed
            self.velocity = (self.velocity + measured) / 2 if self.is_moving else measured
            self.is_moving = True
        self.box, self.time_s = box, time_s


class Tracker:
    """Numbers the logos of one stretch of video, frame by frame.

    Numbers are small and the same every time: 0, 1, 2 … in order of appearance.
    """

    def __init__(self, options: TrackingOptions | None = None) -> None:
        self.options = options or TrackingOptions()
        self._tracks: dict[str, list[_Track]] = {}
        self._next = 0

    def update(self, sample: Sample, detections: Sequence[Detection]) -> list[Detection]:
        """The same detections in the same order, each with the number of its track.

        Samples must come in time order.
        """
        numbers: dict[int, int] = {}
        for label in dict.fromkeys(d.label for d in detections):
            own = [i for i, d in enumerate(detections) if d.label == label]
            boxes = np.array([detections[i].box for i in own], float)
            sure = np.array([detections[i].confidence >= self.options.sure for i in own])
            found = self._follow(label, sample, boxes, sure)
            numbers |= dict(zip(own, found, strict=True))
        return [replace(d, track=numbers[i]) for i, d in enumerate(detections)]

    def cut(self) -> None:
        """A new shot begins: nothing goes on from the one before."""
        self._tracks.clear()

    def _follow(
        self, label: str, sample: Sample, boxes: Boxes, sure: NDArray[np.bool_]
    ) -> list[int]:
        """Track numbers for the boxes of one label."""
        gap_s = max(self.options.max_gap_s, 2.5 * sample.dwell_s)  # sparse sampling: two misses
        tracks = [
            track
            for track in self._tracks.get(label, [])
            if sample.time_s - track.time_s <= gap_s + 1e-9
        ]
        free, numbers = list(tracks), [-1] * len(boxes)
        for chosen in (np.flatnonzero(sure), np.flatnonzero(~sure)):
            taken = assign(free, boxes[chosen], sample.time_s, self.options)
            for row, column in taken:
                free[row].follow(boxes[chosen[column]], sample.time_s)
                numbers[chosen[column]] = free[row].number
            rows = {row for row, _ in taken}
            free = [track for i, track in enumerate(free) if i not in rows]
        for position, number in enumerate(numbers):
            if number < 0:
                numbers[position] = self._next
                tracks.append(_Track(self._next, boxes[position], sample.time_s))
                self._next += 1
        self._tracks[label] = tracks
        return numbers


def assign(
    tracks: Sequence[_Track], boxes: Boxes, time_s: float, options: TrackingOptions
) -> list[tuple[int, int]]:
    """The best pairs (track, box); what has no acceptable partner is left out."""
    if not len(tracks) or not len(boxes):
        return []
    return _best_pairs(_costs(tracks, boxes, time_s, options))


def _best_pairs(costs: Boxes) -> list[tuple[int, int]]:
    """The (row, column) of least cost together, none of which cost NEVER."""
    may_be = costs < NEVER
    if may_be.sum(0).max() <= 1 and may_be.sum(1).max() <= 1:  # as good as always
        rows, columns = np.nonzero(may_be)
    else:
        rows, columns = np.flatnonzero(may_be.any(1)), np.flatnonzero(may_be.any(0))
        chosen = _assigned(costs[np.ix_(rows, columns)])
        rows, columns = rows[chosen[0]], columns[chosen[1]]
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if costs[r, c] < NEVER]


def _assigned(costs: Boxes) -> tuple[Sequence[int], Sequence[int]]:
    """The rows and columns that cost least together, each once."""
    if math.perm(max(costs.shape), min(costs.shape)) <= _TRIED:
        return _tried(costs)
    from scipy.optimize import linear_sum_assignment  # takes a second to load

    return linear_sum_assignment(costs)


def _tried(costs: Boxes) -> tuple[list[int], list[int]]:
    """The same for few: each way to pair them is tried."""
    if costs.shape[0] > costs.shape[1]:
        columns, rows = _tried(costs.T)
        return rows, columns
    lines = costs.tolist()

    def cost(columns: Sequence[int]) -> float:
        return sum(line[column] for line, column in zip(lines, columns, strict=True))

    best = min(permutations(range(costs.shape[1]), len(lines)), key=cost)
    return list(range(len(lines))), list(best)


def _costs(
    tracks: Sequence[_Track], boxes: Boxes, time_s: float, options: TrackingOptions
) -> Boxes:
    """How badly each box continues each track, shape (n_tracks, n_boxes).

    0 to 1 where it overlaps the place the track is heading for, above 1 where it only nears.
    """
    was = np.array([track.box for track in tracks])
    elapsed = time_s - np.array([track.time_s for track in tracks])
    shift = np.array([track.velocity for track in tracks]) * elapsed[:, None]
    expected = was + np.concatenate([shift, shift], axis=1)
    overlap = ious(expected, boxes)
    reach = np.minimum(options.reach + options.reach_per_s * elapsed, options.max_reach)
    was_sides, sides = was[:, 2:] - was[:, :2], boxes[:, 2:] - boxes[:, :2]
    sizes = np.maximum((was_sides[:, None] + sides) / 2, 1e-9)
    # From where it heads for or from where it was: a camera may have stopped.
    centres = _centres(boxes)
    away = [
        (np.abs(centres - _centres(start)[:, None]) / sizes).max(axis=2)
        for start in (expected, was)
    ]
    distance = np.minimum(*away)
    areas = np.maximum(sides[:, 0] * sides[:, 1], 1e-12)
    growth = areas / np.maximum(was_sides[:, 0] * was_sides[:, 1], 1e-12)[:, None]
    alike = np.maximum(growth, 1 / growth) <= options.max_growth
    near = np.where((distance <= reach[:, None]) & alike, 1 + distance, NEVER)
    return np.where(overlap >= options.min_iou, 1 - overlap, near)


def track_all(
    results: Iterable[FrameResult],
    cuts: Sequence[float] = (),
    options: TrackingOptions | None = None,
) -> list[FrameResult]:
    """Results in time order with their detections' tracks numbered; none crosses a cut.

    `cuts` are the times at which new shots begin.
    """
    tracker, tracked = Tracker(options), []
    borders = np.sort(np.asarray(cuts, float))
    shot = 0
    for result in results:
        now = int(np.searchsorted(borders, result.sample.time_s + 1e-6, side="right"))
        if now != shot:
            tracker.cut()
            shot = now
        detections = tracker.update(result.sample, result.detections)
        tracked.append(replace(result, detections=detections))
    return tracked


def stitch(
    tail: Sequence[FrameResult],
    head: Sequence[FrameResult],
    cuts: Sequence[float] = (),
    options: TrackingOptions | None = None,
) -> dict[int, int]:
    """Tracks of one stretch that go on in the next: {track in `head`: track in `tail`}.

    Args:
        tail: the last tracked results before the border; two seconds of them are enough.
        head: the first ones after it, numbered on their own.
        cuts: times at which new shots begin; nothing is joined across one.
    """
    options = options or TrackingOptions()
    next_cut = min((c for c in cuts if tail and c > tail[-1].sample.time_s - 1e-6), default=None)
    ended = _ended_tracks(tail)
    started: dict[str, list[tuple[int, Detection, Sample]]] = {}
    seen: set[int] = set()
    for result in head:
        if next_cut is not None and result.sample.time_s >= next_cut - 1e-6:
            break
        for d in result.detections:
            if d.track is not None and d.track not in seen:
                seen.add(d.track)
                started.setdefault(d.label, []).append((d.track, d, result.sample))
    joined: dict[int, int] = {}
    for label, beginnings in started.items():
        joined |= _join(ended.get(label, []), beginnings, options)
    return joined


def _ended_tracks(tail: Sequence[FrameResult]) -> dict[str, list[_Track]]:
    """The state in which each label's tracks were left."""
    found: dict[int, tuple[str, _Track]] = {}
    for result in tail:
        for d in result.detections:
            if d.track is None:
                continue
            box = np.array(d.box, float)
            if d.track in found:
                found[d.track][1].follow(box, result.sample.time_s)
            else:
                found[d.track] = d.label, _Track(d.track, box, result.sample.time_s)
    ended: dict[str, list[_Track]] = {}
    for label, track in found.values():
        ended.setdefault(label, []).append(track)
    return ended


def _join(
    tracks: Sequence[_Track],
    beginnings: Sequence[tuple[int, Detection, Sample]],
    options: TrackingOptions,
) -> dict[int, int]:
    if not tracks or not beginnings:
        return {}
    costs = np.full((len(tracks), len(beginnings)), NEVER)
    for column, (_, detection, sample) in enumerate(beginnings):
        gap_s = max(options.max_gap_s, 2.5 * sample.dwell_s)
        box = np.array([detection.box], float)
        since = [sample.time_s - track.time_s for track in tracks]
        near = [row for row, elapsed_s in enumerate(since) if 0 < elapsed_s <= gap_s + 1e-9]
        if near:
            some = [tracks[row] for row in near]
            costs[near, column] = _costs(some, box, sample.time_s, options)[:, 0]
    return {beginnings[c][0]: tracks[r].number for r, c in _best_pairs(costs)}


def _centres(boxes: Boxes) -> Boxes:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def command(argv: Sequence[str]) -> int:
    """`python -m analysis track < DETECTIONS`: number the logos of JSON lines.

    A line is {"time_s": 0.2, "detections": [{"box": [x1, y1, x2, y2], "label": "Aurora",
    "confidence": 0.8}]}; the same lines come out, with a "track" in each detection.
    """
    parser = argparse.ArgumentParser(
        prog="python -m analysis track", description="Number the logos of JSON lines."
    )
    parser.add_argument("--max-gap", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--cut", type=float, action="append", default=[], metavar="SECONDS")
    options = parser.parse_args(argv)
    try:
        lines = [json.loads(line) for line in sys.stdin if line.strip()]
        results = _results(lines)
    except (ValueError, LookupError, TypeError) as e:
        parser.exit(1, f"The input is not one JSON object with detections a line: {e}\n")
    tracked = track_all(results, options.cut, TrackingOptions(max_gap_s=options.max_gap))
    for line, result in zip(lines, tracked, strict=True):
        for written, d in zip(line["detections"], result.detections, strict=True):
            written["track"] = d.track
        print(json.dumps(line, ensure_ascii=False))
    return 0


def _results(lines: Sequence[dict]) -> list[FrameResult]:
    times = [float(line["time_s"]) for line in lines]
    steps = [b - a for a, b in pairwise(times)] or [0.2]
    step = float(np.median(steps))
    return [
        FrameResult(
            Sample(time, time, time + step),
            [
                Detection(Box(*d["box"]), d["label"], d.get("confidence", 1.0), "yolo")
                for d in line["detections"]
            ],
        )
        for time, line in zip(times, lines, strict=True)
    ]
