"""What can be asked of a training, and what is refused."""

from __future__ import annotations

import pytest

from tests.trained import dataset_version, model_version
from webapp.accounts.models import Event, Refused
from webapp.leases import Status
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.runs.workers import Worker
from webapp.training.models import Evaluation, TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def frozen(project):
    return dataset_version(project)


@pytest.fixture
def model(workspace):
    return RegisteredModel.objects.create(workspace=workspace, name="Boards")


@pytest.fixture
def training(frozen, model, analyst):
    return TrainingRun.objects.request(frozen, model, by=analyst)


def claimed(training: TrainingRun, **progress) -> TrainingRun:
    row = TrainingRun.objects.claim(training.pk, "w1")
    if progress:
        row.renew(**progress)
        row.refresh_from_db()
    return row


def test_a_training_rests_on_defaults_and_what_was_wished(frozen, model, analyst):
    training = TrainingRun.objects.request(frozen, model, options={"epochs": 7}, by=analyst)
    assert (training.status, training.epochs, training.options["imgsz"]) == ("waiting", 7, 640)
    assert training.options["start"] == "pretrained"
    assert Event.objects.filter(what="started a training", subject="Boards").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": 0}, "Epochs must be between 1 and 1000"),
        ({"epochs": 10**9}, "Epochs must be"),
        ({"epochs": True}, "Epochs must be a whole number"),
        ({"epochs": None}, "Epochs must be a whole number"),
        ({"imgsz": 100}, "multiple of 32"),
        ({"imgsz": "640"}, "whole number"),
        ({"augment": "wild"}, "normal, light"),
        ({"start": "elsewhere"}, "pretrained, version"),
        ({"start": "version"}, "Choose the version to start from"),
        ({"learning_rate": float("nan")}, "learning rate"),
        ({"learning_rate": 2}, "learning rate"),
        ({"synthetic": "yes"}, "yes or no"),
        ({"momentum": 1}, "no option called momentum"),
        ({"architecture": "../../evil"}, "such as yolo26n"),
    ],
)
def test_what_cannot_be_trained_is_said(frozen, model, options, sentence):
    with pytest.raises(Refused, match=sentence):
        TrainingRun.objects.request(frozen, model, options=options, by=None)
    assert not TrainingRun.objects.exists()


def test_a_version_that_is_not_frozen_is_not_trained_on(frozen, model):
    frozen.status = Status.WORKING
    with pytest.raises(Refused, match="not frozen yet"):
        TrainingRun.objects.request(frozen, model, by=None)


def test_another_workspace_lends_neither_model_nor_base(frozen, model, other_workspace, stranger):
    theirs = model_version(other_workspace)
    with pytest.raises(Refused, match="different workspaces"):
        TrainingRun.objects.request(frozen, theirs.model, by=None)
    with pytest.raises(Refused, match="another workspace"):
        TrainingRun.objects.request(frozen, model, base=theirs, by=None)


def test_a_start_from_a_version_of_ours(frozen, model, workspace):
    base = model_version(workspace)
    training = TrainingRun.objects.request(frozen, model, base=base, by=None)
    assert (training.base, training.options["start"]) == (base, "version")


@pytest.mark.parametrize(
    ("said", "status", "sentence"),
    [
        ({}, Status.FAILED, "has not passed its check"),
        ({"task": "concept"}, Status.DONE, "another task"),
    ],
)
def test_what_nothing_can_start_from(frozen, model, workspace, said, status, sentence):
    base = model_version(workspace, **said)
    base.status = status
    with pytest.raises(Refused, match=sentence):
        TrainingRun.objects.request(frozen, model, base=base, by=None)


def test_a_training_stops_only_when_there_is_something_to_keep(training):
    assert not training.stop()
    claimed(training, epoch=1)
    assert training.stop()
    assert training.wish == TrainingRun.Wish.STOP
    assert training.remaining_s is None or training.remaining_s == 0
    assert not training.stop()


def test_cancelled_in_its_first_second_the_worker_lets_go(training):
    row = claimed(training)
    assert row.renew()
    assert training.cancel()
    assert training.is_cancelled
    assert not row.renew(epoch=1)
    assert row.wish_now() == TrainingRun.Wish.CANCEL
    assert row.deliver(file="models/x", sha256="0" * 64, description={}) is None
    assert not ModelVersion.objects.exists()
    assert not training.cancel()


def test_a_cancelled_training_starts_again_from_the_beginning(training):
    claimed(training, epoch=3, checkpoint="training/1/last.pt", curves=[{"epoch": 3}])
    training.refresh_from_db()
    training.cancel()
    assert training.retry()
    assert (training.epoch, training.checkpoint, training.curves) == (0, "", [])


def test_a_cancelled_training_never_begins(training):
    training.cancel()
    assert TrainingRun.objects.claim(training.pk, "w1") is None


def test_retry_goes_on_from_the_last_epoch(training):
    row = claimed(training, epoch=3, checkpoint="trainings/1/last.pt")
    row.fail("The disk is full.", can_retry=True)
    training.refresh_from_db()
    assert training.retry()
    assert (training.status, training.epoch, training.checkpoint) == (
        "waiting",
        3,
        "trainings/1/last.pt",
    )
    assert not training.retry()


def test_what_cannot_help_is_not_tried_again(training):
    claimed(training).fail("There is no picture to train on.", can_retry=False)
    assert not training.retry()


def test_the_estimate_rests_on_measured_epochs(training):
    assert training.remaining_s is None
    training.epochs, training.epoch = 10, 4
    training.curves = [{"epoch": n, "seconds": s} for n, s in enumerate([90, 20, 22, 18], 1)]
    assert training.remaining_s == pytest.approx(21 * 6)


def test_a_training_says_why_it_waits(training, frozen, model):
    assert "No training worker is running" in training.waiting_because()
    Worker.beat("w1", queues="train")
    assert training.waiting_because() == "The worker is about to start it."
    second = TrainingRun.objects.request(frozen, model, by=None)
    assert second.waiting_because() == "1 training before it in the queue."
    row = claimed(training)
    assert row.waiting_because() == ""


def test_a_training_that_succeeds_makes_a_version_and_asks_for_its_measure(training):
    version = claimed(training).deliver(
        file="models/x.safetensors", sha256="0" * 64, description={"labels": ["Kestrel"]}
    )
    training.refresh_from_db()
    assert (training.status, training.result) == ("done", version)
    assert (version.number, version.is_usable, version.training) == (1, True, training)
    evaluation = Evaluation.objects.get()
    assert (evaluation.model_version, evaluation.split) == (version, "test")


@pytest.mark.parametrize(
    ("pictures", "split"),
    [({"train": 9, "val": 2, "test": 3}, "test"), ({"train": 9, "val": 2, "test": 0}, "val")],
)
def test_it_is_measured_on_what_there_is(training, frozen, pictures, split):
    frozen.counts = {"splits": {name: {"pictures": n} for name, n in pictures.items()}}
    frozen.save()
    said = {"labels": ["Kestrel"], "task": "boxes"}
    claimed(training).deliver(file="models/x.pt", sha256="0" * 64, description=said)
    assert Evaluation.objects.get().split == split


def test_where_no_picture_was_kept_back_nothing_is_measured(training, frozen, workspace):
    empty = {"train": {"pictures": 9}, "val": {"pictures": 0}, "test": {"pictures": 0}}
    frozen.counts = {"splits": empty}
    frozen.save()
    said = {"labels": ["Kestrel"], "task": "boxes"}
    version = claimed(training).deliver(file="models/x.pt", sha256="0" * 64, description=said)
    assert not Evaluation.objects.exists()
    with pytest.raises(Refused, match="has no test pictures"):
        Evaluation.objects.request(version, frozen, "test")


def test_a_failed_training_never_becomes_active(training, model, workspace):
    before = model_version(workspace, "Boards")
    model.promote(before, "production", by=None)
    claimed(training, epoch=2).fail("The loss became infinite.", can_retry=True)
    training.refresh_from_db()
    assert training.result is None
    assert list(model.versions.all()) == [before]
    assert model.aliases.get(name="production").version == before


def test_an_evaluation_is_made_once(frozen, workspace):
    version = model_version(workspace)
    first = Evaluation.objects.request(version, frozen)
    assert Evaluation.objects.request(version, frozen) == first
    Evaluation.objects.claim(first.pk, "w1").fail("The disk is full.", can_retry=True)
    assert Evaluation.objects.request(version, frozen).status == Status.WAITING


@pytest.mark.parametrize(
    ("split", "said", "sentence"),
    [("all", {}, "A split is one of"), ("test", {"task": "concept"}, "another task")],
)
def test_what_cannot_be_measured_is_said(frozen, workspace, split, said, sentence):
    with pytest.raises(Refused, match=sentence):
        Evaluation.objects.request(model_version(workspace, **said), frozen, split)
