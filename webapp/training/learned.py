"""Whether a model learned anything, by what was measured, and how it was trained."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from webapp.leases import Status
from webapp.registry.versions import ModelVersion
from webapp.training.models import NOTHING, Evaluation, TrainingRun

FEW_EPOCHS = 5


@dataclass(frozen=True, slots=True)
class Score:
    """What a model found of what is there, in the pictures that it was measured on."""

    evaluation: Evaluation
    found: int
    of: int
    f1: float | None

    @property
    def where(self) -> str:
        return "in its test" if self.evaluation.split == "test" else "in its validation pictures"

    @property
    def says(self) -> str:
        return f"found {self.found} of {self.of} {self.where}"

    def of_label(self, words: Collection[str]) -> tuple[int, int]:
        """How many it found of how many, of the label that goes by these words in lower case."""
        rows = [r for r in self.evaluation.figures["labels"] if r["label"].casefold() in words]
        return sum(r["tp"] for r in rows), sum(r["n_truth"] for r in rows)


def score_of(evaluation: Evaluation) -> Score:
    """The score that a finished evaluation gave."""
    figures = evaluation.figures
    rows = figures["labels"]
    return Score(
        evaluation,
        found=sum(row["tp"] for row in rows),
        of=sum(row["n_truth"] for row in rows),
        f1=figures["overall"]["f1"],
    )


def score(version: ModelVersion) -> Score | None:
    """The latest on test pictures, or on validation pictures where there were no others."""
    done = version.evaluations.filter(status=Status.DONE).order_by("-finished")
    for split in ("test", "val"):
        if row := done.filter(split=split).first():
            return score_of(row)
    return None


def learned_nothing(version: ModelVersion, known: Score | None = None) -> dict[str, Any] | None:
    """That a version learned nothing, why, and what would help; None where it learned something.

    `known`: the score to judge by, where it is not the version's latest.
    """
    known = known or score(version)
    training = getattr(version, "training", None)
    if known is not None:
        says = known.says if known.evaluation.shows_nothing else ""
    else:
        says = _by_its_epochs(training) if training else ""
    if not says:
        return None
    return {
        "says": says,
        "why": f"It was {how_trained(training)}." if training else "",
        "remedies": _remedies(training) if training else [],
    }


def _by_its_epochs(training: TrainingRun) -> str:
    """What was never measured was still looked at after each epoch, of boxes."""
    seen = [row["map50"] for row in training.curves if row.get("map50") is not None]
    if not seen or max(seen) >= NOTHING:
        return ""
    return "found as good as nothing in the pictures that its epochs were judged by"


def how_trained(training: TrainingRun) -> str:
    """Such as "trained 1 epoch from nothing on 8 pictures"."""
    epochs, pictures = training.epoch, training.n_pictures
    return (
        f"trained {epochs} epoch{'' if epochs == 1 else 's'} from {_start(training)} "
        f"on {pictures} picture{'' if pictures == 1 else 's'}"
    )


def began_from_nothing(training: TrainingRun) -> bool:
    """By choice, or because the published weights it was to start from were not there."""
    if training.options.get("start") == "scratch":
        return True
    return any("started from nothing" in note for note in training.notes)


def _start(training: TrainingRun) -> str:
    if began_from_nothing(training):
        return "nothing"
    return str(training.base) if training.base else "published weights"


def _remedies(training: TrainingRun) -> list[str]:
    """What is known to be missing, and no more."""
    said = []
    if began_from_nothing(training):
        said.append(
            "Start from weights that have seen pictures before: upload them where the training "
            "begins. From nothing it takes many more pictures, which synthesis can make."
        )
    if training.epoch < FEW_EPOCHS:
        said.append("Give it more epochs.")
    return said
