"""A part of a stored file, from a folder and from a bucket."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from webapp.storage import keep, read_part


@pytest.fixture(params=["folder", "bucket"])
def storage(request, settings):
    if request.param == "folder":
        yield
        return
    with mock_aws():
        boto3.resource("s3", region_name="us-east-1").create_bucket(Bucket="media")
        settings.S3_BUCKET = "media"
        access = {"access_key": "testing", "secret_key": "testing", "region_name": "us-east-1"}
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {
                "BACKEND": "storages.backends.s3.S3Storage",
                "OPTIONS": {"bucket_name": "media", "file_overwrite": True, **access},
            },
        }
        yield


def test_only_the_bytes_asked_for_come(storage):
    keep("renditions/7/blocks.bin", bytes(range(100)))
    assert read_part("renditions/7/blocks.bin", 10, 5) == bytes(range(10, 15))
    assert read_part("renditions/7/blocks.bin", 95, 50) == bytes(range(95, 100))


def test_a_file_that_is_gone_says_so(storage):
    with pytest.raises(FileNotFoundError):
        read_part("renditions/7/gone.bin", 0, 5)
