"""A frozen set in one file: gzipped JSON, the same bytes for the same content."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.errors import AnalysisError
from analysis.types import Box

FORMAT = "sightline-dataset-1"


def pack(labelled: LabelledSet) -> bytes:
    """The set as bytes for `unpack`. What has its default is left out."""
    content = {
        "format": FORMAT,
        "task": labelled.task,
        "name": labelled.name,
        "labels": list(labelled.labels),
        "pictures": [_picture(p) for p in labelled.pictures],
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return gzip.compress(text.encode(), 6, mtime=0)


def unpack(data: bytes) -> LabelledSet:
    """The set that `pack` wrote. Raises AnalysisError for bytes that are something else."""
    try:
        content = json.loads(gzip.decompress(data))
        if content["format"] != FORMAT:
            raise ValueError(content["format"])
        pictures = tuple(_read_picture(row) for row in content["pictures"])
        return LabelledSet(content["task"], tuple(content["labels"]), pictures, content["name"])
    except (OSError, EOFError, ValueError, LookupError, TypeError) as e:
        raise AnalysisError("This file is not a dataset version of Sightline.") from e


def content_hash(labelled: LabelledSet) -> str:
    """SHA-256 of what the set says; the compression has no part in it."""
    return hashlib.sha256(gzip.decompress(pack(labelled))).hexdigest()


def read(path: Path | str) -> LabelledSet:
    """The set in the file at `path`. Raises AnalysisError."""
    return unpack(Path(path).read_bytes())


_DEFAULTS = LabelledPicture("", 0, 0)


def _picture(picture: LabelledPicture) -> dict[str, Any]:
    row = {
        f.name: getattr(picture, f.name)
        for f in fields(picture)
        if f.name != "boxes" and getattr(picture, f.name) != getattr(_DEFAULTS, f.name)
    }
    boxes = [
        {k: v for k, v in asdict(b).items() if k != "box"} | {"box": [*b.box]}
        for b in picture.boxes
    ]
    return row | ({"boxes": boxes} if boxes else {})


def _read_picture(row: dict[str, Any]) -> LabelledPicture:
    boxes = tuple(LabelledBox(**(b | {"box": Box(*b["box"])})) for b in row.get("boxes", ()))
    return LabelledPicture(**(row | {"boxes": boxes, "labels": tuple(row.get("labels", ()))}))
