"""Frames of videos: known by their number, with tracks over them, and boxes between keys.

What the formats of videos share. A frame whose time is not known is called by its number:
`film.mp4#12`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.errors import AnalysisError
from analysis.types import Box

_NUMBER = re.compile(r"(\d{1,9})$")
MOST_BOXES = 2_000_000  # of one video: a few lines of a file can stand for any number

Key = tuple[LabelledBox, bool]  # what a track says at a frame, and whether it is outside then
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

    def __init__(self, where: str, numbers: Iterable[int] = ()) -> None:
        self.where = where
        self.boxes: dict[int, list[LabelledBox]] = {number: [] for number in numbers}
        self.n_boxes = 0

    def spread(self, keys: Mapping[int, Key]) -> None:
        """Put a track on every frame it stands for. Raises AnalysisError for a track too long."""
        self.n_boxes += n_between(keys)
        if self.n_boxes > MOST_BOXES:
            raise AnalysisError(f"{self.where} stands for more than {MOST_BOXES:,} boxes.")
        for frame, box in between(keys):
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
        box, is_outside = keys[frame]
        if is_outside:
            continue
        yield frame, box
        if following is None:
            continue
        end, ends_outside = keys[following]
        goal = box.box if ends_outside else end.box
        for number in range(frame + 1, following):
            yield number, replace(box, box=_along(box.box, goal, frame, number, following))


def _along(start: Box, goal: Box, first: int, frame: int, last: int) -> Box:
    share = (frame - first) / (last - first)
    return Box(*(a + (b - a) * share for a, b in zip(start, goal, strict=True)))


def n_between(keys: Mapping[int, Key]) -> int:
    """How many boxes `between` gives for these keys."""
    order = sorted(keys)
    ends = [*order[1:], order[-1] + 1] if order else []
    return sum(end - frame for frame, end in zip(order, ends, strict=True) if not keys[frame][1])


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
