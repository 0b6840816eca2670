import hashlib

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from webapp.accounts.models import Refused
from webapp.leases import Status
from webapp.registry import uploads
from webapp.registry.versions import Alias, ModelVersion, RegisteredModel

HTMX = {"HTTP_HX_REQUEST": "true"}
WEIGHTS = b"\x08\x07onnx weights" * 100


@pytest.fixture
def at_work(analyst, client_for):
    return client_for(analyst)


@pytest.fixture
def version(workspace, owner):
    model = RegisteredModel.objects.create(workspace=workspace, name="Boards")
    made = model.add_version(file="models/a.onnx", sha256="a" * 64, source="a.onnx", by=owner)
    ModelVersion.objects.filter(pk=made.pk).update(
        status=Status.DONE, description={"labels": ["kestrel"], "imgsz": 640, "format": "onnx"}
    )
    made.refresh_from_db()
    return made


def upload(client, name="boards.onnx", data=WEIGHTS, model="Boards", **fields):
    file = SimpleUploadedFile(name, data)
    return client.post(reverse("models"), {"file": file, "name": model} | fields)


def test_an_upload_is_kept_by_its_hash_and_waits_for_its_check(at_work, workspace):
    answer = upload(at_work, source="Trained in May")
    version = ModelVersion.objects.get()
    assert answer.url == reverse("model", args=[version.model_id])
    assert (version.number, version.status, version.source) == (1, "waiting", "Trained in May")
    assert version.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert default_storage.open(version.file).read() == WEIGHTS
    page = at_work.get(answer.url).content.decode()
    assert "waits for its check" in page
    assert "every 2s" in page


def test_a_name_that_exists_gets_the_next_version(at_work, version):
    upload(at_work, model="boards")
    assert [v.number for v in version.model.versions.all()] == [2, 1]
    assert RegisteredModel.objects.count() == 1


def test_the_same_weights_uploaded_again_are_said_to_be_the_same(at_work):
    upload(at_work)
    page = at_work.get(upload(at_work, source="Retrained, we believe").url).content.decode()
    assert "Boards v2 has the very same weights as v1." in page
    second = ModelVersion.objects.get(number=2)
    page = at_work.get(reverse("model-version", args=[second.pk])).content.decode()
    assert "the very same weights as" in page
    assert "until it has passed, nothing can look with it" in page


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("boards.pkl", WEIGHTS, "export yours to ONNX"),
        ("boards.onnx.exe", WEIGHTS, "export yours to ONNX"),
        ("boards", WEIGHTS, "export yours to ONNX"),
        ("boards.onnx", b"", "empty"),
    ],
)
def test_what_is_no_model_file_is_refused(at_work, name, data, sentence):
    answer = upload(at_work, name, data)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not ModelVersion.objects.exists()
    assert not RegisteredModel.objects.exists()


def test_too_large_a_file_is_refused(at_work, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 100)
    assert "larger than" in upload(at_work).content.decode()
    assert not ModelVersion.objects.exists()


def test_the_name_of_a_file_does_not_choose_its_place(at_work):
    upload(at_work, "../../../tmp/evil.onnx")
    assert ModelVersion.objects.get().file == f"models/{hashlib.sha256(WEIGHTS).hexdigest()}.onnx"


def test_a_failed_check_says_why_and_whether_again_can_help(at_work, version):
    ModelVersion.objects.update(
        status=Status.FAILED, error="It holds code besides weights.", can_retry=False
    )
    page = at_work.get(reverse("model-version-status", args=[version.pk]), **HTMX).content.decode()
    assert "It holds code besides weights." in page
    assert "Checking again cannot help" in page
    assert "every 2s" not in page
    again = at_work.post(reverse("model-version-check", args=[version.pk]), follow=True)
    assert "cannot help" in again.content.decode()
    version.refresh_from_db()
    assert version.status == Status.FAILED


def test_a_check_that_may_succeed_can_be_asked_for_again(at_work, version):
    ModelVersion.objects.update(status=Status.FAILED, error="The disk is full.", attempt=3)
    at_work.post(reverse("model-version-check", args=[version.pk]))
    version.refresh_from_db()
    assert (version.status, version.attempt, version.error) == ("waiting", 0, "")


def test_a_ready_version_shows_what_it_knows_and_who_uses_it(at_work, version, project):
    project.model_version = version
    project.save()
    page = at_work.get(reverse("model", args=[version.model_id])).content.decode()
    for text in ("kestrel", "640", "a" * 64, "Harbour Cup", "ready"):
        assert text in page


def test_production_moves_to_another_version(at_work, version, owner):
    model = version.model
    at_work.post(reverse("model-version-promote", args=[version.pk]))
    second = model.add_version(file="models/b.onnx", sha256="b" * 64, source="b", by=owner)
    at_work.post(reverse("model-version-promote", args=[second.pk]))
    assert Alias.objects.get().version == version  # the second is not checked yet
    ModelVersion.objects.filter(pk=second.pk).update(status=Status.DONE)
    at_work.post(reverse("model-version-promote", args=[second.pk]))
    assert Alias.objects.get().version == second


def test_a_name_cannot_stand_for_a_version_of_another_model(workspace, version, owner):
    other = RegisteredModel.objects.create(workspace=workspace, name="Shirts")
    with pytest.raises(Refused, match="another model"):
        other.promote(version, "production", by=owner)


def test_a_stranger_finds_no_model(stranger, other_workspace, version, client_for):
    client = client_for(stranger)
    assert "Boards" not in client.get(reverse("models")).content.decode()
    assert client.get(reverse("model", args=[version.model_id])).status_code == 404
    assert client.get(reverse("model-version-status", args=[version.pk])).status_code == 404
    for name in ("model-version-promote", "model-version-check"):
        assert client.post(reverse(name, args=[version.pk])).status_code == 404


@pytest.mark.parametrize("who", ["viewer", "reviewer"])
def test_who_may_only_look_adds_and_promotes_nothing(request, version, client_for, who):
    client = client_for(request.getfixturevalue(who))
    assert client.get(reverse("model", args=[version.model_id])).status_code == 200
    assert upload(client).status_code == 403
    for name in ("model-version-promote", "model-version-check"):
        assert client.post(reverse(name, args=[version.pk])).status_code == 403
