"""Stored files on a machine that fetches them from a bucket."""

from __future__ import annotations

import os
import time

import boto3
import pytest
from django.core.files.storage import default_storage
from moto import mock_aws

from workers.engine import originals
from workers.engine.originals import keep, keep_file_once, local_path

BY_CONTENT = f"originals/ab/{'ab' * 32}.mp4"


@pytest.fixture
def bucket(settings):
    with mock_aws():
        bucket = boto3.resource("s3", region_name="us-east-1").create_bucket(Bucket="media")
        settings.S3_BUCKET = "media"
        access = {"access_key": "testing", "secret_key": "testing", "region_name": "us-east-1"}
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {
                "BACKEND": "storages.backends.s3.S3Storage",
                "OPTIONS": {"bucket_name": "media", "file_overwrite": True, **access},
            },
        }
        yield bucket


def fetched(settings):
    return sorted(p.name for p in (settings.CACHE_DIR / "originals").iterdir())


def test_a_file_that_another_machine_replaced_is_read_anew(bucket):
    keep("renditions/7/frames.bin", b"before")
    first = local_path("renditions/7/frames.bin")
    assert first.read_bytes() == b"before"
    keep("renditions/7/frames.bin", b"after")
    assert local_path("renditions/7/frames.bin").read_bytes() == b"after"
    assert first.read_bytes() == b"before"  # for who is reading it still


def test_a_file_called_by_its_bytes_is_fetched_once(bucket, settings):
    keep(BY_CONTENT, b"film")
    assert local_path(BY_CONTENT).read_bytes() == b"film"
    bucket.objects.all().delete()
    assert local_path(BY_CONTENT).read_bytes() == b"film"
    assert len(fetched(settings)) == 1


@pytest.mark.parametrize("name", [BY_CONTENT, "renditions/7/frames.bin"])
def test_a_file_that_is_gone_says_so_and_leaves_nothing(bucket, settings, name):
    with pytest.raises(FileNotFoundError):
        local_path(name)
    folder = settings.CACHE_DIR / "originals"
    assert not folder.exists() or not list(folder.iterdir())


def test_a_full_cache_drops_the_oldest_but_nothing_that_was_just_given_out(
    bucket, settings, monkeypatch
):
    monkeypatch.setattr(originals, "CACHE_BYTES", 25)
    names = [f"originals/{i}/{str(i) * 64}.mp4" for i in range(4)]
    for name in names:
        keep(name, b"x" * 10)
    old = local_path(names[0])
    day_ago = time.time() - 24 * 3600
    os.utime(old, (day_ago, day_ago))
    given = [local_path(name) for name in names[1:]]
    assert not old.exists()
    assert all(path.exists() for path in given)  # over the limit, but about to be opened


def test_weights_are_stored_once_under_their_hash(bucket, tmp_path):
    made = tmp_path / "best.pt"
    made.write_bytes(b"weights")
    name = f"models/{'c' * 64}.pt"
    assert keep_file_once(name, made) == name
    made.write_bytes(b"other")
    keep_file_once(name, made)
    assert default_storage.open(name).read() == b"weights"
