"""What CVAT's two XML formats share: the head of the file, and boxes with their attributes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from analysis.datasets.boxes import around, from_pixels, in_pixels
from analysis.datasets.formats import xml
from analysis.datasets.types import LabelledBox, Problem
from analysis.datasets.video_frames import Turned
from analysis.types import Box

CORNERS = ("xtl", "ytl", "xbr", "ybr")
SHAPES = ("box", "polygon", "polyline", "points", "ellipse", "mask")
_COLOURS = ("#d1495b", "#00798c", "#edae49", "#6a4c93", "#66a182", "#2e86de", "#c06c2b")


def roots(folder: Path) -> Iterator[tuple[str, Element]]:
    """The CVAT files of a folder, by name. Raises AnalysisError for XML that cannot be read."""
    for path in sorted(folder.rglob("*.xml")):
        if not path.is_symlink() and _begins_like_cvat(path):
            yield path.relative_to(folder).as_posix(), xml.load(path)


def _begins_like_cvat(path: Path) -> bool:
    with path.open("rb") as file:
        return b"<annotations" in file.read(4096)


def is_video(root: Element) -> bool:
    """Whether the file holds tracks, or is of a video that has none."""
    is_of_video = xml.text(root, "meta/task/mode") == "interpolation"
    return root.find("track") is not None or (is_of_video and root.find("image") is None)


# --- the head -----------------------------------------------------------------------------


def title(root: Element) -> str:
    """What the task, project or job is called."""
    names = (xml.text(root, f"meta/{kind}/name") for kind in ("task", "project", "job"))
    job = xml.text(root, "meta/job/id")
    return next((name for name in names if name), f"job {job}" if job else "")


def labels(root: Element) -> Iterator[str]:
    """The labels that the task declares, in order."""
    for row in root.iterfind("meta/*/labels/label"):
        if name := xml.text(row, "name"):
            yield name


def head(name: str, names: tuple[str, ...], attributes: set[str], **facts: object) -> Element:
    """A root with CVAT's meta: the task's name, its labels, `facts` such as its size."""
    root = Element("annotations")
    xml.add(root, "version", "1.1")
    task = xml.add(xml.add(root, "meta"), "task")
    xml.add(task, "name", name)
    for fact, value in facts.items():
        xml.add(task, fact, value)
    rows = xml.add(task, "labels")
    for number, label in enumerate(names):
        row = xml.add(rows, "label")
        xml.add(row, "name", label)
        xml.add(row, "color", _COLOURS[number % len(_COLOURS)])
        declared = xml.add(row, "attributes")
        for attribute in sorted(attributes):
            _declare(declared, attribute)
    return root


def _declare(parent: Element, attribute: str) -> None:
    row = xml.add(parent, "attribute")
    for tag, value in (
        ("name", attribute), ("mutable", "True"), ("input_type", "text"),
        ("default_value", ""), ("values", ""),
    ):  # fmt: skip
        xml.add(row, tag, value)


# --- boxes --------------------------------------------------------------------------------


def box_of(
    shape: Element, label: str, size: tuple[int, int], where: str
) -> tuple[LabelledBox | None, Problem | None]:
    """A shape of a picture as a box: itself, or the box around it, and then that is told."""
    try:
        corners = _around(shape)
    except (ValueError, TypeError, IndexError):
        message = f"A {shape.tag} of “{label}” does not have its corners in numbers."
        return None, Problem(where, "ERROR_INVALID_BOUNDING_BOX", message)
    box = LabelledBox(
        label,
        from_pixels(*corners, *size),
        occluded=shape.get("occluded") == "1",
        attributes=_attributes(shape),
    )
    if shape.tag == "box" and not float(shape.get("rotation") or 0):
        return box, None
    kind = "turned box" if shape.tag == "box" else shape.tag
    message = f"“{label}” is a {kind}; the upright box around it is kept."
    return box, Problem(where, "WARNING_SHAPE", message, is_error=False)


def turned_of(shape: Element) -> Turned | None:
    """A `<box>` as a rectangle that may be turned, in pixels. Raises ValueError or TypeError."""
    if shape.tag != "box":
        return None
    x1, y1, x2, y2 = (float(shape.get(side) or "") for side in CORNERS)
    degrees = float(shape.get("rotation") or 0)
    return Turned(Box(x1, y1, x2, y2), degrees, about_centre=True, shortest=True)


def _around(shape: Element) -> Box:
    """The box around a shape, in pixels. Raises ValueError, TypeError or IndexError."""
    if (rectangle := turned_of(shape)) is not None:
        return rectangle.upright() if rectangle.degrees else rectangle.box
    if shape.tag == "ellipse":
        cx, cy, rx, ry = (float(shape.get(name) or "") for name in ("cx", "cy", "rx", "ry"))
        return Box(cx - rx, cy - ry, cx + rx, cy + ry)
    if shape.tag == "mask":
        x, y, w, h = (float(shape.get(name) or "") for name in ("left", "top", "width", "height"))
        return Box(x, y, x + w, y + h)
    points = [point.split(",") for point in (shape.get("points") or "").split(";")]
    return around((float(p[0]), float(p[1])) for p in points)


def _attributes(shape: Element) -> dict[str, Any]:
    return {row.get("name") or "": (row.text or "").strip() for row in shape.iterfind("attribute")}


def add_box(parent: Element, box: LabelledBox, size: tuple[int, int], **more: object) -> Element:
    """A `<box>` with corners in pixels; `more` are attributes such as frame and keyframe."""
    corners = dict(zip(CORNERS, in_pixels(box.box, *size), strict=True))
    row = xml.add(parent, "box", **more, occluded=box.occluded, **corners, z_order=0)
    for name, value in box.attributes.items():
        xml.add(row, "attribute", value, name=name)
    return row
