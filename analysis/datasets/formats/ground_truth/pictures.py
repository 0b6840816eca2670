"""SageMaker Ground Truth augmented manifests: a line of JSON a picture, boxes in whole pixels.

The attribute that holds the boxes is named freely, and `<name>-metadata` beside it says what the
class numbers mean. A line with one bad box is a bad line, and with more than a fifth of the lines
bad, or their pictures missing, nothing is taken. Answers of human loops (A2I `output.json`) read
like lines. Manifests of videos are read by `ground_truth_video`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from analysis.datasets.boxes import in_pixels, sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import TITLES
from analysis.datasets.formats.ground_truth import video as ground_truth_video
from analysis.datasets.formats.ground_truth.attributes import BOXES, CHOICES, Attribute, BadLine
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
    Measured,
    Pictures,
    Shelf,
    measured,
    put,
)
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem, Split, Task
from analysis.errors import AnalysisError

TITLE = TITLES["ground_truth"]
HOLDS = frozenset({"labels", "is_labelled", "split", "confidence", "changed"})

# What Rekognition trains on. We take more, and say so.
_THEIR_BOXES = 50
_THEIR_SIDES = range(64, 4097)
_THEIR_SHAPE = 20  # times as wide as high, or the other way round: below that
_THEIR_BYTES = 15 * 10**6
_THEIR_FILES = (".jpg", ".jpeg", ".png")
_THEIR_TRAINING_SIDE = 1280  # pixels that it makes a larger picture's longer side


def detects(folder: Path) -> bool:
    """Whether there is a manifest, or an answer of a human loop, in the folder."""
    return bool(manifests(folder)) or any(True for _ in _answers(folder))


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set of all manifests in `folder`; of a picture that several lines have, the newest.

    Raises AnalysisError where there is no manifest. Refusals of a whole manifest are problems
    that `fidelity.fatal` finds, with no pictures in the set.
    """
    if ground_truth_video.detects(folder):
        return ground_truth_video.read(folder)
    answers = [(where, _line_of(answer), None) for where, answer in _answers(folder)]
    if not manifests(folder) and not answers:
        raise AnalysisError("There is no manifest: a file of JSON lines that ends in .manifest.")
    reading = _Pictures(folder, [row for _, row, _ in answers])
    for row, where, split in reading.lines():
        reading.line(row, where, split)
    for where, row, split in answers:
        reading.line(row, where, split)
    task: Task = "concept" if reading.has_choices and not reading.has_boxes else "boxes"
    return reading.result(task), reading.problems


class _Pictures(Reading):
    """Lines that are of a picture each."""

    def __init__(self, folder: Path, answers: Sequence[Any]) -> None:
        super().__init__(folder)
        self.shelf = Shelf(folder)
        self.has_boxes = self.has_choices = False
        rows = (row for row, _, _ in Reading(folder).lines())
        self.shelf.expect(path_in_bucket(_ref(row)) for row in chain(rows, answers))

    def line(self, row: Any, where: str, split: Split | None) -> None:
        """Take one line, or tell why not."""
        self.n_rows += 1
        try:
            picture = self._picture(row, where)
        except BadLine as bad:
            self.reject(where, bad)
            return
        self.keep(replace(picture, split=split), where)

    # --- a line ---------------------------------------------------------------------------

    def _picture(self, row: Any, where: str) -> LabelledPicture:
        if not isinstance(row, dict):
            raise BadLine("ERROR_INVALID_JSON_LINE", "The line is not an object in JSON.")
        ref = row.get("source-ref")
        if ref is None:
            raise BadLine(
                "ERROR_MISSING_SOURCE_REF", "The line does not say which picture it is of."
            )
        if not is_address(ref):
            message = "source-ref is not an address like s3://bucket/folder/picture.jpg."
            raise BadLine("ERROR_INVALID_SOURCE_REF_FORMAT", message)
        attributes = self._attributes(row, where)
        boxes = [a for a in attributes if a.kind == BOXES]
        choices = [a for a in attributes if a.kind != BOXES]
        # A job that adjusts another's boxes adds an attribute of its own: the newest counts.
        newest = max(boxes, key=lambda a: a.date, default=None)
        found, size = self._file(ref, newest.size() if newest else None, where)
        for empty in (a for a in boxes if not a.boxes()):
            message = f"{empty.key} has no annotations."
            self.warn(where, "WARNING_NO_ATTRIBUTE_ANNOTATIONS", message)
        picture = LabelledPicture(
            ref.removeprefix(OURS),
            *size,
            boxes=self._sound(found.turned(newest.boxes()), size, where) if newest else (),
            labels=tuple(dict.fromkeys(name for a in choices for name in a.choices())),
            is_labelled=bool(attributes),
            file=str(found.path or ""),
            changed=max((a.date for a in attributes), default="").replace(NO_DATE, ""),
            extra=_notes(row, newest),
        )
        self.has_boxes |= bool(boxes)
        self.has_choices |= bool(choices)
        for attribute in attributes:
            self.labels |= dict.fromkeys(attribute.names())
        return picture

    def _attributes(self, row: dict[str, Any], where: str) -> list[Attribute]:
        """The label attributes of a line; raises the first fault when none of them is good."""
        others = [key for key in row if key != "source-ref"]
        if not others:
            message = "Nobody labelled this picture."
            self.warn(where, "WARNING_UNANNOTATED_RECORD", message)
            return []
        for key in others:
            if key.endswith("-metadata") and key.removesuffix("-metadata") not in row:
                message = f"There is {key}, and not what it is about."
                raise BadLine("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", message)
        named = [key for key in others if f"{key}-metadata" in row]
        if not named:
            message = "No attribute of the line has metadata, so none can be labels."
            raise BadLine("ERROR_NO_LABEL_ATTRIBUTES", message)
        good, faults = [], []
        for key in named:
            try:
                good.append(Attribute.of(key, row[key], row[f"{key}-metadata"]))
            except BadLine as bad:
                faults.append(bad)
        if len(faults) > 1 and not good:
            codes = ", ".join(sorted({fault.code for fault in faults}))
            message = f"None of its {len(faults)} label attributes can be used ({codes})."
            raise BadLine("ERROR_NO_VALID_LABEL_ATTRIBUTES", message)
        if faults:
            raise faults[0]
        return good

    def _sound(
        self, boxes: list[LabelledBox], size: tuple[int, int], where: str
    ) -> tuple[LabelledBox, ...]:
        """The boxes of a line. One that is not good makes the line bad."""
        if not boxes:
            message = "Nothing is marked on this picture; it is kept as one without anything."
            self.warn(where, "WARNING_NO_ANNOTATIONS", message)
        if len(boxes) > _THEIR_BOXES:
            message = f"There are {len(boxes)} boxes; Rekognition takes {_THEIR_BOXES}."
            self.warn(where, "ERROR_TOO_MANY_BOUNDING_BOXES", message)
        scale = min(1.0, _THEIR_TRAINING_SIDE / max(size))
        shortest = [min(b.box.width * size[0], b.box.height * size[1]) * scale for b in boxes]
        if n_small := sum(side <= 1 for side in shortest):
            message = f"{n_small} of its boxes {'is' if n_small == 1 else 'are'} a pixel at most "
            message += f"in a picture of {_THEIR_TRAINING_SIDE:,}; Rekognition wants more."
            self.warn(where, "ERROR_BOUNDING_BOX_TOO_SMALL", message)
        kept, problems = sound(boxes, where)
        self.problems += problems
        return kept

    def _file(
        self, ref: str, said: tuple[int, int] | None, where: str
    ) -> tuple[Measured, tuple[int, int]]:
        """The picture's file, if it is here, and the size of the picture as it is shown."""
        path = self.shelf.find(path_in_bucket(ref))
        if path is None:
            if said is None:
                message = f"{ref} is missing, and nothing says how large it is."
                raise BadLine("ERROR_INVALID_IMAGE", message)
            if self.shelf.files:
                self.n_missing += 1
                message = f"{ref} is missing; its labels are kept."
                self.warn(where, "ERROR_INVALID_IMAGE", message)
            return Measured(None, said, []), said
        found = measured(self.shelf, path_in_bucket(ref), said)
        size = found.size
        if size is None:
            raise BadLine("ERROR_INVALID_IMAGE", found.problems[0].message)
        if said is not None and said != size and found.orientation == 1:
            message = (
                f"The line is for {said[0]} × {said[1]} pixels; {path.name} has "
                f"{size[0]} × {size[1]}."
            )
            raise BadLine("ERROR_INVALID_IMAGE_DIMENSION", message)
        for problem in found.problems:
            self.warn(where, problem.code, problem.message)
        self._tell_limits(path, size, where)
        return found, size

    def _tell_limits(self, path: Path, size: tuple[int, int], where: str) -> None:
        """Tell where a picture that we take is not one that Rekognition takes."""
        if not all(side in _THEIR_SIDES for side in size):
            message = f"{size[0]} × {size[1]} pixels; Rekognition takes 64 to 4,096 a side."
            self.warn(where, "ERROR_INVALID_IMAGE_DIMENSION", message)
        if path.suffix.lower() not in _THEIR_FILES:
            message = f"Rekognition takes JPEG and PNG; {path.name} is neither."
            self.warn(where, "ERROR_INVALID_IMAGE", message)
        if path.stat().st_size > _THEIR_BYTES:
            message = f"{path.name} has {path.stat().st_size / 1e6:.0f} MB; Rekognition takes 15."
            self.warn(where, "ERROR_INVALID_IMAGE", message)
        if max(size) >= _THEIR_SHAPE * min(size):
            message = f"{size[0]} × {size[1]} pixels; Rekognition takes less than 20 to 1."
            self.warn(where, "ERROR_INVALID_IMAGE", message)


def _ref(row: Any) -> str:
    return str(row.get("source-ref") or "") if isinstance(row, dict) else ""


def _notes(row: dict[str, Any], attribute: Attribute | None) -> dict[str, Any]:
    """What the line says beyond pictures, boxes and labels: kept, and written again."""
    if attribute is None:
        return {}
    ours = {"class-map", "objects", "creation-date", "type"}
    size = attribute.value["image_size"][0]
    notes = {
        "attribute": attribute.key,
        "metadata": {k: v for k, v in attribute.metadata.items() if k not in ours},
        "depth": size.get("depth", 3),
    }
    return {"ground_truth": notes}


# --- human loops --------------------------------------------------------------------------


def _answers(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.rglob("output.json")):
        content = parsed(path.read_bytes())
        if isinstance(content, dict) and isinstance(content.get("humanAnswers"), list):
            yield path.relative_to(folder).as_posix(), content


def _line_of(answer: dict[str, Any]) -> Any:
    """A human loop's answer as a line of a manifest: of several people's the last."""
    try:
        last = max(answer["humanAnswers"], key=lambda a: str(a["submissionTime"]))
        result = last["answerContent"]["annotatedResult"]
        rows, size = result["boundingBoxes"], result["inputImageProperties"]
        labels = list(dict.fromkeys(row["label"] for row in rows))
        sides = ("left", "top", "width", "height")
        boxes = [
            {s: row[s] for s in sides} | {"class_id": labels.index(row["label"])} for row in rows
        ]
        return {
            "source-ref": answer["inputContent"]["taskObject"],
            "a2i_BB": {"annotations": boxes, "image_size": [{**size, "depth": 3}]},
            "a2i_BB-metadata": {
                "job-name": f"a2i/{answer['humanLoopName']}",
                "class-map": {str(n): label for n, label in enumerate(labels)},
                "human-annotated": "yes",
                "objects": [{"confidence": 1} for _ in rows],
                "creation-date": last["submissionTime"],
                "type": BOXES,
            },
        }
    except (LookupError, TypeError, ValueError):
        return None


# --- writing ------------------------------------------------------------------------------


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """A manifest for each split and `images/`; returns what a manifest cannot hold.

    Pictures that never were in a bucket get s3://sightline/: replace it by where you put them.
    """
    kept, problems = reduce(labelled, HOLDS | {"extra"}, TITLE)
    kept = replace(kept, name=labelled.name)  # the labels' attribute is called by it
    names = names_of(kept.pictures)
    told = put(kept.pictures, names, pictures, lambda p: folder / "images" / names[p.source])
    # What has an address keeps it, whatever its file is called.
    problems += [p for p in told if p.code != "RENAMED" or "://" not in p.where]
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[Split | None, list[dict[str, Any]]] = {}
    for picture in kept.pictures:
        line = _line(kept, picture, names[picture.source])
        lines.setdefault(picture.split, []).append(line)
    write_lines(folder, lines)
    write_categories(folder, kept.labels, "2018-11-28")
    return problems


def _line(labelled: LabelledSet, picture: LabelledPicture, name: str) -> dict[str, Any]:
    ref = picture.source if is_address(picture.source) else f"{OURS}{name}"
    line: dict[str, Any] = {"source-ref": ref}
    if not picture.is_labelled:
        return line
    called = slug(labelled.name)
    if labelled.task == "boxes":
        notes = dict(picture.extra.get("ground_truth") or {})
        key = str(notes.get("attribute") or f"{called}_BB")
        line[key] = _annotations(labelled, picture, notes.get("depth", 3))
        objects = [{"confidence": _short(b.confidence)} for b in picture.boxes]
        line[f"{key}-metadata"] = _metadata(
            labelled, picture, key, BOXES, notes.get("metadata"), objects=objects
        )
    if picture.labels or labelled.task == "concept":
        numbers = [list(labelled.labels).index(label) for label in picture.labels]
        sure = {str(number): 1 for number in numbers}
        line[called] = numbers
        line[f"{called}-metadata"] = _metadata(
            labelled, picture, called, CHOICES[1], None, **{"confidence-map": sure}
        )
    return line


def _annotations(labelled: LabelledSet, picture: LabelledPicture, depth: Any) -> dict[str, Any]:
    rows = []
    for box in picture.boxes:
        x1, y1, x2, y2 = (round(v) for v in in_pixels(box.box, picture.width, picture.height))
        place = {"left": x1, "top": y1, "width": x2 - x1, "height": y2 - y1}
        rows.append(place | {"class_id": list(labelled.labels).index(box.label)})
    size = {"width": picture.width, "height": picture.height, "depth": depth}
    return {"annotations": rows, "image_size": [size]}


def _metadata(
    labelled: LabelledSet,
    picture: LabelledPicture,
    key: str,
    kind: str,
    noted: Any,
    **more: Any,
) -> dict[str, Any]:
    own = {"job-name": f"labeling-job/{key}", "human-annotated": "yes"}
    noted = noted if isinstance(noted, dict) else {}
    class_map = {str(number): label for number, label in enumerate(labelled.labels)}
    date = picture.changed or NO_DATE
    return {**own, **noted, "class-map": class_map, **more, "creation-date": date, "type": kind}


def _short(confidence: float) -> float:
    return int(confidence) if confidence == int(confidence) else confidence
