"""YOLO: a text file beside each picture, a line a box: class, centre x, centre y, width, height.

All but the class are fractions of the picture. `data.yaml` says what the classes are called and
where the splits lie (the layout ultralytics trains on); older sets have `classes.txt`. An empty
text file is a picture with nothing on it; a picture without a text file is one nobody labelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from analysis.datasets.boxes import sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.picture_files import (
    Pictures,
    Shelf,
    displayed_size,
    file_names,
    put,
)
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem, Split
from analysis.errors import AnalysisError, UnreadableMedia
from analysis.types import Box

TITLE = "YOLO"
HOLDS = frozenset({"is_labelled", "split", "fractions"})
_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "validation": "val", "test": "test"}
_FOLDERS: dict[str, Split] = _SPLITS | {"valid": "val", "training": "train", "testing": "test"}
_CLASSES = ("classes.txt", "obj.names", "labels.txt", "names.txt")
_UNSPLIT = "unsplit"


def detects(folder: Path) -> bool:
    """Whether the folder looks like a YOLO set."""
    return _yaml_file(folder) is not None or _classes_file(folder) is not None


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set in `folder`. Raises AnalysisError where nothing says what the classes are called."""
    shelf = Shelf(folder)
    description = _yaml_file(folder)
    if description is not None:
        root = description.parent
        content = _load(description)
        labels = _names(content, description.name)
        folders, problems = _split_folders(content, root, folder)
    elif (classes := _classes_file(folder)) is not None:
        text = classes.read_text("utf-8-sig", "replace")
        labels = tuple(line.strip() for line in text.splitlines() if line.strip())
        folders, problems = [], []
    else:
        raise AnalysisError(
            "There is neither a data.yaml nor a classes.txt: the boxes have no names."
        )
    pictures: dict[str, LabelledPicture] = {}
    labelled_by: set[Path] = set()
    for path in shelf.files:
        split, beneath = _place(path, folders, folder)
        source = path.relative_to(beneath).as_posix()
        if source in pictures:  # the same name in two splits
            source = path.relative_to(folder).as_posix()
        labelled_by.add(_label_file(path, folder))
        picture, found = _read_picture(path, folder, labels)
        problems += found
        if picture is not None:
            pictures[source] = replace(picture, source=source, split=split)
    problems += _orphans(folder, labelled_by)
    return LabelledSet("boxes", labels, tuple(pictures.values())), problems


# --- where things are ---------------------------------------------------------------------


def _yaml_file(folder: Path) -> Path | None:
    found = sorted(folder.rglob("*.y*ml"), key=lambda p: (len(p.parts), p.name != "data.yaml", p))
    return next((p for p in found if not p.is_symlink() and "names" in _text(p)), None)


def _classes_file(folder: Path) -> Path | None:
    return next((p for name in _CLASSES for p in sorted(folder.rglob(name))), None)


def _text(path: Path) -> str:
    return path.read_text("utf-8-sig", "replace") if path.stat().st_size < 2**20 else ""


def _load(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(_text(path))
    except (yaml.YAMLError, RecursionError) as error:
        raise AnalysisError(f"{path.name} is not YAML that can be read.") from error
    if not isinstance(content, dict):
        raise AnalysisError(f"{path.name} does not say what the classes are called.")
    return content


def _names(content: dict[str, Any], file: str) -> tuple[str, ...]:
    """The names by number. ultralytics takes a list, or numbers with names, quoted or not."""
    names = content.get("names")
    if isinstance(names, dict) and all(str(n).isdecimal() for n in names):
        names = {int(n): name for n, name in names.items()}
        top = max(names, default=-1)
        if top < 10_000:
            names = [names.get(n, f"class {n}") for n in range(top + 1)]
    if not isinstance(names, list):
        raise AnalysisError(f"{file} does not say what the classes are called.")
    return tuple(str(name) for name in names)


def _split_folders(
    content: dict[str, Any], root: Path, top: Path
) -> tuple[list[tuple[Path, Split | None]], list[Problem]]:
    """The folders that data.yaml names, each with its split; None where several name it."""
    named: dict[Path, set[Split]] = {}
    problems = []
    for key, split in _SPLITS.items():
        value = content.get(key)
        for entry in value if isinstance(value, list) else [value] if value else []:
            if (path := _inside(str(entry), content.get("path"), root, top)) is None:
                message = f"data.yaml puts “{key}” at {entry}, which is not in the archive."
                problems.append(Problem("data.yaml", "WARNING_NO_FOLDER", message, is_error=False))
            else:
                named.setdefault(path, set()).add(split)
    folders = [
        (path, next(iter(splits)) if len(splits) == 1 else _FOLDERS.get(path.name.lower()))
        for path, splits in named.items()
    ]
    return sorted(folders, key=lambda f: -len(f[0].parts)), problems


def _inside(entry: str, path: Any, root: Path, top: Path) -> Path | None:
    """The folder that `entry` names, never one outside of `top`. Exporters write `../train`."""
    below = [part for part in Path(entry).parts if part not in ("..", ".", "/")]
    starts = [root / str(path), root] if isinstance(path, str) else [root]
    for start in starts:
        for candidate in (start / entry, start.joinpath(*below)):
            resolved = candidate.resolve()
            if resolved.is_dir() and resolved.is_relative_to(top.resolve()):
                return top / resolved.relative_to(top.resolve())
    return None


def _place(
    path: Path, folders: list[tuple[Path, Split | None]], top: Path
) -> tuple[Split | None, Path]:
    """The split of a picture, and the folder that its source is told from."""
    for folder, split in folders:
        if path.is_relative_to(folder):
            return split, folder
    below = path.relative_to(top).parts[:-1]
    if "images" in below:
        after = below.index("images") + 1
        beneath = top.joinpath(*below[:after])
        if not folders and len(below) > after and (split := _FOLDERS.get(below[after].lower())):
            return split, beneath / below[after]
        unsplit = len(below) > after and below[after] == _UNSPLIT
        return None, beneath / _UNSPLIT if unsplit else beneath
    return None, top


def _label_file(picture: Path, top: Path) -> Path:
    """Where ultralytics looks: the last folder `images` becomes `labels`; else beside it."""
    parts = list(picture.relative_to(top).with_suffix(".txt").parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    elif len(parts) == 1 and (top / "labels" / parts[0]).is_file():
        parts.insert(0, "labels")
    return top.joinpath(*parts)


def _orphans(folder: Path, expected: set[Path]) -> list[Problem]:
    """Label files that no picture belongs to."""
    text_files = {
        p for p in folder.rglob("*.txt") if "labels" in p.parts and p.name not in _CLASSES
    }
    return [
        Problem(path.relative_to(folder).as_posix(), "ERROR_INVALID_IMAGE", "It has no picture.")
        for path in sorted(text_files - expected)
    ]


# --- a picture ----------------------------------------------------------------------------


def _read_picture(
    path: Path, top: Path, labels: Sequence[str]
) -> tuple[LabelledPicture | None, list[Problem]]:
    where = path.relative_to(top).as_posix()
    try:
        width, height = displayed_size(path)
    except UnreadableMedia as error:
        return None, [Problem(where, "ERROR_INVALID_IMAGE", error.message)]
    picture = LabelledPicture("", width, height, file=str(path), is_labelled=False)
    file = _label_file(path, top)
    if not file.is_file() or file.is_symlink():
        return picture, []
    said, problems = [], []
    name = file.relative_to(top).as_posix()
    for number, line in enumerate(file.read_text("utf-8-sig", "replace").splitlines(), 1):
        if not line.strip():
            continue
        box, problem = _box(line.split(), labels, f"{name}, line {number}")
        said += [box] if box else []
        problems += [problem] if problem else []
    boxes, more = sound(said, name)
    return replace(picture, boxes=boxes, is_labelled=True), problems + more


def _box(
    words: list[str], labels: Sequence[str], where: str
) -> tuple[LabelledBox | None, Problem | None]:
    """One line: class cx cy w h, perhaps a confidence; or class and the points of a shape."""
    try:
        number = float(words[0])
        values = [float(word) for word in words[1:]]
    except ValueError:
        return None, Problem(where, "ERROR_INVALID_LINE", "The line is not made of numbers.")
    if len(values) < 4 or (len(values) > 5 and len(values) % 2):
        message = f"A box has 5 numbers; this line has {len(words)}."
        return None, Problem(where, "ERROR_INVALID_LINE", message)
    if number not in range(len(labels)):
        message = f"There is no class {words[0]}; the names end at {len(labels) - 1}."
        return None, Problem(where, "ERROR_MISSING_CLASS_MAP_ID", message)
    label = labels[int(number)]
    if len(values) > 5:
        xs, ys = values[::2], values[1::2]
        box = LabelledBox(label, Box(min(xs), min(ys), max(xs), max(ys)))
        message = f"“{label}” is a shape; the box around it is kept."
        return box, Problem(where, "WARNING_SHAPE", message, is_error=False)
    cx, cy, w, h = values[:4]
    confidence = min(max(values[4], 0.0), 1.0) if len(values) == 5 else 1.0
    corners = Box(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    return LabelledBox(label, corners, confidence=confidence), None


# --- writing ------------------------------------------------------------------------------


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """Lay the set out as ultralytics trains on it; returns what it could not hold.

    Sets without a split get one folder, which data.yaml names as training and validation alike.
    """
    kept, problems = reduce(labelled, HOLDS, TITLE)
    names = file_names(kept.pictures)
    parts = {p.source: _part(p, kept) for p in kept.pictures}

    def place(picture: LabelledPicture) -> Path:
        return folder / "images" / parts[picture.source] / names[picture.source]

    problems += put(kept.pictures, names, pictures, place)
    numbers = {label: n for n, label in enumerate(kept.labels)}
    for part in set(parts.values()) | {"."}:
        (folder / "images" / part).mkdir(parents=True, exist_ok=True)
    for picture in kept.pictures:
        if picture.is_labelled:
            path = _label_file(place(picture), folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(_line(b, numbers) for b in picture.boxes), encoding="utf-8")
    content = _data_yaml(set(parts.values()), kept.labels)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (folder / "data.yaml").write_text(text, encoding="utf-8")
    return problems


def _part(picture: LabelledPicture, labelled: LabelledSet) -> str:
    if picture.split is not None:
        return picture.split
    return _UNSPLIT if any(p.split for p in labelled.pictures) else "."


def _line(box: LabelledBox, numbers: dict[str, int]) -> str:
    x1, y1, x2, y2 = box.box
    values = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
    return f"{numbers[box.label]} {' '.join(f'{v:.12g}' for v in values)}\n"


def _data_yaml(parts: set[str], labels: Sequence[str]) -> dict[str, Any]:
    """ultralytics wants both `train` and `val`, so one stands in for the other that is empty."""
    there = [part for part in ("train", "val", "test") if part in parts]
    stand_in = there[0] if there else "."
    folders = {part: part if part in there else stand_in for part in ("train", "val")}
    folders |= {"test": "test"} if "test" in there else {}
    places = {split: f"images/{part}".removesuffix("/.") for split, part in folders.items()}
    return {**places, "nc": len(labels), "names": dict(enumerate(labels))}
