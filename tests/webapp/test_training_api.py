"""The API of trainings, evaluations, versions, exports and hosting."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.trained import dataset_version, evaluation, model_version
from webapp.leases import Status
from webapp.registry.exports import ModelExport
from webapp.registry.hosting import Hosting
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.training.models import Evaluation, TrainingRun

pytestmark = pytest.mark.django_db
API = "/api/v1"


class Caller:
    """A program with a key."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.client, self.headers = Client(), headers

    def get(self, path: str, **query):
        return self.client.get(API + path, query, **self.headers)

    def send(self, method: str, path: str, body: object = None):
        data = json.dumps(body if body is not None else {})
        kind = "application/json"
        return getattr(self.client, method)(API + path, data, content_type=kind, **self.headers)

    def post(self, path: str, body: object = None):
        return self.send("post", path, body)


@pytest.fixture
def api(key_for, analyst):
    return Caller(key_for(analyst))


@pytest.fixture
def frozen(project):
    return dataset_version(project)


@pytest.fixture
def version(workspace):
    return model_version(workspace)


@pytest.fixture
def training(frozen, workspace):
    return TrainingRun.objects.request(frozen, RegisteredModel.named(workspace, "Boards"), by=None)


@pytest.fixture
def measured(version, frozen):
    return evaluation(version, frozen)


@pytest.fixture
def everything(training, measured, version):
    """Each address that reads, and each that changes."""
    export = ModelExport.objects.request(version, "onnx", by=None)
    Hosting.start(version, by=None)
    one, it = f"/trainings/{training.pk}/", f"/evaluations/{measured.pk}/"
    itself = f"/model-versions/{version.pk}/"
    files = [f"{it}{kind}/" for kind in ("at", "summary", "manifest", "predictions", "figures")]
    reads = [one, it, itself, f"{itself}hosting/", f"/model-exports/{export.pk}/", *files]
    changes = [one + verb for verb in ("stop/", "cancel/", "retry/")]
    changes += [it + "retry/"]
    changes += [f"/model-exports/{export.pk}/{verb}/" for verb in ("cancel", "retry")]
    verbs = ("promote/", "archive/", "unarchive/", "copy/", "start/", "stop/")
    changes += [itself + verb for verb in verbs]
    return reads, changes


def test_a_training_is_asked_for_and_answered_at_once(api, frozen):
    answer = api.post(
        "/trainings/",
        {
            "dataset_version": frozen.pk,
            "name": " New  boards ",
            "options": {"epochs": 3, "start": "scratch"},
        },
    )
    assert answer.status_code == 202
    training = TrainingRun.objects.get()
    assert answer.headers["Location"].endswith(f"/trainings/{training.pk}/")
    assert (training.model.name, training.epochs) == ("New boards", 3)
    assert answer.json()["waiting_because"].startswith("No training worker")


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({}, 400),
        ({"name": "x", "model": 1}, 400),
        ({"name": "   "}, 400),
        ({"name": "x", "options": {"epochs": 0}}, 422),
        ({"name": "x", "options": {"momentum": 1}}, 422),
        ({"name": "x", "options": {"epochs": [1]}}, 422),
        ({"name": "x", "options": "fast"}, 400),
        ({"model": 999999}, 404),
        ({"name": "x", "base": 999999}, 404),
    ],
)
def test_what_cannot_be_trained_is_answered_in_words(api, frozen, wish, status):
    answer = api.post("/trainings/", {"dataset_version": frozen.pk} | wish)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert not TrainingRun.objects.exists()
    assert not RegisteredModel.objects.exists()


def test_weights_are_sent_and_a_training_starts_from_them(api, frozen, key_for, viewer):
    def send(name: str, headers: dict[str, str]):
        body = {"file": SimpleUploadedFile(name, b"weights\0"), "name": " Published  nano "}
        return Client().post(f"{API}/model-versions/", body, **headers)

    answer = send("yolo26n.pt", api.headers)
    assert answer.status_code == 202
    made = ModelVersion.objects.get(pk=answer.json()["id"])
    assert (made.model.name, made.status) == ("Published nano", "waiting")
    wish = {"dataset_version": frozen.pk, "name": "Boards", "base": made.pk}
    early = api.post("/trainings/", wish)
    assert early.status_code == 422
    assert "still being checked" in early.json()["detail"]
    ModelVersion.objects.update(status=Status.DONE)
    assert api.post("/trainings/", wish).status_code == 202
    assert "can hold programs" in send("yolo26n.pkl", api.headers).json()["detail"]
    assert send("yolo26n.pt", key_for(viewer)).status_code == 403


def test_a_training_goes_on_stops_and_is_tried_again(api, training):
    path = f"/trainings/{training.pk}/"
    assert api.post(path + "stop/").status_code == 409
    TrainingRun.objects.claim(training.pk, "w1").renew(
        epoch=2, curves=[{"epoch": 1, "loss": 2.0, "seconds": 10}]
    )
    told = api.get(path).json()
    assert (told["epoch"], told["remaining_s"], told["share"]) == (2, 480.0, 0.04)
    assert told["curves"][0]["loss"] == 2.0
    assert api.post(path + "stop/").json()["wish"] == "stop"
    assert api.post(path + "cancel/").json()["is_cancelled"]
    assert api.post(path + "cancel/").status_code == 409
    assert api.post(path + "retry/").json()["status"] == "waiting"
    listed = api.get("/trainings/", status="waiting").json()["results"]
    assert [row["id"] for row in listed] == [training.pk]
    assert "curves" not in listed[0]
    assert api.get("/trainings/", status="asleep").status_code == 400


def test_an_evaluation_is_measured_once(api, version, frozen):
    wish = {"model_version": version.pk, "dataset_version": frozen.pk}
    first = api.post("/evaluations/", wish)
    assert first.status_code == 202
    assert api.post("/evaluations/", wish).json()["id"] == first.json()["id"]
    assert api.get(f"/evaluations/{first.json()['id']}/summary/").status_code == 409
    assert api.post("/evaluations/", wish | {"split": "all"}).status_code == 400
    Evaluation.objects.update(status=Status.FAILED)
    assert api.post(f"/evaluations/{first.json()['id']}/retry/").json()["status"] == "waiting"


def test_figures_files_and_thresholds(api, measured):
    path = f"/evaluations/{measured.pk}/"
    assert api.get(path).json()["figures"]["overall"] == measured.figures["overall"]
    row = api.get(path + "at/", threshold="0.65").json()[0]
    assert (row["label"], row["tp"], row["fp"], row["fn"]) == ("Kestrel", 1, 1, 2)
    assert (
        api.get(path + "at/").json()[0]["threshold"] == measured.figures["labels"][0]["threshold"]
    )
    for bad in ("0", "2", "nan", "x"):
        assert api.get(path + "at/", threshold=bad).status_code == 400
    assert api.get(path + "summary/").json()["Version"] == 1
    assert len(api.get(path + "manifest/").content.splitlines()) == 4
    assert api.get(path + "evil/").status_code == 404


def test_a_version_is_started_and_stopped(api, version):
    path = f"/model-versions/{version.pk}/"
    assert api.get(path + "hosting/").json()["state"] == "stopped"
    assert api.post(path + "stop/").status_code == 409
    assert api.post(path + "start/", {"idle_s": 5}).status_code == 400
    answer = api.post(path + "start/", {"idle_s": 120})
    assert (answer.status_code, answer.json()["state"]) == (202, "starting")
    Hosting.say_held(version.pk, "w1", 180_000_000)
    told = api.get("/hosting/", state="ready").json()["results"][0]
    assert (told["bytes"], list(told["held"])) == (180_000_000, ["w1"])
    assert api.post(path + "stop/").json()["state"] == "stopping"


def test_an_export_is_asked_for_and_fetched(api, version):
    answer = api.post("/model-exports/", {"version": version.pk, "format": "onnx"})
    assert answer.status_code == 202
    assert answer.json()["url"] == ""
    ModelExport.objects.update(status=Status.DONE, file=version.file, size_bytes=3)
    told = api.get(f"/model-exports/{answer.json()['id']}/").json()
    assert Client().get(told["url"].removeprefix("http://testserver")).status_code == 200
    assert api.get("/model-exports/", version=version.pk).json()["results"] == [told]
    wrong = {"version": version.pk, "format": "pickle"}
    assert api.post("/model-exports/", wrong).status_code == 400


def test_an_export_is_followed_cancelled_and_tried_again(api, version):
    path = f"/model-exports/{ModelExport.objects.request(version, 'onnx', by=None).pk}/"
    told = api.get(path).json()
    assert (told["share"], told["remaining_s"], told["step"]) == (0, None, "")
    held = ModelExport.objects.claim(told["id"], "w1")
    held.renew(step="writing the graph", progress=0.3, expected_s=20.0)
    told = api.get(path).json()
    assert (told["step"], told["share"]) == ("writing the graph", 0.3)
    assert 15 < told["remaining_s"] <= 20
    assert api.post(path + "retry/").status_code == 409
    told = api.post(path + "cancel/").json()
    assert (told["status"], told["is_cancelled"], told["can_retry"]) == ("failed", True, True)
    assert api.post(path + "cancel/").status_code == 409
    told = api.post(path + "retry/").json()
    assert (told["status"], told["is_cancelled"], told["share"]) == ("waiting", False, 0)


def test_promote_archive_copy_and_delete(api, version):
    path = f"/model-versions/{version.pk}/"
    assert api.post(path + "promote/", {"alias": "candidate"}).status_code == 200
    refused = api.send("delete", path)
    assert refused.status_code == 422
    assert "It is candidate of Boards." in refused.json()["detail"]
    assert api.post(path + "archive/").status_code == 422
    copied = api.post(path + "copy/", {"name": "Shirts"})
    assert copied.json()["copied_from"] == version.pk
    assert api.send("delete", f"/model-versions/{copied.json()['id']}/").status_code == 204
    assert ModelVersion.objects.get() == version


def test_a_member_reads_everything_and_changes_nothing(everything, key_for, viewer, frozen):
    reads, changes = everything
    caller = Caller(key_for(viewer))
    for path in reads:
        assert caller.get(path).status_code == 200, path
    for path in changes:
        assert caller.post(path, {"name": "x"}).status_code == 403, path
    assert (
        caller.post("/trainings/", {"dataset_version": frozen.pk, "name": "x"}).status_code == 403
    )


def test_a_key_that_may_only_read_changes_nothing(everything, key_for, analyst):
    caller = Caller(key_for(analyst, can_write=False))
    for path in everything[1]:
        assert caller.post(path, {"name": "x"}).status_code == 403, path


def test_a_labeller_reads_nothing(everything, key_for, labeller):
    caller = Caller(key_for(labeller))
    for path in everything[0]:
        assert caller.get(path).status_code == 404, path


def test_a_stranger_finds_nothing(everything, key_for, stranger, other_workspace, frozen, version):
    reads, changes = everything
    caller = Caller(key_for(stranger, workspace=other_workspace))
    for path in reads:
        assert caller.get(path).status_code == 404, path
    for path in changes:
        assert caller.post(path, {"name": "x"}).status_code == 404, path
    assert caller.send("delete", f"/model-versions/{version.pk}/").status_code == 404
    for path, wish in [
        ("/trainings/", {"dataset_version": frozen.pk, "name": "x"}),
        ("/evaluations/", {"model_version": version.pk, "dataset_version": frozen.pk}),
        ("/model-exports/", {"version": version.pk, "format": "onnx"}),
    ]:
        assert caller.post(path, wish).status_code == 404, path
    for name in ("trainings", "evaluations", "hosting", "model-exports", "model-versions"):
        assert caller.get(f"/{name}/").json()["results"] == [], name


def test_a_copy_goes_only_where_one_may_work(api, version, other_workspace):
    path = f"/model-versions/{version.pk}/copy/"
    wish = {"name": "x", "workspace": other_workspace.pk}
    assert api.post(path, wish).status_code == 404
    assert RegisteredModel.objects.count() == 1
