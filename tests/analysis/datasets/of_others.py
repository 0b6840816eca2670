"""Small sets as other tools lay them out, for the tests of what is made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from analysis.datasets.types import LabelledPicture, LabelledSet, Problem

SIZE = (100, 80)
# What `boxes` tells of the box that most of them mark, from (10, 10) to (50, 40).
KESTREL = ("Kestrel", 0.1, 0.125, 0.5, 0.5)


def put_picture(
    path: Path, shade: int = 90, size: tuple[int, int] = SIZE, orientation: int = 1
) -> None:
    """A grey picture; `orientation` is EXIF's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size, (shade, shade, shade)).save(path, exif=exif)


def put_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def put_json(path: Path, content: Any) -> None:
    put_text(path, json.dumps(content))


def boxes(picture: LabelledPicture) -> list[tuple[Any, ...]]:
    """Label and corners in fractions of each box, in order."""
    return sorted((b.label, *(round(side, 4) for side in b.box)) for b in picture.boxes)


def only(labelled: LabelledSet) -> LabelledPicture:
    (picture,) = labelled.pictures
    return picture


def named(labelled: LabelledSet) -> dict[str, LabelledPicture]:
    """The pictures by their sources, of which each stands once."""
    found = {p.source: p for p in labelled.pictures}
    assert len(found) == len(labelled.pictures)
    return found


def errors(problems: Sequence[Problem]) -> list[str]:
    return [p.message for p in problems if p.is_error]


def codes(problems: Sequence[Problem]) -> set[str]:
    return {p.code for p in problems}
