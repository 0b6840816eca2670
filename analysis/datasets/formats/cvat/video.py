"""CVAT for video 1.1: tracks of boxes over the frames of one video.

A box holds until the next one of its track and moves there in a straight line, unless it is
marked as outside. CVAT numbers frames and knows no times. Frames come with boxes on them, or with
a picture in the archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from xml.etree.ElementTree import Element

from analysis.datasets.boxes import sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import TITLES, xml
from analysis.datasets.formats.cvat import shapes as cvat_shapes
from analysis.datasets.gathering import Gathered, is_known
from analysis.datasets.picture_files import (
    Pictures,
    Shelf,
    folders_of,
    measured,
    put,
    said_size,
)
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
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
from analysis.types import Box

TITLE = TITLES["cvat_video"]
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
    for file, root in roots:
        if root.find("image") is not None and not cvat_shapes.is_video(root):
            raise AnalysisError(
                f"{file} is of pictures, another file of a film. Import them one after the other."
            )
    shelf = Shelf(folder)
    labels: dict[str, None] = {}
    gathered = Gathered(folder)
    problems = _of_no_task(roots)
    videos = [(file, root, task) for file, root in roots for task in _tasks(root)]
    for file, root, task in videos:
        video = _Video(file, root, shelf, task, one_of=len(videos))
        labels |= dict.fromkeys([*cvat_shapes.labels(root), *video.used])
        for picture in video.pictures():
            part = "/".join(folders_of(file))
            gathered.add(picture, part, has_lost=not picture.is_labelled)
        problems += video.problems
    pictures = gathered.pictures()
    name = cvat_shapes.title(roots[0][1])
    return LabelledSet("boxes", tuple(labels), pictures, name), problems + gathered.problems


def _tasks(root: Element) -> list[Element]:
    """What describes each video of a file: a task, a job, or each task of a project."""
    of_project = root.findall("meta/project/tasks/task")
    one = root.find("meta/task")
    one = root.find("meta/job") if one is None else one
    return of_project or [root if one is None else one]


def _of_no_task(roots: Sequence[tuple[str, Element]]) -> list[Problem]:
    """The tracks of a project that belong to none of its tasks."""
    problems = []
    for file, root in roots:
        tasks = {xml.text(task, "id") for task in root.iterfind("meta/project/tasks/task")}
        for row in root.iter("track") if tasks else ():
            if row.get("task_id") not in tasks:
                where = f"{file}, track {row.get('id')}"
                message = "It belongs to none of the project's tasks and is left out."
                problems.append(Problem(where, "ERROR_INVALID_LINE", message))
    return problems


class _Video:
    """The tracks of one video, spread over its frames."""

    def __init__(self, file: str, root: Element, shelf: Shelf, task: Element, one_of: int) -> None:
        self.file, self.shelf, self.one_of = file, shelf, one_of
        self.problems: list[Problem] = []
        self.is_of_project = root.find("meta/project") is not None
        own = xml.text(task, "source") or xml.text(task, "name")
        source = "" if self.is_of_project else xml.text(root, "meta/source")
        self.name = source or own or cvat_shapes.title(root) or file
        width = xml.number(xml.text(task, "original_size/width"))
        height = xml.number(xml.text(task, "original_size/height"))
        near = file.rpartition("/")[0].rpartition("/")[2]
        near = self.name if self.is_of_project else near
        self.files = frame_files(shelf.files, "" if one_of == 1 else near)
        self.used: dict[str, None] = {}
        self.lost: list[range] = []  # frames on which something is that could not be kept
        first = xml.number(xml.text(task, "start_frame")) or 0
        self.frames = Frames(file, self.files, first=int(first), step=_step(task))
        self.size = said_size(width, height) or self._measured_size()
        number = xml.text(task, "id")
        for row in root.iter("track"):
            if not self.is_of_project or row.get("task_id") == number:
                self._spread(row)

    def _measured_size(self) -> tuple[int, int]:
        for path in self.files.values():
            called = path.relative_to(self.shelf.folder).as_posix()
            if (size := measured(self.shelf, called, None).size) is not None:
                return size
        if self.is_of_project:
            raise AnalysisError(
                f"{self.file} is a project of {self.one_of} videos and does not say how large "
                "they are. Export it from CVAT task by task."
            )
        raise AnalysisError(f"{self.file} does not say how large the video's frames are.")

    def _spread(self, row: Element) -> None:
        """Put the boxes of a track on the frames they stand for."""
        label, number = row.get("label") or "", xml.number(row.get("id"))
        where = f"{self.file}, track {row.get('id')}"
        if not label:
            self.problems.append(Problem(where, "ERROR_MISSING_CLASS_MAP_ID", "It has no label."))
            self.lost.append(range(_MAX_FRAMES))
            return
        keys: dict[int, Key] = {}
        broken: set[int] = set()
        for shape in row:
            frame = xml.number(shape.get("frame"))
            if frame is None or not 0 <= frame < _MAX_FRAMES:
                message = f"A {shape.tag} of “{label}” is on no frame."
                self.problems.append(Problem(where, "ERROR_INVALID_LINE", message))
                self.lost.append(range(_MAX_FRAMES))
                continue
            said, problem = self._box_of(shape, label, where)
            self.problems += [problem] if problem else []
            if said is None:  # the track is not known from here to its next key
                if shape.get("outside") != "1":
                    broken.add(int(frame))
                keys[int(frame)] = Key(LabelledBox(label, Box(0, 0, 1, 1)), True)
                continue
            track = None if number is None else int(number)
            keys[int(frame)] = Key(
                replace(said, track=track),
                shape.get("outside") == "1",
                cvat_shapes.turned_of(shape),
                self.size,
            )
        self.lost += [range(frame, _next(keys, frame)) for frame in broken]
        if not all(key.is_outside for key in keys.values()):
            self.used[label] = None
        self.frames.spread(keys)

    def _box_of(
        self, shape: Element, label: str, where: str
    ) -> tuple[LabelledBox | None, Problem | None]:
        if shape.tag in cvat_shapes.SHAPES:
            return cvat_shapes.box_of(shape, label, self.size, where)
        message = f"“{label}” is a {shape.tag}, which has no box."
        return None, Problem(where, "ERROR_UNSUPPORTED_USE_CASE_TYPE", message)

    def _lost(self, frame: int) -> bool:
        return any(frame in frames for frames in self.lost)

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
                is_labelled=is_known(kept, (), problems) and (bool(kept) or not self._lost(frame)),
                file=str(path or ""),
                video=self.name,
                frame=frame,
            )
        if missing and self.shelf.files:
            self.problems.append(missing_pictures(self.name, missing))


def _next(keys: Iterable[int], frame: int) -> int:
    return min((key for key in keys if key > frame), default=frame + 1)


def _step(task: Element) -> int:
    """Of a task that takes each fifth frame of a film: 5."""
    for part in xml.text(task, "frame_filter").split("&"):
        name, _, value = part.partition("=")
        if name.strip() == "step" and value.strip().isdecimal():
            return max(1, min(int(value), _MAX_FRAMES))
    return 1


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
