"""Label Studio JSON: tasks with results in percent of the picture.

Rectangles and choices of pictures; a file with videos is read too, and `label_studio_video`
writes one. The labels stand in `label_config.xml` beside the tasks, which is also what to set a
project up with.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import TITLES, xml
from analysis.datasets.formats.label_studio import tasks as label_studio_tasks
from analysis.datasets.formats.label_studio.tasks import COLUMNS
from analysis.datasets.picture_files import Pictures, file_names, put
from analysis.datasets.types import LabelledPicture, LabelledSet, Problem

TITLE = TITLES["label_studio"]
HOLDS = frozenset({"labels", "is_labelled", "confidence", "fractions", "changed", *COLUMNS})
_NO_PICTURE = LabelledPicture("", 1, 1)


def detects(folder: Path) -> bool:
    """Whether there is a file of Label Studio tasks in the folder."""
    return any(True for _ in label_studio_tasks.tasks(folder))


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set in `folder`. Raises AnalysisError where there are no tasks."""
    return label_studio_tasks.read(folder)


# --- writing ------------------------------------------------------------------------------


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """`tasks.json`, `label_config.xml` and `images/`; returns what Label Studio cannot hold.

    Serve the folder as local files, or upload the pictures and the tasks find them by name.
    """
    kept, problems = reduce(labelled, HOLDS, TITLE)
    names = file_names(kept.pictures)
    told = put(kept.pictures, names, pictures, lambda p: folder / "images" / names[p.source])
    problems += [p for p in told if p.code != "RENAMED"]  # `data` holds the source itself
    tasks = [_task(p, names[p.source]) for p in kept.pictures]
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(tasks, ensure_ascii=False, indent=1)
    (folder / "tasks.json").write_text(text, encoding="utf-8")
    xml.save(_interface(kept.labels), folder / "label_config.xml")
    return problems


def _task(picture: LabelledPicture, name: str) -> dict[str, Any]:
    said = {column: getattr(picture, column) for column in COLUMNS}
    data: dict[str, Any] = {
        "image": f"/data/local-files/?d=images/{quote(name)}",
        "source": picture.source,
    }
    data |= {"width": picture.width, "height": picture.height}
    data |= {k: v for k, v in said.items() if v != getattr(_NO_PICTURE, k)}
    task: dict[str, Any] = {"data": data, "annotations": []}
    if picture.is_labelled:
        annotation: dict[str, Any] = {"result": _results(picture)}
        if picture.changed:
            annotation["updated_at"] = picture.changed
        task["annotations"].append(annotation)
    return task


def _results(picture: LabelledPicture) -> list[dict[str, Any]]:
    size = {"original_width": picture.width, "original_height": picture.height}
    results: list[dict[str, Any]] = []
    for number, box in enumerate(picture.boxes, 1):
        x1, y1, x2, y2 = (side * 100 for side in box.box)
        value = {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "rotation": 0}
        row: dict[str, Any] = {"id": f"box-{number}", "type": "rectanglelabels", "from_name": "box"}
        row |= {"to_name": "image", "image_rotation": 0, **size}
        row |= {"value": value | {"rectanglelabels": [box.label]}}
        results.append(row | ({} if box.confidence == 1 else {"score": box.confidence}))
    if picture.labels:
        row = {"id": "choices", "type": "choices", "from_name": "choice", "to_name": "image"}
        results.append(row | {"value": {"choices": [*picture.labels]}})
    return results


def _interface(labels: Sequence[str]) -> Element:
    """The labelling interface: rectangles and choices with these labels."""
    root = Element("View")
    xml.add(root, "Image", name="image", value="$image")
    rectangles = xml.add(root, "RectangleLabels", name="box", toName="image")
    choices = xml.add(root, "Choices", name="choice", toName="image", choice="multiple")
    for label in labels:
        xml.add(rectangles, "Label", value=label)
        xml.add(choices, "Choice", value=label)
    return root
