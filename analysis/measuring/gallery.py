"""Every picture with what was found rightly, found falsely, and missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.boxes import ious
from analysis.measuring.curves import USUAL_THRESHOLD, best_threshold, curves, match
from analysis.measuring.predictions import Predictions, by_label


def outcomes(
    predictions: Predictions, chosen: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Every picture with what was found rightly, found falsely, and missed.

    Args:
        chosen: each label's threshold, from 0 to 1; by default those that maximise F1.

    A picture is {"source", "file", "width", "height", "true", "false", "missed"}. A true one has
    label, confidence, and for boxes box, truth (the true box) and iou; a false one label,
    confidence, box, and the label of the true box it lies on as "instead_of" ("" where none);
    a missed one label and box.
    """
    if chosen is None:
        chosen = {label: best_threshold(c) for label, c in curves(predictions).items()}
    split = _split_boxes if predictions["task"] == "boxes" else _split_labels
    shown = []
    for picture in predictions["pictures"]:
        kept = [
            f
            for f in picture["found"]
            if f["confidence"] >= chosen.get(f["label"], USUAL_THRESHOLD)
        ]
        about = {name: picture.get(name, "") for name in ("source", "file", "width", "height")}
        shown.append(about | split({**picture, "found": kept}))
    return shown


def _split_boxes(picture: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    true, false, missed = [], [], []
    for label, truth, found in by_label(picture, "boxes"):
        overlaps = ious([f["box"] for f in found], [t["box"] for t in truth])
        taken = match(overlaps, 0.5)
        for number, (f, t) in enumerate(zip(found, taken, strict=True)):
            seen = {"label": label, "box": f["box"], "confidence": f["confidence"]}
            if t < 0:
                false.append(seen | {"instead_of": _lies_on(f, picture["truth"])})
            else:
                iou = round(float(overlaps[number, t]), 4)
                true.append(seen | {"truth": truth[t]["box"], "iou": iou})
        missed += [{"label": label, "box": t["box"]} for n, t in enumerate(truth) if n not in taken]
    return {"true": true, "false": false, "missed": missed}


def _lies_on(found: Mapping[str, Any], truth: Sequence[Mapping[str, Any]]) -> str:
    others = [t for t in truth if t["label"] != found["label"]]
    overlaps = ious([found["box"]], [t["box"] for t in others])[0]
    if not len(overlaps) or overlaps.max() < 0.5:
        return ""
    return str(others[int(overlaps.argmax())]["label"])


def _split_labels(picture: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    meant = list(dict.fromkeys(picture["truth"]))
    seen = sorted(picture["found"], key=lambda f: -f["confidence"])
    said = {f["label"] for f in seen}
    missed = [label for label in meant if label not in said]
    rows = [{"label": f["label"], "confidence": f["confidence"]} for f in seen]
    return {
        "true": [row for row in rows if row["label"] in meant],
        "false": [
            row | {"instead_of": missed[0] if missed else ""}
            for row in rows
            if row["label"] not in meant
        ],
        "missed": [{"label": label} for label in missed],
    }
