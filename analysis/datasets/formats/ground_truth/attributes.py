"""The label attributes of a Ground Truth line: what they hold, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from analysis.datasets.boxes import from_pixels
from analysis.datasets.types import LabelledBox
from analysis.types import Box

BOXES = "groundtruth/object-detection"
CHOICES = ("groundtruth/image-classification", "groundtruth/image-classification-multilabel")
_MAX_NAME = 256


class BadLine(Exception):
    """Why a line is not taken."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Attribute:
    """One label attribute with its metadata, of one of the kinds that hold labels."""

    key: str
    value: Any
    metadata: dict[str, Any]
    kind: str
    class_map: Mapping[str, str]

    @classmethod
    def of(cls, key: str, value: Any, metadata: Any) -> Attribute:
        """Raises BadLine, with the code for what is wrong."""
        code = "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"
        if not isinstance(metadata, dict) or not isinstance(metadata.get("type"), str):
            raise BadLine(code, f"{key}-metadata does not say which type {key} is.")
        kind = metadata["type"]
        if kind not in (BOXES, *CHOICES):
            raise BadLine("ERROR_UNSUPPORTED_USE_CASE_TYPE", f"{key} is of the type {kind}.")
        names = class_names(key, metadata, value)
        attribute = cls(key, value, metadata, kind, names)
        attribute.boxes() if kind == BOXES else attribute.choices()
        return attribute

    @property
    def date(self) -> str:
        return str(self.metadata.get("creation-date") or "")

    def names(self) -> list[str]:
        """The labels in the order of their numbers."""
        return in_order(self.class_map)

    def _name(self, number: Any) -> str:
        if str(number) not in self.class_map:
            message = f"The class-map of {self.key} has no class {number}."
            raise BadLine("ERROR_MISSING_CLASS_MAP_ID", message)
        return self.class_map[str(number)]

    def choices(self) -> list[str]:
        """The labels of the whole picture: one number, or a list of them."""
        numbers = self.value if isinstance(self.value, list) else [self.value]
        if not all(isinstance(n, int | str) and not isinstance(n, bool) for n in numbers):
            message = f"{self.key} is not the number of a class, nor a list of such."
            raise BadLine("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", message)
        return [self._name(number) for number in numbers]

    def size(self) -> tuple[int, int]:
        """Width and height of the picture, as the attribute says."""
        try:
            first = self.value["image_size"][0]
            width, height = first["width"], first["height"]
        except (LookupError, TypeError):
            message = f"{self.key} does not say how large the picture is."
            raise BadLine("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", message) from None
        if not (is_number(width) and is_number(height) and width >= 1 and height >= 1):
            message = f"{width} × {height} is not the size of a picture."
            raise BadLine("ERROR_INVALID_IMAGE_DIMENSION", message)
        return int(width), int(height)

    def boxes(self) -> list[LabelledBox]:
        """None where nothing is marked: no annotations, or an empty list of them."""
        rows = self.value.get("annotations", []) if isinstance(self.value, dict) else None
        if not isinstance(rows, list):
            message = f"{self.key} holds no list of annotations."
            raise BadLine("ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT", message)
        objects = self.metadata.get("objects", None if rows else [])
        if not isinstance(objects, list) or len(objects) != len(rows):
            message = f"{self.key}-metadata does not have one object for each annotation."
            raise BadLine("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT", message)
        size = self.size()
        found: list[LabelledBox] = []
        faults: list[BadLine] = []
        for row, said in zip(rows, objects, strict=True):
            try:
                found.append(self._box(row, said, size))
            except BadLine as bad:
                faults.append(bad)
        if len(faults) > 1 and not found:
            message = f"None of its {len(faults)} boxes is good. The first: {faults[0].message}"
            raise BadLine("ERROR_NO_VALID_ANNOTATIONS", message)
        if faults:
            raise faults[0]
        return found

    def _box(self, row: Any, said: Any, size: tuple[int, int]) -> LabelledBox:
        confidence = said.get("confidence") if isinstance(said, dict) else None
        if not is_number(confidence):
            message = f"A box of {self.key} has no confidence in the metadata."
            raise BadLine("ERROR_MISSING_BOUNDING_BOX_CONFIDENCE", message)
        values = row if isinstance(row, dict) else {}
        label = self._name(values.get("class_id"))
        box = placed(values, label, size)
        return LabelledBox(label, box, confidence=min(max(float(confidence or 0), 0.0), 1.0))


def class_names(key: str, metadata: dict[str, Any], value: Any = None) -> dict[str, str]:
    """The labels of an attribute by their numbers. Raises BadLine."""
    class_map = metadata.get("class-map", None if "class-name" not in metadata else {})
    if not isinstance(class_map, dict):
        message = f"{key}-metadata has no class-map."
        raise BadLine("ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT", message)
    names = {str(n): name for n, name in class_map.items()}
    names |= {str(value): metadata["class-name"]} if "class-name" in metadata else {}
    for name in names.values():
        if not isinstance(name, str) or not 1 <= len(name) <= _MAX_NAME:
            message = f"A label has 1 to {_MAX_NAME} characters; {key} has another."
            raise BadLine("ERROR_INVALID_LABEL_NAME_LENGTH", message)
    return names


def in_order(names: Mapping[str, str]) -> list[str]:
    """Labels in the order of their numbers."""
    return [names[n] for n in sorted(names, key=lambda n: (not n.isdecimal(), len(n), n))]


def placed(values: Mapping[str, Any], label: str, size: tuple[int, int]) -> Box:
    """Where `left`, `top`, `width` and `height` put a box. Raises BadLine for no good one."""
    place = [values.get(side) for side in ("left", "top", "width", "height")]
    if not all(is_number(value) for value in place):
        message = f"A box of “{label}” does not have its place in numbers."
        raise BadLine("ERROR_INVALID_BOUNDING_BOX", message)
    left, top, width, height = cast("list[float]", place)
    if width < 1 or height < 1:
        message = f"A box of “{label}” is smaller than a pixel."
        raise BadLine("ERROR_BOUNDING_BOX_TOO_SMALL", message)
    if left < 0 or top < 0 or left + width > size[0] or top + height > size[1]:
        message = (
            f"A box of “{label}” reaches off the picture: {left}, {top} to "
            f"{left + width}, {top + height} in {size[0]} × {size[1]} pixels."
        )
        raise BadLine("ERROR_INVALID_BOUNDING_BOX", message)
    return from_pixels(left, top, left + width, top + height, *size)


def is_number(value: Any) -> bool:
    """A finite number of modest size, and no boolean."""
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and abs(value) < 1e9  # which NaN is not
