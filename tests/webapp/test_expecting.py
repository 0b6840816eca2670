"""What the page says before a training starts: how long, and what can be expected."""

from __future__ import annotations

import pytest

from tests.trained import dataset_version, evaluation, model_version, nothing_found
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.registry.versions import RegisteredModel
from webapp.runs.workers import Worker
from webapp.training.models import TrainingRun
from webapp.training.options import DEFAULTS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_published_weights(settings, tmp_path):
    settings.WEIGHTS_DIR = str(tmp_path)


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


@pytest.fixture
def frozen(project):
    return dataset_version(project)


def count(frozen, *, train: int, test: int = 40, **labels: int) -> None:
    splits = {"train": {"pictures": train}, "val": {"pictures": 0}, "test": {"pictures": test}}
    rows = [{"label": label, "train": n} for label, n in labels.items()]
    DatasetVersion.objects.filter(pk=frozen.pk).update(counts={"splits": splits, "labels": rows})


def said(browser, frozen, **changes) -> str:
    wish = {name: value for name, value in DEFAULTS.items() if value is not None}
    wish |= {"version": frozen.pk, "name": "Boards", "start": "scratch"} | changes
    answer = browser.get("/training/expected", wish, HTTP_HX_REQUEST="true")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def trained(frozen, workspace, *, seconds: float, **options) -> TrainingRun:
    """A training that is over, with two epochs of so many seconds."""
    model = RegisteredModel.named(workspace, "Boards")
    run = TrainingRun.objects.request(
        frozen, model, options={"start": "scratch"} | options, by=None
    )
    curves = [{"epoch": n, "seconds": seconds} for n in (1, 2)]
    TrainingRun.objects.filter(pk=run.pk).update(
        status=Status.DONE, epoch=len(curves), curves=curves, result=model_version(workspace)
    )
    return TrainingRun.objects.get(pk=run.pk)


def test_so_few_pictures_from_nothing_are_warned_of(browser, frozen):
    count(frozen, train=8, Kestrel=8)
    text = said(browser, frozen, epochs=1)
    assert "notice warn" in text
    assert "looked at pictures 200 times by the end: expect that it finds nothing." in text
    assert "8 pictures can be learned by heart at best" in said(browser, frozen, epochs=50)


def test_published_weights_that_are_not_here_are_a_start_from_nothing(browser, frozen, tmp_path):
    count(frozen, train=8, Kestrel=8)
    text = said(browser, frozen, start="pretrained")
    assert "No such weights are here. From nothing, 8 pictures" in text
    (tmp_path / "yolo26n.pt").touch()
    text = said(browser, frozen, start="pretrained")
    assert "notice warn" not in text
    assert "Kestrel is on 8 training pictures only: expect a first try" in text


def test_what_is_known_of_the_labels_and_the_test_is_said(browser, frozen, workspace):
    count(frozen, train=80, test=3, Kestrel=80, Vitalo=0)
    text = said(browser, frozen, start="version", base=model_version(workspace).pk, epochs=2)
    assert "Vitalo is on no training picture, so never found." in text
    assert "Each label is on 80 training pictures or more" in text
    assert "With 2 epochs it hardly gets away from where it starts." in text
    assert "tested on 3 pictures: its score will be a rough guess" in text


def test_without_a_measured_epoch_the_time_is_said_to_be_rough(browser, frozen):
    count(frozen, train=8, Kestrel=8)
    text = said(browser, frozen)
    assert "It takes very roughly between" in text
    assert "no measurement of this machine" in text
    Worker.beat("w1", queues="train", device="cuda: H100")
    text = said(browser, frozen)
    assert "on a graphics card cannot be said" in text
    assert "roughly" not in text


def test_the_time_comes_from_measured_epochs_scaled(browser, frozen, workspace):
    count(frozen, train=400, Kestrel=400)
    trained(frozen, workspace, seconds=60)
    text = said(browser, frozen, epochs=20)
    assert "It takes about 20 min at most: 20 epochs, about 1 min each." in text
    assert "measured epochs of an earlier training here, which were about as much work" in text
    text = said(browser, frozen, epochs=20, imgsz=1280)
    assert "It takes about 1.3 h at most: 20 epochs, about 4 min each." in text
    assert "on 400 pictures at 640 pixels, scaled by pictures" in text
    text = said(browser, frozen, imgsz=640, architecture="yolo26s")
    assert "about 4 min each" in text
    far = said(browser, frozen, imgsz=1280, architecture="yolo26m")
    assert "Nothing of about this size was trained here yet" in far
    assert "It takes very roughly between" in far


def test_trainings_of_other_workspaces_tell_their_speed_and_nothing_else(
    browser, frozen, other_workspace, stranger
):
    from webapp.projects.models import Project

    count(frozen, train=8, Kestrel=8)
    theirs = dataset_version(Project.objects.begin(other_workspace, "Secret", by=stranger))
    count(theirs, train=8, Kestrel=8)
    run = trained(theirs, other_workspace, seconds=6, epochs=2)
    evaluation(run.result, theirs, nothing_found())
    text = said(browser, frozen, epochs=2)
    assert "2 epochs, about 5 s each" in text
    assert "was like it" not in text


def test_how_a_training_like_it_came_out_is_said(browser, frozen, workspace):
    count(frozen, train=8, Kestrel=8)
    run = trained(frozen, workspace, seconds=6, epochs=2)
    evaluation(run.result, frozen, nothing_found())
    text = said(browser, frozen, epochs=2)
    assert f"Your training {run.pk} was like it, trained 2 epochs from nothing on 8" in text
    assert "it found 0 of 5 in its test, F1 0.00." in text
    assert "was like it" not in said(browser, frozen, epochs=50)


def test_a_version_without_training_pictures_is_said(browser, frozen):
    count(frozen, train=0)
    assert "No picture of this version is in the train split" in said(browser, frozen)


@pytest.mark.parametrize("changes", [{"version": ""}, {"epochs": "x"}, {"start": "version"}])
def test_what_is_not_filled_in_yet_invents_nothing(browser, frozen, changes):
    count(frozen, train=8, Kestrel=8)
    text = said(browser, frozen, **changes)
    assert "Choose what to train on" in text
    assert "roughly" not in text


def test_the_form_opens_with_it(browser, frozen):
    count(frozen, train=8, Kestrel=8)
    page = browser.get("/training/new").content.decode()
    assert "8 pictures can be learned by heart" in page


def test_who_may_not_train_is_told_nothing(client_for, viewer, frozen):
    assert client_for(viewer).get("/training/expected").status_code == 403


def test_what_another_workspace_trained_on_is_not_told(browser, frozen, workspace, other_workspace):
    count(frozen, train=400, Kestrel=400)
    trained(frozen, workspace, seconds=60)
    theirs = RegisteredModel.objects.create(workspace=other_workspace, name="Theirs")
    TrainingRun.objects.update(model=theirs)
    text = said(browser, frozen, epochs=20, imgsz=1280)
    assert "measured epochs of an earlier training here, scaled by pictures" in text
    assert "400 pictures at" not in text
