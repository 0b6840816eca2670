"""CVAT for video 1.1: tracks of boxes over the frames of one video.

A box holds until the next one of its track and moves there in a straight line, unless it is
marked as outside. CVAT numbers frames and knows no times, so a frame is known by its number:
`film.mp4#12`. Frames come with boxes on them, or with a picture in the archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

from analysis.datasets import cvat_shapes, xml
from analysis.datasets.boxes import sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.picture_files import Pictures, Shelf, measured, put, said_size
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.errors import AnalysisError
from analysis.types import Box

TITLE = "CVAT for video"
HOLDS = frozenset({"occluded", "track", "attributes", "fractions", "name", "video"})
_FRAME_NUMBER = re.compile(r"(\d+)$")
_MAX_FRAMES = 1_000_000
MOST_BOXES = 2_000_000  # of one video: a few lines of XML can stand for any number

Key = tuple[LabelledBox, bool]  # what a track says at a frame, and whether it is outside then


def detects(folder: Path) -> bool:
    """Whether there is a CVAT file of tracks in the folder."""
    return any(cvat_shapes.is_video(root) for _, root in cvat_shapes.roots(folder))


def frame_source(video: str, frame: int) -> str:
    """What a frame of a video is called where its time is not known: `film.mp4#12`."""
    return f"{video}#{frame}"


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The frames of the videos in `folder`. Raises AnalysisError where there is no CVAT file."""
    roots = list(cvat_shapes.roots(folder))
    if not roots:
        raise AnalysisError("There is no CVAT file: XML with annotations in it.")
    shelf = Shelf(folder)
    labels: dict[str, None] = {}
    pictures: list[LabelledPicture] = []
    problems: list[Problem] = []
    for file, root in roots:
        video = _Video(file, root, shelf, one_of=len(roots))
        labels |= dict.fromkeys([*cvat_shapes.labels(root), *video.used])
        pictures += video.pictures()
        problems += video.problems
    name = cvat_shapes.title(roots[0][1])
    return LabelledSet("boxes", tuple(labels), tuple(pictures), name), problems


class _Video:
    """One file: the tracks of one video, spread over its frames."""

    def __init__(self, file: str, root: Element, shelf: Shelf, one_of: int) -> None:
        self.file, self.shelf = file, shelf
        self.problems: list[Problem] = []
        task = "meta/task" if root.find("meta/task") is not None else "meta/job"
        self.name = xml.text(root, "meta/source") or xml.text(root, f"{task}/source")
        self.name = self.name or cvat_shapes.title(root) or file
        width = xml.number(xml.text(root, f"{task}/original_size/width"))
        height = xml.number(xml.text(root, f"{task}/original_size/height"))
        self.said = said_size(width, height)
        near = file.rpartition("/")[0].rpartition("/")[2]
        self.files = _frame_files(shelf.files, "" if one_of == 1 else near)
        self.n_boxes = 0
        self.used: dict[str, None] = {}
        self.frames: dict[int, list[LabelledBox]] = {number: [] for number in self.files}
        self.size = self.said or self._measured_size()
        for row in root.iter("track"):
            self._spread(row)

    def _measured_size(self) -> tuple[int, int]:
        for path in self.files.values():
            called = path.relative_to(self.shelf.folder).as_posix()
            if (size := measured(self.shelf, called, None)[1]) is not None:
                return size
        raise AnalysisError(f"{self.file} does not say how large the video's frames are.")

    def _spread(self, row: Element) -> None:
        """Put the boxes of a track on the frames they stand for."""
        label, number = row.get("label") or "", xml.number(row.get("id"))
        where = f"{self.file}, track {row.get('id')}"
        if not label:
            self.problems.append(Problem(where, "ERROR_MISSING_CLASS_MAP_ID", "It has no label."))
            return
        keys: dict[int, Key] = {}
        for shape in row:
            frame = xml.number(shape.get("frame"))
            if frame is None or not 0 <= frame < _MAX_FRAMES or shape.tag not in cvat_shapes.SHAPES:
                message = f"A {shape.tag} of “{label}” is on no frame."
                self.problems.append(Problem(where, "ERROR_INVALID_LINE", message))
                continue
            said, problem = cvat_shapes.box_of(shape, label, self.size, where)
            self.problems += [problem] if problem else []
            if said is None:
                continue
            track = None if number is None else int(number)
            keys[int(frame)] = replace(said, track=track), shape.get("outside") == "1"
        if keys:
            self.used[label] = None
        self.n_boxes += n_between(keys)
        if self.n_boxes > MOST_BOXES:
            raise AnalysisError(f"{self.file} stands for more than {MOST_BOXES:,} boxes.")
        for frame, box in between(keys):
            self.frames.setdefault(frame, []).append(box)

    def pictures(self) -> Iterator[LabelledPicture]:
        missing = 0
        for frame, boxes in sorted(self.frames.items()):
            source = frame_source(self.name, frame)
            kept, problems = sound(boxes, source)
            self.problems += problems
            path = self.files.get(frame)
            missing += path is None
            yield LabelledPicture(
                source,
                *self.size,
                boxes=kept,
                file=str(path or ""),
                video=self.name,
                frame=frame,
            )
        if missing and self.shelf.files:
            message = f"{missing:,} frames have boxes and no picture."
            self.problems.append(Problem(self.name, "WARNING_MISSING_IMAGE", message, False))


def _frame_files(paths: Iterable[Path], near: str) -> dict[int, Path]:
    """Pictures by the number their name ends with, as CVAT's `frame_000012.png`."""
    found = {}
    for path in paths:
        number = _FRAME_NUMBER.search(path.stem)
        if number and (not near or near in path.parts):
            found[int(number[1])] = path
    return found


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
            share = (number - frame) / (following - frame)
            corners = Box(*(a + (b - a) * share for a, b in zip(box.box, goal, strict=True)))
            yield number, replace(box, box=corners)


def n_between(keys: Mapping[int, Key]) -> int:
    """How many boxes `between` gives for these keys."""
    order = sorted(keys)
    ends = [*order[1:], order[-1] + 1] if order else []
    return sum(end - frame for frame, end in zip(order, ends, strict=True) if not keys[frame][1])


# --- writing ------------------------------------------------------------------------------


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """A folder for each video with `annotations.xml` and its frames; returns what is lost.

    Pictures that are no frames, and frames of several sizes, have no place in CVAT's videos.
    """
    kept, problems = reduce(labelled, HOLDS, TITLE)
    videos: dict[str, list[LabelledPicture]] = {}
    for picture in kept.pictures:
        if picture.video and picture.frame is not None:
            videos.setdefault(picture.video, []).append(picture)
    if left_out := len(kept.pictures) - sum(len(frames) for frames in videos.values()):
        message = f"CVAT for video holds frames by number: {left_out:,} pictures are left out."
        problems.append(Problem(kept.name or "The dataset", "LOST_PICTURES", message, False))
    for number, (video, frames) in enumerate(videos.items()):
        place = folder if len(videos) == 1 else folder / f"video_{number}"
        problems += _write_video(kept, video, frames, place, pictures)
    return problems


def _write_video(
    labelled: LabelledSet,
    video: str,
    frames: list[LabelledPicture],
    folder: Path,
    pictures: Pictures | None,
) -> list[Problem]:
    size = frames[0].width, frames[0].height
    same = [p for p in frames if (p.width, p.height) == size]
    problems = [
        Problem(p.source, "LOST_PICTURES", f"It is larger or smaller than {video}.", False)
        for p in frames
        if (p.width, p.height) != size
    ]
    names = {p.source: f"frame_{p.frame:06}" for p in same}
    copied = {p.source: p.source for p in same}  # the number is the name: nothing is renamed

    def place(picture: LabelledPicture) -> Path:
        path = pictures(picture) if pictures else None
        suffix = path.suffix.lower() if path else ".jpg"
        return folder / "images" / f"{names[picture.source]}{suffix}"

    problems += put(same, copied, pictures, place)
    numbers = [p.frame for p in same if p.frame is not None]
    attributes = {name for p in same for b in p.boxes for name in b.attributes}
    root = cvat_shapes.head(
        labelled.name,
        tuple(labelled.labels),
        attributes,
        size=max(numbers) + 1,
        mode="interpolation",
        start_frame=0,
        stop_frame=max(numbers),
        source=video,
    )
    task = root.find("meta/task")
    assert task is not None
    original = xml.add(task, "original_size")
    xml.add(original, "width", size[0])
    xml.add(original, "height", size[1])
    for track in _tracks(same):
        _add_track(root, track, size)
    xml.save(root, folder / "annotations.xml")
    return problems


Track = tuple[int, str, dict[int, LabelledBox]]


def _tracks(frames: Sequence[LabelledPicture]) -> Iterator[Track]:
    """Number, label and boxes by frame. Boxes without a track get one each."""
    tracks: dict[tuple[int, str], dict[int, LabelledBox]] = {}
    loose: list[tuple[int, LabelledBox]] = []
    for picture in frames:
        assert picture.frame is not None
        for box in picture.boxes:
            track = None if box.track is None else tracks.setdefault((box.track, box.label), {})
            if track is None or picture.frame in track:
                loose.append((picture.frame, box))
            else:
                track[picture.frame] = box
    for (number, label), boxes in tracks.items():
        yield number, label, boxes
    following = max((number for number, _ in tracks), default=-1) + 1
    for number, (frame, box) in enumerate(loose, following):
        yield number, box.label, {frame: box}


def _add_track(root: Element, track: Track, size: tuple[int, int]) -> None:
    """Each box a key, and one that is outside wherever the track is not on the next frame."""
    number, label, boxes = track
    row = xml.add(root, "track", id=number, label=label, source="manual")
    for frame, box in sorted(boxes.items()):
        cvat_shapes.add_box(row, box, size, frame=frame, keyframe=1, outside=0)
        if frame + 1 not in boxes:
            cvat_shapes.add_box(row, box, size, frame=frame + 1, keyframe=1, outside=1)
