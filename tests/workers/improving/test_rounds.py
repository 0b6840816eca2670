"""Rounds of improvement, moved on by the worker's task over real rows; one with a real training."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from analysis.errors import Stopped
from tests.analysis.datasets.labelled_shapes import LABELS, labelled_shapes
from tests.improved import add_pictures, analysed, boards, measured, trained
from tests.trained import model_version
from webapp import removal
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.datasets.versions import DatasetVersion
from webapp.improving.loops import Loop
from webapp.improving.rounds import Round
from webapp.leases import Status
from webapp.projects.models import Project
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.runs.run import Run
from webapp.training.models import Evaluation, TrainingRun
from workers.datasets import transfers
from workers.engine import housekeeping
from workers.improving import rounds
from workers.training import train

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(project):
    return boards(project)


@pytest.fixture
def old(workspace):
    """The version in production."""
    version = model_version(workspace)
    version.model.promote(version, "production", by=None)
    return version


@pytest.fixture
def loop(old, dataset, asset, owner):
    options = {"start": "scratch", "epochs": 1, "imgsz": 64}
    return Loop.make(old.model, dataset, by=owner, options=options, assets=[asset])


@pytest.fixture
def begun(loop, owner):
    return loop.begin(Round.Reason.HAND, by=owner)


def go_on(row: Round) -> Round:
    """As the worker does when it is rung for, whether or not something is done by now."""
    Round.objects.filter(pk=row.pk).update(lease_until=None)
    rounds.improve(row.pk)
    row.refresh_from_db()
    return row


def to_the_gate(row: Round, finds: tuple, finds_old: tuple) -> Round:
    go_on(row)
    transfers.freeze(row.version_id)
    go_on(row)
    trained(row.training)
    go_on(row)
    measured(row.measured, *finds)
    if row.measured_old:
        measured(row.measured_old, *finds_old)
    return go_on(row)


def test_it_goes_step_by_step_and_nothing_is_made_twice(begun, loop, old, asset, project):
    for _ in range(3):  # messages come twice, and workers begin anew
        go_on(begun)
    assert (begun.stage, begun.status) == ("freeze", Status.WAITING)
    transfers.freeze(begun.version_id)
    go_on(begun), go_on(begun)
    assert begun.stage == "train"
    assert begun.training.options["imgsz"] == 64
    new = trained(begun.training)
    go_on(begun), go_on(begun)
    assert (begun.stage, begun.candidate) == ("measure", new)
    measured(begun.measured, "Kestrel", "Vitalo")
    go_on(begun)
    assert begun.stage == "measure", "the version in use is measured too"
    measured(begun.measured_old, "Kestrel")
    go_on(begun), go_on(begun)
    assert begun.stage == "compare"
    assert old.model.aliases.get(name="candidate").version == new
    assert old.model.aliases.get(name="production").version == old

    (one,) = begun.comparisons.all()
    assert (one.before.inputs["model"]["id"], one.after.inputs["model"]["id"]) == (old.pk, new.pk)
    assert one.before.inputs["labels"] == one.after.inputs["labels"]
    assert one.before.options == one.after.options
    analysed(one.before, [])
    go_on(begun)
    assert begun.stage == "compare", "both must be there"
    analysed(one.after, [])
    go_on(begun)
    assert begun.is_undecided
    go_on(begun)
    assert DatasetVersion.objects.count() == TrainingRun.objects.count() == 1
    assert Evaluation.objects.count() == Run.living.count() == 2
    assert not Run.objects.exists(), "no page takes what only compares for an answer"
    verdict = begun.verdict
    assert (verdict["new"], verdict["old"], verdict["n_pictures"]) == (1.0, 0.5, 4)


def test_pictures_are_split_as_in_the_version_before(loop, dataset, owner):
    recipe = {"seed": 7, "near": -1}
    before = DatasetVersion.objects.request(dataset, recipe=recipe, by=owner)
    transfers.freeze(before.pk)
    begun = loop.begin(Round.Reason.HAND, by=owner)
    go_on(begun)
    assert begun.version.number == before.number + 1
    assert (begun.version.recipe["seed"], begun.version.recipe["near"]) == (7, -1)


def test_an_analysis_that_is_there_is_not_made_again(begun, loop, old, asset, project, run_of):
    from django.conf import settings

    Project.objects.filter(pk=project.pk).update(model_version=old)
    project.refresh_from_db()
    there = run_of(asset, project)
    Run.objects.filter(pk=there.pk).update(software_version=settings.VERSION)
    to_the_gate(begun, ("Kestrel",), ("Kestrel",))
    (one,) = begun.comparisons.all()
    assert one.before == there
    assert one.after.inputs == there.inputs | {"model": begun.candidate.as_input()}
    assert one.after.options["interval_s"] == there.options["interval_s"]


def test_a_worse_label_ends_it_in_words(begun, old):
    to_the_gate(begun, ("Kestrel",), ("Kestrel", "Vitalo"))
    assert (begun.status, begun.outcome) == (Status.DONE, Round.Outcome.REFUSED)
    assert begun.verdict["reasons"] == [
        "Overall F1 0.50 is below 1.00 of v1.",
        "Vitalo fell from 1.00 to 0.00, more than 0.02.",
    ]
    names = dict(old.model.aliases.values_list("name", "version__number"))
    assert names == {"production": 1}
    assert not begun.comparisons.exists()


def test_a_first_version_is_measured_alone(dataset, workspace, owner):
    model = RegisteredModel.objects.create(workspace=workspace, name="New", gate_f1=0.4)
    row = Loop.make(model, dataset, by=owner).begin(Round.Reason.HAND, by=owner)
    to_the_gate(row, ("Kestrel",), ())
    assert row.is_undecided
    assert row.training.options["start"] == "pretrained", "there is no version to go on from"
    assert (row.verdict["least"], row.verdict["old"]) == (0.4, None)


def test_pictures_that_were_learnt_from_are_named(begun, loop, old, dataset):
    to_the_gate(begun, ("Kestrel", "Vitalo"), ("Kestrel",))
    go_on(begun)
    for one in begun.comparisons.all():
        analysed(one.before, []), analysed(one.after, [])
    go_on(begun).accept(by=None)
    train_split = [p for p in train.read_set(begun.version).pictures if p.split == "train"]
    marked = dataset.samples.filter(source=train_split[0].source)
    marked.update(is_golden=True)
    add_pictures(dataset, [40])
    row = loop.begin(Round.Reason.HAND, by=None)
    to_the_gate(row, ("Kestrel", "Vitalo"), ("Kestrel", "Vitalo"))
    (note,) = row.verdict["notes"]
    assert note.startswith("1 of 5 golden pictures were not golden when Boards v2 learnt from them")


def test_a_worker_that_lost_the_row_asks_for_nothing(begun):
    row = Round.objects.claim(begun.pk, "slow")
    Round.objects.filter(pk=row.pk).update(lease_token="another's")
    with pytest.raises(Stopped):
        rounds._freeze(row, None)
    assert not DatasetVersion.objects.exists()


def test_a_failed_training_is_said_and_tried_again(begun):
    go_on(begun)
    transfers.freeze(begun.version_id)
    go_on(begun)
    TrainingRun.objects.claim(begun.training_id, "w").fail("The disk is full.", can_retry=True)
    go_on(begun)
    assert (begun.status, begun.error) == (Status.FAILED, "The training failed: The disk is full.")
    assert begun.retry()
    assert go_on(begun).status == Status.WAITING
    trained(begun.training)
    assert go_on(begun).stage == "measure"
    assert TrainingRun.objects.count() == 1


def test_what_a_cancelled_round_asked_for_ends_with_it(begun, old):
    to_the_gate(begun, ("Kestrel", "Vitalo"), ("Kestrel",))
    assert begun.cancel()
    assert {run.status for run in Run.living.all()} == {Run.Status.CANCELLED}
    assert not old.model.aliases.filter(name="candidate").exists()
    assert begun.retry(), "and it can go on"
    assert {run.status for run in Run.living.all()} == {Run.Status.QUEUED}
    assert old.model.aliases.get(name="candidate").version == begun.candidate


def test_it_ends_with_its_dataset_in_words(begun, dataset, owner):
    go_on(begun)
    transfers.freeze(begun.version_id)
    removal.delete_dataset(dataset, by=owner)
    go_on(begun)
    assert begun.error == "The dataset was deleted, so the round ends here."
    assert not begun.can_retry
    assert begun.loop.why_none().startswith("The dataset of this loop was deleted")


def test_a_training_of_somebody_else_goes_first(begun, old):
    go_on(begun)
    transfers.freeze(begun.version_id)
    begun.refresh_from_db()
    other = TrainingRun.objects.request(begun.version, old.model, by=None)
    assert go_on(begun).training is None
    other.cancel()
    assert go_on(begun).training is not None


# --- when they begin ------------------------------------------------------------------------------


def over(row: Round) -> None:
    Round.objects.filter(pk=row.pk).update(status=Status.DONE, outcome=Round.Outcome.KEPT)


def test_a_round_begins_at_so_many_changed_pictures(loop, dataset):
    over(loop.begin(Round.Reason.HAND, by=None))
    assert loop.n_changed() == 0
    add_pictures(dataset, range(20, 28))
    add_pictures(dataset, range(28, 30), golden=True)
    dataset.samples.first().annotate([], by=None)
    assert loop.n_changed() == 9, "new and changed ones, and no golden one"
    rounds.begin_due_rounds()
    assert loop.rounds.count() == 1
    add_pictures(dataset, [30])
    for _ in range(2):
        rounds.begin_due_rounds()
    assert loop.rounds.count() == 2
    row = loop.last_round()
    assert (row.reason, row.n_changed, row.requested_by) == (Round.Reason.CHANGES, 10, None)
    assert rounds.begin_due_rounds in housekeeping.STEPS


def test_or_by_the_clock_if_anything_changed(loop, dataset):
    loop.change(by=None, after_changes=None, every_hours=24)
    over(loop.begin(Round.Reason.HAND, by=None))
    Round.objects.update(created=timezone.now() - timedelta(hours=25))
    Sample.objects.update(changed=timezone.now() - timedelta(hours=26))
    rounds.begin_due_rounds()
    assert loop.rounds.count() == 1
    dataset.samples.filter(is_golden=False).first().annotate([], by=None)
    rounds.begin_due_rounds()
    assert loop.last_round().reason == Round.Reason.TIME


def test_one_that_is_off_begins_none_and_one_that_cannot_says_why(loop, dataset):
    loop.change(by=None, is_on=False)
    rounds.begin_due_rounds()
    loop.change(by=None, is_on=True)
    dataset.samples.update(is_golden=False)
    rounds.begin_due_rounds()
    assert not Round.objects.exists()
    loop.refresh_from_db()
    assert loop.why_not.startswith("No labelled picture of Boards is golden")


# --- for real -------------------------------------------------------------------------------------


def test_a_real_round_from_pictures_to_production(workspace, owner, tmp_path):
    """And what it measures on its way changes no confidence that figures are shown from."""
    squares = Project.objects.create(workspace=workspace, name="Squares", created_by=owner)
    for position, name in enumerate(LABELS):
        squares.labels.create(name=name, colour="#d1495b", position=position)
    dataset = Dataset.objects.create(project=squares, name="Squares")
    for picture in labelled_shapes(tmp_path / "squares").pictures:
        data = (tmp_path / "squares" / picture.file).read_bytes()
        file = default_storage.save(dataset.file_name(picture.file, ".png"), ContentFile(data))
        dataset.samples.create(
            source=picture.source,
            file=file,
            sha256=picture.file,
            width=64,
            height=64,
            given_split=picture.split,
            is_golden=picture.split == "test",
        ).annotate(picture.boxes, by=owner)
    model = RegisteredModel.objects.create(workspace=workspace, name="Squares")
    options = {"start": "scratch", "epochs": 1, "imgsz": 64, "epoch_size": 0, "batch": 4}
    options |= {"device": "cpu"}
    loop = Loop.make(model, dataset, by=owner, options=options, least_f1=0.0)
    row = loop.begin(Round.Reason.HAND, by=owner)
    go_on(row)
    transfers.freeze(row.version_id)
    go_on(row)
    train.train(row.training_id)
    go_on(row)
    train.evaluate(row.measured_id)
    go_on(row)
    assert row.is_undecided, row.error
    assert row.verdict["n_pictures"] == 2
    assert set(squares.labels.values_list("threshold", flat=True)) == {0.5}
    row.accept(by=owner)
    assert model.aliases.get(name="production").version == ModelVersion.objects.get()
