"""CVAT for images 1.1: one XML file with pictures, their boxes, and tags of whole pictures.

A file of CVAT for video has tracks instead of pictures and is read by `cvat_video`.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

from analysis.datasets.boxes import sound
from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import TITLES, xml
from analysis.datasets.formats.cvat import shapes as cvat_shapes
from analysis.datasets.formats.cvat import video as cvat_video
from analysis.datasets.gathering import Gathered, is_known
from analysis.datasets.picture_files import (
    Pictures,
    Shelf,
    file_names,
    folders_of,
    measured,
    put,
    said_size,
)
from analysis.datasets.split_names import split_named
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.errors import AnalysisError

TITLE = TITLES["cvat"]
HOLDS = frozenset({"labels", "split", "occluded", "attributes", "fractions", "name"})


def detects(folder: Path) -> bool:
    """Whether there is a CVAT file of pictures in the folder."""
    return any(not cvat_shapes.is_video(root) for _, root in cvat_shapes.roots(folder))


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set in `folder`, of pictures or of videos. Raises AnalysisError where there is none."""
    roots = list(cvat_shapes.roots(folder))
    if not roots:
        raise AnalysisError("There is no CVAT file: XML with annotations in it.")
    if any(cvat_shapes.is_video(root) for _, root in roots):
        return cvat_video.read(folder)
    shelf = Shelf(folder)
    shelf.expect(row.get("name") or "" for _, root in roots for row in root.iter("image"))
    problems: list[Problem] = []
    labels: dict[str, None] = {}
    gathered = Gathered(folder)
    for file, root in roots:
        declared = dict.fromkeys(cvat_shapes.labels(root))
        labels |= declared
        for row in root.iter("image"):
            picture, found = _picture(row, shelf, declared, file)
            problems += found
            if picture is not None:
                part = "/".join([*folders_of(file), *filter(None, [row.get("subset")])])
                gathered.add(picture, part, has_lost=not picture.is_labelled)
                labels |= dict.fromkeys([*(b.label for b in picture.boxes), *picture.labels])
    read = gathered.pictures()
    problems += gathered.problems
    is_concept = any(p.labels for p in read) and not any(p.boxes for p in read)
    name = cvat_shapes.title(roots[0][1])
    return LabelledSet("concept" if is_concept else "boxes", tuple(labels), read, name), problems


def _picture(
    row: Element, shelf: Shelf, declared: dict[str, None], file: str
) -> tuple[LabelledPicture | None, list[Problem]]:
    source = (row.get("name") or "").replace("\\", "/")
    if not source:
        problem = Problem(file, "ERROR_MISSING_SOURCE_REF", "A picture has no name.")
        return None, [problem]
    width, height = (xml.number(row.get(side)) for side in ("width", "height"))
    said = said_size(width, height)
    subset = (row.get("subset") or "").lower()
    measures = measured(shelf, source, said, [*folders_of(file), subset])
    if measures.size is None:
        return None, measures.problems
    problems: list[Problem] = []
    boxes: list[LabelledBox] = []
    tags: list[str] = []
    for shape in row:
        label = shape.get("label") or ""
        if label not in declared and (declared or not label):
            message = f"The label “{label}” is not declared in {file}."
            problems.append(Problem(source, "ERROR_MISSING_CLASS_MAP_ID", message))
        elif shape.tag == "tag":
            tags.append(label)
        elif shape.tag not in cvat_shapes.SHAPES:
            message = f"“{label}” is a {shape.tag}, which has no box."
            problems.append(Problem(source, "ERROR_UNSUPPORTED_USE_CASE_TYPE", message))
        else:
            box, told = cvat_shapes.box_of(shape, label, said or measures.size, source)
            boxes += [box] if box else []
            problems += [told] if told else []
    kept, more = sound(measures.turned(boxes), source)
    problems += more
    picture = LabelledPicture(
        source,
        *measures.size,
        boxes=kept,
        labels=tuple(dict.fromkeys(tags)),
        is_labelled=is_known(kept, tags, problems),
        split=split_named(subset),
        file=str(measures.path or ""),
    )
    return picture, measures.problems + problems


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """`annotations.xml` and `images/<subset>/`; returns what CVAT cannot hold."""
    kept, problems = reduce(labelled, HOLDS, TITLE)
    names = file_names(kept.pictures)
    problems += put(
        kept.pictures,
        names,
        pictures,
        lambda p: folder / "images" / (p.split or "default") / names[p.source],
    )
    attributes = {name for p in kept.pictures for b in p.boxes for name in b.attributes}
    size = len(kept.pictures)
    root = cvat_shapes.head(kept.name, tuple(kept.labels), attributes, size=size)
    for number, picture in enumerate(kept.pictures):
        _add_picture(root, number, picture, names[picture.source])
    xml.save(root, folder / "annotations.xml")
    return problems


def _add_picture(root: Element, number: int, picture: LabelledPicture, name: str) -> None:
    subset = {"subset": picture.split} if picture.split else {}
    size = picture.width, picture.height
    row = xml.add(root, "image", id=number, name=name, **subset, width=size[0], height=size[1])
    for label in picture.labels:
        xml.add(row, "tag", label=label, source="manual")
    for box in picture.boxes:
        cvat_shapes.add_box(row, box, size, label=box.label, source="manual")
