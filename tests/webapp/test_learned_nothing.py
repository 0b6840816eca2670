"""A model that learned nothing says so, and why, on every page that speaks of it."""

from __future__ import annotations

import pytest

from tests.trained import dataset_version, evaluation, model_version, nothing_found
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.registry.versions import RegisteredModel
from webapp.training.models import TrainingRun

pytestmark = pytest.mark.django_db
SAYS = "it found 0 of 5 in its test. It was trained 1 epoch from nothing on 8 pictures."


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


@pytest.fixture
def frozen(project):
    frozen = dataset_version(project)
    splits = {name: {"pictures": n} for name, n in (("train", 8), ("val", 1), ("test", 3))}
    DatasetVersion.objects.filter(pk=frozen.pk).update(counts={"splits": splits})
    frozen.refresh_from_db()
    return frozen


@pytest.fixture
def version(frozen, workspace, analyst):
    """What came of one epoch from nothing."""
    model = RegisteredModel.named(workspace, "Boards")
    run = TrainingRun.objects.request(
        frozen, model, options={"start": "scratch", "epochs": 1}, by=analyst
    )
    made = model_version(workspace)
    TrainingRun.objects.filter(pk=run.pk).update(result=made, epoch=1, status=Status.DONE)
    return made


@pytest.fixture
def failed(version, frozen):
    return evaluation(version, frozen, nothing_found())


def test_every_page_of_it_says_so_and_why(browser, failed, version):
    for path in (
        *(f"/training/{version.training.pk}", f"/model-versions/{version.pk}"),
        f"/evaluations/{failed.pk}",
    ):
        page = browser.get(path).content.decode()
        assert "It has learned nothing yet" in page, path
        assert SAYS in " ".join(page.split()), path
        assert "upload them where the training" in page, path
        assert "Give it more epochs." in page, path


def test_its_evaluation_advises_nothing_that_was_not_measured(browser, failed):
    page = browser.get(f"/evaluations/{failed.pk}").content.decode()
    assert "Use these thresholds" not in page
    assert "What would help" not in page
    assert "label more" not in page.lower()
    assert "A temperature of" not in page
    assert "<dt>Precision</dt><dd><span" in page  # nothing was found: no precision is known


def test_a_project_says_that_its_model_found_none(browser, failed, version, project):
    project.labels.exclude(name__in=["Kestrel", "Vitalo"]).delete()
    project.labels.get_or_create(name="Kestrel")
    project.labels.get_or_create(name="Vitalo")
    project.model_version = version
    project.uses_references = False
    project.save()
    page = " ".join(browser.get(f"/projects/{project.pk}").content.decode().split())
    assert "all can be found" not in page
    assert "to be found by a model that found 0 of 5 in its test" in page
    assert "the model found 0 of 3 of them" in page
    assert SAYS in page
    assert f"/evaluations/{failed.pk}" in page


def test_a_model_that_found_something_shows_its_score(browser, version, frozen, project):
    evaluation(version, frozen)
    project.labels.exclude(name="Kestrel").delete()
    project.labels.get_or_create(name="Kestrel")
    project.model_version = version
    project.uses_references = False
    project.save()
    page = " ".join(browser.get(f"/projects/{project.pk}").content.decode().split())
    assert "all can be found" in page
    assert "the model has F1 0.33 in its test" in page
    assert "It found 2 of 5 in its test, F1 0.33." in page
    assert "learned nothing" not in page


def test_a_model_that_was_never_measured_is_not_judged(browser, version, project):
    project.labels.exclude(name="Kestrel").delete()
    project.labels.get_or_create(name="Kestrel")
    project.model_version = version
    project.save()
    assert "was not tested" in browser.get(f"/projects/{project.pk}").content.decode()
    page = browser.get(f"/model-versions/{version.pk}").content.decode()
    assert "learned nothing" not in page


def test_without_a_test_its_epochs_tell(browser, version):
    curves = [{"epoch": 1, "map50": 0.0}, {"epoch": 2, "map50": 0.01}]
    TrainingRun.objects.update(curves=curves)
    page = browser.get(f"/training/{version.training.pk}").content.decode()
    assert "found as good as nothing in the pictures that its epochs were judged by" in page
    TrainingRun.objects.update(curves=[*curves, {"epoch": 3, "map50": 0.4}])
    assert "learned nothing" not in browser.get(f"/training/{version.training.pk}").content.decode()


def test_it_doubts_no_labels(browser, failed, frozen):
    page = browser.get(f"/datasets/{frozen.dataset_id}/versions/{frozen.number}/errors")
    assert "has learned nothing yet, so it cannot tell" in page.content.decode()


def test_a_start_that_fell_back_to_nothing_is_called_so(browser, failed, version):
    TrainingRun.objects.update(
        options={"start": "pretrained", "architecture": "yolo26n", "seed": 0, "augment": "normal"},
        notes=["There are no published weights of yolo26n here, so it started from nothing."],
    )
    page = browser.get(f"/model-versions/{version.pk}").content.decode()
    assert SAYS in " ".join(page.split())
