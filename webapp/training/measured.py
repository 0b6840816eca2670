"""An evaluation's stored predictions, laid on the truth once and asked at many thresholds.

A detection takes its true box before all that are less sure, so a threshold never changes who
took what: it only takes away the detections below it, and frees what those had taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.measuring.curves import f1_score
from analysis.measuring.figures import thresholds
from analysis.measuring.gallery import outcomes
from analysis.measuring.predictions import labels_of, unpack
from webapp.accounts.models import Refused
from webapp.training.models import Evaluation

KINDS = {"true": "Found", "false": "False", "missed": "Missed"}
Picture = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Label:
    """The confidences at which a label was found rightly and falsely, and how often it is there."""

    true: NDArray[np.float64]
    false: NDArray[np.float64]
    n_truth: int


class Measured:
    """Predictions beside the truth."""

    def __init__(self, predictions: Mapping[str, Any]) -> None:
        self.predictions = predictions
        self.labels = labels_of(predictions)
        self.pictures = outcomes(predictions, dict.fromkeys(self.labels, 0.0))
        self._of = _counted(self.pictures, self.labels)

    def at(self, chosen: Mapping[str, float]) -> list[dict[str, Any]]:
        """What each label comes to from these confidences on: one row a label."""
        return [_row(label, self._of[label], chosen[label]) for label in self.labels]

    def outcomes(self, chosen: Mapping[str, float]) -> list[Picture]:
        """The pictures as `measuring.gallery.outcomes` tells them at these thresholds."""
        boxes = self.predictions["task"] == "boxes"
        pairs = zip(self.pictures, self.predictions["pictures"], strict=True)
        return [
            picture | (_boxes(picture, chosen) if boxes else _labels(picture, told, chosen))
            for picture, told in pairs
        ]


def _counted(pictures: Sequence[Picture], labels: Sequence[str]) -> dict[str, _Label]:
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in KINDS}
    for picture in pictures:
        for name in KINDS:
            for row in picture[name]:
                found[name][row["label"]].append(row.get("confidence", 0.0))
    return {
        label: _Label(
            np.array(found["true"][label]),
            np.array(found["false"][label]),
            len(found["true"][label]) + len(found["missed"][label]),
        )
        for label in labels
    }


def _row(label: str, known: _Label, threshold: float) -> dict[str, Any]:
    tp, fp = int((known.true >= threshold).sum()), int((known.false >= threshold).sum())
    precision = tp / (tp + fp) if tp + fp else None
    recall = tp / known.n_truth if known.n_truth else None
    return {
        "label": label,
        "threshold": threshold,
        "n_truth": known.n_truth,
        "tp": tp,
        "fp": fp,
        "fn": known.n_truth - tp,
        "precision": precision,
        "recall": recall,
        "f1": f1_score(precision, recall),
    }


def _kept(rows: Sequence[Picture], chosen: Mapping[str, float]) -> list[Picture]:
    return [row for row in rows if row["confidence"] >= chosen[row["label"]]]


def _boxes(picture: Picture, chosen: Mapping[str, float]) -> Picture:
    true = _kept(picture["true"], chosen)
    freed = [
        {"label": row["label"], "box": row["truth"]}
        for row in picture["true"]
        if row["confidence"] < chosen[row["label"]]
    ]
    false = _kept(picture["false"], chosen)
    return {"true": true, "false": false, "missed": [*picture["missed"], *freed]}


def _labels(picture: Picture, told: Mapping[str, Any], chosen: Mapping[str, float]) -> Picture:
    true = _kept(picture["true"], chosen)
    found = {row["label"] for row in true}
    missed = [label for label in dict.fromkeys(told["truth"]) if label not in found]
    instead_of = {"instead_of": missed[0] if missed else ""}
    return {
        "true": true,
        "false": [row | instead_of for row in _kept(picture["false"], chosen)],
        "missed": [{"label": label} for label in missed],
    }


# --- the stored file -----------------------------------------------------------------------------


def measured(evaluation: Evaluation) -> Measured:
    """What is stored of a finished evaluation. Raises Refused when the file is gone or broken."""
    try:
        return _read(evaluation.predictions, str(evaluation.finished))
    except (OSError, AnalysisError) as e:
        raise Refused(
            "The stored predictions of this evaluation cannot be read. Measure it again."
        ) from e


@lru_cache(maxsize=4)
def _read(name: str, written: str) -> Measured:
    """`written` tells an old file of this name from a new one."""
    with default_storage.open(name) as file:
        return Measured(unpack(file.read()))


def chosen(
    evaluation: Evaluation, known: Measured, threshold: float | None = None
) -> dict[str, float]:
    """One threshold for all labels, or each label's own that maximises its F1."""
    if threshold is not None:
        return dict.fromkeys(known.labels, threshold)
    own = thresholds(evaluation.figures)
    return {label: own.get(label, 0.5) for label in known.labels}


# --- what pages ask ------------------------------------------------------------------------------


def overall(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Means over the labels that the truth names, as in analysis.measuring.figures."""
    known = [row for row in rows if row["n_truth"]]
    names = ("precision", "recall", "f1")
    if not known:
        return dict.fromkeys(names)
    means = {name: sum(row[name] or 0.0 for row in known) / len(known) for name in names}
    is_silent = all(row["precision"] is None for row in known)
    return means | ({"precision": None} if is_silent else {})


def gallery(
    known: Measured, at: Mapping[str, float], *, label: str = "", kind: str = ""
) -> list[Picture]:
    """The pictures with what was found, falsely found and missed; those to mend first.

    `label` and `kind` (true, false, missed) choose what a picture must show to be there.
    """
    shown = []
    for picture in known.outcomes(at):
        parts = {name: _only(picture[name], label) for name in KINDS}
        is_asked_for = any(parts[name] for name in KINDS if kind in ("", name))
        is_plain = not any(picture[name] for name in KINDS)  # nothing is there, and none was seen
        if is_asked_for or (is_plain and not label and not kind):
            shown.append(picture | parts)
    shown.sort(key=lambda p: -(len(p["false"]) + len(p["missed"])))
    return shown


def _only(rows: Sequence[Picture], label: str) -> list[Picture]:
    return [row for row in rows if label in ("", row["label"])]
