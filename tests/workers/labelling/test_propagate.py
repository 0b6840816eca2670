"""A box is carried over the frames of a clip by the task that the worker runs."""

from __future__ import annotations

import json

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from analysis.media.frame_table import FrameTable
from tests.services.film import HEIGHT, RATE, WIDTH, film
from webapp.datasets.dataset import Dataset
from webapp.labelling.items import Clip
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.predictions import Prediction
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from workers.labelling import propagate
from workers.media import ingest


@pytest.fixture(autouse=True)
def one_connection(monkeypatch):
    """The rows of a test are seen by its own connection only, so nothing is renewed by a thread:
    on a busy machine a chore would seem to be taken away."""
    monkeypatch.setattr("workers.engine.heartbeat.Heartbeat._beat", lambda beat: beat._over.wait())


@pytest.fixture
def work(workspace, project, analyst, labeller, tmp_path):
    """A clip in which a logo drifts to the right for six seconds and is gone for two."""
    asset = receive(film(tmp_path / "clip.mp4", seconds=8), workspace)
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    file = asset.rendition("frame_table").file
    times = FrameTable.unpack(default_storage.open(file).read()).times_s.tolist()
    dataset = Dataset.objects.begin(project, "Clips", by=analyst)
    job = LabelingJob.objects.begin(dataset, "Clip", clips=[Clip(asset, times)], by=analyst)
    job.assignments.create(user=labeller)
    return job.claim(labeller)[0]


@pytest.fixture
def page(client_for, labeller):
    return client_for(labeller)


def truth(frame: int) -> list[float]:
    left = 20 + int(frame / RATE * 50)
    return [left / WIDTH, 60 / HEIGHT, (left + 120) / WIDTH, 150 / HEIGHT]


def ask(page, work, **body):
    url = reverse("labelling-predict", args=[work.pk])
    return page.post(url, json.dumps(body), content_type="application/json")


def carried(page, work, **body) -> dict:
    answer = ask(page, work, **body)
    assert answer.status_code == 202, answer.content
    url = answer.json()["url"]
    assert page.get(url).json()["status"] == "waiting"
    propagate.predict(Prediction.objects.latest("pk").pk)
    return page.get(url).json()


@pytest.mark.parametrize(("frame", "direction"), [(5, 1), (55, -1)])
def test_it_follows_the_logo_both_ways(page, work, frame, direction):
    said = carried(
        page, work, shape="s-1", frame=frame, count=40, direction=direction, box=truth(frame)
    )
    assert (said["status"], said["done"], said["stopped_because"]) == ("done", 40, "")
    assert list(map(int, said["boxes"])) == [frame + direction * i for i in range(1, 41)]
    for number, box in said["boxes"].items():
        assert box[:4] == pytest.approx(truth(int(number)), abs=0.012), number
        assert 0 < box[4] <= 1


def test_it_stops_where_the_logo_is_gone(page, work):
    said = carried(page, work, shape="s-1", frame=50, count=25, direction=1, box=truth(50))
    assert said["status"] == "stopped"
    assert said["stopped_because"] == "lost it"
    assert 8 <= said["done"] <= 10  # it is there until frame 59


def test_it_begins_at_the_track_between_its_keys(page, work, project):
    label = project.labels.first().pk

    def key(frame: int) -> dict:
        return {"box": truth(frame), "occluded": False, "outside": False}

    shape = {"label": label, "keys": {"0": key(0), "20": key(20)}, "rev": 1}
    type(work).objects.filter(pk=work.pk).update(document={"shapes": {"s-1": shape}})
    said = carried(page, work, shape="s-1", frame=10, count=3, direction=1)
    assert said["boxes"]["13"][:4] == pytest.approx(truth(13), abs=0.012)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"shape": "s-9", "frame": 3}, 422),
        ({"shape": "s-1", "frame": 999, "box": truth(0)}, 422),
        ({"shape": "s-1", "frame": -1, "box": truth(0)}, 422),
        ({"shape": "s-1", "frame": 0, "direction": -1, "box": truth(0)}, 422),
        ({"shape": "s-1", "frame": 0, "direction": 2, "box": truth(0)}, 422),
        ({"shape": "s-1", "frame": 0, "count": 0, "box": truth(0)}, 422),
        ({"shape": "s-1", "frame": 0, "count": 10**6, "box": truth(0)}, 422),
        ({"shape": "s-1", "frame": "0", "box": truth(0)}, 400),
        ({"shape": "s-1", "frame": 0, "box": [0, 0, 0, 0]}, 400),
        ({"shape": "s-1"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(page, work, body, status):
    answer = ask(page, work, **body)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert not Prediction.objects.exists()


def test_it_can_be_cancelled_and_keeps_what_it_found(page, work):
    url = ask(page, work, shape="s-1", frame=0, count=30, box=truth(0)).json()["url"]
    assert page.delete(url).status_code == 204
    assert page.get(url).json()["status"] == "stopped"
    propagate.predict(Prediction.objects.get().pk)
    said = page.get(url).json()
    assert (said["status"], said["stopped_because"]) == ("stopped", "cancelled")


def test_predictions_of_others_do_not_exist(client_for, page, work, person, workspace, analyst):
    url = ask(page, work, shape="s-1", frame=0, count=5, box=truth(0)).json()["url"]
    lena = person("lena", "labeller", workspace)
    assert client_for(lena).get(url).status_code == 404
    assert client_for(lena).delete(url).status_code == 404
    assert client_for(analyst).delete(url).status_code == 403
    assert not Prediction.objects.get().is_cancelled


def test_one_that_its_worker_left_behind_is_taken_up_again(page, work):
    from workers.engine import housekeeping

    url = ask(page, work, shape="s-1", frame=0, count=5, box=truth(0)).json()["url"]
    row = Prediction.objects.claim(Prediction.objects.get().pk, "another:1:1")
    row.renew(boxes={"1": [0, 0, 1, 1, 1]})
    propagate.predict(row.pk)
    assert page.get(url).json()["status"] == "working", "it is somebody else's"
    Prediction.objects.update(lease_until="2001-01-01T00:00:00Z")
    housekeeping.sweep()
    propagate.predict(row.pk)
    said = page.get(url).json()
    assert (said["status"], said["done"]) == ("done", 5)
    assert Prediction.objects.get().status == Status.DONE


def test_a_picture_has_no_next_frame(page, job, labeller):
    job.assignments.create(user=labeller)
    answer = ask(page, job.claim(labeller)[0], shape="s", frame=0, box=truth(0))
    assert answer.status_code == 422
