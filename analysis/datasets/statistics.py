"""What a set holds, in numbers for a page: how many, how large, where, what beside what.

And where its labels are likely wrong, going by what a trained model says of the same pictures:
boxes that nobody drew, boxes on nothing, boxes with another label and boxes that lie off; the
first, third and fourth after Tkachenko, Thyagarajan and Mueller, "ObjectLab: Automated Diagnosis
of Mislabeled Images in Object Detection Data" (2023).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

from analysis.boxes import overlap
from analysis.datasets.split import SPLITS, labels_on
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.types import Box

HEAT = (16, 9)  # cells across and down
MOST_TOGETHER = 24  # labels in the table of what is seen together: those on most pictures
# COCO's borders, in pixels of the square of the same area.
SMALL, LARGE = 32.0, 96.0
# Borders of the histogram of sizes: the side of the square of the same area, as part of the
# picture's.
SIDES = (0.0, 0.02, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.32, 0.48, 0.64, 1.0)


def statistics(labelled: LabelledSet) -> dict[str, Any]:
    """The figures of a set, as JSON. Sizes and positions are of boxes; empty without any."""
    pictures = labelled.pictures
    boxes = [(p, b) for p in pictures for b in p.boxes]
    labels = _labels(labelled)
    counts = [row["pictures"] for row in labels]
    return {
        "n_pictures": len(pictures),
        "n_boxes": len(boxes),
        "n_nothing": sum(not labels_on(p) for p in pictures),
        "n_synthetic": sum(p.is_synthetic for p in pictures),
        "n_pseudo": sum(p.is_pseudo for p in pictures),
        "n_golden": sum(p.is_golden for p in pictures),
        "n_videos": len({p.video for p in pictures if p.video}),
        "n_occluded": sum(b.occluded for _, b in boxes),
        "splits": {split: _split(pictures, split) for split in SPLITS},
        "groups": _groups(pictures),
        "labels": labels,
        "imbalance": max(counts) / max(min(counts), 1) if counts else None,
        "a_picture": _histogram(len(p.boxes) or len(p.labels) for p in pictures),
        "sizes": _sizes([b.box for _, b in boxes]),
        "zones": _zones([b.box for _, b in boxes]),
        "heat": _heat([b.box for _, b in boxes]),
        "together": _together(pictures, labels),
        "shapes": _shapes(pictures),
    }


def _split(pictures: Sequence[LabelledPicture], split: str) -> dict[str, int]:
    inside = [p for p in pictures if p.split == split]
    return {
        "pictures": len(inside),
        "boxes": sum(len(p.boxes) for p in inside),
        "nothing": sum(not labels_on(p) for p in inside),
    }


def _groups(pictures: Sequence[LabelledPicture]) -> dict[str, int]:
    sizes = Counter(p.group for p in pictures if p.group)
    return {"count": len(sizes), "largest": max(sizes.values(), default=0)}


def _labels(labelled: LabelledSet) -> list[dict[str, Any]]:
    """A row for each label, in the set's order."""
    nothing = dict.fromkeys(("pictures", "boxes", *SPLITS, "small", "medium", "large"), 0)
    rows: dict[str, dict[str, Any]] = {name: {"label": name, **nothing} for name in labelled.labels}
    for picture in labelled.pictures:
        for name in labels_on(picture) & rows.keys():
            rows[name]["pictures"] += 1
            if picture.split:
                rows[name][picture.split] += 1
        for box in picture.boxes:
            if box.label in rows:
                rows[box.label]["boxes"] += 1
                rows[box.label][_size_of(picture, box)] += 1
    return list(rows.values())


def _size_of(picture: LabelledPicture, box: LabelledBox) -> str:
    side = sqrt(box.box.area * picture.width * picture.height)
    return "small" if side < SMALL else "medium" if side < LARGE else "large"


def _histogram(numbers: Iterator[int], most: int = 10) -> list[int]:
    """How many pictures have 0, 1, 2 … boxes; the last counts those with `most` or more."""
    found = Counter(min(n, most) for n in numbers)
    return [found[n] for n in range(max(found, default=0) + 1)]


def _sizes(boxes: Sequence[Box]) -> list[dict[str, float]]:
    sides = [min(sqrt(box.area), 1.0) for box in boxes]
    rows = []
    for low, high in pairwise(SIDES):
        inside = sum(low <= side < high or (side == high == 1.0) for side in sides)
        rows.append({"from": low, "to": high, "n": inside})
    return rows if boxes else []


def _zones(boxes: Sequence[Box]) -> list[list[int]]:
    """How many boxes have their middle in each ninth of the picture, by row."""
    zones = [[0] * 3 for _ in range(3)]
    for box in boxes:
        x, y = box.centre
        zones[_cell(y, 3)][_cell(x, 3)] += 1
    return zones


def _heat(boxes: Sequence[Box]) -> list[list[float]]:
    """The share of boxes that reach into each cell, by row."""
    across, down = HEAT
    counts = [[0] * across for _ in range(down)]
    for box in boxes:
        for row in range(_cell(box.y1, down), _cell(box.y2, down) + 1):
            for column in range(_cell(box.x1, across), _cell(box.x2, across) + 1):
                counts[row][column] += 1
    most = len(boxes) or 1
    return [[round(n / most, 4) for n in row] for row in counts]


def _cell(at: float, cells: int) -> int:
    return min(max(int(at * cells), 0), cells - 1)


def _together(
    pictures: Sequence[LabelledPicture], labels: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """On how many pictures two labels are both; on the diagonal, how many have the label."""
    most = sorted(labels, key=lambda row: -row["pictures"])[:MOST_TOGETHER]
    names = [row["label"] for row in most]
    place = {name: index for index, name in enumerate(names)}
    matrix = [[0] * len(names) for _ in names]
    for picture in pictures:
        on = [place[name] for name in labels_on(picture) if name in place]
        for a in on:
            for b in on:
                matrix[a][b] += 1
    return {"labels": names, "matrix": matrix}


def _shapes(pictures: Sequence[LabelledPicture], most: int = 8) -> list[dict[str, int]]:
    """The commonest sizes of pictures, in pixels."""
    found = Counter((p.width, p.height) for p in pictures)
    return [{"width": w, "height": h, "n": n} for (w, h), n in found.most_common(most)]


# --- likely label errors ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LikelyError:
    """Where a model strongly disagrees with what people said. `score`: how strongly, 0 to 1."""

    source: str
    file: str
    kind: str  # "missed", "nothing there", "other label", "lies off"
    label: str  # what people said; of "missed", what the model says
    found: str  # what the model says; "" where it sees nothing
    box: Box | None
    confidence: float
    score: float


SURE = 0.7  # a detection that is trusted more than the absence of a box
_SAME, _TOUCHING = 0.5, 0.1  # intersection over union


def likely_errors(predictions: Mapping[str, Any], most: int = 200) -> list[dict[str, Any]]:
    """The likeliest first, as JSON, of a "sightline-predictions-1".

    A label of which the model misses more than half is not doubted for what the model does not
    see.
    """
    read = _doubts_of_labels if predictions["task"] == "concept" else _doubts_of_boxes
    doubts = [doubt for picture in predictions["pictures"] for doubt in read(picture)]
    blind = _blind_to(predictions["pictures"], doubts)
    trusted = [d for d in doubts if d.kind != "nothing there" or d.label not in blind]
    trusted.sort(key=lambda d: (-d.score, d.source))
    return [asdict(d) for d in trusted[:most]]


def _blind_to(pictures: Sequence[Mapping[str, Any]], doubts: Sequence[LikelyError]) -> set[str]:
    said = Counter(_name(truth) for picture in pictures for truth in picture["truth"])
    unseen = Counter(d.label for d in doubts if d.kind == "nothing there")
    return {label for label, count in unseen.items() if count > said[label] / 2}


def _name(truth: Any) -> str:
    return truth if isinstance(truth, str) else truth["label"]


def _doubts_of_boxes(picture: Mapping[str, Any]) -> Iterator[LikelyError]:
    where = picture["source"], picture.get("file", "")
    truth = [(t["label"], Box(*t["box"])) for t in picture["truth"]]
    found = [(f["label"], Box(*f["box"]), f["confidence"]) for f in picture["found"]]
    for label, box in truth:
        over = [(overlap(box, b), name, b, c) for name, b, c in found]
        near = [o for o in over if o[0] >= _TOUCHING]
        if not near:
            yield LikelyError(*where, "nothing there", label, "", box, 0.0, 0.6)
            continue
        own = max((c for share, name, _, c in near if name == label), default=0.0)
        share, name, other, confidence = max(near, key=lambda o: o[0] * o[3])
        if name != label and share >= _SAME and confidence >= SURE and own < 1 - SURE:
            score = confidence * (1 - own)
            yield LikelyError(*where, "other label", label, name, box, confidence, score)
        elif name == label and share < _SAME and confidence >= SURE:
            score = confidence * (1 - share)
            yield LikelyError(*where, "lies off", label, name, other, confidence, score)
    for name, box, confidence in found:
        if confidence >= SURE and all(overlap(box, b) < _TOUCHING for _, b in truth):
            yield LikelyError(*where, "missed", name, name, box, confidence, confidence)


def _doubts_of_labels(picture: Mapping[str, Any]) -> Iterator[LikelyError]:
    where = picture["source"], picture.get("file", "")
    sure = {f["label"]: f["confidence"] for f in picture["found"]}
    best = max(sure, key=sure.__getitem__, default="")
    for label in picture["truth"]:
        said = sure.get(label, 0.0)
        if said < 1 - SURE:
            kind = "other label" if sure.get(best, 0.0) >= SURE else "nothing there"
            found = best if kind == "other label" else ""
            yield LikelyError(*where, kind, label, found, None, sure.get(best, 0.0), 1 - said)
    if not picture["truth"] and sure.get(best, 0.0) >= SURE:
        yield LikelyError(*where, "missed", best, best, None, sure[best], sure[best])
