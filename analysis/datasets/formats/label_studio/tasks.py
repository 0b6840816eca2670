"""Label Studio's tasks, read: pictures with rectangles and choices, videos with tracks.

What Label Studio has no field for stands in `data` of the task, where it is shown as a column.
Frames of a video count from 1 there, and a box stays where its last key was until the next one,
or until a key that is not enabled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from math import cos, hypot, radians, sin
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from analysis.datasets.boxes import around, from_pixels, sound
from analysis.datasets.formats import xml
from analysis.datasets.formats.json_files import json_files
from analysis.datasets.gathering import Gathered, is_known
from analysis.datasets.picture_files import Shelf, folders_of, measured, said_size
from analysis.datasets.split_names import split_named
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.datasets.video_frames import (
    Frames,
    Key,
    Turned,
    frame_files,
    frame_source,
    missing_pictures,
)
from analysis.errors import AnalysisError
from analysis.types import Box

# What is said of a picture in `data`.
COLUMNS = (
    "split", "group", "is_synthetic", "is_golden", "video", "time_s", "frame",
)  # fmt: skip
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before an uploaded file's name
_TRACK = re.compile(r"track-(\d{1,9})(-\d+)?")  # what we call a result that is a track
_SHAPES = (
    *("rectangle", "rectanglelabels", "polygon", "polygonlabels", "ellipse", "ellipselabels"),
)
_SAID_IN_WORDS = ("textarea", "rating", "number", "taxonomy", "datetime", "ranker", "pairwise")
_LOOSE = re.compile(r"box-\d+")  # and one that is a box without a track


def tasks(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each task of the files in `folder`, with where it stands."""
    for path, content in json_files(folder):
        rows = content if isinstance(content, list) else [content]
        for number, row in enumerate(rows, 1):
            if isinstance(row, dict) and {"id", "annotation_id"} <= row.keys():
                row = _from_min(row)
            if isinstance(row, dict) and isinstance(row.get("data"), dict):
                yield f"{path.relative_to(folder).as_posix()}, task {row.get('id', number)}", row


def _from_min(row: dict[str, Any]) -> dict[str, Any]:
    """A task as JSON-MIN tells it, which leaves out what names results and their kinds."""
    results: list[dict[str, Any]] = []
    for key, value in row.items():
        for region in _rows(value):
            kind = next((name for name in region if name.endswith("labels")), "")
            kind = "videorectangle" if "sequence" in region else kind or "rectangle"
            sizes = {side: region.get(side) for side in ("original_width", "original_height")}
            results.append({"id": region.get("id"), "type": kind, "value": region, **sizes})
        choices = value.get("choices") if isinstance(value, dict) else None
        if key in ("choice", "choices") and isinstance(value, str):
            choices = [value]
        if isinstance(choices, list):
            results.append({"type": "choices", "value": {"choices": choices}})
    data = {key: value for key, value in row.items() if isinstance(value, str | int | float)}
    annotation = {"updated_at": row.get("updated_at"), "result": results}
    return {"id": row["id"], "data": data, "annotations": [annotation]}


def is_of_video(task: dict[str, Any]) -> bool:
    """Whether a task is a video to be marked frame by frame, and no picture."""
    results = (r for a in _rows(task.get("annotations")) for r in _rows(a.get("result")))
    if any(result.get("type") == "videorectangle" for result in results):
        return True
    return isinstance(task["data"].get("video"), str) and "image" not in task["data"]


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set in `folder`. Raises AnalysisError where there are no tasks."""
    shelf = Shelf(folder)
    labels = dict.fromkeys(_configured(folder))
    gathered = Gathered(folder)
    problems: list[Problem] = []
    found = [_Task(where, row, shelf) for where, row in tasks(folder)]
    shelf.expect(name for task in found if (name := task.picture_name()))
    for task in found:
        for picture in task.pictures():
            has_lost = task.is_labelled and not picture.is_labelled
            gathered.add(picture, "/".join(task.folders), has_lost=has_lost)
            labels |= dict.fromkeys([*(b.label for b in picture.boxes), *picture.labels])
        problems += task.problems
    if not found and not labels:
        raise AnalysisError("There is no Label Studio file: JSON tasks with data in them.")
    read = gathered.pictures()
    problems += gathered.problems
    is_concept = any(p.labels for p in read) and not any(p.boxes for p in read)
    return LabelledSet("concept" if is_concept else "boxes", tuple(labels), read), problems


class _Task:
    """One task: a picture, or a video whose tracks are spread over frames."""

    def __init__(self, where: str, row: dict[str, Any], shelf: Shelf) -> None:
        self.where, self.shelf = where, shelf
        self.folders = folders_of(where.rpartition(", task ")[0])
        self.problems: list[Problem] = []
        self.data: dict[str, Any] = row["data"]
        self.is_of_video = is_of_video(row)
        annotation = self._annotation(row)
        self.is_labelled = annotation is not None
        self.changed = str((annotation or {}).get("updated_at") or "")
        rows = _rows((annotation or {}).get("result"))
        self.results = [row for row in rows if isinstance(row.get("value"), dict)]
        arrows = sum(row.get("type") == "relation" for row in rows)
        self.n_hollow = len(rows) - len(self.results) - arrows

    def _bad(self, code: str, message: str, *, is_error: bool = True) -> None:
        self.problems.append(Problem(self.where, code, message, is_error))

    def _tell_hollow(self) -> None:
        """The results that say nothing, though something must have been there."""
        for _ in range(self.n_hollow):
            self._bad("ERROR_INVALID_BOUNDING_BOX", "A result does not say where it is.")

    def _annotation(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The newest annotation that was not skipped, or the one marked as ground truth."""
        good = [a for a in _rows(row.get("annotations")) if not a.get("was_cancelled")]
        if len(good) > 1:
            message = f"{len(good)} people labelled it; the newest of their work is kept."
            self._bad("WARNING_SEVERAL_ANNOTATIONS", message, is_error=False)
        key = lambda a: (bool(a.get("ground_truth")), str(a.get("updated_at") or ""))  # noqa: E731
        return max(good, key=key, default=None)

    def pictures(self) -> Iterator[LabelledPicture]:
        if self.is_of_video:
            yield from self._frames()
        elif (picture := self._picture()) is not None:
            yield picture

    # --- a picture ------------------------------------------------------------------------

    def picture_name(self) -> str:
        """The path of its picture; empty where it names none, or is of a video."""
        return "" if self.is_of_video else _file_name(self._address())

    def _picture(self) -> LabelledPicture | None:
        name = self.picture_name()
        if not name:
            self._bad("ERROR_MISSING_SOURCE_REF", "The task names no picture.")
            return None
        source = str(self.data.get("source") or name)
        found = measured(self.shelf, name, self._said_size(), self.folders)
        if found.path is None and _UPLOADED.match(name.rpartition("/")[2]):
            name = _UPLOADED.sub("", name.rpartition("/")[2])
            source = str(self.data.get("source") or name)
            found = measured(self.shelf, name, self._said_size(), self.folders)
        self.problems += found.problems
        if found.size is None:
            return None
        before = len(self.problems)
        self._tell_hollow()
        drawn = self._boxes(self._said_size() or found.size)
        boxes, problems = sound(found.turned(drawn), self.where)
        self.problems += problems
        choices = tuple(self._choices())
        is_said = is_known(boxes, choices, self.problems[before:])
        picture = LabelledPicture(
            source,
            *found.size,
            boxes=boxes,
            labels=choices,
            is_labelled=self.is_labelled and is_said,
            file=str(found.path or ""),
            changed=self.changed,
        )
        return replace(picture, **self._columns())

    def _address(self) -> str:
        """What `data` says of the picture: under `image`, else the first that looks like one."""
        texts = [v for k, v in self.data.items() if isinstance(v, str) and k != "source"]
        image = self.data.get("image")
        return image if isinstance(image, str) else next((t for t in texts if "/" in t), "")

    def _said_size(self) -> tuple[int, int] | None:
        sizes = [(r.get("original_width"), r.get("original_height")) for r in self.results]
        sizes.append((self.data.get("width"), self.data.get("height")))
        return next((size for w, h in sizes if (size := said_size(w, h))), None)

    def _columns(self) -> dict[str, Any]:
        """The columns of `data` that are ours, where they say what such a column can say."""
        found: dict[str, Any] = {"split": split_named(str(self.data.get("split") or ""))}
        for column in ("group", "video"):
            found[column] = str(self.data.get(column) or "")
        for column in ("is_synthetic", "is_golden"):
            found[column] = self.data.get(column) is True
        time_s, frame = self.data.get("time_s"), self.data.get("frame")
        found["time_s"] = float(time_s) if isinstance(time_s, int | float) else None
        found["frame"] = frame if isinstance(frame, int) else None
        return found

    def _choices(self) -> Iterator[str]:
        """What is said of the whole picture: a choice about a region bears the region's id."""
        regions = {row.get("id") for row in self.results if _is_shape(row)} - {None}
        for row in self.results:
            if row.get("type") == "choices" and row.get("id") not in regions:
                yield from dict.fromkeys(map(str, row["value"].get("choices") or ()))

    def _regions(self) -> Iterator[list[dict[str, Any]]]:
        """The results that speak of one region, its shape first: they bear one id."""
        together: dict[object, list[dict[str, Any]]] = {}
        for number, row in enumerate(self.results):
            together.setdefault(row.get("id") or number, []).append(row)
        for rows in together.values():
            yield sorted(rows, key=lambda row: not _is_shape(row))

    def _boxes(self, size: tuple[int, int]) -> Iterator[LabelledBox]:
        for shape, *more in self._regions():
            if _is_shape(shape):
                yield from self._box(shape, more, size)
                continue
            for row in (shape, *more):
                if (kind := row.get("type")) in _SAID_IN_WORDS:
                    message = f"A result of the kind “{kind}” is left out."
                    self._bad("LOST_WORDS", message, is_error=False)
                elif kind != "choices":
                    message = f"A result of the kind “{kind}” has no box."
                    self._bad("ERROR_UNSUPPORTED_USE_CASE_TYPE", message)

    def _box(
        self, row: dict[str, Any], more: list[dict[str, Any]], size: tuple[int, int]
    ) -> Iterator[LabelledBox]:
        labels = [label for one in (row, *more) for label in _labels_of(one)]
        if not labels:
            self._bad("ERROR_MISSING_CLASS_MAP_ID", "A rectangle has no label.")
        try:
            box, kind = _place(row["value"], size)
            confidence = min(max(float(row.get("score", 1.0)), 0.0), 1.0)
        except (KeyError, TypeError, ValueError, IndexError):
            message = "A rectangle does not have its position in numbers."
            self._bad("ERROR_INVALID_BOUNDING_BOX", message)
            return
        if kind:
            message = f"A {kind}; the upright box around it is kept."
            self._bad("WARNING_SHAPE", message, is_error=False)
        said = {
            str(one.get("from_name") or "choice"): ", ".join(map(str, one["value"]["choices"]))
            for one in more
            if one.get("type") == "choices" and isinstance(one["value"].get("choices"), list)
        }
        for label in dict.fromkeys(map(str, labels)):
            yield LabelledBox(label, box, confidence=confidence, attributes=said)

    # --- a video --------------------------------------------------------------------------

    def _frames(self) -> Iterator[LabelledPicture]:
        video = _file_name(str(self.data.get("video") or self._address()))
        size = self._said_size()
        if size is None:
            message = "It does not say how large the video's frames are; the boxes are left out."
            self._bad("ERROR_INVALID_IMAGE_DIMENSION", message)
            return
        files = frame_files(self.shelf.files, self._folder(video))
        frames = Frames(self.where, files)
        before = len(self.problems)
        self._tell_hollow()
        for track, row in self._tracks():
            frames.spread(self._keys(row, track, size))
        self._tell_others()
        is_whole = is_known((), (), self.problems[before:])
        message = "Its times are guessed from a frame rate, so the numbers of the frames are kept."
        self._bad("WARNING_FRAME_TIMES", message, is_error=False)
        for frame, found in frames:
            source = frame_source(video, frame)
            boxes, problems = sound(found, source)
            self.problems += problems
            yield LabelledPicture(
                source,
                *size,
                boxes=boxes,
                is_labelled=self.is_labelled
                and (bool(boxes) or (is_whole and is_known((), (), problems))),
                file=str(files.get(frame, "")),
                video=video,
                frame=frame,
                changed=self.changed,
            )
        missing = len(frames.boxes.keys() - files.keys())
        if missing and self.shelf.files:
            self.problems.append(missing_pictures(video, missing))

    def _tell_others(self) -> None:
        """What is said of a video beside its tracks."""
        tracks = {row.get("id") for row in self.results if row.get("type") == "videorectangle"}
        for row in self.results:
            kind = row.get("type")
            if kind in ("choices", "timelinelabels", *_SAID_IN_WORDS):
                message = f"A result of the kind “{kind}” is left out."
                self._bad("LOST_WORDS", message, is_error=False)
            elif kind != "videorectangle" and not (kind == "labels" and row.get("id") in tracks):
                message = f"A result of the kind “{kind}” has no box."
                self._bad("ERROR_UNSUPPORTED_USE_CASE_TYPE", message)

    def _folder(self, video: str) -> str:
        """The folder of the archive that holds the frames: as `data` says, or called like it."""
        named = self.data.get("frames") or Path(video).stem
        return str(named).rstrip("/").rpartition("/")[2]

    def _tracks(self) -> Iterator[tuple[int | None, dict[str, Any]]]:
        """The tracks with their numbers, where they bear ours, else in the order they come."""
        rows = [row for row in self.results if row.get("type") == "videorectangle"]
        taken = {int(found[1]) for row in rows if (found := _TRACK.fullmatch(str(row.get("id"))))}
        free = (number for number in count() if number not in taken)
        for row in rows:
            name = str(row.get("id"))
            if _LOOSE.fullmatch(name):
                yield None, row
            else:
                found = _TRACK.fullmatch(name)
                yield int(found[1]) if found else next(free), row

    def _label(self, row: dict[str, Any]) -> str:
        """What a track bears: itself, or by a result of labels with the same id."""
        twins = [r for r in self.results if r.get("id") == row.get("id") and r is not row]
        for one in [row, *twins] if row.get("id") else [row]:
            if labels := one["value"].get("labels"):
                return str(labels[0])
        raise KeyError("labels")

    def _keys(
        self, row: dict[str, Any], track: int | None, size: tuple[int, int]
    ) -> dict[int, Key]:
        """Keys count from 1; from one that is not enabled the box is gone until the next."""
        value = row["value"]
        keys: dict[int, Key] = {}
        try:
            label = self._label(row)
            last_frame = int(value.get("framesCount") or 0) - 1
            rows = sorted(value["sequence"], key=lambda key: int(key["frame"]))
            for number, key in enumerate(rows):
                frame = int(key["frame"]) - 1
                if frame < 0:
                    raise ValueError("frames count from 1")
                box = LabelledBox(label, _percent(key, size), track=track)
                place = _turned(key, size)
                keys[frame] = Key(box, False, place, size)
                following = int(rows[number + 1]["frame"]) - 1 if number + 1 < len(rows) else None
                if not key.get("enabled", True):
                    if following is None or following > frame + 1:
                        keys[frame + 1] = Key(box, True, place, size)
                elif following is None and frame < last_frame:
                    keys[last_frame] = Key(box, False, place, size)  # it stays to the end
        except (KeyError, IndexError, TypeError, ValueError, OverflowError):
            message = "A track of the video has no label, or keys that are not numbers."
            self._bad("ERROR_INVALID_BOUNDING_BOX", message)
            return {}
        return keys


def _is_shape(row: dict[str, Any]) -> bool:
    """Whether a result lies somewhere in the picture in a way that a box can be drawn around."""
    return row.get("type") in _SHAPES


def _labels_of(row: dict[str, Any]) -> list[Any]:
    """The labels of a region; they stand under the kind of their control."""
    return [
        label
        for name, labels in row["value"].items()
        if name.endswith("labels") and isinstance(labels, list)
        for label in labels
    ]


def _place(value: dict[str, Any], size: tuple[int, int]) -> tuple[Box, str]:
    """The upright box around a region, in fractions, and what it is where it is no plain box."""
    if isinstance(points := value.get("points"), list):
        box = around((float(x) / 100, float(y) / 100) for x, y in points)
        return box, "polygon"
    if "radiusX" in value:
        x, y, rx, ry = (float(value[name]) for name in ("x", "y", "radiusX", "radiusY"))
        width, height = size
        angle = radians(float(value.get("rotation") or 0))
        across = hypot(rx * width * cos(angle), ry * height * sin(angle)) / width
        down = hypot(rx * width * sin(angle), ry * height * cos(angle)) / height
        box = Box(x - across, y - down, x + across, y + down)
        return Box(*(side / 100 for side in box)), "ellipse"
    return _percent(value, size), "turned rectangle" if value.get("rotation") else ""


def _percent(value: dict[str, Any], size: tuple[int, int]) -> Box:
    """A rectangle in percent, turned about its top left corner, as the upright box around it."""
    return from_pixels(*_turned(value, size).upright(), *size)


def _turned(value: dict[str, Any], size: tuple[int, int]) -> Turned:
    """A rectangle in percent, in pixels. One that was drawn backwards has negative sides."""
    x, y, w, h = (float(value[name]) for name in ("x", "y", "width", "height"))
    degrees = float(value.get("rotation") or 0)
    if not degrees:
        x, y, w, h = min(x, x + w), min(y, y + h), abs(w), abs(h)
    across, down = size[0] / 100, size[1] / 100
    box = Box(x * across, y * down, (x + w) * across, (y + h) * down)
    return Turned(box, degrees, about_centre=False, shortest=False)


def _file_name(address: str) -> str:
    """The path that an address names: of `/data/local-files/?d=a/b.jpg` what `d` says."""
    parts = urlsplit(address.replace("\\", "/"))
    if named := parse_qs(parts.query).get("d"):
        return named[0].lstrip("/")
    if not parts.scheme and not address.startswith("/"):
        return address
    return unquote(parts.path).lstrip("/").removeprefix("data/upload/")


def _configured(folder: Path) -> Iterator[str]:
    """The labels and choices of a labelling interface that lies beside the tasks."""
    for path in sorted(folder.rglob("*.xml")):
        if path.is_symlink():
            continue
        root = xml.load(path)
        per_region = {
            choice
            for control in root.iter("Choices")
            if (control.get("perRegion") or "").lower() == "true"
            for choice in control.iter("Choice")
        }
        for row in root.iter():
            name = row.get("value")
            if name and row.tag in ("Label", "Choice") and row not in per_region:
                yield name
