"""Boxes of a track between its keys: what the labelling page draws, and what training is given.

A track has keys on some frames of a clip. Between two keys the box moves in a straight line, each
of its four sides by itself, over the number of the frame (not the time). Before its first key a
track is not there; after a key that is `outside` it is not there until the next key; after its
last key it stays where it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """A track's box on one frame. is_key: a person put it there."""

    box: Box
    is_occluded: bool
    is_key: bool


def at(keys: Mapping[str, Any], frame: int) -> Placed | None:
    """The track on `frame`; None where it is not there.

    keys: {"0": {"box": [x1, y1, x2, y2], "occluded": bool, "outside": bool}}, by frame number.
    A key that is outside is not there on its own frame either. An occlusion lasts until the next
    key.
    """
    numbers = sorted(map(int, keys))
    position = bisect_right(numbers, frame) - 1
    if position < 0:
        return None
    before = keys[str(numbers[position])]
    if before.get("outside"):
        return None
    is_occluded = bool(before.get("occluded"))
    if numbers[position] == frame or position + 1 == len(numbers):
        return Placed(_box(before), is_occluded, numbers[position] == frame)
    after = keys[str(numbers[position + 1])]
    start, end = numbers[position], numbers[position + 1]
    return Placed(
        between(_box(before), _box(after), (frame - start) / (end - start)), is_occluded, False
    )


def between(first: Box, second: Box, share: float) -> Box:
    """The box `share` (0 to 1) of the way from one to the other."""
    x1, y1, x2, y2 = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return x1, y1, x2, y2


def track(keys: Mapping[str, Any], n_frames: int) -> dict[int, Placed]:
    """The track on every frame of a clip of `n_frames` where it is there."""
    numbers = sorted(map(int, keys))
    placed: dict[int, Placed] = {}
    for start, end in pairwise([*numbers, n_frames]):
        key = keys[str(start)]
        if key.get("outside"):
            continue
        box, is_occluded = _box(key), bool(key.get("occluded"))
        placed[start] = Placed(box, is_occluded, True)
        following = keys.get(str(end))
        for frame in range(start + 1, min(end, n_frames)):
            moved = box
            if following is not None:
                moved = between(box, _box(following), (frame - start) / (end - start))
            placed[frame] = Placed(moved, is_occluded, False)
    return placed


def _box(key: Mapping[str, Any]) -> Box:
    x1, y1, x2, y2 = key["box"]
    return float(x1), float(y1), float(x2), float(y2)
