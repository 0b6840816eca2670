"""kill -9 in the middle of a training: it goes on after the last finished epoch, and ends once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.folders import files_in
from webapp.leases import Status
from webapp.registry.versions import ModelVersion
from webapp.training.models import Evaluation, TrainingRun
from workers.engine import housekeeping

pytestmark = [pytest.mark.services, pytest.mark.embedded]

EPOCHS = 1000  # more than any machine gets done before it is stopped


@pytest.fixture
def waiting(site, tmp_path) -> TrainingRun:
    """A training of short epochs that nobody has taken up yet."""
    from tests.workers.training.test_train import QUICK, squares_version
    from webapp.accounts.models import User, Workspace
    from webapp.projects.models import Label, Project
    from webapp.registry.versions import RegisteredModel

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


def left_of_trainings(site) -> list[Path]:
    """What lies where trainings keep what they need to go on, half files too."""
    return files_in(site.folder / "cache" / "training", site.folder / "media" / "training")


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


def test_a_training_killed_again_and_again_goes_on_and_ends_once(site, waiting):
    """Each epoch begins the count of tries anew, so it goes on however often it is killed."""
    before = set(trainers())
    known: list[dict] = []
    for _ in range(2):
        worker = site.start_worker("train")
        housekeeping.sweep()  # as the clock does: the killed worker took its message with it
        site.wait(
            lambda: epochs_of(waiting) > len(known) and waiting.attempt == 1,  # noqa: B023
            "another epoch, and no more tries than for the first",
            seconds=240,
        )
        site.kill(worker)
        site.wait(lambda: set(trainers()) <= before, "the process that trains to go with it")
        waiting.refresh_from_db()
        assert waiting.status == Status.WORKING, "killed in the middle"
        assert waiting.curves[: len(known)] == known
        known = waiting.curves
    assert not ModelVersion.objects.exists()

    site.start_worker("ingest,train")
    housekeeping.sweep()
    site.wait(lambda: epochs_of(waiting) > len(known), "another epoch", seconds=240)
    assert waiting.stop()
    site.wait(lambda: over(waiting), "the training to end", seconds=240)
    assert len(known) < waiting.epoch < EPOCHS, "stopped, it keeps what it has"
    assert waiting.result.is_usable
    assert [row["epoch"] for row in waiting.curves] == list(range(1, waiting.epoch + 1))
    assert waiting.curves[: len(known)] == known
    assert waiting.attempt == 1
    assert ModelVersion.objects.count() == 1
    site.wait(lambda: not left_of_trainings(site), "what it needed to go on to be deleted")

    site.wait(
        lambda: Evaluation.objects.filter(status=Status.DONE).count() == 1, "the evaluation", 120
    )
    assert Evaluation.objects.get().figures["n_pictures"] == 2
