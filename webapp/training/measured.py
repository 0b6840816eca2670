"""An evaluation's stored predictions, read once and asked again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.files.storage import default_storage

from analysis.errors import AnalysisError
from analysis.evaluation import Curve, curves, f1_score, outcomes, thresholds, unpack
from webapp.accounts.models import Refused
from webapp.training.models import Evaluation

KINDS = {"true": "Found", "false": "False", "missed": "Missed"}


@dataclass(frozen=True, slots=True)
class Measured:
    """Predictions and the curve of each label, as they were stored."""

    predictions: Mapping[str, Any]
    curves: Mapping[str, Curve]

    def at(self, chosen: Mapping[str, float]) -> list[dict[str, Any]]:
        """What each label comes to from these confidences on: one row a label."""
        return [_row(label, curve, chosen[label]) for label, curve in self.curves.items()]


def _row(label: str, curve: Curve, threshold: float) -> dict[str, Any]:
    tp, fp, fn = curve.at(threshold)
    precision = tp / (tp + fp) if tp + fp else None
    recall = tp / curve.n_truth if curve.n_truth else None
    return {
        "label": label,
        "threshold": threshold,
        "n_truth": curve.n_truth,
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "precision": precision,
        "recall": recall,
        "f1": f1_score(precision, recall),
    }


def overall(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Means over the labels that the truth names, as in analysis.evaluation.figures."""
    known = [row for row in rows if row["n_truth"]]
    names = ("precision", "recall", "f1")
    if not known:
        return dict.fromkeys(names)
    return {name: sum(row[name] or 0.0 for row in known) / len(known) for name in names}


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
        predictions = unpack(file.read())
    return Measured(predictions, curves(predictions))


def chosen(
    evaluation: Evaluation, known: Measured, threshold: float | None = None
) -> dict[str, float]:
    """One threshold for all labels, or each label's own that maximises its F1."""
    if threshold is not None:
        return dict.fromkeys(known.curves, threshold)
    own = thresholds(evaluation.figures)
    return {label: own.get(label, 0.5) for label in known.curves}


def gallery(
    known: Measured, at: Mapping[str, float], *, label: str = "", kind: str = ""
) -> list[dict[str, Any]]:
    """The pictures with what was found, falsely found and missed; those to mend first.

    `label` and `kind` (true, false, missed) choose what a picture must show to be there.
    """
    shown = []
    for picture in outcomes(known.predictions, at):
        parts = {name: _of(picture[name], label) for name in KINDS}
        is_asked_for = any(parts[name] for name in KINDS if kind in ("", name))
        is_plain = not any(picture[name] for name in KINDS)  # nothing is there, and none was seen
        if is_asked_for or (is_plain and not label and not kind):
            shown.append(picture | parts)
    shown.sort(key=lambda p: -(len(p["false"]) + len(p["missed"])))
    return shown


def _of(rows: Sequence[dict[str, Any]], label: str) -> list[dict[str, Any]]:
    return [row for row in rows if label in ("", row["label"])]
