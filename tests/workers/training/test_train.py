"""A real training and its evaluation, by the worker's tasks, on eight small pictures."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from analysis.datasets.version import content_hash, pack
from analysis.errors import AnalysisError, Stopped
from analysis.measuring.figures import figures as measured_figures
from analysis.measuring.predictions import unpack
from analysis.models.describe import describe
from tests.analysis.datasets.labelled_shapes import LABELS, labelled_shapes
from webapp.datasets.dataset import Dataset
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status, from_now
from webapp.projects.models import Label, Project
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.runs.workers import Worker
from webapp.training.models import Evaluation, TrainingRun
from workers.engine import housekeeping
from workers.engine.originals import local_path
from workers.training import train as worker

QUICK = {
    "imgsz": 64, "epochs": 2, "epoch_size": 0, "batch": 4, "start": "scratch", "device": "cpu",
}  # fmt: skip


def squares_version(project: Project, folder: Path, task: str = "boxes", only=None):
    """A frozen version of red and blue squares in the storage."""
    labelled = labelled_shapes(folder, task)
    pictures = []
    for picture in labelled.pictures:
        name = f"samples/{folder.name}-{picture.file}"
        default_storage.save(name, ContentFile((folder / picture.file).read_bytes()))
        if only is None or picture.split in only:
            pictures.append(replace(picture, file=name))
    labelled = replace(labelled, pictures=pictures)
    dataset = Dataset.objects.create(project=project, name=f"Squares {folder.name}", task=task)
    file = default_storage.save(f"datasets/{dataset.pk}-1.json.gz", ContentFile(pack(labelled)))
    return DatasetVersion.objects.create(
        dataset=dataset, number=1, file=file, sha256=content_hash(labelled), status=Status.DONE
    )


@pytest.fixture
def squares(workspace, owner):
    project = Project.objects.create(workspace=workspace, name="Squares", created_by=owner)
    for position, name in enumerate(LABELS):
        Label.objects.create(project=project, name=name, colour="#d1495b", position=position)
    return project


@pytest.fixture
def request_run(workspace, squares, tmp_path, owner):
    """request_run(epochs=3): a training that waits."""

    def make(task: str = "boxes", only=None, **options) -> TrainingRun:
        version = squares_version(squares, tmp_path / f"squares-{task}", task, only)
        model = RegisteredModel.named(workspace, "Squares")
        return TrainingRun.objects.request(version, model, options=QUICK | options, by=owner)

    return make


def test_it_trains_measures_and_keeps_the_thresholds(request_run, squares, monkeypatch):
    run = request_run()
    worker.train(run.pk)
    run.refresh_from_db()
    assert run.status == Status.DONE, run.error
    assert [row["epoch"] for row in run.curves] == [1, 2]
    assert run.epoch == 2
    version = run.result
    assert version.is_usable
    assert version.labels == list(LABELS)
    assert version.description == {**version.description, "task": "boxes", "imgsz": 64}
    assert describe(local_path(version.file)).sha256 == version.sha256
    assert not worker.work_folder(run).exists()

    measured = Evaluation.objects.get(model_version=version)
    worker.evaluate(measured.pk)
    measured.refresh_from_db()
    assert measured.status == Status.DONE, measured.error
    assert measured.figures["n_pictures"] == 2
    stored = unpack(default_storage.open(measured.predictions).read())
    assert measured_figures(stored) == measured.figures  # all of it can be computed again

    worker.train(run.pk)  # the message comes again
    assert ModelVersion.objects.count() == 1


def test_a_classifier_is_trained_the_same_way_and_a_run_can_use_it(request_run):
    from analysis.detectors.classifier import ClassifierDetector
    from webapp.projects.models import snapshot
    from workers.runs import loaded

    run = request_run("concept", epochs=1)
    worker.train(run.pk)
    run.refresh_from_db()
    assert run.status == Status.DONE, run.error
    assert run.result.description["task"] == "concept"
    measured = Evaluation.objects.get()
    worker.evaluate(measured.pk)
    measured.refresh_from_db()
    assert measured.figures["task"] == "concept"
    project = run.version.dataset.project
    Project.objects.filter(pk=project.pk).update(model_version=run.result)
    project.refresh_from_db()
    found = loaded.detector(snapshot(project), {}, should_stop=lambda: False)
    assert set(found.labels) == set(LABELS)
    assert isinstance(found.detector, ClassifierDetector)


def test_a_training_that_cannot_be_makes_no_version(request_run):
    run = request_run(only=("test",))
    worker.train(run.pk)
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "no picture to train on" in run.error
    assert not run.can_retry
    assert not ModelVersion.objects.exists()


def test_an_unexpected_end_is_logged_and_said(request_run, monkeypatch, caplog):
    monkeypatch.setattr(worker.training, "CHILD", ("-c", "raise ValueError('odd')"))
    run = request_run()
    worker.train(run.pk)
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert run.error == "Something went wrong on the server; its log has the details."
    assert "ValueError: odd" in caplog.text


def until_stored(claimed: TrainingRun) -> None:
    """Train, with the row's progress written at once, until an epoch is stored; then stop."""

    class Beat:
        def note(self, **values):
            claimed.renew(**values)

        def should_stop(self):
            return TrainingRun.objects.get(pk=claimed.pk).checkpoint != claimed.checkpoint

    with pytest.raises(Stopped):
        worker._trained(claimed, Beat())


def stored_files(run: TrainingRun) -> list[Path]:
    folder = Path(default_storage.path(worker.stored_folder(run.pk)))
    return [path for path in folder.rglob("*") if path.is_file()]


def test_it_goes_on_from_the_storage_on_another_machine(request_run, settings, tmp_path):
    """The cache is gone, as on another machine; what was stored of the first epochs is there."""
    run = request_run(epochs=3)
    claimed = TrainingRun.objects.claim(run.pk, "first")
    until_stored(claimed)
    claimed.release()
    run.refresh_from_db()
    before, stored = run.curves[: run.epoch], run.checkpoint
    assert default_storage.exists(stored)
    half = Path(default_storage.path(worker.stored_folder(run.pk))) / "killed" / "a" / ".0.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"what another worker was just writing")
    settings.CACHE_DIR = tmp_path / "another"
    settings.CACHE_DIR.mkdir()
    worker.train(run.pk)
    run.refresh_from_db()
    assert run.status == Status.DONE, run.error
    assert run.curves[: len(before)] == before
    assert [row["epoch"] for row in run.curves] == [1, 2, 3]
    assert not default_storage.exists(run.checkpoint or stored)
    assert not stored_files(run)


def test_killed_once_in_every_epoch_it_is_not_given_up(request_run):
    run = request_run()
    for _ in range(2 * TrainingRun.MAX_ATTEMPTS):
        claimed = TrainingRun.objects.claim(run.pk, "unlucky")
        assert claimed.progressed(checkpoint="training/1/x/a/last.pt")
        TrainingRun.objects.update(lease_until=from_now(-1))  # kill -9
        housekeeping.give_up_on_the_poisonous()
    run.refresh_from_db()
    assert (run.status, run.attempt) == (Status.WORKING, 1)


def test_killed_again_and_again_in_one_epoch_it_is_given_up(request_run):
    run = request_run()
    assert TrainingRun.objects.claim(run.pk, "unlucky").progressed()
    for _ in range(TrainingRun.MAX_ATTEMPTS):
        TrainingRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        TrainingRun.objects.claim(run.pk, "unlucky")
    TrainingRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    housekeeping.give_up_on_the_poisonous()
    run.refresh_from_db()
    assert run.status == Status.FAILED


def test_cancelled_and_begun_anew_within_the_second_it_begins_at_the_first_epoch(request_run):
    run = request_run(epochs=3)
    claimed = TrainingRun.objects.claim(run.pk, "first")
    until_stored(claimed)  # the worker does not know yet that it was cancelled
    run.refresh_from_db()
    assert run.epoch >= 1
    assert run.cancel()
    assert run.retry()
    assert not claimed.progressed(checkpoint="late")
    assert TrainingRun.objects.claim(run.pk, "second") is None
    claimed.let_go()  # as the worker does when it has noticed
    begun = TrainingRun.objects.claim(run.pk, "second")
    assert (begun.epoch, begun.checkpoint, begun.curves) == (0, "", [])
    said = []

    class Beat:
        def note(self, **values):
            said.append(values["epoch"])

        def should_stop(self):
            return bool(said)

    with pytest.raises(Stopped):
        worker._trained(begun, Beat())
    assert said[0] == 0
    worker.forget_finished()
    assert not worker.work_folder(claimed).exists()
    assert worker.work_folder(begun).exists()


def test_a_worker_that_lost_its_lease_replaces_nothing_that_is_stored(request_run):
    run = request_run(epochs=3)
    asleep = TrainingRun.objects.claim(run.pk, "asleep")
    TrainingRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    awake = TrainingRun.objects.claim(run.pk, "awake")
    until_stored(awake)
    awake.refresh_from_db()
    before = {path: path.read_bytes() for path in stored_files(run)}
    news = worker._News(asleep, None, worker.work_folder(run))
    (news.folder / "curves.json").write_text("[]")
    news._store(9)
    assert {path: path.read_bytes() for path in stored_files(run)} == before
    assert default_storage.exists(awake.checkpoint)


# --- thresholds -------------------------------------------------------------------------------


def figures(**thresholds):
    rows = [{"label": name, "threshold": t, "tp": 3} for name, t in thresholds.items()]
    return {"labels": rows}


def finished(measured: Evaluation, figures) -> None:
    """What the worker does when the figures are there."""
    Evaluation.objects.filter(pk=measured.pk).update(figures=figures, split=measured.split)
    worker._keep_thresholds(measured)


@pytest.fixture
def measured(squares, workspace, tmp_path):
    version = squares_version(squares, tmp_path / "measured")
    model = RegisteredModel.named(workspace, "Squares")
    trained = model.add_trained_version(
        file="m", sha256="a" * 64, description={"labels": list(LABELS)}, source="test", by=None
    )
    return Evaluation.objects.create(model_version=trained, dataset_version=version, split="test")


def test_measured_thresholds_become_the_labels_own(measured, squares):
    before = squares.version
    finished(measured, figures(red=0.31, Blue=0.001))
    assert dict(squares.labels.values_list("name", "threshold")) == {"Red": 0.31, "Blue": 0.05}
    squares.refresh_from_db()
    assert squares.version > before  # who edits it meanwhile is told


def test_a_label_that_was_never_found_keeps_its_threshold(measured, squares):
    shown = {"labels": [{"label": "Red", "threshold": 0.5, "tp": 0}]}
    squares.labels.update(threshold=0.7)
    finished(measured, shown)
    assert set(squares.labels.values_list("threshold", flat=True)) == {0.7}


def test_a_project_that_uses_another_model_keeps_its_thresholds(measured, squares):
    other = measured.model_version.model.add_trained_version(
        file="n", sha256="b" * 64, description={}, source="test", by=None
    )
    Project.objects.filter(pk=squares.pk).update(model_version=other)
    measured.refresh_from_db()
    finished(measured, figures(Red=0.31))
    assert squares.labels.get(name="Red").threshold == 0.5


def test_only_test_pictures_set_thresholds(measured, squares):
    measured.split = "train"
    finished(measured, figures(Red=0.31))
    assert squares.labels.get(name="Red").threshold == 0.5


@pytest.mark.parametrize("by_a_person", [True, False])
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("Rouge", 0.3, 9), ("Red", 0.6, 1)], 0.6),  # its own name before an alias
        ([("Rouge", 0.3, 9), ("Rosso", 0.6, 10)], 0.6),  # found more often
        ([("Rouge", 0.3, 9), ("Rosso", 0.6, 9)], 0.6),  # by the alphabet
        ([("Rouge", 0.3, 0), ("Rosso", 0.4, 1)], 0.4),  # nothing found says nothing
        ([("Red", 1.0, 4)], 0.99),  # at 1 nothing would be shown
        ([("Red", 0.0001, 4)], 0.05),
    ],
)
def test_a_label_of_several_classes_gets_one_threshold_by_one_rule(
    measured, squares, owner, rows, expected, by_a_person
):
    squares.labels.filter(name="Red").update(aliases=["Rouge", "Rosso"])
    said = {"labels": [{"label": n, "threshold": t, "tp": tp} for n, t, tp in rows]}
    if by_a_person:
        measured.figures = said
        assert measured.keep_thresholds(by=owner) == 1
    else:
        finished(measured, said)
    assert squares.labels.get(name="Red").threshold == expected


# --- housekeeping -----------------------------------------------------------------------------


def test_a_lost_message_is_rung_again_and_the_dead_let_go(request_run, measured, monkeypatch):
    request_run()
    rung = []
    for name in ("one", "two"):
        Worker.beat(name, queues="train")
    monkeypatch.setattr("webapp.jobs._ring", lambda task, *_, **about: rung.append((task, about)))
    monkeypatch.setattr("webapp.jobs.transaction.on_commit", lambda work: work())
    housekeeping.ring_for_the_waiting()
    about = {"queue": "train", "of": "train"}
    assert sorted(rung, key=str) == [("evaluate", about), ("train", about)]


def test_a_training_that_keeps_killing_its_worker_fails_with_a_sentence(request_run):
    run = request_run()
    TrainingRun.objects.update(
        status=Status.WORKING, attempt=TrainingRun.MAX_ATTEMPTS, lease_until=from_now(-1)
    )
    housekeeping.give_up_on_the_poisonous()
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "too little memory" in run.error


def test_what_is_over_is_thrown_away_and_what_can_go_on_is_kept(request_run):
    run = request_run()
    folder = worker.work_folder(run)
    folder.mkdir(parents=True)
    worker.forget_finished()
    assert folder.is_dir()
    run.cancel()
    worker.forget_finished()
    assert not folder.exists()


def test_a_set_that_is_no_set_fails_with_a_sentence(request_run):
    run = request_run()
    DatasetVersion.objects.filter(pk=run.version_id).update(file="datasets/none.json.gz")
    default_storage.save("datasets/none.json.gz", ContentFile(b"not a set"))
    run.refresh_from_db()
    worker.train(run.pk)
    run.refresh_from_db()
    assert "not a dataset version" in run.error


@pytest.mark.django_db(transaction=True)
def test_cancelled_in_its_first_second_it_leaves_nothing(request_run):
    run = request_run(epochs=50)
    done = threading.Event()

    def cancel() -> None:
        time.sleep(1.0)
        TrainingRun.objects.get(pk=run.pk).cancel()
        from django.db import connection

        connection.close()
        done.set()

    threading.Thread(target=cancel).start()
    worker.train(run.pk)
    assert done.wait(10)
    run.refresh_from_db()
    assert run.is_cancelled
    assert run.error == TrainingRun.CANCELLED
    assert not ModelVersion.objects.exists()
    assert not worker.work_folder(run).exists()


def test_the_sentence_of_the_analysis_is_what_is_said(request_run, monkeypatch):
    def refuse(*_, **__):
        raise AnalysisError("The moon is in the way.", permanent=False)

    monkeypatch.setattr(worker.training, "train", refuse)
    run = request_run()
    worker.train(run.pk)
    run.refresh_from_db()
    assert (run.error, run.can_retry) == ("The moon is in the way.", True)
