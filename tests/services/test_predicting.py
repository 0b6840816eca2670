"""“Predict next” by a real worker: who cancels it in mid-way keeps what it has found so far."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from tests.services.film import HEIGHT, RATE, WIDTH, film
from webapp.labelling.predictions import Prediction
from webapp.labelling.works import Work
from webapp.leases import Status

pytestmark = [pytest.mark.services, pytest.mark.embedded]

SECONDS = 29
BOX = [20 / WIDTH, 60 / HEIGHT, 140 / WIDTH, 150 / HEIGHT]  # where the logo is at first


@pytest.fixture
def work(site, tmp_path) -> Work:
    """A clip in which the logo is there all the time."""
    from webapp.accounts.models import User, Workspace
    from webapp.datasets.dataset import Dataset
    from webapp.labelling.items import Clip
    from webapp.labelling.jobs import LabelingJob
    from webapp.management.commands.analyse import receive
    from webapp.projects.models import Project

    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    asset = receive(film(tmp_path / "film.mp4", seconds=SECONDS, pace=0.2), workspace)
    site.start_worker()

    def ready() -> bool:
        asset.refresh_from_db()
        return asset.status == Status.DONE

    site.wait(ready, "the film to be ingested")
    project = Project.objects.create(workspace=workspace, name="Logos")
    dataset = Dataset.objects.begin(project, "Clips", by=owner)
    clip = Clip(asset, [frame / RATE for frame in range(SECONDS * RATE)])
    job = LabelingJob.objects.begin(dataset, "Clip", clips=[clip], by=owner)
    job.assign(owner, by=owner)
    return job.claim(owner)[0]


@pytest.fixture
def page(work) -> Client:
    client = Client()
    client.force_login(work.user)
    return client


def ask(page: Client, work: Work, count: int) -> str:
    body = {"shape": "s-1", "frame": 0, "count": count, "box": BOX}
    url = reverse("labelling-predict", args=[work.pk])
    answer = page.post(url, json.dumps(body), content_type="application/json")
    return answer.json()["url"]


def test_cancelled_in_mid_way_it_ends_at_once_and_keeps_what_it_found(site, page, work):
    url = ask(page, work, SECONDS * RATE - 1)
    site.wait(lambda: page.get(url).json()["done"] >= 3, "the first boxes")
    assert page.delete(url).status_code == 204

    row = Prediction.objects.filter(status=Status.DONE)
    site.wait(row.exists, "the worker to let go", seconds=20)
    said = page.get(url).json()
    assert (said["status"], said["stopped_because"]) == ("stopped", "cancelled")
    assert 3 <= said["done"] < said["count"]
    assert list(said["boxes"]) == [str(frame) for frame in range(1, said["done"] + 1)]

    url = ask(page, work, 4)  # the worker is free for the next
    site.wait(lambda: page.get(url).json()["status"] == "done", "the next prediction")
    assert page.get(url).json()["done"] == 4
