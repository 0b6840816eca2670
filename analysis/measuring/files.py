"""Files of an evaluation that other programs read: Rekognition's summary and manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analysis.measuring.figures import Figures, thresholds
from analysis.measuring.gallery import outcomes
from analysis.measuring.predictions import Predictions


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
