"""What the pages say of a round: its steps, how far the one is that goes on, and the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from analysis.exposure.columns import clock
from webapp.assets.links import media_link
from webapp.datasets.gallery import DrawnBox, drawn
from webapp.datasets.pseudo_pictures import PseudoPicture
from webapp.improving.rounds import Round
from webapp.leases import Status
from webapp.runs.workers import batch_says

_STAGES = list(Round.Stage.values)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: "done", "now", "failed", "to come" or "left out"; and what it made."""

    name: str
    state: str
    made: Sequence[tuple[str, str]] = ()  # words, and where they lead

    @property
    def dot(self) -> str:
        return {"done": "ok", "now": "run", "failed": "bad"}.get(self.state, "")


def steps(row: Round) -> list[Step]:
    """All of them, in order."""
    made = _made(row)
    here = _STAGES.index(row.stage)
    return [
        Step(Round.Stage(stage).label, _state(row, at - here), made.get(stage, ()))
        for at, stage in enumerate(_STAGES)
        if row.learns_from_sure or stage not in (Round.Stage.MINE, Round.Stage.WITH)
    ]


def _state(row: Round, ahead: int) -> str:
    if ahead < 0:
        return "done"
    if row.outcome == Round.Outcome.REFUSED:
        return "left out" if ahead else "failed"
    if ahead or row.is_cancelled:
        return "to come"
    if row.status == Status.FAILED:
        return "failed"
    return "done" if row.outcome else "now"


def _made(row: Round) -> dict[str, list[tuple[str, str]]]:
    """What each step made, as far as it is there."""

    def link(thing: Any, address: str, *args: Any) -> list[tuple[str, str]]:
        return [(str(thing), reverse(address, args=args))] if thing is not None else []

    version = row.version
    evaluations = [e for e in (row.measured, row.measured_old) if e is not None]
    return {
        "freeze": link(version, "dataset-version", version.dataset_id, version.number)
        if version and not version.is_deleted
        else [],
        "train": [
            *link(row.training, "training", row.training_id),
            *link(row.candidate, "model-version", row.candidate_id),
        ],
        "with": [
            *link(row.pseudo_training, "training", row.pseudo_training_id),
            *link(row.pseudo_measured, "evaluation", row.pseudo_measured_id),
        ],
        "measure": [
            (str(e.model_version), reverse("evaluation", args=[e.pk])) for e in evaluations
        ],
    }


def share(row: Round) -> float | None:
    """How much of the step that goes on is done, 0 to 1; None where it does not tell."""
    if (training := _training(row)) is not None:
        return training.share
    if row.stage == Round.Stage.COMPARE:
        shares = [run.progress()["share"] for run in _shadows(row)]
        return sum(shares) / len(shares) if shares else None
    return None


def _training(row: Round) -> Any:
    """The training that this step waits for, if it does."""
    here = {"train": row.training, "with": row.pseudo_training}
    return here.get(row.stage)


def remaining_s(row: Round) -> float | None:
    """About how many seconds this step still takes, as measured so far; None: nothing tells yet."""
    if (training := _training(row)) is not None:
        return training.remaining_s
    if row.stage == Round.Stage.COMPARE:
        left = [run.progress()["remaining_s"] for run in _shadows(row) if not run.is_over]
        known = [seconds for seconds in left if seconds is not None]
        return sum(known) * len(left) / len(known) if known else None
    return None


def waiting_because(row: Round) -> str:
    """Why nothing is happening just now, or "" when something is."""
    if row.is_over:
        return ""
    asked: dict[str, Any] = {
        "freeze": row.version,
        "train": row.training,
        "measure": row.measured,
        "with": row.pseudo_measured or row.pseudo_training or row.pseudo_version,
    }
    thing = asked.get(row.stage)
    if thing is not None and not thing.is_over:
        return str(thing.waiting_because())
    if row.stage == Round.Stage.COMPARE and (open_ := [r for r in _shadows(row) if not r.is_over]):
        return str(open_[0].waiting_because())
    return batch_says(row) if row.status == Status.WAITING else ""


def _shadows(row: Round) -> list[Any]:
    comparisons = row.comparisons.select_related("before", "after")
    return [run for one in comparisons for run in one.runs() if run.is_shadow]


def standing(row: Round) -> tuple[str, str]:
    """How it stands in a word or two, and the dot beside it."""
    if row.outcome:
        good = row.outcome == Round.Outcome.ACCEPTED
        return row.get_outcome_display(), "ok" if good else ""
    if row.is_cancelled:
        return "cancelled", ""
    if row.status == Status.FAILED:
        return "failed", "bad"
    if row.is_undecided:
        return "waits for you", "warn"
    return row.get_stage_display().lower(), "run"


def gate_rows(row: Round) -> list[dict[str, Any]]:
    """The labels of the gate, those that fell first, with what each had to reach."""
    verdict = row.verdict or {"rows": []}
    rows = [
        one | {"least": max((one["old"] or 0.0) - verdict["most_fall"], 0.0)}
        for one in verdict["rows"]
    ]
    return sorted(rows, key=lambda one: one["holds"])


EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class Example:
    """A frame that a version labelled itself, as it is shown."""

    link: str
    says: str
    width: int
    height: int
    boxes: Sequence[DrawnBox]


def examples(row: Round) -> list[Example]:
    """Some of the frames that were mined, spread over all of them."""
    if not row.pseudo or row.version is None:
        return []
    rows = list(row.version.pseudo_pictures.all())
    step = max(len(rows) // EXAMPLES, 1)
    colours = {label.name: label.colour for label in row.version.dataset.current_labels()}
    return [_example(one, colours) for one in rows[::step][:EXAMPLES]]


def _example(one: PseudoPicture, colours: dict[str, str]) -> Example:
    boxes = [
        drawn(one.width, one.height, box["box"], box["label"], colours.get(box["label"], ""))
        for box in one.boxes
    ]
    names = ", ".join(dict.fromkeys(box["label"] for box in one.boxes))
    says = f"{names} in {one.video} at {clock(one.time_s)}"
    return Example(media_link(one.thumb or one.file), says, one.width, one.height, boxes)
