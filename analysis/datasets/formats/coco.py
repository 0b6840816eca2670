"""COCO: JSON with pictures, categories and boxes as x, y, width, height in pixels.

One file a split, `annotations/instances_train.json`, beside `images/train/`. What COCO has no
field for goes where CVAT puts it: `attributes` of the annotation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from analysis.datasets.boxes import around, from_pixels, in_pixels, sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import TITLES
from analysis.datasets.formats.coco_masks import box_of_mask
from analysis.datasets.formats.json_files import json_files
from analysis.datasets.gathering import Gathered, is_known
from analysis.datasets.picture_files import Pictures, Shelf, file_names, measured, put, said_size
from analysis.datasets.split_names import SPLITS, split_named
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem, Split, Task
from analysis.errors import AnalysisError
from analysis.types import Box

TITLE = TITLES["coco"]
HOLDS = frozenset(
    {"split", "occluded", "track", "confidence", "attributes", "fractions", "changed", "name"}
)
_DEFAULT = "default"  # the split that CVAT and datumaro write for pictures without one
# What datumaro and the makers of COCO put before the split, a file for each kind of labels.
_KINDS = re.compile(r"^(instances|(person_)?keypoints|labels|captions|panoptic|stuff)(_|$)")


def detects(folder: Path) -> bool:
    """Whether there is a COCO file in the folder."""
    return any(True for _ in _files(folder))


def _files(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path, content in json_files(folder):
        if isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys():
            yield path, content


def _file_names(content: dict[str, Any]) -> Iterator[str]:
    rows = content["images"] if isinstance(content["images"], list) else []
    return (str(row["file_name"]) for row in rows if isinstance(row, dict) and "file_name" in row)


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set in `folder`, all its splits together. Raises AnalysisError where there is none."""
    shelf = Shelf(folder)
    labels: dict[str, None] = {}
    gathered = Gathered(folder)
    problems: list[Problem] = []
    name = ""
    found = list(_files(folder))
    shelf.expect(name for _, content in found for name in _file_names(content))
    for path, content in found:
        file = _File(path.relative_to(folder).as_posix(), content, shelf)
        name = name or str((content.get("info") or {}).get("description") or "")
        labels |= dict.fromkeys(file.names())
        for picture in file.pictures():
            gathered.add(picture, file.part, has_lost=picture.source in file.lost_of)
        problems += file.problems
    pictures = gathered.pictures()
    if not pictures and not labels:
        raise AnalysisError("There is no COCO file: JSON with images, annotations and categories.")
    is_concept = any(p.labels for p in pictures) and not any(p.boxes for p in pictures)
    task: Task = "concept" if is_concept else "boxes"
    return LabelledSet(task, tuple(labels), pictures, name), problems + gathered.problems


class _File:
    """One COCO file being read: its rows, and what is wrong with them.

    Ids are compared as texts: one file writes 7 where another writes "7".
    """

    def __init__(self, where: str, content: dict[str, Any], shelf: Shelf) -> None:
        self.where, self.content, self.shelf = where, content, shelf
        self.problems: list[Problem] = []
        self.split = split_named(where)
        path = PurePosixPath(where)
        self.part = (path.parent / (_KINDS.sub("", path.stem) or ".")).as_posix()
        self.near = _folders_near(path, self.split)
        self.lost: set[str] = set()  # ids of pictures with an annotation that is left out
        self.lost_of: set[str] = set()  # and those pictures' sources
        self.has_captions = False
        self.categories: dict[str, dict[str, Any]] = {}
        for row in self._rows("categories", "id", "name"):
            if self.categories.setdefault(_id(row["id"]), row)["name"] != row["name"]:
                self._bad("categories", f"Two have the id {row['id']}; the first is meant.")
        self.annotations: dict[str, list[dict[str, Any]]] = {}
        for row in self._annotations():
            self.annotations.setdefault(_id(row["image_id"]), []).append(row)

    def names(self) -> list[str]:
        """The labels, without a root that only gathers the others, as Roboflow writes one."""
        used = {_id(row["category_id"]) for rows in self.annotations.values() for row in rows}
        above = {
            over
            for row in self.categories.values()
            if (over := str(row.get("supercategory") or "")) != str(row["name"])
        }
        return [
            str(row["name"])
            for number, row in self.categories.items()
            if number in used
            or str(row["name"]) not in above
            or str(row.get("supercategory") or "none") not in ("none", str(row["name"]))
            or len(self.categories) == 1
        ]

    def _annotations(self) -> Iterator[dict[str, Any]]:
        """A row for each thing; or, where no row of the file says a place, for each label of a
        whole picture."""
        rows = list(self._rows("annotations", "image_id"))
        of_wholes = not any(map(_has_place, rows))
        n_captions = 0
        for row in rows:
            if isinstance(row.get("segments_info"), list):  # panoptic: several in one row
                for part in row["segments_info"]:
                    if isinstance(part, dict) and "category_id" in part and _has_place(part):
                        yield {**part, "image_id": row["image_id"]}
                    else:
                        self._lose(row, "A part of it lacks bbox or category_id.")
            elif isinstance(row.get("category_id"), dict | list):
                self._lose(row, "Its category is not a number.")
            elif "category_id" in row and (of_wholes or _has_place(row)):
                yield row
            elif "caption" in row:
                n_captions += 1
            else:
                lacks = "bbox" if "category_id" in row else "category_id"
                self._lose(row, f"It lacks {lacks}.")
        if n_captions:
            self.has_captions = True
            message = f"{n_captions:,} sentences about pictures are left out."
            self.problems.append(Problem(self.where, "LOST_CAPTIONS", message, is_error=False))

    def _rows(self, kind: str, *fields: str) -> Iterator[dict[str, Any]]:
        """The rows that have these fields; a word on each that has not."""
        rows = self.content[kind]
        for number, row in enumerate(rows if isinstance(rows, list) else []):
            if not isinstance(row, dict) or any(field not in row for field in fields):
                self._bad(f"{kind}[{number}]", f"It lacks {' or '.join(fields)}.")
            elif any(isinstance(row[f], (dict, list)) for f in fields if f.endswith("id")):
                self._bad(f"{kind}[{number}]", "Its id is not a number.")
            else:
                yield row

    def _lose(self, row: dict[str, Any], message: str) -> None:
        self.lost.add(_id(row["image_id"]))
        self._bad(f"annotation {row.get('id', '')}", message)

    def _bad(self, what: str, message: str, code: str = "ERROR_INVALID_LINE") -> None:
        self.problems.append(Problem(f"{self.where}, {what}", code, message))

    def _note(self, what: str, code: str, message: str) -> None:
        self.problems.append(Problem(f"{self.where}, {what}", code, message, is_error=False))

    def pictures(self) -> Iterator[LabelledPicture]:
        names: dict[str, dict[str, None]] = {}
        rows = list(self._rows("images", "id", "file_name"))
        for row in rows:
            names.setdefault(_id(row["id"]), {})[str(row["file_name"])] = None
        for number, several in names.items():
            if len(several) > 1 and self.annotations.pop(number, []):
                self.lost.add(number)
                message = f"{len(several)} pictures have the id {number}; their boxes are left out."
                self._bad("images", message, "ERROR_INVALID_IMAGE")
        for row in rows:
            if picture := self._picture(row):
                yield picture
        known = names.keys()
        for image_id, rows in self.annotations.items():
            if image_id not in known:
                message = f"{len(rows)} boxes are of picture {image_id}, which is not there."
                self._bad("annotations", message, "ERROR_INVALID_IMAGE")

    def _picture(self, row: dict[str, Any]) -> LabelledPicture | None:
        source = str(row["file_name"]).replace("\\", "/")
        said = said_size(row.get("width"), row.get("height"))
        found = measured(self.shelf, source, said, self.near)
        self.problems += found.problems
        if found.size is None:
            return None
        before = len(self.problems)
        rows = self.annotations.get(_id(row["id"]), [])
        tags = [label for r in rows if not _has_place(r) and (label := self._label(r))]
        size = said or found.size
        boxes = [b for r in rows if _has_place(r) and (b := self._box(r, size))]
        kept, problems = sound(found.turned(boxes), source)
        self.problems += problems
        says = is_known(kept, tags, self.problems[before:])
        if not says or (_id(row["id"]) in self.lost and not kept and not tags):
            says = False
            self.lost_of.add(source)
        return LabelledPicture(
            source,
            *found.size,
            boxes=kept,
            labels=tuple(dict.fromkeys(tags)),
            is_labelled=says and not (self.has_captions and not self.categories),
            split=self.split,
            file=str(found.path or ""),
            changed=str(row.get("date_captured") or ""),
        )

    def _label(self, row: dict[str, Any]) -> str | None:
        category = self.categories.get(_id(row["category_id"]))
        if category is None:
            message = f"There is no category {row['category_id']}."
            self._bad(f"annotation {row.get('id', '')}", message, "ERROR_MISSING_CLASS_MAP_ID")
            return None
        return str(category["name"])

    def _box(self, row: dict[str, Any], size: tuple[int, int]) -> LabelledBox | None:
        what = f"annotation {row.get('id', '')}"
        label = self._label(row)
        if label is None:
            return None
        try:
            corners = self._corners(row, what)
            confidence = min(max(float(row.get("score", 1.0)), 0.0), 1.0)
        except (TypeError, ValueError, IndexError, OverflowError):
            message = "Neither its bbox nor its segmentation says where it is."
            self._bad(what, message, "ERROR_INVALID_BOUNDING_BOX")
            return None
        given = row.get("attributes")
        attributes = dict(given) if isinstance(given, dict) else {}
        if row.get("iscrowd"):
            attributes["iscrowd"] = 1
        track = attributes.get("track_id")
        is_number = isinstance(track, int) and not isinstance(track, bool)
        if is_number or track is None:
            attributes.pop("track_id", None)
        return LabelledBox(
            label,
            from_pixels(*corners, *size),
            occluded=bool(attributes.pop("occluded", False)),
            track=track if is_number else None,
            confidence=confidence,
            attributes=attributes,
        )

    def _corners(self, row: dict[str, Any], what: str) -> Box:
        """xyxy in pixels: its bbox, else the box around its outline or its mask."""
        shape = row.get("segmentation")
        if any(_numbers(row.get("keypoints"))):
            self._note(what, "WARNING_KEYPOINTS", "Its key points are left out; its box is kept.")
        if shape:
            self._note(what, "WARNING_SHAPE", "It is a shape; the box around it is kept.")
        if row.get("bbox"):
            x, y, w, h = (float(value) for value in row["bbox"])
            return Box(x, y, x + w, y + h)
        if isinstance(shape, dict):
            return box_of_mask(shape)
        points = [float(value) for ring in shape or [] for value in ring]
        return around(zip(points[::2], points[1::2], strict=True))


def _id(value: Any) -> str:
    """An id as text, the same whether it was written as 7, 7.0 or "7"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    return text.removesuffix(".0") if text.removesuffix(".0").isdecimal() else text


def _folders_near(path: PurePosixPath, split: Split | None) -> set[str]:
    """What folders with the pictures of a file may be called."""
    own = {*path.parts[:-1], *re.split("[_.]", path.stem)} - {"annotations", "labels"}
    return own | {word for word, said in SPLITS.items() if said == split} | {split or _DEFAULT}


def _numbers(values: Any) -> list[Any]:
    return values if isinstance(values, list) else []


def _has_place(row: dict[str, Any]) -> bool:
    return bool({"bbox", "segmentation", "keypoints"} & row.keys())


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """`annotations/instances_<split>.json` and `images/<split>/`; returns what COCO cannot hold."""
    kept, problems = reduce(labelled, HOLDS, TITLE)
    names = file_names(kept.pictures)

    def place(picture: LabelledPicture) -> Path:
        return folder / "images" / (picture.split or _DEFAULT) / names[picture.source]

    problems += put(kept.pictures, names, pictures, place)
    splits: dict[str, list[LabelledPicture]] = {}
    for picture in kept.pictures:
        splits.setdefault(picture.split or _DEFAULT, []).append(picture)
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    for split, members in (splits or {_DEFAULT: []}).items():
        text = json.dumps(_content(kept, members, names), ensure_ascii=False)
        (folder / "annotations" / f"instances_{split}.json").write_text(text, encoding="utf-8")
    return problems


def _content(
    labelled: LabelledSet, members: list[LabelledPicture], names: dict[str, str]
) -> dict[str, Any]:
    numbers = {label: n for n, label in enumerate(labelled.labels, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, picture in enumerate(members, 1):
        images.append(
            {
                "id": image_id,
                "file_name": names[picture.source],
                "width": picture.width,
                "height": picture.height,
                "date_captured": picture.changed,
            }
        )
        for box in picture.boxes:
            ids = {
                "id": len(annotations) + 1,
                "image_id": image_id,
                "category_id": numbers[box.label],
            }
            annotations.append(ids | _annotation(box, picture))
    return {
        "info": {"description": labelled.name, "version": "1.0"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": n, "name": label, "supercategory": ""} for label, n in numbers.items()
        ],
    }


def _annotation(box: LabelledBox, picture: LabelledPicture) -> dict[str, Any]:
    x1, y1, x2, y2 = in_pixels(box.box, picture.width, picture.height)
    w, h = round(x2 - x1, 6), round(y2 - y1, 6)
    attributes = {k: v for k, v in box.attributes.items() if k != "iscrowd"}
    attributes |= {"occluded": box.occluded}
    attributes |= {} if box.track is None else {"track_id": box.track}
    row: dict[str, Any] = {
        "bbox": [x1, y1, w, h],
        "area": round(w * h, 6),
        "iscrowd": int(bool(box.attributes.get("iscrowd"))),
        "segmentation": [],
        "attributes": attributes,
    }
    return row | ({} if box.confidence == 1 else {"score": box.confidence})
