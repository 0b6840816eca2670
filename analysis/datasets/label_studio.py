"""Label Studio JSON: tasks with results in percent of the picture.

Rectangles and choices of pictures, and rectangles of videos. What Label Studio has no field for
goes into `data` of the task, where it is shown as a column and comes out again. The labels stand
in `label_config.xml` beside it, which is also what to set a project up with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import cos, radians, sin
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.etree.ElementTree import Element

from analysis.datasets import xml
from analysis.datasets.boxes import around, sound
from analysis.datasets.cvat_video import MOST_BOXES, Key, between, frame_source, n_between
from analysis.datasets.fidelity import reduce
from analysis.datasets.picture_files import Pictures, Shelf, file_names, measured, put, said_size
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.errors import AnalysisError
from analysis.types import Box

TITLE = "Label Studio"
_COLUMNS = (
    "split", "group", "is_synthetic", "is_golden", "video", "time_s", "frame",
)  # fmt: skip
HOLDS = frozenset({"labels", "is_labelled", "confidence", "fractions", "changed", *_COLUMNS})
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before an uploaded file's name
_NO_PICTURE = LabelledPicture("", 1, 1)


def detects(folder: Path) -> bool:
    """Whether there is a file of Label Studio tasks in the folder."""
    return any(True for _ in _tasks(folder))


def _tasks(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.rglob("*.json")):
        if path.is_symlink():
            continue
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            continue
        rows = content if isinstance(content, list) else [content]
        for number, row in enumerate(rows, 1):
            if isinstance(row, dict) and isinstance(row.get("data"), dict):
                yield f"{path.relative_to(folder).as_posix()}, task {row.get('id', number)}", row


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set in `folder`. Raises AnalysisError where there are no tasks."""
    shelf = Shelf(folder)
    labels = dict.fromkeys(_configured(folder))
    pictures: dict[str, LabelledPicture] = {}
    problems: list[Problem] = []
    n_tasks = 0
    for where, row in _tasks(folder):
        n_tasks += 1
        task = _Task(where, row, shelf)
        for picture in task.pictures():
            pictures[picture.source] = picture
            labels |= dict.fromkeys([*(b.label for b in picture.boxes), *picture.labels])
        problems += task.problems
    if not n_tasks and not labels:
        raise AnalysisError("There is no Label Studio file: JSON tasks with data in them.")
    read = tuple(pictures.values())
    is_concept = any(p.labels for p in read) and not any(p.boxes for p in read)
    return LabelledSet("concept" if is_concept else "boxes", tuple(labels), read), problems


class _Task:
    """One task: a picture, or a video whose tracks are spread over frames."""

    def __init__(self, where: str, row: dict[str, Any], shelf: Shelf) -> None:
        self.where, self.shelf = where, shelf
        self.problems: list[Problem] = []
        self.data: dict[str, Any] = row["data"]
        annotation = self._annotation(row)
        self.is_labelled = annotation is not None
        self.changed = str((annotation or {}).get("updated_at") or "")
        results = (annotation or {}).get("result")
        rows = results if isinstance(results, list) else []
        self.results = [r for r in rows if isinstance(r, dict) and isinstance(r.get("value"), dict)]

    def _bad(self, code: str, message: str, *, is_error: bool = True) -> None:
        self.problems.append(Problem(self.where, code, message, is_error))

    def _annotation(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """The newest annotation that was not skipped, or the one marked as ground truth."""
        rows = row.get("annotations")
        good = [
            a
            for a in (rows if isinstance(rows, list) else [])
            if isinstance(a, dict) and not a.get("was_cancelled")
        ]
        if len(good) > 1:
            message = f"{len(good)} people labelled it; the newest of their work is kept."
            self._bad("WARNING_SEVERAL_ANNOTATIONS", message, is_error=False)
        key = lambda a: (bool(a.get("ground_truth")), str(a.get("updated_at") or ""))  # noqa: E731
        return max(good, key=key, default=None)

    def pictures(self) -> Iterator[LabelledPicture]:
        if any(r.get("type") == "videorectangle" for r in self.results):
            yield from self._frames()
        elif (picture := self._picture()) is not None:
            yield picture

    # --- a picture ------------------------------------------------------------------------

    def _picture(self) -> LabelledPicture | None:
        address = self._address()
        if not address:
            self._bad("ERROR_MISSING_SOURCE_REF", "The task names no picture.")
            return None
        name = _file_name(address)
        source = str(self.data.get("source") or name)
        path, size, problems = measured(self.shelf, name, self._said_size())
        if path is None and _UPLOADED.match(name.rpartition("/")[2]):
            name = _UPLOADED.sub("", name.rpartition("/")[2])
            source = str(self.data.get("source") or name)
            path, size, problems = measured(self.shelf, name, self._said_size())
        self.problems += problems
        if size is None:
            return None
        boxes, problems = sound(self._boxes(size), self.where)
        self.problems += problems
        picture = LabelledPicture(
            source,
            *size,
            boxes=boxes,
            labels=tuple(self._choices()),
            is_labelled=self.is_labelled,
            file=str(path or ""),
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
        split = self.data.get("split")
        found: dict[str, Any] = {"split": split if split in ("train", "val", "test") else None}
        for column in ("group", "video"):
            found[column] = str(self.data.get(column) or "")
        for column in ("is_synthetic", "is_golden"):
            found[column] = self.data.get(column) is True
        time_s, frame = self.data.get("time_s"), self.data.get("frame")
        found["time_s"] = float(time_s) if isinstance(time_s, int | float) else None
        found["frame"] = frame if isinstance(frame, int) else None
        return found

    def _choices(self) -> Iterator[str]:
        for row in self.results:
            if row.get("type") == "choices":
                yield from dict.fromkeys(map(str, row["value"].get("choices") or ()))

    def _boxes(self, size: tuple[int, int]) -> Iterator[LabelledBox]:
        for row in self.results:
            kind = row.get("type")
            if kind == "rectanglelabels":
                yield from self._box(row, size)
            elif kind not in ("choices", "rectangle"):
                message = f"A result of the kind “{kind}” has no box."
                self._bad("ERROR_UNSUPPORTED_USE_CASE_TYPE", message)

    def _box(self, row: dict[str, Any], size: tuple[int, int]) -> Iterator[LabelledBox]:
        labels = row["value"].get("rectanglelabels") or ()
        if not labels:
            self._bad("ERROR_MISSING_CLASS_MAP_ID", "A rectangle has no label.")
        try:
            box = _percent(row["value"], size)
            confidence = min(max(float(row.get("score", 1.0)), 0.0), 1.0)
        except (KeyError, TypeError, ValueError):
            message = "A rectangle does not have its position in numbers."
            self._bad("ERROR_INVALID_BOUNDING_BOX", message)
            return
        if row["value"].get("rotation"):
            message = "A rectangle is turned; the upright box around it is kept."
            self._bad("WARNING_SHAPE", message, is_error=False)
        for label in map(str, labels):
            yield LabelledBox(label, box, confidence=confidence)

    # --- a video --------------------------------------------------------------------------

    def _frames(self) -> Iterator[LabelledPicture]:
        video = _file_name(str(self.data.get("video") or self._address()))
        size = self._said_size()
        if size is None:
            message = "It does not say how large the video's frames are; the boxes are left out."
            self._bad("ERROR_INVALID_IMAGE_DIMENSION", message)
            return
        frames: dict[int, list[LabelledBox]] = {}
        n_boxes = 0
        for track, row in enumerate(self.results):
            if row.get("type") == "videorectangle":
                keys = self._keys(row, track, size)
                n_boxes += n_between(keys)
                if n_boxes > MOST_BOXES:
                    message = f"{self.where} stands for more than {MOST_BOXES:,} boxes."
                    raise AnalysisError(message)
                for frame, box in between(keys):
                    frames.setdefault(frame, []).append(box)
        message = "Its times are guessed from a frame rate, so the numbers of the frames are kept."
        self._bad("WARNING_FRAME_TIMES", message, is_error=False)
        for frame, found in sorted(frames.items()):
            source = frame_source(video, frame)
            boxes, problems = sound(found, source)
            self.problems += problems
            yield LabelledPicture(
                source, *size, boxes=boxes, video=video, frame=frame, changed=self.changed
            )

    def _keys(self, row: dict[str, Any], track: int, size: tuple[int, int]) -> dict[int, Key]:
        """Keys count from 1; from one that is not enabled the box is gone until the next."""
        value = row["value"]
        labels: Any = value.get("labels")
        keys: dict[int, Key] = {}
        try:
            label = str(labels[0])
            last_frame = int(value.get("framesCount") or 0) - 1
            rows = sorted(value["sequence"], key=lambda key: int(key["frame"]))
            for number, key in enumerate(rows):
                frame = int(key["frame"]) - 1
                box = LabelledBox(label, _percent(key, size), track=track)
                keys[frame] = box, False
                following = int(rows[number + 1]["frame"]) - 1 if number + 1 < len(rows) else None
                if not key.get("enabled", True):
                    if following is None or following > frame + 1:
                        keys[frame + 1] = box, True
                elif following is None and frame < last_frame:
                    keys[last_frame] = box, False  # it stays to the end
        except (KeyError, IndexError, TypeError, ValueError, OverflowError):
            message = "A track of the video has no label, or keys that are not numbers."
            self._bad("ERROR_INVALID_BOUNDING_BOX", message)
            return {}
        return keys


def _percent(value: dict[str, Any], size: tuple[int, int]) -> Box:
    """A rectangle in percent, turned about its top left corner, as the upright box around it."""
    x, y, w, h = (float(value[name]) for name in ("x", "y", "width", "height"))
    turned = float(value.get("rotation") or 0)
    if not turned:
        return Box(x / 100, y / 100, (x + w) / 100, (y + h) / 100)
    angle, (width, height) = radians(turned), size
    sides = [(a * width, b * height) for a in (0.0, w) for b in (0.0, h)]
    box = around(
        (a * cos(angle) - b * sin(angle), a * sin(angle) + b * cos(angle)) for a, b in sides
    )
    return Box(
        (x + box.x1 / width) / 100,
        (y + box.y1 / height) / 100,
        (x + box.x2 / width) / 100,
        (y + box.y2 / height) / 100,
    )


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
        for row in root.iter():
            if row.tag in ("Label", "Choice") and (name := row.get("value")):
                yield name


# --- writing ------------------------------------------------------------------------------


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """`tasks.json`, `label_config.xml` and `images/`; returns what Label Studio cannot hold.

    Serve the folder as local files, or upload the pictures and the tasks find them by name.
    """
    kept, problems = reduce(labelled, HOLDS, TITLE)
    names = file_names(kept.pictures)
    told = put(kept.pictures, names, pictures, lambda p: folder / "images" / names[p.source])
    problems += [p for p in told if p.code != "RENAMED"]  # `data` holds the source itself
    tasks = [_task(p, names[p.source]) for p in kept.pictures]
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(tasks, ensure_ascii=False, indent=1)
    (folder / "tasks.json").write_text(text, encoding="utf-8")
    xml.save(_interface(kept.labels), folder / "label_config.xml")
    return problems


def _task(picture: LabelledPicture, name: str) -> dict[str, Any]:
    said = {column: getattr(picture, column) for column in _COLUMNS}
    data: dict[str, Any] = {
        "image": f"/data/local-files/?d=images/{quote(name)}",
        "source": picture.source,
    }
    data |= {"width": picture.width, "height": picture.height}
    data |= {k: v for k, v in said.items() if v != getattr(_NO_PICTURE, k)}
    task: dict[str, Any] = {"data": data, "annotations": []}
    if picture.is_labelled:
        annotation: dict[str, Any] = {"result": _results(picture)}
        if picture.changed:
            annotation["updated_at"] = picture.changed
        task["annotations"].append(annotation)
    return task


def _results(picture: LabelledPicture) -> list[dict[str, Any]]:
    size = {"original_width": picture.width, "original_height": picture.height}
    results: list[dict[str, Any]] = []
    for number, box in enumerate(picture.boxes, 1):
        x1, y1, x2, y2 = (side * 100 for side in box.box)
        value = {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "rotation": 0}
        row: dict[str, Any] = {"id": f"box-{number}", "type": "rectanglelabels", "from_name": "box"}
        row |= {"to_name": "image", "image_rotation": 0, **size}
        row |= {"value": value | {"rectanglelabels": [box.label]}}
        results.append(row | ({} if box.confidence == 1 else {"score": box.confidence}))
    if picture.labels:
        row = {"id": "choices", "type": "choices", "from_name": "choice", "to_name": "image"}
        results.append(row | {"value": {"choices": [*picture.labels]}})
    return results


def _interface(labels: Sequence[str]) -> Element:
    """The labelling interface: rectangles and choices with these labels."""
    root = Element("View")
    xml.add(root, "Image", name="image", value="$image")
    rectangles = xml.add(root, "RectangleLabels", name="box", toName="image")
    choices = xml.add(root, "Choices", name="choice", toName="image", choice="multiple")
    for label in labels:
        xml.add(rectangles, "Label", value=label)
        xml.add(choices, "Choice", value=label)
    return root
