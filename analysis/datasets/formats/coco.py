"""COCO: JSON with pictures, categories and boxes as x, y, width, height in pixels.

One file a split, `annotations/instances_train.json`, beside `images/train/`. What COCO has no
field for goes where CVAT puts it: `attributes` of the annotation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analysis.datasets.boxes import from_pixels, in_pixels, sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.formats.json_files import json_files
from analysis.datasets.picture_files import Pictures, Shelf, file_names, measured, put, said_size
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem, Split
from analysis.errors import AnalysisError

TITLE = "COCO"
HOLDS = frozenset(
    {"split", "occluded", "track", "confidence", "attributes", "fractions", "changed", "name"}
)
_SPLIT = re.compile(r"(?<![a-z])(train|val|test)")
_DEFAULT = "default"  # the split that CVAT and datumaro write for pictures without one


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
    pictures: dict[str, LabelledPicture] = {}
    problems: list[Problem] = []
    name = ""
    found = list(_files(folder))
    shelf.expect(name for _, content in found for name in _file_names(content))
    for path, content in found:
        file = _File(path.relative_to(folder).as_posix(), content, shelf)
        name = name or str((content.get("info") or {}).get("description") or "")
        labels |= dict.fromkeys(file.labels.values())
        for picture in file.pictures():
            if picture.source in pictures:
                message = "Two files have this picture; the first is kept."
                problem = Problem(picture.source, "WARNING_DUPLICATE_SOURCE", message, False)
                file.problems.append(problem)
            pictures.setdefault(picture.source, picture)
        problems += file.problems
    if not pictures and not labels:
        raise AnalysisError("There is no COCO file: JSON with images, annotations and categories.")
    return LabelledSet("boxes", tuple(labels), tuple(pictures.values()), name), problems


class _File:
    """One COCO file being read: its rows, and what is wrong with them."""

    def __init__(self, where: str, content: dict[str, Any], shelf: Shelf) -> None:
        self.where, self.content, self.shelf = where, content, shelf
        self.problems: list[Problem] = []
        found = _SPLIT.search(where.lower())
        self.split: Split | None = found[1] if found else None  # type: ignore[assignment]
        self.labels = {
            row["id"]: str(row["name"]) for row in self._rows("categories", "id", "name")
        }
        self.annotations: dict[Any, list[dict[str, Any]]] = {}
        for row in self._rows("annotations", "image_id", "category_id", "bbox"):
            self.annotations.setdefault(row["image_id"], []).append(row)

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

    def _bad(self, what: str, message: str, code: str = "ERROR_INVALID_LINE") -> None:
        self.problems.append(Problem(f"{self.where}, {what}", code, message))

    def pictures(self) -> Iterator[LabelledPicture]:
        known = set()
        for row in self._rows("images", "id", "file_name"):
            known.add(row["id"])
            if picture := self._picture(row):
                yield picture
        for image_id, rows in self.annotations.items():
            if image_id not in known:
                message = f"{len(rows)} boxes are of picture {image_id}, which is not there."
                self._bad("annotations", message, "ERROR_INVALID_IMAGE")

    def _picture(self, row: dict[str, Any]) -> LabelledPicture | None:
        source = str(row["file_name"]).replace("\\", "/")
        said = said_size(row.get("width"), row.get("height"))
        path, size, problems = measured(self.shelf, source, said, self.split or _DEFAULT)
        self.problems += problems
        if size is None:
            return None
        boxes = [
            b for r in self.annotations.get(row["id"], ()) if (b := self._box(r, said or size))
        ]
        kept, problems = sound(boxes, source)
        self.problems += problems
        return LabelledPicture(
            source,
            *size,
            boxes=kept,
            split=self.split,
            file=str(path or ""),
            changed=str(row.get("date_captured") or ""),
        )

    def _box(self, row: dict[str, Any], size: tuple[int, int]) -> LabelledBox | None:
        what = f"annotation {row.get('id', '')}"
        label = self.labels.get(row["category_id"])
        if label is None:
            message = f"There is no category {row['category_id']}."
            self._bad(what, message, "ERROR_MISSING_CLASS_MAP_ID")
            return None
        try:
            x, y, w, h = (float(value) for value in row["bbox"])
            confidence = min(max(float(row.get("score", 1.0)), 0.0), 1.0)
        except (TypeError, ValueError):
            self._bad(what, "Its bbox is not four numbers.", "ERROR_INVALID_BOUNDING_BOX")
            return None
        given = row.get("attributes")
        attributes = dict(given) if isinstance(given, dict) else {}
        if row.get("iscrowd"):
            attributes["iscrowd"] = 1
        track = attributes.pop("track_id", None)
        return LabelledBox(
            label,
            from_pixels(x, y, x + w, y + h, *size),
            occluded=bool(attributes.pop("occluded", False)),
            track=track if isinstance(track, int) else None,
            confidence=confidence,
            attributes=attributes,
        )


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
