"""A round, as far as it gets just now: each step asks for its rows, once, and waits for them.

What a step asks for and that it has asked for it are written in one transaction. A worker that dies
leaves a step that was done, or one that was not begun.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from django.core.files.storage import default_storage
from django.db import transaction

from analysis.datasets.types import LabelledSet
from analysis.errors import AnalysisError, Stopped
from analysis.measuring.gate import Gate, Scores, judge, scores
from analysis.measuring.predictions import Predictions, unpack
from webapp.accounts.models import Refused
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.pseudo_pictures import PseudoPicture
from webapp.datasets.samples import Split
from webapp.datasets.versions import DatasetVersion
from webapp.improving.comparisons import compare
from webapp.improving.loops import CANDIDATE, PRODUCTION, Loop
from webapp.improving.rounds import Round
from webapp.leases import Leased, Status
from webapp.registry.versions import ModelVersion
from webapp.training.models import Evaluation, TrainingRun, unfit
from workers.engine.heartbeat import Heartbeat
from workers.engine.piece import NotYet, piece
from workers.improving.mining import mine
from workers.training.train import read_set

log = logging.getLogger("sightline.improving")

_Thing = TypeVar("_Thing")
SOON_S = 3.0  # until it is looked again whether what was asked for is done
Stage = Round.Stage


@piece(Round)
def improve(row: Round, beat: Heartbeat) -> dict[str, Any] | None:
    """One round of improvement, until it waits for something or for a person."""
    while row.stage != Stage.DECIDE:
        if beat.should_stop():
            raise Stopped
        _STEPS[row.stage](row, beat)
        if row.outcome:
            return None
    return {}


def begin_due_rounds() -> None:
    """The rounds that are due by the number of new pictures, or by the clock."""
    for loop in Loop.objects.filter(is_on=True).select_related("model__workspace", "dataset"):
        if loop.due() is None:
            continue
        try:
            loop.begin_if_due()
        except Refused as refused:
            Loop.objects.filter(pk=loop.pk).update(why_not=str(refused)[:300])


# --- the steps ------------------------------------------------------------------------------------


def _freeze(row: Round, beat: Heartbeat) -> None:
    """The dataset as it is now, as a version."""
    if row.version is None:
        dataset = _dataset(row)
        if dataset.jobs_being_written():
            raise NotYet(SOON_S)
        with transaction.atomic():
            made = DatasetVersion.objects.request(
                dataset,
                recipe=_recipe(dataset),
                note=f"{row.title} of {row.loop.model}",
                by=row.requested_by,
            )
            _remember(row, version=made)
    assert row.version is not None
    _wait_for(row.version, f"{row.version} could not be frozen")
    _remember(row, stage=Stage.TRAIN)


def _recipe(dataset: Dataset) -> dict[str, Any]:
    """How its newest version was split, which somebody chose: also what near-duplicates are."""
    last = dataset.versions.filter(status=Status.DONE).order_by("-number").first()
    return {key: value for key, value in last.recipe.items() if key != "pseudo"} if last else {}


def _train(row: Round, beat: Heartbeat) -> None:
    """A training on that version, when no other of the model goes on."""
    _dataset(row)
    version = _there(row.version, "The dataset version of this round")
    if row.training is None:
        others = TrainingRun.objects.unfinished().filter(model=row.loop.model)
        if others.exists():
            raise NotYet(SOON_S)
        base, options = _start(row, version)
        with transaction.atomic():
            made = TrainingRun.objects.request(
                version, row.loop.model, base=base, options=options, by=_asked_by(row)
            )
            _remember(row, training=made)
    assert row.training is not None
    _wait_for(row.training, "The training failed")
    candidate = _there(row.training.result, "The version that was trained")
    production = row.loop.version_called(PRODUCTION)
    _remember(row, stage=Stage.MEASURE, candidate=candidate, production=production)


def _start(row: Round, version: DatasetVersion) -> tuple[ModelVersion | None, dict[str, Any]]:
    """What the training goes out from, and its options."""
    options = dict(row.settings["options"])
    if options.get("start", "version") != "version":
        return None, options
    base = ModelVersion.objects.filter(pk=row.settings["base"]).first()
    base = base or _newest_fit(row.loop, version)
    return base, options | {"start": "version" if base else "pretrained"}


def _newest_fit(loop: Loop, version: DatasetVersion) -> ModelVersion | None:
    """The version in production, or else the newest, that a training can go on from."""
    usable = loop.model.versions.filter(status=Status.DONE, archived=None).order_by("-number")
    for one in [loop.version_called(PRODUCTION), *usable]:
        # not every ONNX file can be trained further, and nobody is there to choose another
        if one and one.description.get("format") != "onnx" and not unfit(one, version):
            return one
    return None


def _measure(row: Round, beat: Heartbeat) -> None:
    """It and the version in use, on the same pictures."""
    version = _there(row.version, "The dataset version of this round")
    candidate = _there(row.candidate, "The version that was trained")
    if row.measured is None:
        with transaction.atomic():
            ask = Evaluation.objects.request
            by = _asked_by(row)
            asked = {"measured": ask(candidate, version, Split.TEST, by=by)}
            if row.production is not None:
                asked["measured_old"] = ask(row.production, version, Split.TEST, by=by)
            _remember(row, **asked)
    for evaluation in filter(None, (row.measured, row.measured_old)):
        _wait_for(evaluation, f"{evaluation.model_version} could not be measured")
    _remember(row, stage=Stage.MINE if row.learns_from_sure else Stage.GATE)


def _mine(row: Round, beat: Heartbeat) -> None:
    """Frames that the version in use is sure of, stored with what came of it in one piece."""
    _dataset(row)
    version = _there(row.version, "The dataset version of this round")
    old = row.measured_old
    predictions = _predictions(old) if old is not None else None
    before = row.loop.rounds.filter(number__lt=row.number, pseudo__is_kept=True).count()
    mined = mine(row, read_set(version), predictions, before, beat)
    with transaction.atomic():
        version.pseudo_pictures.all().delete()
        PseudoPicture.objects.bulk_create(mined.pictures)
        stage = Stage.WITH if mined.pictures else Stage.GATE
        _remember(row, pseudo=mined.report, stage=stage)


def _with(row: Round, beat: Heartbeat) -> None:
    """The same training with these frames; it takes the place of the other where it is no worse."""
    version = _there(row.version, "The dataset version of this round")
    _freeze_with(row, version)
    _train_with(row)
    training = _there(row.pseudo_training, "The training with its own labels")
    candidate = _there(training.result, "The version that was trained with its own labels")
    if row.pseudo_measured is None:
        with transaction.atomic():
            # on the pictures of the version without them, as the other is
            asked = Evaluation.objects.request(candidate, version, Split.TEST, by=_asked_by(row))
            _remember(row, pseudo_measured=asked)
    assert row.pseudo_measured is not None
    _wait_for(row.pseudo_measured, f"{candidate} could not be measured")
    guard = _guard(row)
    said = (row.pseudo or {}) | {"is_kept": guard["holds"], "guard": guard}
    changes: dict[str, Any] = {"pseudo": said}
    if guard["holds"]:
        changes |= {"candidate": candidate, "measured": row.pseudo_measured}
    _remember(row, stage=Stage.GATE, **changes)


def _freeze_with(row: Round, version: DatasetVersion) -> None:
    if row.pseudo_version is None:
        with transaction.atomic():
            note = f"{row.title} of {row.loop.model}, with frames that the model labelled"
            recipe = version.recipe | {"pseudo": version.number}
            made = DatasetVersion.objects.request(
                _dataset(row), recipe=recipe, note=note, by=row.requested_by
            )
            _remember(row, pseudo_version=made)
    assert row.pseudo_version is not None
    _wait_for(row.pseudo_version, f"{row.pseudo_version} could not be frozen")


def _train_with(row: Round) -> None:
    """From the same start and with the same options as the one without."""
    plain = _there(row.training, "The training of this round")
    if row.pseudo_training is None:
        if TrainingRun.objects.unfinished().filter(model=row.loop.model).exists():
            raise NotYet(SOON_S)
        version = _there(row.pseudo_version, "The dataset version with its own labels")
        with transaction.atomic():
            made = TrainingRun.objects.request(
                version, row.loop.model, base=plain.base, options=plain.options, by=_asked_by(row)
            )
            _remember(row, pseudo_training=made)
    assert row.pseudo_training is not None
    _wait_for(row.pseudo_training, "The training with its own labels failed")


def _guard(row: Round) -> dict[str, Any]:
    """With its own labels beside without, on the golden pictures: no figure may be lower."""
    labelled, golden = _golden(row)
    without = _scores(_there(row.measured, "What was measured"), golden)
    with_ = _scores(_there(row.pseudo_measured, "What was measured"), golden)
    number = row.candidate.number if row.candidate else ""
    name = f"v{number}, which learnt from people alone"
    said = judge(with_, without, Gate(most_fall=0.0), labels=labelled.labels, old_name=name)
    return asdict(said)


def _gate(row: Round, beat: Heartbeat) -> None:
    """Whether it may go on; where it does not, the round ends here and says why."""
    verdict = _verdict(row)
    if not verdict["holds"]:
        row.finish(verdict=verdict, outcome=Round.Outcome.REFUSED)
        row.outcome = Round.Outcome.REFUSED
        return
    candidate = _there(row.candidate, "The version that was trained")
    with transaction.atomic():
        row.loop.model.promote(candidate, CANDIDATE, by=_asked_by(row))
        _remember(row, verdict=verdict, stage=Stage.COMPARE)


def _compare(row: Round, beat: Heartbeat) -> None:
    """What it finds on past assets, beside what the version in use finds."""
    wanted = Asset.objects.filter(pk__in=row.settings["assets"], workspace=row.workspace)
    if not row.comparisons.exists():
        _there(row.candidate, "The version that was trained")
        _dataset(row)
        with transaction.atomic():
            for asset in wanted:
                compare(row, asset)
            _remember(row)
    rows = row.comparisons.filter(asset__removed=None).select_related("before", "after")
    if not all(comparison.is_over for comparison in rows):
        raise NotYet(SOON_S)
    _remember(row, stage=Stage.DECIDE)


_STEPS: dict[str, Callable[[Round, Heartbeat], None]] = {
    Stage.FREEZE: _freeze,
    Stage.TRAIN: _train,
    Stage.MEASURE: _measure,
    Stage.MINE: _mine,
    Stage.WITH: _with,
    Stage.GATE: _gate,
    Stage.COMPARE: _compare,
}


# --- what they share ------------------------------------------------------------------------------


def _remember(row: Round, **changes: Any) -> None:
    """Written if the round is still this worker's; else nothing of the transaction is."""
    with transaction.atomic():
        if not row.progressed(**changes):
            raise Stopped
    for name, value in changes.items():
        setattr(row, name, value)


def _wait_for(asked: Leased, failed: str) -> None:
    """Go on when it is done; later while it goes on. Raises AnalysisError where it failed."""
    asked.refresh_from_db()
    if asked.status == Status.FAILED:
        why = asked.error or "it said nothing."
        raise AnalysisError(f"{failed}: {why}", permanent=not asked.can_retry)
    if asked.status != Status.DONE:
        raise NotYet(SOON_S)


def _there(thing: _Thing | None, what: str) -> _Thing:
    if thing is None:
        raise AnalysisError(f"{what} was deleted, so the round ends here.", permanent=True)
    return thing


def _dataset(row: Round) -> Dataset:
    """What it learns from, as long as it is there."""
    chosen = Dataset.objects.filter(pk=row.settings["dataset"]).select_related("project")
    dataset = chosen.first()
    if dataset is None or dataset.is_deleted:
        raise AnalysisError("The dataset was deleted, so the round ends here.", permanent=True)
    return dataset


def _asked_by(row: Round) -> Any:
    """Whoever began it; of one that began by itself, whoever made the loop."""
    return row.requested_by or row.loop.created_by


# --- the gate -------------------------------------------------------------------------------------


def _verdict(row: Round) -> dict[str, Any]:
    """Both on the golden pictures of the version, with what a person should know of it."""
    labelled, golden = _golden(row)
    old_name = f"v{row.production.number}" if row.production else ""
    new = _scores(_there(row.measured, "What was measured"), golden)
    old = None
    if row.production is not None:
        old = _scores(_there(row.measured_old, "What was measured"), golden)
    said = judge(new, old, row.gate, labels=labelled.labels, old_name=old_name)
    notes = _notes(row, labelled, golden, new)
    return asdict(said) | {"old_name": old_name, "notes": notes}


def _golden(row: Round) -> tuple[LabelledSet, set[str]]:
    """The pictures of the round's version, and the sources of those that versions are judged by."""
    version = _there(row.version, "The dataset version of this round")
    labelled = read_set(version)
    golden = {p.source for p in labelled.pictures if p.is_golden and p.is_labelled}
    if not golden:
        raise AnalysisError(
            f"No labelled picture of {version} is golden, so nothing can be compared. Mark some in "
            "the dataset, and begin another round.",
            permanent=True,
        )
    return labelled, golden


def _scores(evaluation: Evaluation, golden: set[str]) -> Scores:
    return scores(_predictions(evaluation), golden)


def _predictions(evaluation: Evaluation) -> Predictions:
    try:
        with default_storage.open(evaluation.predictions) as file:
            return unpack(file.read())
    except (OSError, gzip.BadGzipFile, json.JSONDecodeError) as error:
        raise AnalysisError(
            f"What {evaluation.model_version} found on the golden pictures is not there any more. "
            "Measure it again, then try this again."
        ) from error


def _notes(row: Round, labelled: LabelledSet, golden: set[str], new: Scores) -> list[str]:
    notes = []
    if left_out := len(golden) - new.n_pictures:
        notes.append(f"{left_out} golden pictures could not be read and are left out.")
    if n := _learnt_from(row.production, labelled, golden):
        notes.append(
            f"{n} of {len(golden)} golden pictures were not golden when {row.production} learnt "
            "from them: its figures may flatter it."
        )
    return notes


def _learnt_from(old: ModelVersion | None, labelled: LabelledSet, golden: set[str]) -> int:
    """How many golden pictures a version was trained on."""
    training = getattr(old, "training", None)
    if training is None:
        return 0
    try:
        before = read_set(training.version)
    except (OSError, AnalysisError):  # of a deleted dataset no pictures are left
        return 0
    known = {p.sha256 for p in before.pictures if p.split == Split.TRAIN and p.sha256}
    return sum(p.sha256 in known for p in labelled.pictures if p.source in golden)
