"""Whether a new version of a model may take the place of the one in use.

Both are measured on the same pictures, which neither should have learnt from; each label at the
confidence that gives it the highest F1 there, as in `figures`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.measuring.curves import best_threshold, curves, f1_score
from analysis.measuring.predictions import Predictions

_SAME = 1e-9  # by which figures differ that are the same


@dataclass(frozen=True, slots=True)
class Scores:
    """How good one version is on some pictures. F1 is from 0 to 1.

    `labels` has those that the pictures bear, and `n_truth` how often each; `overall` is the mean
    over them, None where the pictures bear none. `thresholds` has the confidence that each F1 is
    at, and `n_right` how many are right from it on; a label of which none is right has no such.
    """

    overall: float | None
    labels: Mapping[str, float]
    n_truth: Mapping[str, int]
    n_pictures: int
    thresholds: Mapping[str, float] = field(default_factory=dict)
    n_right: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gate:
    """What is asked of a new version."""

    least_f1: float | None = None  # overall; None: that of the old one
    most_fall: float = 0.02  # by which the F1 of any label may be below that of the old one
    first_f1: float = 0.5  # where there is no old one and `least_f1` says nothing


@dataclass(frozen=True, slots=True)
class Row:
    """One label before and after. `threshold` is where the new version is best, None where it finds
    none; from there on `n_right` are right."""

    label: str
    n_truth: int
    new: float
    old: float | None  # None: there is no old version
    holds: bool
    threshold: float | None = None
    n_right: int = 0

    @property
    def change(self) -> float | None:
        return None if self.old is None else self.new - self.old


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the gate holds, and the figures it rests on; `reasons` say in words why it does not.

    `unmeasured` are labels of which no picture shows an example: the gate says nothing of them.
    """

    holds: bool
    new: float | None
    old: float | None
    least: float
    most_fall: float
    n_pictures: int
    rows: Sequence[Row] = ()
    unmeasured: Sequence[str] = ()
    reasons: Sequence[str] = field(default_factory=tuple)


def scores(predictions: Predictions, sources: Collection[str] | None = None) -> Scores:
    """The figures of what a version found on the pictures of these `sources`; None: on all.

    predictions: as in `analysis.measuring.predictions`.
    """
    pictures = [
        picture
        for picture in predictions["pictures"]
        if sources is None or picture["source"] in sources
    ]
    known = {
        label: curve
        for label, curve in curves({**predictions, "pictures": pictures}).items()
        if curve.n_truth
    }
    f1s, thresholds, n_right = {}, {}, {}
    for label, curve in known.items():
        best = best_threshold(curve)
        right, false, _ = curve.at(best)
        precision = right / (right + false) if right + false else None
        f1s[label] = f1_score(precision, right / curve.n_truth) or 0.0
        if right:
            thresholds[label], n_right[label] = best, right
    overall = sum(f1s.values()) / len(f1s) if f1s else None
    n_truth = {name: curve.n_truth for name, curve in known.items()}
    return Scores(overall, f1s, n_truth, len(pictures), thresholds, n_right)


def judge(
    new: Scores,
    old: Scores | None,
    gate: Gate,
    *,
    labels: Iterable[str] = (),
    old_name: str = "the version in use",
) -> Verdict:
    """Whether the new version may take the place of the old one, None where there is none.

    `labels`: all that matter, also such as no picture bears. `old_name` is for the words.
    """
    least, is_olds = _least(old, gate)
    rows = [_row(label, new, old, gate.most_fall) for label in new.labels]
    reasons = [_below(new.overall, least, old_name if is_olds else "")]
    reasons += [
        f"{row.label} fell from {_said(row.old, row.new)} to {_said(row.new, row.old)}, "
        f"more than {gate.most_fall:.2g}."
        for row in rows
        if not row.holds
    ]
    reasons = [reason for reason in reasons if reason]
    return Verdict(
        holds=not reasons,
        new=new.overall,
        old=old.overall if old else None,
        least=least,
        most_fall=gate.most_fall,
        n_pictures=new.n_pictures,
        rows=rows,
        unmeasured=[label for label in dict.fromkeys(labels) if label not in new.labels],
        reasons=reasons,
    )


def _least(old: Scores | None, gate: Gate) -> tuple[float, bool]:
    """The overall F1 that is asked for, and whether it is the old version's."""
    if gate.least_f1 is not None:
        return gate.least_f1, False
    if old is None:
        return gate.first_f1, False
    return old.overall or 0.0, True


def _row(label: str, new: Scores, old: Scores | None, most_fall: float) -> Row:
    f1 = new.labels[label]
    before = None if old is None else old.labels.get(label, 0.0)
    holds = before is None or before - f1 <= most_fall + _SAME
    best, n_right = new.thresholds.get(label), new.n_right.get(label, 0)
    return Row(label, new.n_truth[label], f1, before, holds, best, n_right)


def _below(overall: float | None, least: float, old_name: str) -> str:
    if overall is None:
        return "No golden picture shows anything, so nothing could be measured."
    if overall >= least - _SAME:
        return ""
    whose = f" of {old_name}" if old_name else ", the least that is asked for"
    return f"Overall F1 {_said(overall, least)} is below {_said(least, overall)}{whose}."


def _said(value: float | None, other: float | None) -> str:
    """With as many decimals as it takes to tell it from the other: 0.71, or 0.7846."""
    value, other = value or 0.0, other or 0.0
    for decimals in (2, 3, 4):
        if f"{value:.{decimals}f}" != f"{other:.{decimals}f}":
            break
    return f"{value:.{decimals}f}"
