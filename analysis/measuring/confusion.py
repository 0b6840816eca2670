"""Which label was mistaken for which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from analysis.boxes import ious
from analysis.measuring.predictions import Predictions, labels_of

BACKGROUND = "background"


def confusion(predictions: Predictions, chosen: Mapping[str, float]) -> dict[str, Any]:
    """Counts of true label (row) found as label (column), at each label's threshold.

    The last row is what was found where nothing is, the last column what was missed. Boxes go
    together whatever their label, those that overlap most first, from IoU 0.5.
    """
    names = [*labels_of(predictions), BACKGROUND]
    number = {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)), np.int64)
    pairs = _paired_boxes if predictions["task"] == "boxes" else _paired_labels
    for picture in predictions["pictures"]:
        found = [f for f in picture["found"] if f["confidence"] >= chosen[f["label"]]]
        for truth, said in pairs(picture["truth"], found):
            matrix[number[truth], number[said]] += 1
    return {"labels": names, "matrix": matrix.tolist()}


def _paired_boxes(
    truth: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    overlaps = ious([f["box"] for f in found], [t["box"] for t in truth])
    said, meant = set(range(len(found))), set(range(len(truth)))
    alike = np.array([[f["label"] == t["label"] for t in truth] for f in found], bool)
    # Of boxes that overlap equally the one with the right label goes first.
    rank = overlaps + 1e-9 * alike.reshape(overlaps.shape)
    for flat in np.argsort(-rank, axis=None, kind="stable"):
        f, t = divmod(int(flat), max(len(truth), 1))
        if overlaps[f, t] < 0.5:
            break
        if f in said and t in meant:
            said.remove(f)
            meant.remove(t)
            yield truth[t]["label"], found[f]["label"]
    yield from ((truth[t]["label"], BACKGROUND) for t in sorted(meant))
    yield from ((BACKGROUND, found[f]["label"]) for f in sorted(said))


def _paired_labels(
    truth: Sequence[str], found: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    said = [f["label"] for f in sorted(found, key=lambda f: -f["confidence"])]
    meant = list(dict.fromkeys(truth))
    yield from ((label, label) for label in meant if label in said)
    missed = [label for label in meant if label not in said]
    false = [label for label in said if label not in meant]
    for i in range(max(len(missed), len(false))):
        yield (
            missed[i] if i < len(missed) else BACKGROUND,
            false[i] if i < len(false) else BACKGROUND,
        )
