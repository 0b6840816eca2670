"""One file out, one file in, and everything is there again."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.projects.models import Project
from webapp.runs.models import Detection, Run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def saved(run, asset, tmp_path):
    default_storage.save(asset.file, ContentFile(b"the film"))
    path = tmp_path / "backup.tar"
    call_command("backup", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    return path


def empty() -> None:
    call_command("flush", interactive=False, verbosity=0)
    for name in ("originals", "assets", "references"):
        if default_storage.exists(name):
            for file in default_storage.listdir(name)[1]:
                default_storage.delete(f"{name}/{file}")


def test_everything_comes_back(saved, run, asset):
    before = run.detections.count(), run.segments.count(), Project.objects.get().labels.count()
    blob = bytes(run.segments.first().result.columns)
    empty()
    assert not Asset.objects.exists()
    call_command("restore", str(saved), stdout=io.StringIO())
    again = Run.objects.get(pk=run.pk)
    assert before == (
        again.detections.count(),
        again.segments.count(),
        Project.objects.get().labels.count(),
    )
    assert bytes(again.segments.first().result.columns) == blob
    assert default_storage.open(asset.file).read() == b"the film"
    assert User.objects.get(email="olga@example.org").check_password("correct horse")


def test_it_refuses_to_restore_over_people(saved):
    with pytest.raises(CommandError, match="has people in it already"):
        call_command("restore", str(saved))
    assert Detection.objects.exists()


def test_it_refuses_what_is_no_backup_of_ours(saved, tmp_path):
    empty()
    plain = tmp_path / "plain.tar"
    plain.write_bytes(b"not an archive")
    with pytest.raises(CommandError, match="not a backup"):
        call_command("restore", str(plain))

    foreign = tmp_path / "foreign.tar"
    with tarfile.open(foreign, "w") as archive:
        entry = tarfile.TarInfo("manifest.json")
        data = json.dumps({"format": 1, "version": "9.9.9"}).encode()
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    with pytest.raises(CommandError, match=r"version 9\.9\.9"):
        call_command("restore", str(foreign))


def test_a_path_that_climbs_out_of_the_media_is_left_alone(saved, tmp_path, settings):
    empty()
    hostile = tmp_path / "hostile.tar"
    with tarfile.open(saved) as source, tarfile.open(hostile, "w") as target:
        for entry in source:
            target.addfile(entry, source.extractfile(entry))
        entry = tarfile.TarInfo("media/../../escaped.txt")
        entry.size = 2
        target.addfile(entry, io.BytesIO(b"hi"))
    call_command("restore", str(hostile), stdout=io.StringIO())
    assert not list(tmp_path.rglob("escaped.txt"))


def test_it_does_not_write_over_an_earlier_backup(saved):
    with pytest.raises(CommandError, match="already there"):
        call_command("backup", str(saved))
