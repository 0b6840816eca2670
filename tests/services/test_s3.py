"""Media in an S3-compatible bucket: the same walk, with nothing left on the machine's own disk."""

from __future__ import annotations

import hashlib
import io
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command

from tests import full_house
from tests.services.folders import files_in
from tests.services.test_arriving import long_film, sent
from tests.services.test_restoring import told
from tests.services.test_surviving import over
from webapp import strays
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.runs.results import columns_of
from webapp.runs.run import Run

pytestmark = [pytest.mark.services, pytest.mark.grown_up]

ACCESS = {"access_key": "testing", "secret_key": "testing", "region_name": "us-east-1"}


@pytest.fixture(scope="module")
def endpoint():
    """moto: a real HTTP server that speaks S3."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.kill()


@pytest.fixture
def bucket(endpoint):
    import boto3

    s3 = boto3.resource(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name="us-east-1",
    )
    bucket = s3.create_bucket(Bucket="media")
    bucket.objects.all().delete()
    return bucket


@pytest.fixture
def site(site, bucket, endpoint, settings):
    """The site of the other tests, with its media in the bucket."""
    site.environment |= {
        "SIGHTLINE_S3_BUCKET": "media",
        "SIGHTLINE_S3_ENDPOINT": endpoint,
        "SIGHTLINE_S3_ACCESS_KEY": "testing",
        "SIGHTLINE_S3_SECRET_KEY": "testing",
    }
    settings.S3_BUCKET = "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": "media",
                "endpoint_url": endpoint,
                "file_overwrite": True,
                **ACCESS,
            },
        },
    }
    return site


@pytest.fixture
def ready_asset(ingested_asset):
    return ingested_asset


def test_a_film_in_a_bucket_is_ingested_analysed_and_served(site, ready_asset, project, bucket):
    from webapp.assets.links import media_link

    run = Run.objects.request(ready_asset, project, by=None)
    site.start_worker()
    site.wait(lambda: over(run), "the run to end")
    assert run.status == Run.Status.SUCCEEDED
    assert len(columns_of(run).detections) > 20

    stored = {item.key for item in bucket.objects.all()}
    assert ready_asset.file in stored
    assert ready_asset.rendition("poster").file in stored
    assert set(run.files()) <= stored
    assert not files_in(site.folder / "media")

    part = urllib.request.Request(media_link(ready_asset.file), headers={"Range": "bytes=0-99"})
    with urllib.request.urlopen(part) as answer:
        assert answer.status == 206
        assert len(answer.read()) == 100


def test_deleting_the_asset_empties_the_bucket(site, ready_asset, bucket):
    ready_asset.erase()
    assert not list(bucket.objects.all())


def test_a_backup_of_a_bucket_is_restored_into_it_and_strays_go(
    site, permissions, bucket, tmp_path, monkeypatch
):
    full_house.fill()
    files = full_house.files()
    path, again = tmp_path / "backup.tar", tmp_path / "again.tar"
    call_command("backup", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    call_command("flush", interactive=False, verbosity=0)
    bucket.objects.all().delete()
    call_command("restore", str(path), stdout=io.StringIO())
    call_command("backup", str(again), stdout=io.StringIO(), stderr=io.StringIO())
    assert told(again) == told(path)
    assert full_house.files() == files

    full_house.store("originals/ab/abcdef.mp4")
    assert strays.sweep().swept == 0
    monkeypatch.setattr(strays, "GRACE", strays.GRACE * 0)
    assert strays.sweep().swept == 1
    assert strays.lately().swept == 1
    assert full_house.files() == files


def test_an_upload_that_a_worker_was_killed_while_it_stored_comes_into_the_bucket_whole(
    site, bucket, tmp_path, monkeypatch
):
    path = long_film(tmp_path / "film.mp4")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    upload = sent(path)
    asset, s3 = upload.asset, bucket.meta.client

    def parts() -> list[str]:
        begun = s3.list_multipart_uploads(Bucket=bucket.name).get("Uploads", [])
        return [item["Key"] for item in begun]

    worker = site.start_worker("ingest")
    site.wait(lambda: bool(parts()), "the worker to store what came", every_s=0.005)
    site.kill(worker)
    assert not list(bucket.objects.all()), "killed in the middle"
    asset.refresh_from_db()
    assert (asset.sha256, asset.file, asset.is_arriving) == (sha256, "", True)

    site.start_worker("ingest")

    def is_ready() -> bool:
        asset.refresh_from_db()
        assert asset.status != Status.FAILED, asset.error
        return asset.status == Status.DONE

    site.wait(is_ready, "the asset to be ready", seconds=240)
    assert Asset.objects.get() == asset
    with default_storage.open(asset.file) as stored:
        assert hashlib.file_digest(stored, "sha256").hexdigest() == sha256
    assert not list((site.folder / "uploads").iterdir())
    assert not files_in(site.folder / "media")

    assert parts() == [asset.file], "what the first one sent"
    monkeypatch.setattr(strays, "GRACE", strays.GRACE * 0)
    strays.sweep()
    assert not parts()
    assert default_storage.exists(asset.file)
