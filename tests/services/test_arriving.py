"""kill -9 while a worker takes in an upload: it comes in whole and once, and leaves nothing."""

from __future__ import annotations

import hashlib
import os
import signal
from functools import partial
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.services.film import film, logo
from tests.services.folders import files_in
from webapp.accounts.models import User, Workspace
from webapp.assets import uploads
from webapp.assets.models import Asset, Upload
from webapp.leases import Status
from webapp.projects.models import Project
from webapp.runs.run import Run
from workers.engine import housekeeping

pytestmark = [pytest.mark.services, pytest.mark.embedded]  # grown up: test_s3

EMPTY_BYTES = 200 * 10**6


def long_film(path: Path, *, seconds: int = 4) -> Path:
    """A film with an MP4 box of so many bytes that say nothing, to be hashed and passed over."""
    film(path, seconds=seconds)
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(EMPTY_BYTES.to_bytes(4) + b"free")
        file.truncate(file.tell() - 8 + EMPTY_BYTES)
    return path


def sent(path: Path) -> Upload:
    """It came whole, to a server that was started again midway and does not know its hash."""
    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    size = path.stat().st_size
    upload = uploads.begin(workspace, owner, name=path.name, size_bytes=size)
    place = uploads.path_of(upload)
    path.rename(place)
    upload.advance(size)
    return uploads.finish(upload)


def wanted_for(upload: Upload) -> Project:
    """A project that looks for something, for which the upload is to be analysed."""
    project = Project.objects.create(workspace=upload.workspace, name="Cup")
    label = project.labels.create(name="Acme", colour="#d1495b")
    file = default_storage.save("references/acme.png", ContentFile(logo()))
    label.references.create(name="acme.png", file=file, sha256="0" * 64, width=160, height=120)
    Upload.objects.filter(pk=upload.pk).update(project=project)
    return project


def reads(pid: int, path: Path) -> bool:
    """Whether the process has this file open."""
    try:
        return str(path) in {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    except FileNotFoundError:  # one was closed just then
        return False


def test_a_worker_killed_while_it_hashes_loses_nothing(site, tmp_path):
    path = long_film(tmp_path / "film.mp4")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    upload = sent(path)
    project = wanted_for(upload)
    asset, place = upload.asset, uploads.path_of(upload)
    assert asset is not None
    for attempt in (1, 2):
        worker = site.start_worker("ingest")
        hashes = partial(reads, worker.pid, place)
        site.wait(hashes, "the worker to hash what came", every_s=0.001)
        os.killpg(worker.pid, signal.SIGSTOP)
        assert hashes(), "stopped in the middle"
        site.kill(worker)
        asset.refresh_from_db()
        assert (asset.status, asset.sha256, asset.attempt) == (Status.WORKING, "", attempt)
        assert asset.is_arriving
        assert place.is_file()

    worker = site.start_worker("ingest")

    def is_ready() -> bool:
        asset.refresh_from_db()
        assert asset.status != Status.FAILED, asset.error
        return asset.status == Status.DONE

    site.wait(is_ready, "the asset to be ready", seconds=180, every_s=0.001)
    site.kill(worker)  # before or after it asks for the analysis that the upload was for
    site.start_worker("ingest")

    def is_asked_for() -> bool:
        housekeeping.sweep()  # as the clock does
        return Run.objects.exists()

    site.wait(is_asked_for, "the analysis to be asked for")
    housekeeping.sweep()
    assert Run.objects.get().project == project
    assert Asset.objects.get() == asset
    assert (asset.sha256, asset.lease_until) == (sha256, None)
    with default_storage.open(asset.file) as stored:
        assert hashlib.file_digest(stored, "sha256").hexdigest() == sha256
    assert not list((site.folder / "uploads").iterdir())
    originals = site.folder / "media" / "originals"
    assert files_in(originals) == [site.folder / "media" / asset.file]
    recipes = list(asset.renditions.values_list("recipe", flat=True))
    assert len(recipes) == len(set(recipes)) > 1
