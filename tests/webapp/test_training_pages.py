"""The pages of trainings: the form, how one stands, its buttons, and who may see them."""

from __future__ import annotations

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests.trained import dataset_version, model_version
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.training.models import TrainingRun
from webapp.training.options import DEFAULTS

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


@pytest.fixture
def frozen(project):
    return dataset_version(project)


@pytest.fixture
def training(frozen, workspace, analyst):
    model = RegisteredModel.named(workspace, "Boards")
    return TrainingRun.objects.request(frozen, model, by=analyst)


def filled(frozen, **changes) -> dict[str, object]:
    """The form as the browser sends it when nothing is unfolded."""
    wish = {name: value for name, value in DEFAULTS.items() if value is not None}
    return wish | {"version": frozen.pk, "name": "Boards", "start": "scratch"} | changes


def standing(browser, training, **query) -> str:
    path = reverse("training-status", args=[training.pk])
    return browser.get(path, query, HTTP_HX_REQUEST="true").content.decode()


def test_the_form_has_defaults_that_do(browser, frozen):
    page = browser.get("/training/new").content.decode()
    assert f'<option value="{frozen.pk}" selected>' in page
    assert 'value="Harbour Cup"' in page
    assert "Upload weights" in page
    browser.post("/training/new", filled(frozen))
    training = TrainingRun.objects.get()
    assert training.model.name == "Boards"
    assert training.options == DEFAULTS | {"start": "scratch"}


def test_the_form_says_which_weights_are_here(browser, frozen, settings, tmp_path):
    settings.WEIGHTS_DIR = str(tmp_path)
    assert "None are here yet" in browser.get("/training/new").content.decode()
    (tmp_path / "yolo26n.pt").touch()
    (tmp_path / "yolo11n_int8_openvino_model").mkdir()
    page = browser.get("/training/new").content.decode()
    assert "Here: yolo26n, yolo11n." in page
    assert 'value="pretrained" checked' in page


def test_an_existing_name_trains_that_model_whatever_its_case(browser, frozen, workspace):
    model = RegisteredModel.objects.create(workspace=workspace, name="Boards")
    answer = browser.post("/training/new", filled(frozen, name=" boards "))
    assert TrainingRun.objects.get().model == model
    assert answer.url == f"/training/{TrainingRun.objects.get().pk}"


def test_it_can_start_from_a_version_of_ours(browser, frozen, workspace):
    base = model_version(workspace)
    page = browser.get("/training/new", {"base": base.pk}).content.decode()
    assert f'<option value="{base.pk}" selected>' in page
    browser.post("/training/new", filled(frozen, start="version", base=base.pk))
    assert TrainingRun.objects.get().base == base


def give(browser, name: str = "yolo26n.pt", data: bytes = b"weights\0", **fields):
    file = SimpleUploadedFile(name, data)
    return browser.post("/training/weights/give", {"weights": file} | fields)


def checked(version: ModelVersion, **description: object) -> None:
    known = {"labels": ["kestrel", "person"], "task": "boxes", "trains_further": True}
    ModelVersion.objects.filter(pk=version.pk).update(
        status=Status.DONE, description=known | description
    )


def test_weights_are_uploaded_where_the_start_is_chosen(browser, frozen):
    said = give(browser, version=frozen.pk).content.decode()
    version = ModelVersion.objects.get()
    assert (version.model.name, version.source) == ("yolo26n", "yolo26n.pt")
    assert f'<option value="{version.pk}" selected>yolo26n v1 · being checked' in said
    assert 'value="version" checked' in said
    asked = {"base": version.pk, "version": frozen.pk, "start": "version"}
    assert browser.get("/training/weights", asked | {"waiting": ""}).status_code == 204
    early = browser.post("/training/new", filled(frozen, start="version", base=version.pk))
    assert "still being checked" in early.content.decode()
    checked(version)
    DatasetVersion.objects.update(counts={"labels": [{"label": "Kestrel", "train": 4}]})
    said = browser.get("/training/weights", asked | {"waiting": ""}).content.decode()
    assert "yolo26n v1 passed its check. It knows Kestrel by name already." in said
    browser.post("/training/new", filled(frozen, start="version", base=version.pk))
    assert TrainingRun.objects.get().base == version


def test_the_same_weights_given_again_are_the_same_version(browser, frozen):
    give(browser)
    give(browser, "renamed.pt")
    assert ModelVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("yolo.pkl", b"x", "Other formats can hold programs"),
        ("yolo.pt", b"", "empty"),
        ("yolo.safetensors", b"not one weight", "This file is text"),
    ],
)
def test_what_is_no_file_of_weights_is_said_beside_the_field(browser, frozen, name, data, sentence):
    assert sentence in give(browser, name, data).content.decode()
    assert "Choose a file." in browser.post("/training/weights/give").content.decode()
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        ({"task": "concept"}, "was made for another task than Boards v1: for whole pictures"),
        ({"trains_further": False}, "Give the .pt file that it was exported from"),
    ],
)
def test_weights_that_do_not_fit_say_why(browser, frozen, description, sentence):
    give(browser)
    version = ModelVersion.objects.get()
    checked(version, **description)
    asked = {"base": version.pk, "version": frozen.pk, "start": "version"}
    assert sentence in browser.get("/training/weights", asked).content.decode()
    answer = browser.post("/training/new", filled(frozen, start="version", base=version.pk))
    assert sentence in answer.content.decode()
    assert not TrainingRun.objects.exists()


def test_a_file_that_fails_its_check_says_why(browser, frozen):
    give(browser)
    version = ModelVersion.objects.get()
    ModelVersion.objects.update(status=Status.FAILED, error="It holds code besides weights.")
    said = browser.get("/training/weights", {"base": version.pk}).content.decode()
    assert "yolo26n v1 cannot be used. It holds code besides weights." in said


def test_without_scripts_the_file_comes_with_the_form(browser, frozen):
    file = SimpleUploadedFile("yolo26n.pt", b"weights\0")
    page = browser.post("/training/new", filled(frozen, weights=file, name="Cup", epochs=7))
    text = page.content.decode()
    assert "yolo26n v1 is being checked" in text
    assert 'value="Cup"' in text
    assert 'value="7"' in text
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"version": ""}, "This field is required"),
        ({"version": 99999}, "Select a valid choice"),
        ({"version": "x"}, "Select a valid choice"),
        ({"name": "  "}, "This field is required"),
        ({"epochs": "0"}, "greater than or equal to 1"),
        ({"imgsz": "100"}, "multiple of 32"),
        ({"start": "version"}, "Choose the version to start from"),
        ({"start": "elsewhere"}, "Select a valid choice"),
        ({"learning_rate": "nan"}, "Enter a number"),
        ({"epochs": "9" * 40}, "less than or equal to 1000"),
    ],
)
def test_what_cannot_be_trained_is_said_in_the_form(browser, frozen, changes, sentence):
    answer = browser.post("/training/new", filled(frozen, **changes))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not TrainingRun.objects.exists()
    assert not RegisteredModel.objects.exists()


def test_without_a_frozen_version_the_form_says_what_to_do(browser):
    assert "Nothing to train on yet" in browser.get("/training/new").content.decode()
    assert "No training yet" in browser.get("/training").content.decode()


def test_a_waiting_training_says_why_and_asks_for_itself(browser, training):
    text = standing(browser, training)
    assert "No training worker is running" in text
    assert 'hx-trigger="every 2s"' in text
    assert "50 epochs at most" in text
    assert "Stop and keep the best" not in text
    assert "Cancel" in text


def test_a_running_training_shows_epochs_estimate_and_curves(browser, training):
    curves = [{"epoch": n, "loss": 3.0 - n, "map50": n / 10, "seconds": 60.0} for n in (1, 2)]
    TrainingRun.objects.claim(training.pk, "w1").renew(epoch=2, curves=curves, step="Epoch 3")
    text = standing(browser, training)
    assert "Epoch 2 of at most 50" in text
    assert "about 48 min left at most" in text
    assert "Stop and keep the best" in text
    data = re.search(r'id="training-curves" type="application/json">(.*?)</script>', text)
    assert json.loads(data[1]) == curves
    assert 'id="training-curves"' not in standing(browser, training, seen="2")
    page = browser.get(reverse("training", args=[training.pk])).content.decode()
    assert '<td class="num">0.200</td>' in page


def test_the_buttons_do_what_they_say(browser, training):
    browser.post(f"/training/{training.pk}/cancel")
    training.refresh_from_db()
    assert training.is_cancelled
    assert "Start again" in standing(browser, training)
    browser.post(f"/training/{training.pk}/retry")
    TrainingRun.objects.claim(training.pk, "w1").renew(epoch=1)
    answer = browser.post(f"/training/{training.pk}/stop", HTTP_HX_REQUEST="true")
    assert "Stopping, and keeping the best epoch" in answer.content.decode()


def test_a_button_that_is_too_late_says_so(browser, training):
    text = browser.post(f"/training/{training.pk}/stop", HTTP_HX_REQUEST="true").content.decode()
    assert "no finished epoch to keep yet" in text


def test_a_failed_training_says_why_and_that_nothing_changed(browser, training):
    TrainingRun.objects.claim(training.pk, "w1").fail("The disk is full.", can_retry=True)
    text = standing(browser, training)
    assert "The disk is full." in text
    assert "the versions in use stay as they are" in text
    assert "Retry" in text
    assert "every 2s" not in text
    page = browser.get("/training").content.decode()
    assert "The disk is full." in page


def test_the_end_of_a_training_shows_its_version(browser, training):
    done = TrainingRun.objects.claim(training.pk, "w1").deliver(
        file="models/x.safetensors", sha256="0" * 64, description={"labels": ["Kestrel"]}
    )
    answer = browser.get(f"/training/{training.pk}/status", HTTP_HX_REQUEST="true")
    assert answer.headers["HX-Refresh"] == "true"
    page = browser.get(f"/training/{training.pk}").content.decode()
    assert reverse("model-version", args=[done.pk]) in page
    assert reverse("evaluation", args=[done.evaluations.get().pk]) in page


def test_the_list_has_the_trainings_of_this_workspace_only(
    browser, training, client_for, stranger, other_workspace
):
    assert f"/training/{training.pk}" in browser.get("/training").content.decode()
    assert "No training yet" in client_for(stranger).get("/training").content.decode()


VERBS = ["stop", "cancel", "retry"]


def test_a_viewer_watches_and_touches_nothing(client_for, viewer, training, frozen):
    browser = client_for(viewer)
    assert "Cancel" not in standing(browser, training)
    for verb in VERBS:
        assert browser.post(f"/training/{training.pk}/{verb}").status_code == 403
    assert browser.get("/training/new").status_code == 403
    assert browser.post("/training/new", filled(frozen)).status_code == 403
    assert browser.get("/training/weights").status_code == 403
    assert give(browser).status_code == 403
    assert TrainingRun.objects.get().status == Status.WAITING


def test_a_labeller_sees_no_training(client_for, labeller, training):
    browser = client_for(labeller)
    for path in ("", "/new", f"/{training.pk}", f"/{training.pk}/status"):
        assert browser.get(f"/training{path}").status_code == 403


def test_a_stranger_finds_no_training(client_for, stranger, other_workspace, training, frozen):
    browser = client_for(stranger)
    assert browser.get(f"/training/{training.pk}").status_code == 404
    assert browser.get(f"/training/{training.pk}/status").status_code == 404
    for verb in VERBS:
        assert browser.post(f"/training/{training.pk}/{verb}").status_code == 404
    assert browser.post("/training/new", filled(frozen)).status_code == 422
    assert TrainingRun.objects.get().status == Status.WAITING
