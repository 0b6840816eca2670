"""All that is shown of an evaluation, from its stored predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.boxes import areas
from analysis.measuring.confusion import confusion
from analysis.measuring.curves import (
    Curve,
    average_precision,
    best_threshold,
    curves,
    f1_score,
    thinned,
)
from analysis.measuring.gallery import outcomes
from analysis.measuring.predictions import Predictions

SMALL, MEDIUM = 32**2, 96**2  # pixels: COCO's sizes of things
Figures = dict[str, Any]


def figures(predictions: Predictions) -> Figures:
    """Everything that is shown of an evaluation, ready for JSON.

    A figure that the pictures cannot give (the recall of a label that no test picture bears, the
    precision of a label that was never found) is None. Overall figures are means over the labels
    that the truth names, an unknown precision counting as 0 unless all are.
    """
    known = curves(predictions)
    rows = [_label_row(label, curve, predictions) for label, curve in known.items()]
    chosen = {row["label"]: row["threshold"] for row in rows}
    shown = outcomes(predictions, chosen)
    result: Figures = {
        "task": predictions["task"],
        "n_pictures": len(predictions["pictures"]),
        "labels": rows,
        "overall": _overall(rows),
        "confusion": confusion(predictions, chosen),
        "calibration": _calibration(predictions, known),
        "sizes": _sizes(shown) if predictions["task"] == "boxes" else [],
        "ms_per_picture": predictions.get("ms_per_picture"),
        "size_bytes": predictions.get("size_bytes"),
    }
    return result


def _label_row(label: str, curve: Curve, predictions: Predictions) -> dict[str, Any]:
    threshold = best_threshold(curve)
    right, false, missed = curve.at(threshold)
    precision = right / (right + false) if right + false else None
    recall = right / curve.n_truth if curve.n_truth else None
    aps = [average_precision(column, curve.n_truth) for column in curve.hits.T]
    known = [ap for ap in aps if ap is not None]
    return {
        "label": label,
        "n_truth": curve.n_truth,
        "n_pictures": sum(_bears(picture, label) for picture in predictions["pictures"]),
        "threshold": threshold,
        "precision": precision,
        "recall": recall,
        "f1": f1_score(precision, recall),
        "ap50": known[0] if known else None,
        "ap50_95": sum(known) / len(known) if known else None,
        "tp": right,
        "fp": false,
        "fn": missed,
        "pr": thinned(curve),
    }


def _bears(picture: Mapping[str, Any], label: str) -> bool:
    return any((t if isinstance(t, str) else t["label"]) == label for t in picture["truth"])


def _overall(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    known = [row for row in rows if row["n_truth"]]
    names = ("precision", "recall", "f1", "ap50", "ap50_95")
    if not known:
        return dict.fromkeys(names)
    means = {name: sum(row[name] or 0.0 for row in known) / len(known) for name in names}
    is_silent = all(row["precision"] is None for row in known)
    return means | ({"precision": None} if is_silent else {})


def thresholds(shown: Figures) -> dict[str, float]:
    """Each label's threshold of some figures."""
    return {row["label"]: row["threshold"] for row in shown["labels"]}


def _calibration(predictions: Predictions, known: Mapping[str, Curve]) -> dict[str, Any]:
    from analysis.measuring.calibration import (
        calibrate,  # scipy, which the web process does without
    )

    if predictions["task"] == "concept":
        pairs = [_surest(picture) for picture in predictions["pictures"] if picture["found"]]
        confidences = np.array([confidence for confidence, _ in pairs])
        right = np.array([is_right for _, is_right in pairs], bool)
    else:
        confidences = np.concatenate([np.zeros(0), *(c.confidences for c in known.values())])
        right = np.concatenate([np.zeros(0, bool), *(c.hits[:, 0] for c in known.values())])
    return calibrate(confidences, right)


def _surest(picture: Mapping[str, Any]) -> tuple[float, bool]:
    first = max(picture["found"], key=lambda f: f["confidence"])
    return first["confidence"], first["label"] in picture["truth"]


def _sizes(shown: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How many of the small, medium and large true boxes were found."""
    counts = {name: [0, 0] for name in ("small", "medium", "large")}
    for picture in shown:
        pixels = picture["width"] * picture["height"]
        found = [hit["truth"] for hit in picture["true"]]
        for is_found, boxes in ((1, found), (0, [miss["box"] for miss in picture["missed"]])):
            for area in areas(np.asarray(boxes, np.float64).reshape(-1, 4)) * pixels:
                name = "small" if area < SMALL else "medium" if area < MEDIUM else "large"
                counts[name][0] += 1
                counts[name][1] += is_found
    return [
        {"name": name, "n_truth": n, "recall": found / n if n else None}
        for name, (n, found) in counts.items()
    ]
