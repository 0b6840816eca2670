"""CVAT for video 1.1: tracks of boxes over the frames of one video.

A box holds until the next one of its track and moves there in a straight line, unless it is
marked as outside. CVAT numbers frames and knows no times. Frames come with boxes on them, or with
a picture in the archive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from xml.etree.ElementTree import Element

from analysis.datasets.boxes import sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import xml
from analysis.datasets.formats.cvat import shapes as cvat_shapes
from analysis.datasets.picture_files import Pictures, Shelf, measured, put, said_size
from analysis.datasets.types import LabelledPicture, LabelledSet, Problem
from analysis.datasets.video_frames import (
    Frames,
    Key,
    Track,
    by_video,
    frame_files,
    frame_source,
    missing_pictures,
    tracks,
    without_boxes,
)
from analysis.errors import AnalysisError

TITLE = "CVAT for video"
HOLDS = frozenset({"occluded", "track", "attributes", "fractions", "name", "video"})
_MAX_FRAMES = 1_000_000


def detects(folder: Path) -> bool:
    """Whether there is a CVAT file of tracks in the folder."""
    return any(cvat_shapes.is_video(root) for _, root in cvat_shapes.roots(folder))


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
        self.files = frame_files(shelf.files, "" if one_of == 1 else near)
        self.used: dict[str, None] = {}
        self.frames = Frames(file, self.files)
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
        self.frames.spread(keys)

    def pictures(self) -> Iterator[LabelledPicture]:
        missing = 0
        for frame, boxes in self.frames:
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
            self.problems.append(missing_pictures(self.name, missing))


# --- writing ------------------------------------------------------------------------------


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """A folder for each video with `annotations.xml` and its frames; returns what is lost.

    Pictures that are no frames, and frames of several sizes, have no place in CVAT's videos.
    """
    kept, problems = reduce(labelled, HOLDS, TITLE)
    videos, left_out = by_video(kept, TITLE)
    problems += left_out
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
    names = {p.source: f"frame_{p.frame:06}" for p in frames}
    copied = {p.source: p.source for p in frames}  # the number is the name: nothing is renamed

    def place(picture: LabelledPicture) -> Path:
        path = pictures(picture) if pictures else None
        suffix = path.suffix.lower() if path else ".jpg"
        return folder / "images" / f"{names[picture.source]}{suffix}"

    problems = put(frames, copied, pictures, place)
    problems += [] if pictures else without_boxes(frames, TITLE)
    last = frames[-1].frame or 0
    attributes = {name for p in frames for b in p.boxes for name in b.attributes}
    root = cvat_shapes.head(
        labelled.name,
        tuple(labelled.labels),
        attributes,
        size=last + 1,
        mode="interpolation",
        start_frame=0,
        stop_frame=last,
        source=video,
    )
    task = root.find("meta/task")
    assert task is not None
    original = xml.add(task, "original_size")
    xml.add(original, "width", size[0])
    xml.add(original, "height", size[1])
    for track in _numbered(tracks(frames)):
        _add_track(root, track, size)
    xml.save(root, folder / "annotations.xml")
    return problems


def _numbered(found: Sequence[Track]) -> Iterator[Track]:
    """The tracks, those without a number with the numbers that follow."""
    free = count(max((number for number, _, _ in found if number is not None), default=-1) + 1)
    for number, label, boxes in found:
        yield next(free) if number is None else number, label, boxes


def _add_track(root: Element, track: Track, size: tuple[int, int]) -> None:
    """Each box a key, and one that is outside wherever the track is not on the next frame."""
    number, label, boxes = track
    row = xml.add(root, "track", id=number, label=label, source="manual")
    for frame, box in sorted(boxes.items()):
        cvat_shapes.add_box(row, box, size, frame=frame, keyframe=1, outside=0)
        if frame + 1 not in boxes:
            cvat_shapes.add_box(row, box, size, frame=frame + 1, keyframe=1, outside=1)
