"""What a person drew on a picture or clip, as a document that small changes add up to.

A document is {"shapes": {id: shape}, "nothing": bool}; the shapes are described at
webapp.labelling.works.Work. Everything here is plain data: no database, no request.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from analysis.labelling import interpolation
from analysis.labelling.consensus import Said

Document = dict[str, Any]
Change = dict[str, Any]
Shape = dict[str, Any]

MOST_SHAPES = 2000
_LEAST_SIDE = 1e-4  # of the picture: less than a pixel of an 8K frame is a slip of the hand
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,7}")


class BadChange(Exception):
    """Why a change cannot be kept, in a sentence for the person who made it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be drawn: boxes or whole-picture labels, on how many frames, of which labels.

    n_frames: of a clip; 0 for a picture. gone: labels that were removed from the project.
    """

    is_concept: bool
    n_frames: int
    labels: Mapping[int, str]
    gone: Mapping[int, str]


def empty() -> Document:
    return {"shapes": {}, "nothing": False}


def complete(document: Mapping[str, Any]) -> Document:
    """The document with both its parts: a fresh row's is {}."""
    return {"shapes": document.get("shapes", {}), "nothing": bool(document.get("nothing"))}


def of_sample(sample: Any) -> Document:
    """What a labelled picture of a dataset shows, as a document."""
    shapes: dict[str, Shape] = {f"label-{pk}": {"label": pk} for pk in sample.labels}
    for box in sample.annotations.all():
        shapes[f"box-{box.pk}"] = {
            "label": box.label_id,
            "box": list(box.box),
            "occluded": box.occluded,
        }
    return {"shapes": shapes, "nothing": not shapes}


def said(
    document: Mapping[str, Any], n_frames: int = 0, frames: Iterable[int] | None = None
) -> list[list[Said]]:
    """What a document says of each frame (default: all) of a clip; of a picture, which is one.

    Tracks are numbered from 1 in the order they came to be. A whole-picture label is a box as
    large as the picture.
    """
    shapes = complete(document)["shapes"].values()
    if not n_frames:
        return [[_said_once(shape) for shape in shapes]]
    wanted = range(n_frames) if frames is None else frames
    tracks = [
        (shape["label"], number, interpolation.track(shape["keys"], n_frames))
        for number, shape in enumerate(shapes, start=1)
    ]
    return [
        [
            Said(label, placed[frame].box, placed[frame].is_occluded, number)
            for label, number, placed in tracks
            if frame in placed
        ]
        for frame in wanted
    ]


def _said_once(shape: Shape) -> Said:
    if "box" not in shape:
        return Said(shape["label"])
    x1, y1, x2, y2 = shape["box"]
    return Said(shape["label"], (x1, y1, x2, y2), bool(shape.get("occluded")))


# --- reading what a browser sent -------------------------------------------------------------


def read(change: Any, rules: Rules, document: Document) -> Change:
    """The change as it will be kept: known fields only, boxes clipped to the picture.

    Raises BadChange.
    """
    if not isinstance(change, dict):
        raise BadChange("A change is a put, a delete or nothing.")
    if "put" in change:
        name = _id(change["put"])
        before = document["shapes"].get(name)
        if before is None and len(document["shapes"]) >= MOST_SHAPES:
            raise BadChange(f"A picture or clip holds {MOST_SHAPES:,} shapes at most.")
        shape = _shape(change.get("shape"), rules, before)
        if rules.is_concept:
            _once(name, shape, document)
        return {"put": name, "shape": shape}
    if "delete" in change:
        return {"delete": _id(change["delete"])}
    if isinstance(change.get("nothing"), bool):
        return {"nothing": change["nothing"]}
    raise BadChange("A change is a put, a delete or nothing.")


def _id(name: Any) -> str:
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise BadChange("The id of a shape has up to 40 letters and digits.")
    return name


def _shape(shape: Any, rules: Rules, before: Shape | None) -> Shape:
    if not isinstance(shape, dict):
        raise BadChange("A shape has a label and a box, or keys.")
    kept: Shape = {"label": _label(shape.get("label"), rules, before)}
    if rules.is_concept:
        return kept
    if rules.n_frames:
        kept["keys"] = _keys(shape.get("keys"), rules.n_frames)
    else:
        kept["box"] = read_box(shape.get("box"))
        kept["occluded"] = shape.get("occluded") is True
    if "accepted" in shape:
        kept["accepted"] = _confidence(shape["accepted"])
    if isinstance(shape.get("proposal"), str):
        kept["proposal"] = shape["proposal"][:40]
    return kept


def _label(label: Any, rules: Rules, before: Shape | None) -> int:
    if isinstance(label, bool) or not isinstance(label, int):
        raise BadChange("A shape needs a label.")
    if label in rules.labels:
        return label
    if label in rules.gone:
        # Removed while somebody drew: what they have stays, new ones need another label.
        if before and before["label"] == label:
            return label
        raise BadChange(f"{rules.gone[label]} was removed from the project: choose another label.")
    raise BadChange("There is no such label in this project.")


def _once(name: str, shape: Shape, document: Document) -> None:
    for other, has in document["shapes"].items():
        if other != name and has["label"] == shape["label"]:
            raise BadChange("The picture has this label already.")


def read_box(box: Any) -> list[float]:
    """[x1, y1, x2, y2] as fractions of the picture, clipped to it. Raises BadChange."""
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
        raise BadChange("A box has four numbers: left, top, right and bottom.")
    x1, y1, x2, y2 = (round(min(max(float(side), 0.0), 1.0), 6) for side in box)
    if x2 - x1 < _LEAST_SIDE or y2 - y1 < _LEAST_SIDE:
        raise BadChange("The box lies outside the picture or has no size.")
    return [x1, y1, x2, y2]


def is_number(value: Any) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and math.isfinite(value)


def _keys(keys: Any, n_frames: int) -> dict[str, Any]:
    if not isinstance(keys, dict) or not keys:
        raise BadChange("A track needs at least one key.")
    read = {}
    for number in sorted(keys, key=lambda n: (len(str(n)), str(n))):
        if not _NUMBER.fullmatch(str(number)) or int(number) >= n_frames:
            raise BadChange(f"The clip has the frames 0 to {n_frames - 1}.")
        key = keys[number]
        if not isinstance(key, dict):
            raise BadChange("A key has a box.")
        read[number] = {
            "box": read_box(key.get("box")),
            "occluded": key.get("occluded") is True,
            "outside": key.get("outside") is True,
        }
    return read


def _confidence(value: Any) -> float:
    if not is_number(value) or not 0 <= value <= 1:
        raise BadChange("The confidence of an accepted proposal goes from 0 to 1.")
    return round(float(value), 4)


# --- changing --------------------------------------------------------------------------------


def subject(change: Change) -> str:
    """The id of the shape that a change is about; "" for the whole picture."""
    return change.get("put") or change.get("delete") or ""


def rev(document: Document, name: str) -> int:
    """The number of the change that made a shape what it is; 0 where there is none."""
    return document["shapes"].get(name, {}).get("rev", 0)


def apply(document: Document, change: Change, number: int) -> Change | None:
    """Make the change, as number `number`. Returns what undoes it, None for no change at all."""
    shapes = document["shapes"]
    if "nothing" in change:
        before = {"nothing": document["nothing"]}
        document["nothing"] = change["nothing"]
        return before
    name = subject(change)
    old = shapes.pop(name, None)
    if "put" in change:
        shapes[name] = deepcopy(change["shape"]) | {"rev": number}
        document["nothing"] = False  # something is there
    if old is None:
        return {"delete": name} if "put" in change else None
    return {"put": name, "shape": without_rev(old)}


def replay(changes: Iterable[tuple[int, Change]]) -> Document:
    """What (number, change) pairs, in order, add up to."""
    document = empty()
    for number, change in changes:
        apply(document, change, number)
    return document


def without_rev(shape: Shape) -> Shape:
    return {name: value for name, value in shape.items() if name != "rev"}


def leading_to(wanted: Document, document: Document) -> list[Change]:
    """The changes that make `document` look like `wanted`."""
    is_, was = document["shapes"], wanted["shapes"]
    changes: list[Change] = [{"delete": name} for name in is_ if name not in was]
    for name, shape in was.items():
        if name not in is_ or without_rev(is_[name]) != without_rev(shape):
            changes.append({"put": name, "shape": without_rev(shape)})
    if wanted["nothing"] != document["nothing"] and not was:  # where something is, a put says so
        changes.append({"nothing": wanted["nothing"]})
    return changes


def in_words(change: Change, before: Change | None, names: Mapping[int, str]) -> str:
    """What a change did, for the history: "moved Kestrel"."""
    if "nothing" in change:
        return "said that nothing is here" if change["nothing"] else "took back “nothing here”"
    old = (before or {}).get("shape")
    if "delete" in change:
        return f"deleted {_name(old, names)}" if old else "deleted what was gone already"
    new = change["shape"]
    if old is None:
        how = "accepted" if "accepted" in new else "drew" if len(new) > 1 else "added"
        return f"{how} {_name(new, names)}"
    if old["label"] != new["label"]:
        return f"made {_name(old, names)} a {_name(new, names)}"
    return f"{_verb(old, new)} {_name(new, names)}"


def _name(shape: Shape | None, names: Mapping[int, str]) -> str:
    return names.get(shape["label"], "a removed label") if shape else "a shape"


def _verb(old: Shape, new: Shape) -> str:
    if "keys" not in new:
        return "moved" if old.get("box") != new.get("box") else "marked"
    added, lost = new["keys"].keys() - old["keys"].keys(), old["keys"].keys() - new["keys"].keys()
    if added and not lost:
        return f"added {len(added)} {'key' if len(added) == 1 else 'keys'} to"
    if lost and not added:
        return f"removed {len(lost)} {'keyframe' if len(lost) == 1 else 'keyframes'} from"
    return "changed"
