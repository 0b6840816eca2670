"""Detections matched with the truth, and the curves of precision and recall that follow.

Matching and average precision are those of COCO's reference implementation
(`pycocotools.cocoeval`, Lin et al.): detections of a label, best first, each take the free true
box they overlap most; precision is made to fall and read at 101 recalls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import ious
from analysis.measuring.predictions import Predictions, by_label, labels_of

IOUS = np.linspace(0.5, 0.95, 10)  # COCO's
RECALLS = np.linspace(0, 1, 101)
LOWEST_THRESHOLD = 0.05  # what a run keeps at all: see `detectors.yolo.YoloOptions`
USUAL_THRESHOLD = 0.5  # where the pictures cannot say
CURVE_POINTS = 200
Floats = NDArray[np.float64]


def match(overlaps: Floats, iou: float) -> list[int]:
    """Which truth each detection takes, or -1; `overlaps` is (detections, best first, truths).

    A detection takes the free truth it overlaps most, at `iou` or above; of equals, the last.
    """
    taken = [-1] * len(overlaps)
    free = np.ones(overlaps.shape[1], bool)
    for number, row in enumerate(overlaps):
        reach = np.where(free, row, -1.0)
        if reach.size and reach.max() >= min(iou, 1 - 1e-10):
            best = reach.size - 1 - int(reach[::-1].argmax())
            taken[number], free[best] = best, False
    return taken


@dataclass(frozen=True, slots=True)
class Curve:
    """One label's detections over all pictures, best first.

    `hits` is (detections, IoUs): is it a true positive there? For whole pictures one column.
    """

    confidences: Floats
    hits: NDArray[np.bool_]
    n_truth: int

    def at(self, threshold: float) -> tuple[int, int, int]:
        """True positives, false positives and misses from this confidence on, at IoU 0.5."""
        kept = self.hits[self.confidences >= threshold, 0]
        right = int(kept.sum())
        return right, len(kept) - right, self.n_truth - right


def average_precision(hits: NDArray[np.bool_], n_truth: int) -> float | None:
    """Area under the falling precision, at 101 recalls; `hits` (detections,) best first.

    None where there is no truth to find.
    """
    if n_truth == 0:
        return None
    right = np.cumsum(hits)
    recall = right / n_truth
    precision = right / np.maximum(np.arange(1, len(hits) + 1), 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(falling, 0.0)[np.minimum(places, len(falling))].mean())


def f1_score(precision: float | None, recall: float | None) -> float | None:
    """The harmonic mean; None without a truth to recall, 0 where nothing is right."""
    if recall is None:
        return None
    if not precision or not recall:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def best_threshold(curve: Curve) -> float:
    """The confidence from which F1 is highest, half-way to the next detection that is left out.

    Of equals the highest; USUAL_THRESHOLD where nothing true was found.
    """
    confidences, hits = curve.confidences, curve.hits[:, 0]
    allowed = np.flatnonzero(confidences >= LOWEST_THRESHOLD)
    if curve.n_truth == 0 or not hits[allowed].any():
        return USUAL_THRESHOLD
    right = np.cumsum(hits)
    f1 = 2 * right / (np.arange(1, len(hits) + 1) + curve.n_truth)
    # Only where the next one is less sure: a threshold cannot part equals.
    last = np.append(confidences[1:] < confidences[:-1], True)
    ends = np.flatnonzero(last & (confidences >= LOWEST_THRESHOLD))
    best = int(ends[f1[ends].argmax()])
    below = confidences[best + 1] if best + 1 < len(confidences) else 0.0
    # Down to four places, but never onto the detection that is left out.
    middle = np.floor((confidences[best] + below) / 2 * 1e4) / 1e4
    inside = middle if middle > below else (confidences[best] + below) / 2
    return float(max(inside, LOWEST_THRESHOLD))


def thinned(curve: Curve) -> list[list[float]]:
    """[recall, precision, confidence] at no more than CURVE_POINTS detections."""
    if not len(curve.confidences) or not curve.n_truth:
        return []
    right = np.cumsum(curve.hits[:, 0])
    columns = [right / curve.n_truth, right / np.arange(1, len(right) + 1), curve.confidences]
    points = np.stack(columns, axis=1)
    if len(points) > CURVE_POINTS:
        points = points[np.linspace(0, len(points) - 1, CURVE_POINTS).round().astype(int)]
    return [[round(float(v), 4) for v in point] for point in points]


def curves(predictions: Predictions) -> dict[str, Curve]:
    """Every label's curve, labels that only the truth or only the model names included."""
    rows: dict[str, list[tuple[float, NDArray[np.bool_]]]] = defaultdict(list)
    truths: dict[str, int] = defaultdict(int)
    for picture in predictions["pictures"]:
        for label, truth, found in by_label(picture, predictions["task"]):
            truths[label] += len(truth) if predictions["task"] == "boxes" else bool(truth)
            rows[label].extend(_hits(truth, found, predictions["task"]))
    return {label: _curve(rows[label], truths[label]) for label in labels_of(predictions)}


def _hits(
    truth: Sequence[Any], found: Sequence[Any], task: str
) -> Iterator[tuple[float, NDArray[np.bool_]]]:
    """Confidence and hits of one label's detections in one picture, best first."""
    if task == "concept":
        for f in found[:1]:
            yield f["confidence"], np.array([bool(truth)])
        return
    overlaps = ious([f["box"] for f in found], [t["box"] for t in truth])
    taken = np.array([match(overlaps, iou) for iou in IOUS]).reshape(len(IOUS), len(found))
    for number, f in enumerate(found):
        yield f["confidence"], taken[:, number] >= 0


def _curve(rows: Sequence[tuple[float, NDArray[np.bool_]]], n_truth: int) -> Curve:
    if not rows:
        return Curve(np.zeros(0), np.zeros((0, len(IOUS)), bool), n_truth)
    confidences = np.array([confidence for confidence, _ in rows], np.float64)
    hits = np.array([hit for _, hit in rows], bool)
    order = np.argsort(-confidences, kind="stable")
    return Curve(confidences[order], hits[order], n_truth)
