"""YOLO: a text file beside each picture, a line a box: class, centre x, centre y, width, height.

All but the class are fractions of the picture. `data.yaml` says what the classes are called and
where the splits lie (the layout ultralytics trains on); older sets have `classes.txt`. An empty
text file is a picture with nothing on it; a picture without a text file is one nobody labelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from analysis.datasets.boxes import around, sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import TITLES
from analysis.datasets.gathering import is_known
from analysis.datasets.picture_files import (
    SUFFIXES,
    Pictures,
    Shelf,
    displayed_size,
    file_names,
    put,
)
from analysis.datasets.split_names import split_named
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem, Split
from analysis.errors import AnalysisError, UnreadableMedia
from analysis.types import Box

TITLE = TITLES["yolo"]
HOLDS = frozenset({"is_labelled", "split", "fractions"})
_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "validation": "val", "test": "test"}
_CLASSES = ("classes.txt", "obj.names", "labels.txt", "names.txt")
_LABELS = ("labels", "labelTxt")  # folders of label files, beside `images`
_UNSPLIT = "unsplit"


def detects(folder: Path) -> bool:
    """Whether the folder looks like a YOLO set."""
    return bool(_yaml_file(folder) or _classes_file(folder) or _dota_files(folder))


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set in `folder`. Raises AnalysisError where nothing says what the classes are called."""
    shelf = Shelf(folder)
    description = _yaml_file(folder)
    content: dict[str, Any] = {}
    folders: list[tuple[Path, Split | None]] = []
    problems: list[Problem] = []
    if description is not None:
        content = _load(description)
        labels = _names(content, description.name)
        folders, problems = _split_folders(content, description.parent, folder)
    elif (classes := _classes_file(folder)) is not None:
        text = classes.read_text("utf-8-sig", "replace")
        labels = tuple(line.strip() for line in text.splitlines() if line.strip())
    elif dota := _dota_files(folder):
        labels = tuple(dict.fromkeys(word for file in dota for word in _dota_names(file)))
    else:
        raise AnalysisError(
            "There is neither a data.yaml nor a classes.txt: the boxes have no names."
        )
    listed = _listed(folder, shelf)
    files = {path: _label_file(path, folder) for path in shelf.files}
    columns = _Columns.of(content, [f for f in files.values() if f is not None])
    pictures: dict[str, LabelledPicture] = {}
    for path, file in files.items():
        split, beneath = _place(path, folders, folder)
        source = path.relative_to(beneath).as_posix()
        if source in pictures:  # the same name in two splits
            source = path.relative_to(folder).as_posix()
        picture, found = _read_picture(path, file, folder, labels, columns)
        problems += found
        if picture is not None:
            pictures[source] = replace(picture, source=source, split=listed.get(path, split))
    problems += _orphans(folder, {file for file in files.values() if file})
    used = [box.label for picture in pictures.values() for box in picture.boxes]
    labels += tuple(dict.fromkeys(name for name in used if name not in labels))
    return LabelledSet("boxes", labels, tuple(pictures.values())), problems


# --- where things are ---------------------------------------------------------------------


def _yaml_file(folder: Path) -> Path | None:
    found = sorted(folder.rglob("*.y*ml"), key=lambda p: (len(p.parts), p.name != "data.yaml", p))
    return next((p for p in found if not p.is_symlink() and "names" in _text(p)), None)


def _classes_file(folder: Path) -> Path | None:
    known = (p for name in _CLASSES for p in sorted(folder.rglob(name)))
    return next((p for p in [*known, *_named_by_darknet(folder)] if not p.is_symlink()), None)


def _named_by_darknet(folder: Path) -> Iterator[Path]:
    """The list of names that darknet's `.data` file speaks of: `names = data/cup.names`."""
    for path in sorted(folder.rglob("*.data")):
        if path.is_symlink():
            continue
        for line in _text(path).splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "names" and (
                found := _inside(value.strip(), None, path.parent, folder)
            ):
                yield from [found] if found.is_file() else []


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
            elif path.is_dir():
                named.setdefault(path, set()).add(split)
    folders = [
        (path, next(iter(splits)) if len(splits) == 1 else split_named(path.name))
        for path, splits in named.items()
    ]
    return sorted(folders, key=lambda f: -len(f[0].parts)), problems


def _inside(entry: str, path: Any, root: Path, top: Path) -> Path | None:
    """The folder or the list that `entry` names, never one outside of `top`.

    Exporters write `../train`, `C:\\sets\\cup\\train`, `/home/ana/cup/train/images`, or the path
    from a folder above or below: of what is in the archive, the longest end of it counts.
    """
    parts = [p for p in entry.replace("\\", "/").split("/") if p not in ("..", ".", "")]
    starts = [root / str(path)] if isinstance(path, str) and not Path(path).is_absolute() else []
    starts += [root, top]
    ends = [parts[n:] for n in range(len(parts))]
    ends += [["images", *parts], [*parts, "images"], parts[::-1]]
    for end in ends:
        for start in starts:
            resolved = start.joinpath(*end).resolve()
            if end and resolved.exists() and resolved.is_relative_to(top.resolve()):
                return top / resolved.relative_to(top.resolve())
    return None


def _listed(folder: Path, shelf: Shelf) -> dict[Path, Split]:
    """The split of each picture that a list names: `train.txt`, a path to a picture a line."""
    found: dict[Path, Split] = {}
    for path in sorted(folder.rglob("*.txt")):
        split = split_named(path.stem)
        if split is None or path.is_symlink():
            continue
        for line in path.read_text("utf-8-sig", "replace").splitlines():
            name = line.strip().replace("\\", "/")
            if name.lower().endswith(SUFFIXES) and (picture := shelf.find(name, split)):
                found[picture] = split
    return found


def _place(
    path: Path, folders: list[tuple[Path, Split | None]], top: Path
) -> tuple[Split | None, Path]:
    """The split of a picture, and the folder that its source is told from."""
    for folder, split in folders:
        if path.is_relative_to(folder):
            return split, folder
    below = path.relative_to(top).parts[:-1]
    said = split_named("/".join(below))
    if "images" in below:
        after = below.index("images") + 1
        beneath = top.joinpath(*below[:after])
        if not folders and len(below) > after and split_named(below[after]):
            return said, beneath / below[after]
        unsplit = len(below) > after and below[after] == _UNSPLIT
        return None if folders else said, beneath / _UNSPLIT if unsplit else beneath
    return None if folders else said, top


def _label_file(picture: Path, top: Path) -> Path | None:
    """The label file of a picture: where ultralytics looks, the last folder `images` becoming
    `labels`; else in a folder of that name beside its own, or beside the picture itself."""
    for path in _label_files(picture, top):
        if path.is_file() and not path.is_symlink() and path.name not in _CLASSES:
            return path
    return None


def _label_files(picture: Path, top: Path) -> Iterator[Path]:
    parts = list(picture.relative_to(top).with_suffix(".txt").parts)
    if "images" in parts[:-1]:
        last = len(parts) - 1 - parts[::-1].index("images")
        for labels in _LABELS:
            yield top.joinpath(*parts[:last], labels, *parts[last + 1 :])
    for labels in _LABELS:
        yield top.joinpath(*parts[:-1], labels, parts[-1])
    yield top.joinpath(*parts)


def _dota_files(folder: Path) -> list[Path]:
    """Label files of DOTA, in `labelTxt`: four corners in pixels, a name, how difficult it is."""
    files = sorted(folder.rglob("labelTxt/*.txt"))
    return [path for path in files if not path.is_symlink() and any(_dota_names(path))]


def _dota_names(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8-sig", "replace").splitlines():
        words = line.split()
        if len(words) in (9, 10) and not _is_number(words[8]):
            yield words[8]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _orphans(folder: Path, expected: set[Path]) -> list[Problem]:
    """Label files that no picture belongs to."""
    text_files = {
        p
        for p in {*folder.rglob("*.txt")} - expected
        if p.name not in _CLASSES
        and not p.is_symlink()
        and ({*_LABELS} & {*p.relative_to(folder).parts} or _holds_boxes(p))
    }
    return [
        Problem(path.relative_to(folder).as_posix(), "ERROR_INVALID_IMAGE", "It has no picture.")
        for path in sorted(text_files)
    ]


def _holds_boxes(path: Path) -> bool:
    """Whether the first line of a text file is of numbers as a label file's is."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        words = next((line for line in file if line.strip()), "").split()
    return len(words) >= 5 and all(map(_is_number, words))


# --- a picture ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the numbers of a line mean, which one line alone does not say."""

    keypoints: int = 0  # numbers behind a box that are points of a pose
    has_tracks: bool = False  # a sixth or seventh number is the track, as `yolo track` saves it

    @classmethod
    def of(cls, content: dict[str, Any], files: Sequence[Path]) -> _Columns:
        shape = content.get("kpt_shape")
        if isinstance(shape, list) and len(shape) == 2 and all(type(n) is int for n in shape):
            return cls(keypoints=shape[0] * shape[1])
        return cls(has_tracks=any(_has_track(file) for file in files))


def _has_track(file: Path) -> bool:
    """Whether a line ends in a whole number that is no fraction and no confidence."""
    for line in file.read_text("utf-8-sig", "replace").splitlines():
        words = line.split()
        if len(words) in (6, 7) and words[-1].isdecimal() and int(words[-1]) > 1:
            return True
    return False


def _read_picture(
    path: Path, file: Path | None, top: Path, labels: Sequence[str], columns: _Columns
) -> tuple[LabelledPicture | None, list[Problem]]:
    where = path.relative_to(top).as_posix()
    try:
        size = displayed_size(path)
    except UnreadableMedia as error:
        return None, [Problem(where, "ERROR_INVALID_IMAGE", error.message)]
    picture = LabelledPicture("", *size, file=str(path), is_labelled=False)
    if file is None:
        return replace(picture, is_mentioned=False), []
    said, problems = [], []
    name = file.relative_to(top).as_posix()
    for number, line in enumerate(file.read_text("utf-8-sig", "replace").splitlines(), 1):
        words = line.split()
        if not words or line.startswith(("imagesource:", "gsd:")):  # DOTA's first two lines
            continue
        box, problem = _line_of(words, labels, columns, size, f"{name}, line {number}")
        said += [box] if box else []
        problems += [problem] if problem else []
    boxes, more = sound(said, name)
    problems += more
    return replace(picture, boxes=boxes, is_labelled=is_known(boxes, (), problems)), problems


def _line_of(
    words: list[str], labels: Sequence[str], columns: _Columns, size: tuple[int, int], where: str
) -> tuple[LabelledBox | None, Problem | None]:
    """One line: class cx cy w h, perhaps more; class and the points of a shape; or DOTA's."""
    if len(words) in (9, 10) and not _is_number(words[8]) and all(map(_is_number, words[:8])):
        points = [float(word) / size[n % 2] for n, word in enumerate(words[:8])]
        return _shape(words[8], points, where)
    try:
        number = float(words[0])
        values = [float(word) for word in words[1:]]
    except ValueError:
        return None, Problem(where, "ERROR_INVALID_LINE", "The line is not made of numbers.")
    if number not in range(len(labels)):
        message = f"There is no class {words[0]}; the names end at {len(labels) - 1}."
        return None, Problem(where, "ERROR_MISSING_CLASS_MAP_ID", message)
    if not all(map(isfinite, values[4:])):
        return None, Problem(where, "ERROR_INVALID_LINE", "The line is not made of numbers.")
    label = labels[int(number)]
    if columns.keypoints and len(values) == 4 + columns.keypoints:
        message = f"The key points of “{label}” are left out; its box is kept."
        problem = Problem(where, "WARNING_KEYPOINTS", message, is_error=False)
        return LabelledBox(label, _around_centre(values)), problem
    if len(values) == 4 or len(values) == 5 or (columns.has_tracks and len(values) == 6):
        return _box(label, values, columns), None
    if len(values) < 6 or len(values) % 2:
        message = f"A box has 5 numbers; this line has {len(words)}."
        return None, Problem(where, "ERROR_INVALID_LINE", message)
    return _shape(label, values, where)


def _box(label: str, values: Sequence[float], columns: _Columns) -> LabelledBox:
    """A box, and behind it a confidence, a track, or both."""
    more = list(values[4:])
    is_tracked = columns.has_tracks and bool(more) and more[-1].is_integer()
    track = int(more.pop()) if is_tracked else None
    confidence = min(max(more[0], 0.0), 1.0) if more else 1.0
    return LabelledBox(label, _around_centre(values), track=track, confidence=confidence)


def _around_centre(values: Sequence[float]) -> Box:
    cx, cy, w, h = values[:4]
    return Box(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)


def _shape(label: str, values: Sequence[float], where: str) -> tuple[LabelledBox, Problem]:
    message = f"“{label}” is a shape; the box around it is kept."
    box = around(zip(values[::2], values[1::2], strict=True))
    return LabelledBox(label, box), Problem(where, "WARNING_SHAPE", message, is_error=False)


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
            path = next(_label_files(place(picture), folder))
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
