"""SageMaker Ground Truth augmented manifests: a line of JSON a picture, boxes in whole pixels.

The attribute that holds the boxes is named freely, and `<name>-metadata` beside it says what the
class numbers mean. Lines are judged as Rekognition Custom Labels judges them, with its codes: a
line with one bad box is a bad line, and with more than a fifth of the lines bad, or their
pictures missing, nothing is taken. Answers of human loops (A2I `output.json`) read like lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.datasets.boxes import in_pixels, sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.ground_truth_attributes import BOXES, CHOICES, Attribute, BadLine
from analysis.datasets.merging import is_newer
from analysis.datasets.picture_files import Pictures, Shelf, displayed_size, file_names, put
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem, Split, Task
from analysis.errors import AnalysisError, UnreadableMedia

TITLE = "Ground Truth"
HOLDS = frozenset({"labels", "is_labelled", "split", "confidence", "changed"})
_FILES: dict[Split | None, str] = {
    "train": "train.manifest",
    "val": "validation.manifest",
    "test": "test.manifest",
    None: "output.manifest",
}
_SPLIT = re.compile(r"(?<![a-z])(train|val|test)")
_OURS = "s3://sightline/"  # stands for the bucket that pictures without one will be put in
_S3 = re.compile(r"s3://[^/\s]+/\S(.*\S)?")
_NO_DATE = "1970-01-01T00:00:00.000Z"  # a date must be there, and nobody knows it
_CATEGORIES = "label_categories.json"

_MAX_BYTES = 10**9
_MAX_ROWS = 250_000
_MAX_LABELS = 250
_BAD_SHARE = 0.2
# What Rekognition trains on. We take more, and say so.
_THEIR_BOXES = 50
_THEIR_SIDES = range(64, 4097)


def detects(folder: Path) -> bool:
    """Whether there is a manifest, or an answer of a human loop, in the folder."""
    return bool(_manifests(folder)) or any(True for _ in _answers(folder))


def _manifests(folder: Path) -> list[Path]:
    files = [p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]
    return sorted(p for p in files if p.suffix == ".manifest" or _has_lines(p))


def _has_lines(path: Path) -> bool:
    """Whether a file of JSON lines, of which there are many kinds, begins like a manifest."""
    if path.suffix != ".jsonl":
        return False
    with path.open("rb") as file:
        return b'"source-ref"' in file.read(4096)


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set of all manifests in `folder`; of a picture that several lines have, the newest.

    Raises AnalysisError where there is no manifest. Refusals of a whole manifest are problems
    that `fidelity.fatal` finds, with no pictures in the set.
    """
    shelf = Shelf(folder)
    reading = _Reading(shelf)
    paths = _manifests(folder)
    for path in paths:
        reading.manifest(path, path.relative_to(folder).as_posix())
    answers = list(_answers(folder))
    for where, answer in answers:
        reading.line(_line_of(answer), where, None)
    if not paths and not answers:
        raise AnalysisError("There is no manifest: a file of JSON lines that ends in .manifest.")
    reading.labels = dict.fromkeys(_categories(folder)) | reading.labels
    reading.judge()
    return reading.result(), reading.problems


class _Reading:
    """The lines read so far: pictures, labels, problems, and how many lines were bad."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.pictures: dict[str, LabelledPicture] = {}
        self.labels: dict[str, None] = {}
        self.problems: list[Problem] = []
        self.n_lines = self.n_bad = self.n_missing = 0
        self.has_boxes = self.has_choices = False

    def manifest(self, path: Path, where: str) -> None:
        if path.stat().st_size > _MAX_BYTES:
            message = "The manifest is larger than 1 GB."
            self.problems.append(Problem(where, "ERROR_MANIFEST_SIZE_TOO_LARGE", message))
            return
        found = _SPLIT.search(path.stem.lower())
        split: Split | None = found[1] if found else None  # type: ignore[assignment]
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if not text.strip():
                    continue
                if self.n_lines >= _MAX_ROWS:
                    message = f"There are more than {_MAX_ROWS:,} lines."
                    code = "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM"
                    self.problems.append(Problem(where, code, message))
                    return
                self.line(_parsed(text), f"{where}, line {number}", split)

    def line(self, row: Any, where: str, split: Split | None) -> None:
        """Take one line, or tell why not."""
        self.n_lines += 1
        try:
            picture = self._picture(row, where)
        except BadLine as bad:
            self.n_bad += 1
            self.problems.append(Problem(where, bad.code, bad.message))
            return
        before = self.pictures.get(picture.source)
        if before is not None:
            message = f"{picture.source} has several lines; the newest counts."
            self._warn(where, "WARNING_DUPLICATE_SOURCE", message)
            if is_newer(before, picture):
                return
        self.pictures[picture.source] = replace(picture, split=split)

    def _warn(self, where: str, code: str, message: str) -> None:
        self.problems.append(Problem(where, code, message, is_error=False))

    def judge(self) -> None:
        """Refuse everything where too much is wrong."""
        bad = self.n_bad + self.n_missing
        if not self.n_lines:
            self._refuse("ERROR_EMPTY_MANIFEST", "There is not one line in the manifest.")
        elif bad > _BAD_SHARE * self.n_lines:
            message = (
                f"{bad} of {self.n_lines} lines cannot be used ({bad / self.n_lines:.1%}), with "
                f"{self.n_missing} pictures missing among them. More than 20 % is too many."
            )
            self._refuse("ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", message)
        elif len(self.labels) > _MAX_LABELS:
            message = f"There are {len(self.labels)} labels; {_MAX_LABELS} is the most."
            self._refuse("ERROR_MANIFEST_TOO_MANY_LABELS", message)
        elif not self.labels:
            self._refuse("ERROR_MANIFEST_TOO_FEW_LABELS", "There is no label in the manifest.")

        self._compare_splits()

    def _compare_splits(self) -> None:
        """Tell where training and testing are of different things; Rekognition refuses that."""
        used: dict[Split, set[str]] = {}
        for picture in self.pictures.values():
            if picture.split:
                names = {box.label for box in picture.boxes} | {*picture.labels}
                used.setdefault(picture.split, set()).update(names)
        train, test = used.get("train"), used.get("test")
        if train and test and len(train & test) < len(train | test) / 2:
            message = (
                f"Training and testing share {len(train & test)} of {len(train | test)} labels; "
                "Rekognition wants half."
            )
            self._warn("The manifests", "ERROR_INSUFFICIENT_LABEL_OVERLAP", message)

    def _refuse(self, code: str, message: str) -> None:
        self.problems.insert(0, Problem("The manifest", code, message))
        self.pictures = {}

    def result(self) -> LabelledSet:
        task: Task = "concept" if self.has_choices and not self.has_boxes else "boxes"
        return LabelledSet(task, tuple(self.labels), tuple(self.pictures.values()))

    # --- a line ---------------------------------------------------------------------------

    def _picture(self, row: Any, where: str) -> LabelledPicture:
        if not isinstance(row, dict):
            raise BadLine("ERROR_INVALID_JSON_LINE", "The line is not an object in JSON.")
        ref = row.get("source-ref")
        if ref is None:
            raise BadLine(
                "ERROR_MISSING_SOURCE_REF", "The line does not say which picture it is of."
            )
        if not isinstance(ref, str) or not _S3.fullmatch(ref):
            message = "source-ref is not an address like s3://bucket/folder/picture.jpg."
            raise BadLine("ERROR_INVALID_SOURCE_REF_FORMAT", message)
        attributes = self._attributes(row, where)
        boxes = [a for a in attributes if a.kind == BOXES]
        choices = [a for a in attributes if a.kind != BOXES]
        # A job that adjusts another's boxes adds an attribute of its own: the newest counts.
        newest = max(boxes, key=lambda a: a.date, default=None)
        path, size = self._file(ref, newest.size() if newest else None, where)
        picture = LabelledPicture(
            ref.removeprefix(_OURS),
            *size,
            boxes=self._sound(newest, where) if newest else (),
            labels=tuple(dict.fromkeys(name for a in choices for name in a.choices())),
            is_labelled=bool(attributes),
            file=str(path or ""),
            changed=max((a.date for a in attributes), default="").replace(_NO_DATE, ""),
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
            self._warn(where, "WARNING_UNANNOTATED_RECORD", message)
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

    def _sound(self, attribute: Attribute, where: str) -> tuple[LabelledBox, ...]:
        """The boxes of a line. One that is not good makes the line bad."""
        boxes = attribute.boxes()
        if not boxes:
            message = "Nothing is marked on this picture; it is kept as one without anything."
            self._warn(where, "WARNING_NO_ANNOTATIONS", message)
        if len(boxes) > _THEIR_BOXES:
            message = f"There are {len(boxes)} boxes; Rekognition takes {_THEIR_BOXES}."
            self._warn(where, "ERROR_TOO_MANY_BOUNDING_BOXES", message)
        kept, problems = sound(boxes, where)
        self.problems += problems
        return kept

    def _file(
        self, ref: str, said: tuple[int, int] | None, where: str
    ) -> tuple[Path | None, tuple[int, int]]:
        """The picture's file, if it is here, and the size of the picture."""
        path = self.shelf.find(ref.removeprefix("s3://"))
        if path is None:
            if said is None:
                message = f"{ref} is missing, and nothing says how large it is."
                raise BadLine("ERROR_INVALID_IMAGE", message)
            if self.shelf.files:
                self.n_missing += 1
                message = f"{ref} is missing; its labels are kept."
                self._warn(where, "ERROR_INVALID_IMAGE", message)
            return None, said
        try:
            size = displayed_size(path)
        except UnreadableMedia as error:
            raise BadLine("ERROR_INVALID_IMAGE", error.message) from error
        if said is not None and said != size:
            message = (
                f"The line is for {said[0]} × {said[1]} pixels; {path.name} has "
                f"{size[0]} × {size[1]}."
            )
            raise BadLine("ERROR_INVALID_IMAGE_DIMENSION", message)
        if not all(side in _THEIR_SIDES for side in size):
            message = f"{size[0]} × {size[1]} pixels; Rekognition takes 64 to 4,096 a side."
            self._warn(where, "ERROR_INVALID_IMAGE_DIMENSION", message)
        return path, size


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


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


def _categories(folder: Path) -> Iterator[str]:
    """The labels of a category file, as a labelling job is given."""
    for path in sorted(folder.rglob(_CATEGORIES)):
        content = _parsed(path.read_bytes())
        rows = content.get("labels") if isinstance(content, dict) else None
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and isinstance(row.get("label"), str):
                yield row["label"]


# --- human loops --------------------------------------------------------------------------


def _answers(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.rglob("output.json")):
        content = _parsed(path.read_bytes())
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
    names = file_names(kept.pictures)
    told = put(kept.pictures, names, pictures, lambda p: folder / "images" / names[p.source])
    # What has an address keeps it, whatever its file is called.
    problems += [p for p in told if p.code != "RENAMED" or "://" not in p.where]
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {}
    for picture in kept.pictures:
        line = _line(kept, picture, names[picture.source])
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        lines.setdefault(_FILES[picture.split], []).append(text)
    for file, texts in (lines or {_FILES[None]: []}).items():
        (folder / file).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    rows = {"document-version": "2018-11-28", "labels": [{"label": n} for n in kept.labels]}
    (folder / _CATEGORIES).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return problems


def _line(labelled: LabelledSet, picture: LabelledPicture, name: str) -> dict[str, Any]:
    is_address = _S3.fullmatch(picture.source) is not None
    line: dict[str, Any] = {"source-ref": picture.source if is_address else f"{_OURS}{name}"}
    if not picture.is_labelled:
        return line
    slug = re.sub(r"[^A-Za-z0-9]+", "_", labelled.name).strip("_") or "labels"
    if labelled.task == "boxes":
        notes = dict(picture.extra.get("ground_truth") or {})
        key = str(notes.get("attribute") or f"{slug}_BB")
        line[key] = _annotations(labelled, picture, notes.get("depth", 3))
        objects = [{"confidence": _short(b.confidence)} for b in picture.boxes]
        line[f"{key}-metadata"] = _metadata(
            labelled, picture, key, BOXES, notes.get("metadata"), objects=objects
        )
    if picture.labels or labelled.task == "concept":
        numbers = [list(labelled.labels).index(label) for label in picture.labels]
        sure = {str(number): 1 for number in numbers}
        line[slug] = numbers
        line[f"{slug}-metadata"] = _metadata(
            labelled, picture, slug, CHOICES[1], None, **{"confidence-map": sure}
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
    date = picture.changed or _NO_DATE
    return {**own, **noted, "class-map": class_map, **more, "creation-date": date, "type": kind}


def _short(confidence: float) -> float:
    return int(confidence) if confidence == int(confidence) else confidence
