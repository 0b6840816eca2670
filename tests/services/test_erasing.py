"""kill -9 in the middle of erasing a deleted dataset: nobody sees a part of it, and all goes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from analysis.datasets.types import LabelledBox
from analysis.types import Box
from tests.services.folders import files_in
from webapp import jobs
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Annotation, Sample
from webapp.projects.models import Project
from workers.engine import housekeeping

pytestmark = pytest.mark.services

N = 4000


def swept() -> bool:
    """As the clock does, again and again: a worker that has just started may not be known yet."""
    housekeeping.sweep()
    return True


@pytest.fixture
def owner(db):
    from webapp.accounts.models import User

    return User.objects.create_user("owner@example.org")


@pytest.fixture
def dataset(site, owner, settings) -> Dataset:
    """Thousands of pictures with their files, one of them with a box."""
    from webapp.accounts.models import Workspace

    workspace = Workspace.found("Services", by=owner)
    project = Project.objects.begin(workspace, "Logos", by=owner, brands=["Acme"])
    dataset = Dataset.objects.begin(project, "Boards", by=owner)
    samples = []
    for number in range(N):
        sha256 = f"{number:064x}"[::-1]
        file = dataset.file_name(sha256, ".png")
        path = Path(settings.MEDIA_ROOT) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture")
        samples.append(
            Sample(dataset=dataset, source=f"{number}", file=file, sha256=sha256, width=9, height=9)
        )
    Sample.objects.bulk_create(samples, batch_size=500)
    dataset.samples.latest("pk").annotate([LabelledBox("Acme", Box(0, 0, 1, 1))], by=owner)
    return dataset


@pytest.mark.grown_up
def test_a_worker_killed_while_it_erases_leaves_nothing_behind(site, dataset, owner):

    def stored() -> int:
        return sum(path.name[0] != "." for path in files_in(site.folder / "media"))

    first = site.folder / "media" / dataset.samples.earliest("pk").file
    page = Client()
    page.force_login(owner)
    worker = site.start_worker("batch")
    assert page.post(reverse("dataset-delete", args=[dataset.pk]), {"name": "Boards"}).url
    deadline = time.monotonic() + 90
    while first.is_file():  # without a pause: thousands of small files are gone in a tenth of one
        assert time.monotonic() < deadline, "nothing was erased"
    site.kill(worker)
    left = stored()
    assert 0 < left < N
    assert Sample.objects.exists()
    assert page.get(f"/api/v1/datasets/{dataset.pk}/").status_code == 404
    assert page.get("/api/v1/samples/").json()["results"] == []
    assert Project.objects.exclude(workspace=None).get().datasets.count() == 0

    site.start_worker("ingest,batch")
    site.wait(lambda: swept() and Project.objects.count() == 1, "the rest to go")
    assert stored() == 0
    for rows in (Sample, Annotation, Dataset):
        assert not rows.objects.exists()


@pytest.mark.embedded
def test_a_worker_killed_while_it_erases_a_video_leaves_nothing_behind(site, owner, settings):
    """Its bytes, its frames and its rows: whoever comes next goes on where the dead one was."""
    from datetime import timedelta

    from django.utils import timezone

    from webapp.accounts.models import Workspace
    from webapp.assets.models import Asset, Rendition

    def store(name: str) -> str:
        path = Path(settings.MEDIA_ROOT) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"bytes")
        return name

    def stored() -> int:
        return sum(path.name[0] != "." for path in files_in(site.folder / "media"))

    workspace = Workspace.found("Services", by=owner)
    original = store("originals/aa/film.mp4")
    film = {"name": "film.mp4", "sha256": "a" * 64, "size_bytes": 5, "file": original}
    asset = Asset.objects.create(workspace=workspace, status="done", **film)
    Rendition.objects.bulk_create(
        Rendition(
            asset=asset,
            recipe=f"frame@{number}",
            file=store(f"renditions/{asset.pk}/{number}.jpg"),
            status="done",
        )
        for number in range(N)
    )
    Asset.objects.update(removed=timezone.now() - timedelta(minutes=1))
    worker = site.start_worker("batch")
    jobs.erase()
    deadline = time.monotonic() + 60
    frames = site.folder / "media" / f"renditions/{asset.pk}"  # counted quickly: it is a race
    while len(os.listdir(frames)) > N - 20:
        assert time.monotonic() < deadline, "nothing was erased"
    site.kill(worker)
    assert 1 < stored() < N
    assert (site.folder / "media" / original).is_file(), "the bytes go last"
    assert not Asset.everything.get().restore(by=owner), "half of it does not come back"

    site.start_worker("batch")
    site.wait(lambda: swept() and not Asset.everything.exists(), "the rest to go")
    assert stored() == 0
    assert not Rendition.objects.exists()
