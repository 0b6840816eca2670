"""Pascal VOC: an XML file a picture, with corners in whole pixels counted from 1.

`Annotations/` beside `JPEGImages/`, splits as lists in `ImageSets/Main/`, the labels in order in
`labelmap.txt` as CVAT writes them. A corner counts the pixel it lies in, so that 1 to the width is
the whole picture. Many tools count from 0 instead; a set in which a box begins at 0 or between
pixels is read like that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import cos, sin
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from analysis.datasets.boxes import around, from_pixels, in_pixels, sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import TITLES, xml
from analysis.datasets.gathering import Gathered, is_known
from analysis.datasets.picture_files import (
    SUFFIXES,
    Pictures,
    Shelf,
    file_names,
    measured,
    put,
    said_size,
)
from analysis.datasets.split_names import split_named
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem, Split
from analysis.errors import AnalysisError
from analysis.types import Box

TITLE = TITLES["voc"]
HOLDS = frozenset({"is_labelled", "split", "occluded"})
_MASKS = ("SegmentationClass", "SegmentationObject")  # folders of pictures that are none
_SIDES = ("xmin", "ymin", "xmax", "ymax")


def detects(folder: Path) -> bool:
    """Whether there is an XML file of VOC in the folder."""
    return any(_begins_like_voc(path) for path in sorted(folder.rglob("*.xml"))[:20])


def _begins_like_voc(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(1000)
    return b"<annotation>" in start or b"<annotation " in start  # labelImg: verified="yes"


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set in `folder`. Raises AnalysisError where there is none."""
    shelf = Shelf(folder, but=_MASKS)
    problems: list[Problem] = []
    files = [_File(path, folder) for path in sorted(folder.rglob("*.xml")) if not path.is_symlink()]
    good = []
    for file in files:
        if file.problem:
            problems.append(file.problem)
        elif file.root is not None:
            good.append(file)
    if not good and not problems and not any(_labelmap(folder)):
        raise AnalysisError("There is no Pascal VOC file: XML with an annotation in it.")
    from_zero = any(_counts_from_zero(file.root) for file in good)
    splits = _splits(folder)
    labels = dict.fromkeys(_labelmap(folder))
    gathered = Gathered(folder)
    shelf.expect(file.source for file in good)
    for file in good:
        picture, found = _picture(file, shelf, from_zero)
        problems += found
        if picture is not None:
            labels |= dict.fromkeys(box.label for box in picture.boxes)
            called = (file.stem, _stem(picture.source), picture.source)
            listed = next((splits[name] for name in called if name in splits), None)
            split = listed or split_named(file.folder)
            has_lost = not picture.is_labelled
            gathered.add(replace(picture, split=split), file.folder, has_lost=has_lost)
    for picture in _unlabelled(shelf, gathered.pictures(), splits):
        gathered.add(picture)
    pictures = gathered.pictures()
    return LabelledSet("boxes", tuple(labels), pictures), problems + gathered.problems


def _stem(source: str) -> str:
    """A name without the ending of a picture, which it need not have."""
    stem, _, ending = source.rpartition(".")
    return stem if f".{ending.lower()}" in SUFFIXES else source


class _File:
    """One XML file; `root` is None where it is XML of something else."""

    def __init__(self, path: Path, top: Path) -> None:
        self.where = path.relative_to(top).as_posix()
        self.folder, _, self.stem = self.where.removesuffix(".xml").rpartition("Annotations/")
        if not self.folder:  # pictures and XML side by side
            self.folder = self.stem.rpartition("/")[0]
        self.root: Element | None = None
        self.problem: Problem | None = None
        try:
            root = xml.load(path)
        except AnalysisError as error:
            self.problem = Problem(self.where, "ERROR_INVALID_XML", error.message)
        else:
            self.root = root if root.tag == "annotation" else None

    @property
    def source(self) -> str:
        """The picture's path, beside which the XML file's own folder counts."""
        assert self.root is not None
        name = xml.text(self.root, "filename").replace("\\", "/") or f"{self.stem}.jpg"
        folder = self.stem.rpartition("/")[0]
        return f"{folder}/{name}" if folder and "/" not in name else name


def _picture(
    file: _File, shelf: Shelf, from_zero: bool
) -> tuple[LabelledPicture | None, list[Problem]]:
    root, source = file.root, file.source
    assert root is not None
    width, height = (xml.number(xml.text(root, f"size/{side}")) for side in ("width", "height"))
    said = said_size(width, height)
    near = PurePosixPath(file.folder).name
    called = source
    if shelf.find(source, near) is None and shelf.find(_stem(source), near) is not None:
        called = _stem(source)  # it says a.jpg, and there is a.png
    found = measured(shelf, called, said, near)
    if found.size is None:
        return None, found.problems
    boxes, problems = [], []
    for row in root.iter("object"):
        box, told = _box(row, said or found.size, from_zero, file.where)
        boxes += [box] if box else []
        problems += told
    kept, more = sound(found.turned(boxes), file.where)
    problems += more
    picture = LabelledPicture(
        source,
        *found.size,
        boxes=kept,
        is_labelled=is_known(kept, (), problems),
        file=str(found.path or ""),
    )
    return picture, found.problems + problems


def _corners(row: Element) -> list[float] | None:
    sides = [xml.number(xml.text(row, f"bndbox/{side}")) for side in _SIDES]
    return [side for side in sides if side is not None] if None not in sides else None


def _box(
    row: Element, size: tuple[int, int], from_zero: bool, where: str
) -> tuple[LabelledBox | None, list[Problem]]:
    name = xml.text(row, "name")
    if not name:
        return None, [Problem(where, "ERROR_MISSING_CLASS_MAP_ID", "A box has no name.")]
    occluded = xml.text(row, "occluded") == "1"
    if corners := _corners(row):
        x1, y1, x2, y2 = corners
        first = 0 if from_zero else 1
        box = from_pixels(x1 - first, y1 - first, x2, y2, *size)
        return LabelledBox(name, box, occluded=occluded), []
    points = _turned_corners(row) or _outline(row)
    if points is None:
        message = f"A box of “{name}” does not have four corners in numbers."
        return None, [Problem(where, "ERROR_INVALID_BOUNDING_BOX", message)]
    message = f"“{name}” is a shape; the box around it is kept."
    told = Problem(where, "WARNING_SHAPE", message, is_error=False)
    return LabelledBox(name, from_pixels(*around(points), *size), occluded=occluded), [told]


def _outline(row: Element) -> list[tuple[float, float]] | None:
    """The points of a polygon, as Roboflow numbers them (x1, y1, x2 …) or LabelMe lists them."""
    outline = row.find("polygon")
    if outline is None:
        return None
    points = [(xml.text(p, "x"), xml.text(p, "y")) for p in outline.iter("pt")] or [
        (xml.text(outline, f"x{n}"), xml.text(outline, f"y{n}"))
        for n in range(1, len(outline) // 2 + 1)
    ]
    numbers = [(xml.number(x), xml.number(y)) for x, y in points]
    found = [(x, y) for x, y in numbers if x is not None and y is not None]
    return found if found and len(found) == len(numbers) else None


def _turned_corners(row: Element) -> list[tuple[float, float]] | None:
    """The corners of a turned box, as roLabelImg tells it: centre, sides, angle in radians."""
    sides = [xml.number(xml.text(row, f"robndbox/{n}")) for n in ("cx", "cy", "w", "h", "angle")]
    cx, cy, w, h, angle = sides
    if cx is None or cy is None or w is None or h is None or angle is None:
        return None
    return [
        (cx + a * cos(angle) - b * sin(angle), cy + a * sin(angle) + b * cos(angle))
        for a in (-w / 2, w / 2)
        for b in (-h / 2, h / 2)
    ]


def _counts_from_zero(root: Element | None) -> bool:
    """Whether the first pixel is 0 here and not VOC's 1.

    Somebody wrote a 0; or numbers with a point, as Datumaro does; or it is Label Studio, which
    counts from zero and writes whole numbers.
    """
    if root is None:
        return False
    if xml.text(root, "owner/name") == "Label Studio":
        return True
    texts = [xml.text(row, f"bndbox/{side}") for row in root.iter("object") for side in _SIDES]
    lows = [
        xml.number(xml.text(row, f"bndbox/{side}"))
        for row in root.iter("object")
        for side in _SIDES[:2]
    ]
    return any("." in text for text in texts) or 0 in lows


def _labelmap(folder: Path) -> Iterator[str]:
    """The names of CVAT's labelmap.txt: `name:colour:parts:actions`, a line each."""
    for path in sorted(folder.rglob("labelmap.txt"))[:1]:
        for line in path.read_text("utf-8", "replace").splitlines():
            name = line.rsplit(":", 3)[0].strip()
            if name and not line.startswith("#") and name != "background":
                yield name


def _splits(folder: Path) -> dict[str, Split]:
    """The split of each picture, by its name without ending."""
    found: dict[str, Split] = {}
    lists = sorted(folder.rglob("ImageSets/*/*.txt"), key=lambda p: (p.parent.name == "Main", p))
    for path in lists:
        if (split := split_named(path.stem)) and not path.is_symlink():
            for line in path.read_text("utf-8-sig", "replace").splitlines():
                found[line.strip()] = split
    return found


def _unlabelled(
    shelf: Shelf, known: Iterable[LabelledPicture], splits: dict[str, Split]
) -> Iterator[LabelledPicture]:
    """Pictures in JPEGImages that have no XML file."""
    used = {picture.file for picture in known}
    for path in shelf.files:
        if str(path) in used or "JPEGImages" not in path.parts:
            continue
        source = path.as_posix().rpartition("JPEGImages/")[2]
        found = measured(shelf, path.relative_to(shelf.folder).as_posix(), None)
        if found.size is not None:
            split = splits.get(_stem(source))
            picture = LabelledPicture(source, *found.size, file=str(path), split=split)
            yield replace(picture, is_labelled=False, is_mentioned=False)


# --- writing ------------------------------------------------------------------------------


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """Annotations, JPEGImages, ImageSets/Main and labelmap.txt; returns what VOC cannot hold."""
    kept, problems = reduce(labelled, HOLDS, TITLE)
    names = file_names(kept.pictures)
    problems += put(
        kept.pictures, names, pictures, lambda p: folder / "JPEGImages" / names[p.source]
    )
    lists: dict[str, list[str]] = {}
    for picture in kept.pictures:
        stem = names[picture.source].rpartition(".")[0]
        if picture.split:
            lists.setdefault(picture.split, []).append(stem)
        if picture.is_labelled:
            xml.save(_tree(picture, names[picture.source]), folder / "Annotations" / f"{stem}.xml")
    (folder / "Annotations").mkdir(parents=True, exist_ok=True)
    (folder / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
    for split, stems in lists.items():
        text = "".join(f"{stem}\n" for stem in stems)
        (folder / "ImageSets" / "Main" / f"{split}.txt").write_text(text, encoding="utf-8")
    rows = ["# label:color_rgb:parts:actions", *(f"{label}:::" for label in kept.labels)]
    (folder / "labelmap.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return problems


def _tree(picture: LabelledPicture, name: str) -> Element:
    root = Element("annotation")
    xml.add(root, "folder", "JPEGImages")
    xml.add(root, "filename", name)
    size = xml.add(root, "size")
    for side, value in (("width", picture.width), ("height", picture.height), ("depth", 3)):
        xml.add(size, side, value)
    xml.add(root, "segmented", 0)
    for box in picture.boxes:
        _add_box(root, box, picture.width, picture.height)
    return root


def _add_box(root: Element, box: LabelledBox, width: int, height: int) -> None:
    row = xml.add(root, "object")
    xml.add(row, "name", box.label)
    xml.add(row, "truncated", int(_touches_border(box.box)))
    xml.add(row, "occluded", int(box.occluded))
    xml.add(row, "difficult", 0)
    x1, y1, x2, y2 = (round(side) for side in in_pixels(box.box, width, height))
    corners = xml.add(row, "bndbox")
    for side, value in zip(_SIDES, (x1 + 1, y1 + 1, x2, y2), strict=True):
        xml.add(corners, side, value)


def _touches_border(box: Box) -> bool:
    return box.x1 <= 0 or box.y1 <= 0 or box.x2 >= 1 or box.y2 >= 1
