"""SageMaker Ground Truth manifests of videos: a line of JSON a sequence of frames.

`source-ref` is a sequence file, which lists the frames, and `<name>-ref` a SeqLabel.json, which
says what is on each, with the instance that a box is of where objects were tracked. Both, and the
frames, are looked for in the folder by the ends of their addresses, and nowhere else. A frame
that SeqLabel.json does not name was not labelled. Frames are judged as lines of pictures are: one
bad box makes a bad frame, and with more than a fifth of them bad or missing nothing is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.datasets.boxes import around, in_pixels, sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import TITLES
from analysis.datasets.formats.ground_truth.attributes import (
    BadLine,
    class_names,
    in_order,
    is_number,
    placed,
)
from analysis.datasets.formats.ground_truth.manifest import (
    NO_DATE,
    OURS,
    Reading,
    is_address,
    manifests,
    names_of,
    parsed,
    path_in_bucket,
    slug,
    write_categories,
    write_lines,
)
from analysis.datasets.picture_files import (
    Pictures,
    Shelf,
    displayed_size,
    put,
    said_size,
)
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem, Split
from analysis.datasets.video_frames import by_video
from analysis.errors import AnalysisError, UnreadableMedia

TITLE = TITLES["ground_truth_video"]
HOLDS = frozenset({"is_labelled", "split", "occluded", "track", "attributes", "video", "time_s"})
_TRACKING, _DETECTION = "groundtruth/video-object-tracking", "groundtruth/video-object-detection"
_LISTS = ("tracking-annotations", "detection-annotations")
_SHAPES = ("polygons", "polylines")  # have a box around them
_TRACK = re.compile(r"\d{1,9}")  # what we call an instance that is a track
_LOOSE = re.compile(r"box-\d+")  # and one that is a box without a track
_VISIBLE = ("", "no", "none", "false", "0")  # what the attribute “occluded” says of a whole thing
_HEAD_BYTES = 2**18  # of a manifest, which tell what it is of


def detects(folder: Path) -> bool:
    """Whether there is a manifest in the folder with a line that is of a video."""
    for path in manifests(folder):
        with path.open("rb") as file:
            if any(_is_of_video(parsed(text)) for text in file.readlines(_HEAD_BYTES)):
                return True
    return False


def _is_of_video(row: Any) -> bool:
    if not isinstance(row, dict):
        return False
    if str(row.get("source-ref")).lower().endswith(".json"):
        return True
    return any(_kind(value) in (_TRACKING, _DETECTION) for value in row.values())


def _kind(metadata: Any) -> str:
    """The type of a label attribute; a job that adjusts another's labels has one of its own."""
    kind = metadata.get("type") if isinstance(metadata, dict) else None
    return kind.removesuffix("-adjustment") if isinstance(kind, str) else ""


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The frames of the videos in `folder`. Raises AnalysisError where there is no manifest.

    Refusals of everything are problems that `fidelity.fatal` finds, with no pictures in the set.
    """
    if not manifests(folder):
        raise AnalysisError("There is no manifest: a file of JSON lines that ends in .manifest.")
    reading = _Videos(folder)
    reading.all()
    return reading.result("boxes"), reading.problems


class _Files:
    """What of the folder the addresses of a manifest mean."""

    def __init__(self, folder: Path) -> None:
        self.documents, self.pictures = Shelf(folder, (".json",)), Shelf(folder)

    def expect(self, rows: Iterable[Any]) -> None:
        """Hear all lines, so that no sequence gets the labels of another."""
        refs = (ref for row in rows for key, ref in _dict(row).items() if key.endswith("-ref"))
        self.documents.expect(path_in_bucket(ref) for ref in refs if isinstance(ref, str))

    def document(self, ref: str) -> tuple[str, Any]:
        """Where a file of JSON is, and what it says; None for none."""
        path = self.documents.find(path_in_bucket(ref))
        if path is None:
            return "", None
        return path.relative_to(self.documents.folder).as_posix(), parsed(path.read_bytes())

    def picture(self, ref: str) -> Path | None:
        return self.pictures.find(path_in_bucket(ref))


@dataclass(frozen=True)
class _Frame:
    """A frame that a sequence lists."""

    ref: str
    number: int
    time_s: float | None


@dataclass(frozen=True)
class _Labels:
    """What a line says of its sequence: SeqLabel.json with what its numbers mean."""

    where: str
    names: Mapping[str, str]
    date: str
    rows: Sequence[Any]


@dataclass(frozen=True)
class _Sequence:
    where: str
    video: str
    frames: Sequence[_Frame]
    size: tuple[int, int] | None  # as the line says it
    labels: _Labels | None
    split: Split | None


class _Videos(Reading):
    """Lines that are of a video each."""

    ROWS = "frames"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.files = _Files(folder)
        self.tracks: dict[str, dict[str, int]] = {}  # of each video: instance → number

    def all(self) -> None:
        """Read every line, and then the frames of those that can be used."""
        lines = list(self.lines())
        self.files.expect(row for row, _, _ in lines)
        sequences = [s for line in lines if (s := self.sequence(*line)) is not None]
        self.files.pictures.expect(path_in_bucket(f.ref) for s in sequences for f in s.frames)
        for sequence in sequences:
            self.take(sequence)

    def sequence(self, row: Any, where: str, split: Split | None) -> _Sequence | None:
        """What a line says, or None where it cannot be used, and then that is told."""
        try:
            return self._sequence(row, where, split)
        except BadLine as bad:
            self.n_rows += 1
            self.reject(where, bad)
            return None

    def _sequence(self, row: Any, where: str, split: Split | None) -> _Sequence:
        if not isinstance(row, dict):
            raise BadLine("ERROR_INVALID_JSON_LINE", "The line is not an object in JSON.")
        ref = row.get("source-ref")
        if ref is None:
            message = "The line does not say which sequence of frames it is of."
            raise BadLine("ERROR_MISSING_SOURCE_REF", message)
        if not is_address(ref):
            message = "source-ref is not an address like s3://bucket/folder/sequence.json."
            raise BadLine("ERROR_INVALID_SOURCE_REF_FORMAT", message)
        if not ref.lower().endswith(".json"):
            message = f"{ref} is no sequence of frames, as the other lines are."
            raise BadLine("ERROR_UNSUPPORTED_USE_CASE_TYPE", message)
        _, content = self.files.document(ref)
        if not isinstance(content, dict) or not isinstance(content.get("frames"), list):
            message = f"{ref} is not among the files, or lists no frames."
            raise BadLine("ERROR_INVALID_SEQUENCE", message)
        ours = row.get("video") if isinstance(row.get("video"), str) else None
        prefix = str(content.get("prefix") or ref.rpartition("/")[0]).rstrip("/")
        return _Sequence(
            where,
            ours or prefix.removeprefix("s3://"),
            list(_frames(content["frames"], prefix, where, is_ours=ours is not None)),
            _size(row.get("image_size")),
            self._labels(row, where),
            split,
        )

    def _labels(self, row: dict[str, Any], where: str) -> _Labels | None:
        """The newest labels of a line; None where nobody labelled it."""
        keys = [key for key in row if f"{key}-metadata" in row]
        if not keys:
            if any(key.endswith("-metadata") for key in row):
                message = "No attribute of the line has metadata, so none can be labels."
                raise BadLine("ERROR_NO_LABEL_ATTRIBUTES", message)
            self.warn(where, "WARNING_UNANNOTATED_RECORD", "Nobody labelled this sequence.")
            return None
        dated = {key: str(_dict(row[f"{key}-metadata"]).get("creation-date") or "") for key in keys}
        key = max(keys, key=lambda key: dated[key])
        metadata = row[f"{key}-metadata"]
        if not isinstance(metadata, dict) or not isinstance(metadata.get("type"), str):
            message = f"{key}-metadata does not say which type {key} is."
            raise BadLine("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT", message)
        if _kind(metadata) not in (_TRACKING, _DETECTION):
            message = f"{key} is of the type {metadata['type']}."
            raise BadLine("ERROR_UNSUPPORTED_USE_CASE_TYPE", message)
        names = class_names(key, metadata)
        self.labels |= dict.fromkeys(in_order(names))
        file, content = self.files.document(str(row[key]))
        rows = next((r for name in _LISTS if isinstance(r := _dict(content).get(name), list)), None)
        if rows is None:
            message = f"{row[key]} is not among the files, or holds no annotations of frames."
            raise BadLine("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", message)
        return _Labels(file, names, dated[key].replace(NO_DATE, ""), rows)

    # --- frames ---------------------------------------------------------------------------

    def take(self, sequence: _Sequence) -> None:
        """Take the frames of a line, each that is good."""
        files = {frame.ref: self.files.picture(frame.ref) for frame in sequence.frames}
        size = sequence.size or self._measured(files.values())
        if size is None:
            self.n_rows += len(sequence.frames)
            self.n_bad += max(len(sequence.frames) - 1, 0)
            message = "None of its frames is among the files, and nothing says how large they are."
            self.reject(sequence.where, BadLine("ERROR_INVALID_IMAGE", message))
            return
        said = self._said(sequence)
        for frame in sequence.frames:
            if self.has_too_many(sequence.where):
                return
            self.n_rows += 1
            where = f"{sequence.labels.where if sequence.labels else sequence.where}, {frame.ref}"
            try:
                picture = self._picture(sequence, frame, files[frame.ref], size, where)
                row = said.get(frame.number)
                if row is not None and sequence.labels is not None:
                    picture = self._labelled(picture, row, sequence.labels, where)
            except BadLine as bad:
                self.reject(where, bad)
            else:
                self.keep(picture, where)

    def _measured(self, paths: Iterable[Path | None]) -> tuple[int, int] | None:
        for path in paths:
            try:
                if path is not None:
                    return displayed_size(path)
            except UnreadableMedia:
                continue
        return None

    def _said(self, sequence: _Sequence) -> dict[int, dict[str, Any]]:
        """What SeqLabel.json says of each frame, by number: found by name, else by its number."""
        labels = sequence.labels
        if labels is None:
            return {}
        by_name = {frame.ref.rpartition("/")[2]: frame.number for frame in sequence.frames}
        numbers = {frame.number for frame in sequence.frames}
        said: dict[int, dict[str, Any]] = {}
        for row in labels.rows:
            number = by_name.get(str(_dict(row).get("frame", "")).rpartition("/")[2])
            if number is None:
                number = _whole(_dict(row).get("frame-no"))
            if number not in numbers:
                message = "It says something of a frame that its sequence does not have."
                self.problems.append(Problem(labels.where, "ERROR_INVALID_LINE", message))
                continue
            said[number] = row
        if any("frame-attributes" in row for row in said.values()):
            message = "Attributes of whole frames have no place here; they are left out."
            self.warn(labels.where, "WARNING_FRAME_ATTRIBUTES", message)
        if n := len(sequence.frames) - len(said):
            message = f"{n:,} of its {len(sequence.frames):,} frames were not labelled."
            self.warn(labels.where, "WARNING_UNANNOTATED_RECORD", message)
        return said

    def _picture(
        self,
        sequence: _Sequence,
        frame: _Frame,
        path: Path | None,
        size: tuple[int, int],
        where: str,
    ) -> LabelledPicture:
        if path is None and self.files.pictures.files:
            self.n_missing += 1
            self.warn(where, "ERROR_INVALID_IMAGE", "The frame is missing; its labels are kept.")
        try:
            own = displayed_size(path) if path else size
        except UnreadableMedia as error:
            raise BadLine("ERROR_INVALID_IMAGE", error.message) from error
        if own != size:
            message = (
                f"It has {own[0]} × {own[1]} pixels, others of its video {size[0]} × {size[1]}."
            )
            raise BadLine("ERROR_INVALID_IMAGE_DIMENSION", message)
        return LabelledPicture(
            frame.ref.removeprefix(OURS),
            *size,
            is_labelled=False,
            split=sequence.split,
            file=str(path or ""),
            video=sequence.video,
            frame=frame.number,
            time_s=frame.time_s,
        )

    def _labelled(
        self, picture: LabelledPicture, row: dict[str, Any], labels: _Labels, where: str
    ) -> LabelledPicture:
        """The frame with what is on it. Raises BadLine for one box that is not good."""
        size = picture.width, picture.height
        boxes = [
            self._box(value, labels, size, picture.video) for value in _values(row, "annotations")
        ]
        for kind in _SHAPES:
            for value in _values(row, kind):
                boxes.append(self._box(_around(value), labels, size, picture.video))
                message = f"“{boxes[-1].label}” is one of {kind}; the box around it is kept."
                self.warn(where, "WARNING_SHAPE", message)
        if _values(row, "keypoints"):
            message = "Points have no box; they are left out."
            self.problems.append(Problem(where, "ERROR_UNSUPPORTED_USE_CASE_TYPE", message))
        elif not boxes:
            message = "Nothing is marked on this frame; it is kept as one without anything."
            self.warn(where, "WARNING_NO_ANNOTATIONS", message)
        kept, problems = sound(boxes, where)
        self.problems += problems
        return replace(picture, boxes=kept, is_labelled=True, changed=labels.date)

    def _box(
        self, value: dict[str, Any], labels: _Labels, size: tuple[int, int], video: str
    ) -> LabelledBox:
        number = str(value.get("class-id", value.get("class_id")))
        if number not in labels.names:
            message = f"The class-map has no class {number}."
            raise BadLine("ERROR_MISSING_CLASS_MAP_ID", message)
        label = labels.names[number]
        box = placed(value, label, size)
        attributes = dict(_dict(value.get("label-category-attributes")))
        says = str(attributes.get("occluded", "")).casefold()
        if says == "yes":
            del attributes["occluded"]  # that is what we write
        track = self._track(video, value.get("object-id"))
        return LabelledBox(label, box, says not in _VISIBLE, track, attributes=attributes)

    def _track(self, video: str, instance: Any) -> int | None:
        if instance is None or _LOOSE.fullmatch(str(instance)):
            return None
        if _TRACK.fullmatch(str(instance)):
            return int(instance)
        numbers = self.tracks.setdefault(video, {})
        return numbers.setdefault(str(instance), len(numbers))


def _frames(rows: Sequence[Any], prefix: str, where: str, *, is_ours: bool) -> Iterator[_Frame]:
    for position, row in enumerate(rows):
        name = _dict(row).get("frame")
        if not isinstance(name, str) or not name:
            message = f"The sequence of {where} has a frame without a name."
            raise BadLine("ERROR_INVALID_SEQUENCE", message)
        number = _whole(row.get("frame-no"))
        # Elsewhere it is when the camera saw it, which is no moment of the video.
        time: Any = row.get("unix-timestamp") if is_ours else None
        time_s = float(time) if is_number(time) else None
        ref = f"{prefix}/{name.lstrip('/')}"
        yield _Frame(ref, position if number is None else number, time_s)


def _size(value: Any) -> tuple[int, int] | None:
    first = _dict(value[0]) if isinstance(value, list) and value else {}
    return said_size(first.get("width"), first.get("height"))


def _around(value: dict[str, Any]) -> dict[str, Any]:
    """A shape as the box around it. Raises BadLine."""
    try:
        x1, y1, x2, y2 = around((float(p["x"]), float(p["y"])) for p in value["vertices"])
    except (KeyError, TypeError, ValueError):
        message = "A shape does not have its corners in numbers."
        raise BadLine("ERROR_INVALID_BOUNDING_BOX", message) from None
    return value | {"left": x1, "top": y1, "width": x2 - x1, "height": y2 - y1}


def _values(row: dict[str, Any], name: str) -> list[dict[str, Any]]:
    values = row.get(name, [])
    if not isinstance(values, list):
        message = f"It holds no list of {name}."
        raise BadLine("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", message)
    return [_dict(value) for value in values]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int | None:
    """A number of a frame, also where it is written as text."""
    text = str(value)
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None


# --- writing ------------------------------------------------------------------------------


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """A manifest for each split, `sequences/`, `labels/`, `images/`; returns what is lost.

    What never was in a bucket gets s3://sightline/: replace it by where you put the folder. Frames
    are in whole pixels; a video without any track is written as one of plain detections.
    """
    kept, problems = reduce(labelled, HOLDS, TITLE)
    kept = replace(kept, name=labelled.name)  # the labels' attribute is called by it
    names = names_of(kept.pictures)
    lines: dict[Split | None, list[dict[str, Any]]] = {}
    for part in _parts(kept, names):
        videos, left_out = by_video(part, TITLE)
        problems += left_out
        for video, frames in videos.items():
            told = put(frames, names, pictures, lambda p: folder / "images" / names[p.source])
            problems += [p for p in told if p.code != "RENAMED" or "://" not in p.where]
            number = sum(map(len, lines.values()))
            line = _write_sequence(kept, video, frames, names, number, folder)
            lines.setdefault(frames[0].split, []).append(line)
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder, lines)
    write_categories(folder, kept.labels, "2020-03-01")
    return problems


def _ref(picture: LabelledPicture, names: Mapping[str, str]) -> str:
    return picture.source if is_address(picture.source) else f"{OURS}{names[picture.source]}"


def _parts(labelled: LabelledSet, names: Mapping[str, str]) -> Iterator[LabelledSet]:
    """The pictures of each split and folder: what one sequence can be of."""
    parts: dict[tuple[str, str], list[LabelledPicture]] = {}
    for picture in labelled.pictures:
        prefix = _ref(picture, names).rpartition("/")[0]
        parts.setdefault((picture.split or "", prefix), []).append(picture)
    for pictures in parts.values():
        yield replace(labelled, pictures=pictures)


def _write_sequence(
    labelled: LabelledSet,
    video: str,
    frames: Sequence[LabelledPicture],
    names: Mapping[str, str],
    number: int,
    folder: Path,
) -> dict[str, Any]:
    """The files of a video, and its line."""
    prefix = _ref(frames[0], names).rpartition("/")[0] + "/"
    called = {p.source: _ref(p, names).removeprefix(prefix) for p in frames}
    sequence = {
        "seq-no": number + 1,
        "prefix": prefix,
        "number-of-frames": len(frames),
        "frames": [_listed(p, called[p.source]) for p in frames],
    }
    _save(folder / "sequences" / f"{number}.json", sequence)
    size = {"width": frames[0].width, "height": frames[0].height, "depth": 3}
    line: dict[str, Any] = {"source-ref": f"{OURS}sequences/{number}.json"}
    line |= {"video": video, "image_size": [size]}  # further keys of a line are kept by AWS too
    done = [p for p in frames if p.is_labelled]
    if not done:
        return line
    is_tracked = any(box.track is not None for p in done for box in p.boxes)
    rows = _annotated(labelled.labels, done, called, is_tracked=is_tracked)
    _save(folder / "labels" / str(number) / "SeqLabel.json", {_LISTS[not is_tracked]: rows})
    key = f"{slug(labelled.name)}-ref"
    line[key] = f"{OURS}labels/{number}/SeqLabel.json"
    line[f"{key}-metadata"] = {
        "class-map": {str(n): label for n, label in enumerate(labelled.labels)},
        "job-name": f"labeling-job/{key}",
        "human-annotated": "yes",
        "creation-date": NO_DATE,
        "type": _TRACKING if is_tracked else _DETECTION,
    }
    return line


def _save(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _listed(picture: LabelledPicture, name: str) -> dict[str, Any]:
    time = {} if picture.time_s is None else {"unix-timestamp": picture.time_s}
    return {"frame-no": picture.frame, **time, "frame": name}


def _annotated(
    labels: Sequence[str],
    frames: Sequence[LabelledPicture],
    called: Mapping[str, str],
    *,
    is_tracked: bool,
) -> list[dict[str, Any]]:
    """What is on each frame, with the instances in the order in which they appear."""
    instances: dict[str, dict[str, int]] = {}  # of a label: instance → its number
    n_loose = 0
    rows = []
    for frame in frames:
        values = []
        for box in frame.boxes:
            value = _annotation(labels, frame, box)
            if is_tracked:
                instance = f"box-{n_loose}" if box.track is None else str(box.track)
                n_loose += box.track is None
                known = instances.setdefault(box.label, {})
                n = known.setdefault(instance, len(known) + 1)
                value |= {"object-id": instance, "object-name": f"{box.label}:{n}"}
            values.append(value)
        row = {"annotations": values, "frame-no": str(frame.frame), "frame": called[frame.source]}
        rows.append(row)
    return rows


def _annotation(labels: Sequence[str], frame: LabelledPicture, box: LabelledBox) -> dict[str, Any]:
    x1, y1, x2, y2 = (round(v) for v in in_pixels(box.box, frame.width, frame.height))
    says = str(box.attributes.get("occluded", "")).casefold()
    is_said = (says not in _VISIBLE) == box.occluded
    return {
        "height": y2 - y1,
        "width": x2 - x1,
        "top": y1,
        "left": x1,
        "class-id": str(list(labels).index(box.label)),
        "label-category-attributes": {
            **box.attributes,
            **({} if is_said else {"occluded": "yes" if box.occluded else "no"}),
        },
    }
