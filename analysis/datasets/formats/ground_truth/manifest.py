"""The manifests of Ground Truth, line by line, and the judgement over them.

Lines are judged as Rekognition Custom Labels judges them, with its codes. What it would not train
on, and we do, is told with its code and kept.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.datasets.formats.ground_truth.attributes import BadLine
from analysis.datasets.merging import is_newer
from analysis.datasets.picture_files import file_names
from analysis.datasets.split_names import split_named
from analysis.datasets.types import LabelledPicture, LabelledSet, Problem, Split, Task

FILES: dict[Split | None, str] = {
    "train": "train.manifest",
    "val": "validation.manifest",
    "test": "test.manifest",
    None: "output.manifest",
}
OURS = "s3://sightline/"  # stands for the bucket that pictures without one will be put in
NO_DATE = "1970-01-01T00:00:00.000Z"  # a date must be there, and nobody knows it
_ADDRESS = re.compile(r"s3://[^/\s]+/\S(.*\S)?")
_CATEGORIES = "label_categories.json"

_MAX_BYTES = 10**9
_MAX_ROWS = 250_000
_MAX_LABELS = 250
_BAD_SHARE = 0.2
_THEIR_LABELS = {"boxes": 1, "concept": 2}  # the fewest that Rekognition trains on


def manifests(folder: Path) -> list[Path]:
    """The manifests of a folder, and of its folders."""
    files = [p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]
    return sorted(p for p in files if p.suffix == ".manifest" or _has_lines(p))


def _has_lines(path: Path) -> bool:
    """Whether a file of JSON lines, of which there are many kinds, begins like a manifest."""
    if path.suffix != ".jsonl":
        return False
    with path.open("rb") as file:
        return b'"source-ref"' in file.read(4096)


def is_address(text: Any) -> bool:
    """Whether this is an address like s3://bucket/folder/picture.jpg."""
    return isinstance(text, str) and _ADDRESS.fullmatch(text) is not None


def path_in_bucket(ref: str) -> str:
    """What an address names its file by; the bucket that stands for none has no part in it."""
    return ref.removeprefix(OURS).removeprefix("s3://")


def parsed(text: bytes) -> Any:
    """What a file or a line of JSON says; None where it is none."""
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def categories(folder: Path) -> Iterator[str]:
    """The labels of a category file, as a labelling job is given."""
    for path in sorted(folder.rglob(_CATEGORIES)):
        content = parsed(path.read_bytes())
        rows = content.get("labels") if isinstance(content, dict) else None
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and isinstance(row.get("label"), str):
                yield row["label"]


class Reading:
    """The lines read so far: pictures, labels, problems, and how many rows were bad.

    A row is what is judged: a line, or a frame of the video that a line is of.
    """

    ROWS = "lines"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures: dict[str, LabelledPicture] = {}
        self.labels: dict[str, None] = {}
        self.problems: list[Problem] = []
        self.n_rows = self.n_bad = self.n_missing = 0

    def lines(self) -> Iterator[tuple[Any, str, Split | None]]:
        """Each line of the manifests, parsed, with where it stands and the split it is for."""
        for path in manifests(self.folder):
            where = path.relative_to(self.folder).as_posix()
            if path.stat().st_size > _MAX_BYTES:
                message = "The manifest is larger than 1 GB."
                self.problems.append(Problem(where, "ERROR_MANIFEST_SIZE_TOO_LARGE", message))
                continue
            split = split_named(where)
            with path.open("rb") as file:
                for number, text in enumerate(file, 1):
                    if not text.strip():
                        continue
                    if self.has_too_many(where):
                        return
                    yield parsed(text), f"{where}, line {number}", split

    def has_too_many(self, where: str) -> bool:
        """Whether no row more is taken; told once."""
        if self.n_rows < _MAX_ROWS:
            return False
        code = "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM"
        if not any(problem.code == code for problem in self.problems):
            message = f"There are more than {_MAX_ROWS:,} {self.ROWS}."
            self.problems.append(Problem(where, code, message))
        return True

    def keep(self, picture: LabelledPicture, where: str) -> None:
        """Take a picture; of one that was there before, the newer."""
        before = self.pictures.get(picture.source)
        if before is not None:
            message = f"{picture.source} has several {self.ROWS}; the newest counts."
            self.warn(where, "WARNING_DUPLICATE_SOURCE", message)
            if is_newer(before, picture):
                return
        self.pictures[picture.source] = picture

    def warn(self, where: str, code: str, message: str) -> None:
        self.problems.append(Problem(where, code, message, is_error=False))

    def reject(self, where: str, bad: BadLine) -> None:
        """Count a row that is not taken, and tell why."""
        self.n_bad += 1
        self.problems.append(Problem(where, bad.code, bad.message))

    def result(self, task: Task) -> LabelledSet:
        """All that was read; nothing where too much is wrong, and then that is told first."""
        self.labels = dict.fromkeys(categories(self.folder)) | self.labels
        if refusal := self._refusal():
            self.problems.insert(0, Problem("The manifest", *refusal))
            self.pictures = {}
        else:
            self._tell_unusable(task)
            self._compare_splits(task)
        return LabelledSet(task, tuple(self.labels), tuple(self.pictures.values()))

    def _refusal(self) -> tuple[str, str] | None:
        """Code and sentence for which everything is refused."""
        bad = self.n_bad + self.n_missing
        if not self.n_rows:
            return "ERROR_EMPTY_MANIFEST", "There is not one line in the manifest."
        if bad > _BAD_SHARE * self.n_rows:
            return "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST", (
                f"{bad} of {self.n_rows} {self.ROWS} cannot be used ({bad / self.n_rows:.1%}), "
                f"with {self.n_missing} pictures missing among them. More than 20 % is too many."
            )
        if len(self.labels) > _MAX_LABELS:
            message = f"There are {len(self.labels)} labels; {_MAX_LABELS} is the most."
            return "ERROR_MANIFEST_TOO_MANY_LABELS", message
        if not self.labels:
            return "ERROR_MANIFEST_TOO_FEW_LABELS", "There is no label in the manifest."
        return None

    def _tell_unusable(self, task: Task) -> None:
        """Tell where too few labels are on pictures in the way that the set is labelled in."""
        usable = {name for p in self.pictures.values() for name in _usable(p, task)}
        least = _THEIR_LABELS[task]
        if len(usable) < least:
            what = "boxes" if task == "boxes" else "whole pictures"
            message = f"Labels of {what} that are used: {len(usable)}. Rekognition wants {least}."
            self.warn("The manifest", "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS", message)

    def _compare_splits(self, task: Task) -> None:
        """Tell where training and testing are of different things; Rekognition refuses that."""
        pictures = self.pictures.values()
        said = [[*p.labels, *(box.label for box in p.boxes)] for p in pictures]
        usable = [_usable(p, task) for p in pictures]
        for code, names in (
            ("ERROR_INSUFFICIENT_LABEL_OVERLAP", said),
            ("ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP", usable),
        ):
            used: dict[Split | None, set[str]] = {}
            for picture, found in zip(pictures, names, strict=True):
                used.setdefault(picture.split, set()).update(found)
            train, test = used.get("train"), used.get("test")
            if train and test and len(train & test) < len(train | test) / 2:
                message = (
                    f"Training and testing share {len(train & test)} of {len(train | test)} "
                    "labels; Rekognition wants half."
                )
                self.warn("The manifests", code, message)
                return  # the second would say the same


def _usable(picture: LabelledPicture, task: Task) -> list[str]:
    """The labels of a picture in the way that the set is labelled in; others do not train it."""
    return [box.label for box in picture.boxes] if task == "boxes" else [*picture.labels]


# --- writing ------------------------------------------------------------------------------


def names_of(pictures: Sequence[LabelledPicture]) -> dict[str, str]:
    """A file name for each source, by which its address finds it again.

    That is the last part of an address, with its folders where several end alike.
    """
    ends = Counter(p.source.rpartition("/")[2].casefold() for p in pictures)
    called = {p.source: _called(p.source, ends) for p in pictures}
    names = file_names(replace(p, source=called[p.source]) for p in pictures)
    return {source: names[name] for source, name in called.items()}


def _called(source: str, ends: Counter[str]) -> str:
    is_alone = ends[source.rpartition("/")[2].casefold()] == 1
    return source if is_alone or not is_address(source) else path_in_bucket(source)


def write_lines(folder: Path, lines: dict[Split | None, list[dict[str, Any]]]) -> None:
    """A manifest for each split."""
    for split, rows in (lines or {None: []}).items():
        texts = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]
        path = folder / FILES[split]
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


def write_categories(folder: Path, labels: Sequence[str], version: str) -> None:
    """The labels, in the file that a labelling job is given."""
    rows = {"document-version": version, "labels": [{"label": name} for name in labels]}
    (folder / _CATEGORIES).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def slug(name: str) -> str:
    """The name of a set as a key of a line."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "labels"
