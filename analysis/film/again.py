"""One label looked for again in a film that was analysed before.

What is kept of the first pass spares most of a second: its samples are the samples, its changes
say where the cuts are and where the picture stood still, and the boxes of every other label stay
as they are. So the codec's key frames are looked at first (`scouting`), and only shots with a sign
of the label are decoded, with what their samples lean on; a still picture is looked at once; and
one label is matched. What a person saw is followed like what was detected.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import overlap
from analysis.detectors import Detector
from analysis.film.columns import DETECTION, Columns
from analysis.film.scouting import scout
from analysis.film.stretch import (
    StretchResult,
    analyse_stretch,
    cuts_of,
    picture_result,
    with_told,
)
from analysis.types import Box, Detection, FrameResult, Sample

# Sum of the changes below which not even the sixteen busiest of all cells can have changed by as
# much as the adaptive mode lets pass: 0.03 × 16 ÷ 3456 (see analysis.media.decoding.change).
_STILL = 0.03 * 16 / 3456
_RIVAL, _SURER, _OUTDONE = 0.4, 0.1, 0.4  # as where all labels are followed: see `following`


def look_again(
    path: Path | str,
    before: Columns,
    changes: NDArray[np.void],
    detector: Detector,
    *,
    told: Mapping[float, Sequence[Detection]],
    rivals: Mapping[int, str],
    span_s: tuple[float, float],
    keys_s: NDArray[np.float64] | None = None,
    on_progress: Callable[[int], None] = lambda frames_done: None,
    should_stop: Callable[[], bool] = lambda: False,
    track: int | None = None,
) -> StretchResult:
    """Look for what `detector` finds in the frames that were analysed before.

    Args:
        before: frames and detections of the stretch; all of its frames get a result.
        changes: rows (time_s, score) of every frame of the stretch, as the first pass left them.
        told: what a person saw, by the time of an analysed frame.
        rivals: the other labels of `before`, {number: name}: what one of them is clearly surer of,
            for most of the time, is not the label looked for.
        span_s: the stretch, from key frame to key frame.
        keys_s: when the key frames of the film are shown; shots that have enough of them are
            decoded only where one shows a sign of the label.

    Raises UnreadableMedia, RefusedMedia; Stopped once `should_stop()` is true.
    """
    began = time.monotonic()
    frames = before.frames
    keys_s = np.empty(0) if keys_s is None else keys_s
    scouted = scout(
        path,
        detector,
        keys_s,
        keys_s[np.unique(repeats(keys_s, changes))],
        [span_s[0], *cuts_of(changes, span_s), span_s[1]],
        should_stop=should_stop,
        track=track,
    )
    promising = scouted.promising(list(told))
    stands_for = repeats(frames["time_s"], changes, also=list(told))
    chosen = [n for n in np.unique(stands_for).tolist() if _lies_in(frames["time_s"][n], promising)]
    share = len(frames) / max(len(chosen), 1)
    result = (
        analyse_stretch(
            path,
            frames[chosen],
            detector,
            span_s=span_s,
            on_progress=lambda n: on_progress(round(n * share)),
            should_stop=should_stop,
            thumbnails_per_s=0,
            track=track,
            changes=changes,
            told=told,
            scouted=scouted,
        )
        if chosen
        else _nothing(changes, span_s)
    )
    found = {result.sample.time_s: result.detections for result in result.results}
    times = frames["time_s"][stands_for].tolist()
    results = [
        FrameResult(Sample(*map(float, frame)), found.get(time_s, ()))
        for frame, time_s in zip(frames.tolist(), times, strict=True)
    ]
    seconds = time.monotonic() - began
    return replace(result, results=_weighed(results, before, rivals), seconds=seconds)


def _lies_in(time_s: float, spans_s: Sequence[tuple[float, float]]) -> bool:
    return any(start_s <= time_s < end_s for start_s, end_s in spans_s)


def _nothing(changes: NDArray[np.void], span_s: tuple[float, float]) -> StretchResult:
    """What is found in a stretch of which nothing need be decoded."""
    return StretchResult(
        results=[],
        changes=changes,
        cuts=cuts_of(changes, span_s),
        n_held=0,
        n_missing=0,
        problem=None,
        seconds=0.0,
        thumbnails=[],
    )


def look_at_picture_again(
    path: Path | str, detector: Detector, *, told: Sequence[Detection]
) -> StretchResult:
    """The same for a picture. Raises UnreadableMedia, RefusedMedia."""
    result = picture_result(path, detector)
    [only] = result.results
    return replace(result, results=[replace(only, detections=with_told(only.detections, told))])


def repeats(
    times_s: NDArray[np.float64], changes: NDArray[np.void], also: Sequence[float] = ()
) -> NDArray[np.intp]:
    """For each sample the position of the one whose picture it repeats, or its own.

    The changes from frame to frame add up to no less than the change between two of them, so a
    small sum is a still picture. `also`: times of samples that repeat none.
    """
    total = np.concatenate([[0.0], np.cumsum(changes["score"], dtype=float)])
    here = total[np.searchsorted(changes["time_s"], times_s + 1e-6, "right")]
    stands_for = np.arange(len(times_s))
    if not len(changes):
        return stands_for
    own = set(also)
    last = 0
    for now in range(1, len(times_s)):
        if here[now] - here[last] <= _STILL and float(times_s[now]) not in own:
            stands_for[now] = last
        else:
            last = now
    return stands_for


def merged(before: Columns, found: Columns, label: int) -> Columns:
    """The columns of before with what was found of one label now in place of what was then.

    Frames are those of before; `found` has the same ones.
    """
    kept = before.detections[before.detections["label"] != label]
    fresh = found.detections[found.detections["label"] == label]
    both = np.concatenate([kept, fresh]).astype(DETECTION)
    return Columns(before.frames, both[np.argsort(both["frame"], kind="stable")])


def _weighed(
    results: list[FrameResult], before: Columns, rivals: Mapping[int, str]
) -> list[FrameResult]:
    """Tracks whose pixels another label is clearly surer of, for most of the time, count less."""
    others = before.detections[np.isin(before.detections["label"], list(rivals))]
    starts = np.searchsorted(others["frame"], np.arange(len(before.frames) + 1))
    n_seen: dict[int, int] = {}
    n_outdone: dict[int, int] = {}
    for index, result in enumerate(results):
        here = others[starts[index] : starts[index + 1]]
        for d in result.detections:
            if d.track is not None and d.source != "person":
                n_seen[d.track] = n_seen.get(d.track, 0) + 1
                n_outdone[d.track] = n_outdone.get(d.track, 0) + _is_outdone(d, here)
    outdone = {track for track, n in n_outdone.items() if n > 0.5 * n_seen[track]}
    return [
        replace(result, detections=[_lessened(d, outdone) for d in result.detections])
        for result in results
    ]


def _is_outdone(d: Detection, here: NDArray[np.void]) -> bool:
    surer = here[here["confidence"] >= d.confidence + _SURER]
    boxes = zip(*(surer[side].tolist() for side in ("x1", "y1", "x2", "y2")), strict=True)
    return any(overlap(d.box, Box(*box)) > _RIVAL for box in boxes)


def _lessened(d: Detection, outdone: set[int]) -> Detection:
    is_outdone = d.track in outdone and d.source != "person"
    return replace(d, confidence=d.confidence * _OUTDONE) if is_outdone else d
