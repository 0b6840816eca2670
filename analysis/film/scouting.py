"""The key frames of a stretch, looked at before anything else is decoded.

A film can be decoded from its key frames on, and broadcasts have one every second or two; those
alone cost a thirtieth of all. What stays on screen for longer than they are apart is in one of
them. So shots without a sign of a logo in any need not be decoded, and in the others what was seen
is followed through all samples. Shots whose key frames lie further apart are looked at as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.detectors import Detector
from analysis.errors import Stopped
from analysis.media.frames import Frame, FrameReader
from analysis.types import Detection

_APART_S = 2.5  # the most that key frames of a shot may lie apart, and from its ends
_SIGN = 0.15  # of confidence: what is less sure is not followed either

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scouted:
    """What a detector saw when it looked closely at key frames."""

    found: Mapping[float, Sequence[Detection]]  # by the time of the frame
    shots: Sequence[Span]  # that are known by their key frames
    others: Sequence[Span]  # that are not

    def covers(self, time_s: float) -> bool:
        """Whether no other frame around this time need be looked at."""
        return any(start_s <= time_s < end_s for start_s, end_s in self.shots)

    def promising(self, told: Sequence[float]) -> list[Span]:
        """The shots in which there may be a logo. told: when people saw one."""
        signs = [
            time_s
            for time_s, some in self.found.items()
            if any(detection.confidence >= _SIGN for detection in some)
        ]
        seen = [*signs, *told]
        known = [shot for shot in self.shots if any(shot[0] <= s < shot[1] for s in seen)]
        return sorted([*known, *self.others])


def scout(
    path: Path | str,
    detector: Detector,
    keys_s: NDArray[np.float64],
    unlike_s: NDArray[np.float64],
    borders_s: Sequence[float],
    *,
    should_stop: Callable[[], bool],
    track: int | None,
) -> Scouted:
    """Look at the key frames of the shots that have enough of them.

    Args:
        keys_s: when the key frames are shown.
        unlike_s: those of them that do not repeat the picture of one before.
        borders_s: where shots begin and end: the start of the stretch, its cuts, its end.

    Raises UnreadableMedia, RefusedMedia; Stopped once `should_stop()` is true.
    """
    spans = list(pairwise(borders_s))
    shots = [span for span in spans if _is_dense(keys_s, span)]
    wanted = [t for t in unlike_s.tolist() if any(a <= t < b for a, b in shots)]
    found: dict[float, Sequence[Detection]] = {}
    if wanted:
        with FrameReader(
            path, wanted, keys_only=True, should_stop=should_stop, track=track
        ) as reader:
            times: list[float] = []
            for some in detector.detect(_closely(reader, times, should_stop)):
                found[times[len(found)]] = some
    lost = [t for t in wanted if t not in found]
    known = [shot for shot in shots if not any(shot[0] <= t < shot[1] for t in lost)]
    return Scouted(found, known, [span for span in spans if span not in known])


def _is_dense(keys_s: NDArray[np.float64], span: Span) -> bool:
    inside = keys_s[(keys_s >= span[0]) & (keys_s < span[1])]
    return len(inside) > 0 and float(np.diff([span[0], *inside, span[1]]).max()) <= _APART_S


def _closely(
    reader: FrameReader, times: list[float], should_stop: Callable[[], bool]
) -> Iterator[Frame]:
    """The frames to keep, as what is found in them is carried on; their times are noted."""
    for frame in reader:
        if should_stop():
            raise Stopped
        times.append(frame.time_s)
        key = frame.copy()
        key.is_key = True
        yield key
