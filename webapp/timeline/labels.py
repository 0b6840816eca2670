"""The labels of a run, and the thresholds they are shown from."""

from __future__ import annotations

from collections.abc import Mapping

from webapp.projects.models import Label
from webapp.runs.run import Run


def labels_of(run: Run) -> list[Label]:
    """The labels the run looked for, in the project's order, archived ones included."""
    wanted = [label["id"] for label in run.inputs["labels"]]
    found = Label.objects.in_bulk(wanted)
    return [found[pk] for pk in wanted if pk in found]


def without_a_look(run: Run, labels: list[Label]) -> list[Label]:
    """Those that nothing could find: the run had no picture of them and its model no such class."""
    pictured = {label["id"] for label in run.inputs["labels"] if label["references"]}
    model = run.inputs["model"]
    known = {name.casefold() for name in model["labels"]} if model else set()
    return [label for label in labels if label.pk not in pictured and not label.words() & known]


def thresholds_of(labels: list[Label], floor: float | None = None) -> float | Mapping[int, float]:
    """One threshold for all when the slider was moved, else each label's own."""
    return floor if floor is not None else {label.pk: label.threshold for label in labels}
