"""Datasets, pictures, versions and long work by the API; for strangers there is nothing."""

from __future__ import annotations

import zipfile
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from analysis.datasets.types import LabelledBox
from analysis.types import Box
from tests.webapp.test_api import Caller
from webapp.datasets.dataset import Dataset
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status


@pytest.fixture
def caller_for(key_for):
    return lambda user, **options: Caller(key_for(user, **options))


@pytest.fixture
def api(caller_for, analyst):
    return caller_for(analyst)


@pytest.fixture
def dataset(project, analyst):
    return Dataset.objects.begin(project, "Boards", by=analyst)


@pytest.fixture
def sample(dataset):
    sample = dataset.add_picture(
        source="a.jpg", file="samples/a.jpg", sha256="1" * 64, width=640, height=360
    )
    sample.annotate([LabelledBox("Kestrel", Box(0.1, 0.2, 0.3, 0.4))], by=None)
    return sample


@pytest.fixture
def version(dataset, sample, analyst):
    return DatasetVersion.objects.request(dataset, by=analyst)


@pytest.fixture
def transfer(dataset, analyst):
    return Transfer.objects.request(dataset, "frames", options={"assets": []}, by=analyst)


def test_a_dataset_is_made_and_found(api, project):
    made = api.post("/datasets/", {"project": project.pk, "name": "Boards", "task": "concept"})
    assert made.status_code == 201
    assert made.json()["task"] == "concept"
    found = api.get("/datasets/", project=project.pk).json()["results"]
    assert [row["name"] for row in found] == ["Boards"]
    again = api.post("/datasets/", {"project": project.pk, "name": "boards"})
    assert again.status_code == 422
    assert "already" in again.json()["detail"]


def test_pictures_are_listed_with_their_boxes(api, dataset, sample):
    dataset.add_picture(source="b.jpg", file="b", sha256="2" * 64, width=9, height=9)
    rows = api.get("/samples/", dataset=dataset.pk, state="labelled").json()["results"]
    (row,) = rows
    assert row["boxes"][0] | {"source": ""} == {
        "label": "Kestrel",
        "box": [0.1, 0.2, 0.3, 0.4],
        "occluded": False,
        "track": None,
        "source": "",
    }
    assert row["picture"].startswith("http")
    assert len(api.get("/samples/", dataset=dataset.pk).json()["results"]) == 2
    assert api.get("/samples/", state="odd").status_code == 400


def test_a_picture_is_labelled(api, sample):
    body = {
        "version": sample.version,
        "boxes": [{"label": "vitalo", "box": [0.5, 0.5, 0.9, 0.9]}],
        "given_split": "test",
        "is_golden": True,
    }
    row = api.patch(f"/samples/{sample.pk}/", body).json()
    assert [b["label"] for b in row["boxes"]] == ["Vitalo"]
    assert (row["given_split"], row["is_golden"]) == ("test", True)
    again = api.patch(f"/samples/{sample.pk}/", body)
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"boxes": [{"label": "Nobody", "box": [0, 0, 1, 1]}]}, 422),
        ({"boxes": [{"label": "Kestrel", "box": [0.5, 0.5, 0.5, 0.9]}]}, 422),
        ({"boxes": [{"label": "Kestrel", "box": [0, 0, 1]}]}, 400),
        ({"boxes": [{"label": "Kestrel", "box": [0, 0, 1, "x"]}]}, 400),
        ({"boxes": "none"}, 400),
        ({"labels": ["Nobody"]}, 422),
        ({"given_split": "exam"}, 400),
    ],
)
def test_what_cannot_be_said_of_a_picture_is_refused_and_nothing_changes(api, sample, body, status):
    assert api.patch(f"/samples/{sample.pk}/", body).status_code == status
    assert [a.label.name for a in sample.annotations.all()] == ["Kestrel"]


def test_a_picture_is_taken_out(api, dataset, sample):
    assert api.delete(f"/samples/{sample.pk}/").status_code == 204
    assert dataset.samples.current().count() == 0
    assert api.get(f"/samples/{sample.pk}/").status_code == 404


def test_a_version_is_frozen(api, dataset, sample):
    body = {"dataset": dataset.pk, "recipe": {"seed": 4, "train": 0.8, "val": 0, "test": 0.2}}
    made = api.post("/dataset-versions/", body)
    assert made.status_code == 202
    assert made.json()["recipe"]["seed"] == 4
    assert made.json()["download"] is None
    DatasetVersion.objects.update(status=Status.DONE, file="versions/x.json.gz")
    row = api.get(f"/dataset-versions/{made.json()['id']}/").json()
    assert row["download"].startswith("http")


@pytest.mark.parametrize("recipe", [{"train": 0.9}, {"near": 99}, {"seed": -1}, {"train": "NaN"}])
def test_a_recipe_that_cannot_be_is_refused(api, dataset, sample, recipe):
    answer = api.post("/dataset-versions/", {"dataset": dataset.pk, "recipe": recipe})
    assert answer.status_code == 400
    assert not DatasetVersion.objects.exists()


def test_an_empty_dataset_has_no_version(api, dataset):
    answer = api.post("/dataset-versions/", {"dataset": dataset.pk})
    assert answer.status_code == 422


def test_frames_are_taken_followed_and_cancelled(api, dataset, asset, other_asset):
    body = {"assets": [asset.pk], "how": "shot", "most": 20}
    row = api.post(f"/datasets/{dataset.pk}/take/", body)
    assert row.status_code == 202
    pk = row.json()["id"]
    assert api.get(f"/transfers/{pk}/").json()["status"] == "waiting"
    assert api.post(f"/transfers/{pk}/cancel/").json()["is_cancelled"] is True
    assert api.post(f"/transfers/{pk}/retry/").json()["status"] == "waiting"
    other = api.post(f"/datasets/{dataset.pk}/take/", {"assets": [other_asset.pk]})
    assert other.status_code == 422


def test_pictures_are_made_of_logos(api, dataset):
    row = api.post(f"/datasets/{dataset.pk}/synthesise/", {"labels": ["kestrel"], "count": 9})
    assert row.status_code == 202
    assert row.json()["options"]["logos"][0]["label"] == "Kestrel"
    for body in ({"labels": ["Nobody"]}, {"labels": ["Vitalo"]}):
        assert api.post(f"/datasets/{dataset.pk}/synthesise/", body).status_code == 422


def test_files_are_looked_into_and_then_brought_in(api, dataset):
    manifest = SimpleUploadedFile("boards.json", b'{"images": []}')
    picture = SimpleUploadedFile("a.jpg", b"\xff\xd8picture")
    row = api.upload(f"/datasets/{dataset.pk}/imports/", file=[manifest, picture])
    assert row.status_code == 202
    check = Transfer.objects.get(pk=row.json()["id"])
    assert (check.kind, check.options["step"]) == ("import", "check")
    with default_storage.open(check.file) as file, zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["boards.json", "a.jpg"]
    early = api.post(f"/transfers/{check.pk}/bring-in/")
    assert early.status_code == 422
    Transfer.objects.filter(pk=check.pk).update(status=Status.DONE, report={"step": "check"})
    made = [api.post(f"/transfers/{check.pk}/bring-in/") for _ in range(2)]
    assert [answer.status_code for answer in made] == [202, 202]
    assert made[0].json()["id"] == made[1].json()["id"]  # asked for twice, it is one
    assert made[0].json()["options"]["step"] == "import"


def test_an_import_of_nothing_is_refused(api, dataset, settings):
    url = f"/datasets/{dataset.pk}/imports/"
    assert api.post(url, {}).status_code == 400
    assert api.post(url, {"uploads": [str(uuid4())]}).status_code == 422
    settings.MIN_FREE_BYTES = 10**18
    full = api.upload(url, file=SimpleUploadedFile("a.json", b"{}"))
    assert full.status_code == 422
    assert "disk is nearly full" in full.json()["detail"]


def test_an_export_is_written_and_fetched(api, dataset, version):
    url = f"/datasets/{dataset.pk}/exports/"
    assert api.post(url, {"format": "sketch"}).status_code == 400
    assert api.post(url, {"format": "yolo", "version": 9}).status_code == 422
    row = api.post(url, {"format": "yolo"}).json()
    assert row["download"] is None
    Transfer.objects.filter(pk=row["id"]).update(
        status=Status.DONE, file="transfers/1/x.zip", finished=timezone.now()
    )
    assert "x.zip" in api.get(f"/transfers/{row['id']}/").json()["download"]
    gone = timezone.now() - Transfer.FILE_KEPT
    Transfer.objects.filter(pk=row["id"]).update(finished=gone)
    assert api.get(f"/transfers/{row['id']}/").json()["download"] is None


def test_a_stranger_finds_nothing(
    caller_for, stranger, other_workspace, project, dataset, sample, version, transfer
):
    api = caller_for(stranger, workspace=other_workspace)
    for path in ("/datasets/", "/samples/", "/dataset-versions/", "/transfers/"):
        assert api.get(path).json()["results"] == []
    for path in (
        f"/datasets/{dataset.pk}/",
        f"/samples/{sample.pk}/",
        f"/dataset-versions/{version.pk}/",
        f"/transfers/{transfer.pk}/",
    ):
        assert api.get(path).status_code == 404, path
    assert api.patch(f"/samples/{sample.pk}/", {"is_golden": True}).status_code == 404
    assert api.delete(f"/samples/{sample.pk}/").status_code == 404
    for path, body in (
        ("/datasets/", {"project": project.pk, "name": "x"}),
        ("/dataset-versions/", {"dataset": dataset.pk}),
        (f"/datasets/{dataset.pk}/take/", {"assets": [1]}),
        (f"/datasets/{dataset.pk}/synthesise/", {"labels": ["Kestrel"]}),
        (f"/datasets/{dataset.pk}/imports/", {"uploads": [str(uuid4())]}),
        (f"/datasets/{dataset.pk}/exports/", {"format": "yolo"}),
        (f"/transfers/{transfer.pk}/bring-in/", {}),
        (f"/transfers/{transfer.pk}/cancel/", {}),
        (f"/transfers/{transfer.pk}/retry/", {}),
    ):
        assert api.post(path, body).status_code == 404, path


def test_who_may_only_look_changes_nothing(
    caller_for, viewer, analyst, dataset, sample, version, transfer, project
):
    for api in (caller_for(viewer), caller_for(analyst, can_write=False)):
        assert api.get(f"/samples/{sample.pk}/").status_code == 200
        assert api.patch(f"/samples/{sample.pk}/", {"is_golden": True}).status_code == 403
        assert api.delete(f"/samples/{sample.pk}/").status_code == 403
        assert api.post(f"/transfers/{transfer.pk}/cancel/").status_code == 403
        body = {"project": project.pk, "name": "x"}
        assert api.post("/datasets/", body).status_code == 403


def test_a_labeller_reads_no_dataset(caller_for, labeller, dataset, sample):
    api = caller_for(labeller)
    assert api.get(f"/datasets/{dataset.pk}/").status_code == 404
    assert api.get("/samples/").json()["results"] == []
