"""The pictures, written as ultralytics wants them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.training.child.work import Work


def prepare(work: Work) -> Path:
    """The pictures as ultralytics wants them, no larger than needed; done once.

    Returns its data file, or the folder where whole pictures are named. Copies, always: it mends
    damaged files where they lie.
    """
    data = work.folder / "data"
    target = data if work.task == "concept" else data / "data.yaml"
    if (data / "ready").is_file():
        return target
    shutil.rmtree(data, ignore_errors=True)
    unreadable = set[str]()  # a picture may stand in both splits, and is one all the same
    for number, row in enumerate(work.pictures):
        if number % 20 == 0:
            work.say("Preparing the pictures", prepared=number / len(work.pictures))
        image = _read(Path(row["path"]), work)
        if image is None:
            unreadable.add(row["path"])
        else:
            (_write_named if work.task == "concept" else _write_boxes)(work, row, number, image)
    if unreadable:
        n = len({row["path"] for row in work.pictures})
        work.note(f"{len(unreadable)} of {n} pictures could not be read.")
    if not any((data / "images" / "train").glob("*")) and not any((data / "train").glob("*/*")):
        raise AnalysisError("None of the training pictures can be read.")
    if work.task == "boxes":
        names = json.dumps(dict(enumerate(work.labels)))
        target.write_text(f"path: {data}\ntrain: images/train\nval: images/val\nnames: {names}\n")
        for split in ("train", "val"):
            (data / "images" / split).mkdir(parents=True, exist_ok=True)
        if not any((data / "images" / "val").iterdir()):
            target.write_text(target.read_text().replace("val: images/val", "val: images/train"))
    (data / "ready").touch()
    return target


def _read(path: Path, work: Work) -> Any:
    """BGR, at the size of training: longest side, or of whole pictures both."""
    import cv2

    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    if image is None:
        return None
    side = work.largest_side
    height, width = image.shape[:2]
    if work.task == "concept":
        return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _write_boxes(work: Work, row: Mapping[str, Any], number: int, image: Any) -> None:
    data = work.folder / "data"
    lines = []
    for label, x1, y1, x2, y2 in row["boxes"]:
        x1, y1, x2, y2 = np.clip((x1, y1, x2, y2), 0, 1).tolist()
        if x2 > x1 and y2 > y1:
            centre = f"{(x1 + x2) / 2:.6f} {(y1 + y2) / 2:.6f}"
            lines.append(f"{label} {centre} {x2 - x1:.6f} {y2 - y1:.6f}\n")
    texts = data / "labels" / row["split"]
    texts.mkdir(parents=True, exist_ok=True)
    for path in _save(work, row, data / "images" / row["split"] / f"{number:06d}.jpg", image):
        (texts / f"{path.stem}.txt").write_text("".join(dict.fromkeys(lines)))


def _write_named(work: Work, row: Mapping[str, Any], number: int, image: Any) -> None:
    """Into a folder for each of its labels; folders are numbers, because labels may be anything."""
    for split in ("train", "val"):
        for place in range(len(work.names)):
            (work.folder / "data" / split / f"c{place:05d}").mkdir(parents=True, exist_ok=True)
    for place in row["labels"] or [len(work.labels)]:
        folder = work.folder / "data" / row["split"] / f"c{place:05d}"
        _save(work, row, folder / f"{number:06d}.jpg", image)


def _save(work: Work, row: Mapping[str, Any], path: Path, image: Any) -> list[Path]:
    """The picture, under as many names as an epoch shows it times."""
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    path.write_bytes(data.tobytes())
    times = work.times if row["split"] == "train" else 1
    again = [path.with_stem(f"{path.stem}-{n}") for n in range(2, times + 1)]
    for other in again:
        os.link(path, other)
    return [path, *again]
