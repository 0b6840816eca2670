"""How good a model is: what it found on labelled pictures, beside the truth.

Everything follows from the stored predictions (see `pack`), and needs nothing but numpy, so the
web process may ask too. Matching and average precision are those of COCO's reference
implementation (`pycocotools.cocoeval`, Lin et al.): detections of a label, best first, each take
the free true box they overlap most; precision is made to fall and read at 101 recalls.

predictions = {"format", "task": "boxes" | "concept", "labels": […], "model": str, "pictures": [
    {"source", "file", "width", "height", "truth": […], "found": […]}]}
with truth {"label", "box"} and found {"label", "box", "confidence"} for boxes (xyxy fractions), and
truth "sky", found {"label", "confidence"} for whole pictures. "ms_per_picture" and "size_bytes"
may stand beside them.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import areas, ious
from analysis.errors import AnalysisError

FORMAT = "sightline-predictions-1"
IOUS = np.linspace(0.5, 0.95, 10)  # COCO's
RECALLS = np.linspace(0, 1, 101)
BACKGROUND = "background"
LOWEST_THRESHOLD = 0.05  # what a run keeps at all: see `detectors.yolo.YoloOptions`
USUAL_THRESHOLD = 0.5  # where the pictures cannot say
CURVE_POINTS = 200
SMALL, MEDIUM = 32**2, 96**2  # pixels: COCO's sizes of things

Predictions = Mapping[str, Any]
Figures = dict[str, Any]
Floats = NDArray[np.float64]


# ---- The stored file ---------------------------------------------------------------------------


def pack(predictions: Predictions) -> bytes:
    """Gzipped JSON for `unpack`: the same bytes for the same content."""
    content = {**predictions, "format": FORMAT}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return gzip.compress(text.encode(), 6, mtime=0)


def unpack(data: bytes) -> dict[str, Any]:
    """What `pack` wrote. Raises AnalysisError for bytes that are something else."""
    try:
        content = json.loads(gzip.decompress(data))
        if content["format"] != FORMAT or content["task"] not in ("boxes", "concept"):
            raise ValueError(content["format"])
        content["labels"], content["pictures"]
    except (OSError, EOFError, ValueError, LookupError, TypeError) as e:
        raise AnalysisError("This file does not hold predictions of Sightline.") from e
    return content


# ---- Matching ----------------------------------------------------------------------------------


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


# ---- Curves ------------------------------------------------------------------------------------


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


def _thinned(curve: Curve) -> list[list[float]]:
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
        for label, truth, found in _by_label(picture, predictions["task"]):
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


def labels_of(predictions: Predictions) -> list[str]:
    """The labels in their order, then whatever else the pictures name."""
    named = [*predictions["labels"]]
    for picture in predictions["pictures"]:
        named += [t if isinstance(t, str) else t["label"] for t in picture["truth"]]
        named += [f["label"] for f in picture["found"]]
    return list(dict.fromkeys(named))


def _by_label(
    picture: Mapping[str, Any], task: str
) -> Iterator[tuple[str, list[Any], list[Mapping[str, Any]]]]:
    """Each label named in a picture with its truths and its detections, best first."""
    truth: dict[str, list[Any]] = defaultdict(list)
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for t in picture["truth"]:
        truth[t if task == "concept" else t["label"]].append(t)
    for f in sorted(picture["found"], key=lambda f: -f["confidence"]):
        found[f["label"]].append(f)
    for label in dict.fromkeys([*truth, *found]):
        yield label, truth[label], found[label]


# ---- Figures -----------------------------------------------------------------------------------


def figures(predictions: Predictions) -> Figures:
    """Everything that is shown of an evaluation, ready for JSON.

    A figure that the pictures cannot give (the recall of a label that no test picture bears, the
    precision of a label that was never found) is None. Overall figures are means over the labels
    that the truth names, an unknown precision counting as 0.
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
        "pr": _thinned(curve),
    }


def _bears(picture: Mapping[str, Any], label: str) -> bool:
    return any((t if isinstance(t, str) else t["label"]) == label for t in picture["truth"])


def _overall(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    known = [row for row in rows if row["n_truth"]]
    names = ("precision", "recall", "f1", "ap50", "ap50_95")
    if not known:
        return dict.fromkeys(names)
    return {name: sum(row[name] or 0.0 for row in known) / len(known) for name in names}


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


# ---- Which was mistaken for which ----------------------------------------------------------------


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


# ---- The gallery ---------------------------------------------------------------------------------


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
    for label, truth, found in _by_label(picture, "boxes"):
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


# ---- Files that others read ----------------------------------------------------------------------


def summary(
    predictions: Predictions, shown: Figures, *, version: str, ended: str, n_training: int
) -> dict[str, Any]:
    """The content of an EvaluationSummary file as Rekognition Custom Labels writes it.

    Args:
        version: names the model version.
        ended: ISO 8601.
        n_training: pictures it was trained on.
    """
    rows = sorted(shown["labels"], key=lambda row: -(row["f1"] or 0.0))
    overall = shown["overall"]
    metrics: dict[str, Any] = {
        "Precision": overall["precision"],
        "Recall": overall["recall"],
        "F1Score": overall["f1"],
    }
    if shown["task"] == "boxes":
        metrics |= {"AveragePrecision": overall["ap50"], "AverageRecall": overall["recall"]}
    else:
        metrics["ConfusionMatrix"] = list(_confusion_rows(shown["confusion"]))
    return {
        "Version": 1,
        "EvaluationDetails": {
            "ProjectVersionArn": version,
            "EvaluationEndTimestamp": ended,
            "Labels": [row["label"] for row in shown["labels"]],
            "NumberOfTrainingImages": n_training,
            "NumberOfTestingImages": len(predictions["pictures"]),
        },
        "AggregatedEvaluationResults": {"Metrics": metrics},
        "LabelEvaluationResults": [
            {
                "Label": row["label"],
                "NumberOfTestingImages": row["n_pictures"],
                "Metrics": {
                    "Threshold": row["threshold"],
                    "Precision": row["precision"],
                    "Recall": row["recall"],
                    "F1Score": row["f1"],
                },
            }
            for row in rows
        ],
    }


def _confusion_rows(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Shares of each true label, only those above 0."""
    for truth, row in zip(found["labels"], found["matrix"], strict=True):
        for said, count in zip(found["labels"], row, strict=True):
            if count:
                share = count / sum(row)
                yield {"GroundTruthLabel": truth, "PredictedLabel": said, "Value": share}


DETAILS = "rekognition-custom-labels-evaluation-details"


def evaluation_manifest(
    predictions: Predictions, shown: Figures, *, created: str, job: str = "evaluation"
) -> Iterator[str]:
    """A Ground Truth line for each picture, with what the model found beside the truth.

    `created` is ISO 8601. Boxes are whole pixels of the displayed picture.
    """
    numbers = {row["label"]: i for i, row in enumerate(shown["labels"])}
    common = {
        "class-map": {str(i): label for label, i in numbers.items()},
        "human-annotated": "yes",
        "creation-date": created,
        "job-name": job,
        "type": "groundtruth/object-detection",
    }
    pairs = zip(predictions["pictures"], outcomes(predictions, thresholds(shown)), strict=True)
    if predictions["task"] == "concept":
        for picture, seen in pairs:
            yield json.dumps(_concept_line(picture, seen, common), ensure_ascii=False)
        return
    for picture, seen in pairs:
        found = [(t, _details(is_true=True)) for t in seen["true"]]
        found += [(f, _details()) for f in seen["false"]]
        found += [(m, _details(is_missed=True)) for m in seen["missed"]]
        line = {
            "source-ref": picture["source"],
            "truth_BB": _annotations(picture, picture["truth"], numbers),
            "truth_BB-metadata": {**common, "objects": [{"confidence": 1}] * len(picture["truth"])},
            "evaluation_BB": _annotations(picture, [f for f, _ in found], numbers),
            "evaluation_BB-metadata": {
                **common,
                "human-annotated": "no",
                "objects": [
                    {"confidence": f.get("confidence", 0), DETAILS: details} for f, details in found
                ],
            },
        }
        yield json.dumps(line, ensure_ascii=False)


def _annotations(
    picture: Mapping[str, Any], boxes: Sequence[Mapping[str, Any]], numbers: Mapping[str, int]
) -> dict[str, Any]:
    width, height = picture["width"], picture["height"]
    rows = []
    for one in boxes:
        left, top, right, bottom = (
            round(v * side) for v, side in zip(one["box"], (width, height) * 2, strict=True)
        )
        place = {"left": left, "top": top, "width": right - left, "height": bottom - top}
        rows.append({**place, "class_id": numbers[one["label"]]})
    size = [{"width": width, "height": height, "depth": 3}]
    return {"annotations": rows, "image_size": size}


def _concept_line(
    picture: Mapping[str, Any], seen: Mapping[str, Any], common: Mapping[str, Any]
) -> dict[str, Any]:
    line: dict[str, Any] = {"source-ref": picture["source"]}
    kind = {**common, "type": "groundtruth/image-classification"}
    for label in picture["truth"]:
        line |= {label: 1, f"{label}-metadata": {**kind, "class-name": label, "confidence": 1}}
    told = [(row, _details(is_true=True)) for row in seen["true"]]
    told += [(row, _details()) for row in seen["false"]]
    told += [(row, _details(is_missed=True)) for row in seen["missed"]]
    for row, details in told:
        about = {"class-name": row["label"], "confidence": row.get("confidence", 0)}
        name = f"{row['label']}-evaluation"
        line |= {name: 1, f"{name}-metadata": {**kind, **about, DETAILS: details}}
    return line


def _details(*, is_true: bool = False, is_missed: bool = False) -> dict[str, Any]:
    return {
        "version": 1,
        "is-true-positive": is_true,
        "is-true-negative": False,
        "is-false-positive": not is_true and not is_missed,
        "is-false-negative": is_missed,
        "is-present-in-ground-truth": is_true or is_missed,
        "ground-truth-labelling-jobs": [],
    }
