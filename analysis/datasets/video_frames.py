"""Frames of videos: known by their number, with tracks over them, and boxes between keys.

What the formats of videos share. A frame whose time is not known is called by its number:
`film.mp4#12`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import cos, radians, sin
from pathlib import Path
from typing import NamedTuple

from analysis.datasets.boxes import around, from_pixels
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.errors import AnalysisError
from analysis.types import Box

_NUMBER = re.compile(r"(\d{1,9})$")
MOST_BOXES = 2_000_000  # of one video: a few lines of a file can stand for any number


class Turned(NamedTuple):
    """A rectangle that is turned, in pixels: tools move its sides and its angle between keys."""

    box: Box  # as it lies before it is turned
    degrees: float  # clockwise
    about_centre: bool  # else about its top left corner
    shortest: bool  # whether the tool turns the shorter way round

    def upright(self) -> Box:
        """The upright box around it, in pixels."""
        x1, y1, x2, y2 = self.box
        px, py = self.box.centre if self.about_centre else (x1, y1)
        c, s = cos(radians(self.degrees)), sin(radians(self.degrees))
        return around(
            (px + (x - px) * c - (y - py) * s, py + (x - px) * s + (y - py) * c)
            for x in (x1, x2)
            for y in (y1, y2)
        )

    def towards(self, goal: Turned, share: float) -> Turned:
        """What it is at a share of the way to `goal`."""
        by = goal.degrees - self.degrees
        if self.shortest:
            by = (by + 180) % 360 - 180
        return self._replace(
            box=_moved(self.box, goal.box, share), degrees=self.degrees + by * share
        )


class Key(NamedTuple):
    """What a track says at a frame."""

    box: LabelledBox
    is_outside: bool = False
    turned: Turned | None = None  # where the tool knows rectangles that are turned
    size: tuple[int, int] = (1, 1)  # of the picture, pixels


Track = tuple[int | None, str, dict[int, LabelledBox]]  # number, label, and its box by frame


def frame_source(video: str, frame: int) -> str:
    """What a frame of a video is called where its time is not known: `film.mp4#12`."""
    return f"{video}#{frame}"


def frame_files(paths: Iterable[Path], near: str) -> dict[int, Path]:
    """Pictures by the number their name ends with, as `frame_000012.png`; in a folder `near`."""
    found = {}
    for path in paths:
        number = _NUMBER.search(path.stem)
        if number and (not near or near in path.parts):
            found[int(number[1])] = path
    return found


# --- in -----------------------------------------------------------------------------------


class Frames:
    """The frames of one video with the boxes on them, as its tracks are spread over them."""

    def __init__(
        self, where: str, numbers: Iterable[int] = (), *, first: int = 0, step: int = 1
    ) -> None:
        """`numbers` of the frames there are; of others each `step`-th from `first` on."""
        self.where, self.first, self.step = where, first, step
        self.boxes: dict[int, list[LabelledBox]] = {number: [] for number in numbers}
        self.n_boxes = 0

    def spread(self, keys: Mapping[int, Key]) -> None:
        """Put a track on every frame it stands for. Raises AnalysisError for a track too long."""
        self.n_boxes += n_between(keys)
        if self.n_boxes > MOST_BOXES:
            raise AnalysisError(f"{self.where} stands for more than {MOST_BOXES:,} boxes.")
        for frame, box in between(keys):
            if (frame - self.first) % self.step == 0:
                self.boxes.setdefault(frame, []).append(box)

    def __iter__(self) -> Iterator[tuple[int, list[LabelledBox]]]:
        """Number and boxes of each frame, in order."""
        return iter(sorted(self.boxes.items()))


def missing_pictures(video: str, n: int) -> Problem:
    """Said of `n` labelled frames of a video that no picture was found for."""
    message = f"{n:,} {'frame has' if n == 1 else 'frames have'} boxes and no picture."
    return Problem(video, "WARNING_MISSING_IMAGE", message, is_error=False)


def between(keys: Mapping[int, Key]) -> Iterator[tuple[int, LabelledBox]]:
    """A track on each frame from its keys: its corners move in straight lines between two keys.

    A key that is outside ends the stretch before it and shows nothing itself. The last key, if it
    is not outside, stands for its own frame: what follows it is not known.
    """
    order = sorted(keys)
    for frame, following in zip(order, [*order[1:], None], strict=False):
        key = keys[frame]
        if key.is_outside:
            continue
        yield frame, key.box
        if following is None:
            continue
        goal = key if keys[following].is_outside else keys[following]
        for number in range(frame + 1, following):
            share = (number - frame) / (following - frame)
            yield number, replace(key.box, box=_along(key, goal, share))


def _along(start: Key, goal: Key, share: float) -> Box:
    if start.turned and goal.turned and (start.turned.degrees or goal.turned.degrees):
        width, height = start.size
        return from_pixels(*start.turned.towards(goal.turned, share).upright(), width, height)
    return _moved(start.box.box, goal.box.box, share)


def _moved(start: Box, goal: Box, share: float) -> Box:
    return Box(*(a + (b - a) * share for a, b in zip(start, goal, strict=True)))


def n_between(keys: Mapping[int, Key]) -> int:
    """How many boxes `between` gives for these keys."""
    order = sorted(keys)
    ends = [*order[1:], order[-1] + 1] if order else []
    return sum(
        end - frame for frame, end in zip(order, ends, strict=True) if not keys[frame].is_outside
    )


# --- out ----------------------------------------------------------------------------------


def by_video(
    labelled: LabelledSet, title: str
) -> tuple[dict[str, list[LabelledPicture]], list[Problem]]:
    """The frames of each video in order, and what the format called `title` has no place for.

    Pictures that are no frames, frames of another size than the first of their video, and a
    second picture of the same frame are left out.
    """
    problems: list[Problem] = []
    videos: dict[str, dict[int, LabelledPicture]] = {}
    n_others = 0
    for picture in labelled.pictures:
        if not picture.video or picture.frame is None:
            n_others += 1
            continue
        frames = videos.setdefault(picture.video, {})
        if why := _no_place(picture, frames):
            problems.append(Problem(picture.source, "LOST_PICTURES", why, False))
        else:
            frames[picture.frame] = picture
    if n_others:
        are = "picture is" if n_others == 1 else "pictures are"
        message = f"{title} holds frames by number: {n_others:,} {are} left out."
        problems.insert(0, Problem(labelled.name or "The dataset", "LOST_PICTURES", message, False))
    in_order = {video: [frames[n] for n in sorted(frames)] for video, frames in videos.items()}
    return in_order, problems


def _no_place(picture: LabelledPicture, frames: Mapping[int, LabelledPicture]) -> str:
    first = next(iter(frames.values()), picture)
    if (picture.width, picture.height) != (first.width, first.height):
        return f"It is larger or smaller than {picture.video}."
    if picture.frame in frames:
        return f"Another picture is of frame {picture.frame} of {picture.video} already."
    return ""


def without_boxes(frames: Sequence[LabelledPicture], title: str) -> list[Problem]:
    """What is lost where a format knows a frame by its boxes, or by a picture that is not there."""
    n_empty = sum(not frame.boxes for frame in frames)
    if not n_empty:
        return []
    are = "frame without a box is" if n_empty == 1 else "frames without a box are"
    message = f"{title} knows a frame by its boxes, or its picture: {n_empty:,} {are} left out."
    return [Problem(frames[0].video, "LOST_EMPTY_FRAMES", message, is_error=False)]


def tracks(frames: Sequence[LabelledPicture]) -> list[Track]:
    """The tracks over the frames of a video. A box without a track is one of its own.

    A track has one label and one box a frame: what has more is several tracks of one number.
    """
    found: dict[tuple[int, str], list[dict[int, LabelledBox]]] = {}
    loose: list[Track] = []
    for picture in frames:
        assert picture.frame is not None
        for box in picture.boxes:
            if box.track is None:
                loose.append((None, box.label, {picture.frame: box}))
                continue
            same = found.setdefault((box.track, box.label), [])
            free = next((one for one in same if picture.frame not in one), None)
            if free is None:
                same.append(free := {})
            free[picture.frame] = box
    numbered = [(n, label, boxes) for (n, label), same in found.items() for boxes in same]
    return [*numbered, *loose]
