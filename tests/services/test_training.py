"""kill -9 in the middle of a training: it goes on after the last finished epoch, and ends once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from webapp.leases import Status
from webapp.registry.models import ModelVersion
from webapp.training.models import Evaluation, TrainingRun
from workers.engine import housekeeping

pytestmark = pytest.mark.services

EPOCHS = 6


@pytest.fixture
def waiting(site, tmp_path) -> TrainingRun:
    """A training of six short epochs that nobody has taken up yet."""
    from tests.workers.test_train import QUICK, squares_version
    from webapp.accounts.models import User, Workspace
    from webapp.projects.models import Label, Project
    from webapp.registry.models import RegisteredModel

    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    project = Project.objects.create(workspace=workspace, name="Squares")
    for name in ("Red", "Blue"):
        Label.objects.create(project=project, name=name, colour="#d1495b")
    version = squares_version(project, tmp_path / "squares")
    model = RegisteredModel.named(workspace, "Squares")
    options = QUICK | {"epochs": EPOCHS, "patience": 0}
    return TrainingRun.objects.request(version, model, options=options, by=owner)


def over(run: TrainingRun) -> bool:
    run.refresh_from_db()
    assert run.status != Status.FAILED, run.error
    return run.status == Status.DONE


def epochs_of(run: TrainingRun) -> int:
    run.refresh_from_db()
    return run.epoch


def trainers() -> list[int]:
    """Training processes that live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"analysis.training.child" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_a_training_killed_in_the_middle_goes_on_and_ends_once(site, waiting):
    before = set(trainers())
    worker = site.start_worker("train")
    site.wait(lambda: epochs_of(waiting) >= 2, "two epochs", seconds=240)
    site.kill(worker)
    time.sleep(0.5)
    assert set(trainers()) <= before  # the process that trains is gone with its worker
    waiting.refresh_from_db()
    known = waiting.curves
    assert not ModelVersion.objects.exists()

    site.start_worker("ingest,train")
    housekeeping.sweep()  # as the clock does: the killed worker took its message with it
    site.wait(lambda: over(waiting), "the training to end", seconds=240)
    assert [row["epoch"] for row in waiting.curves] == list(range(1, EPOCHS + 1))
    assert waiting.curves[: len(known)] == known
    assert waiting.attempt == 1  # what is stored begins the count of tries anew
    assert ModelVersion.objects.count() == 1

    site.wait(
        lambda: Evaluation.objects.filter(status=Status.DONE).count() == 1, "the evaluation", 120
    )
    assert Evaluation.objects.get().figures["n_pictures"] == 2


def test_stopped_it_keeps_what_it_has(site, waiting):
    TrainingRun.objects.filter(pk=waiting.pk).update(epochs=1000, options=_longer(waiting))
    site.start_worker("train")
    site.wait(lambda: epochs_of(waiting) >= 1, "an epoch", seconds=240)
    assert waiting.stop()
    site.wait(lambda: over(waiting), "the training to end", seconds=120)
    assert 1 <= waiting.epoch < 1000
    assert waiting.result.is_usable


def _longer(run: TrainingRun) -> dict:
    return run.options | {"epochs": 1000}
