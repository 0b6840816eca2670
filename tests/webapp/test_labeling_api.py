"""Labelling jobs for programs."""

from __future__ import annotations

import pytest
from django.test import Client

from webapp.labeling.models import LabelingJob

JOBS = "/api/v1/labelling-jobs/"


@pytest.fixture
def ask(key_for, analyst):
    return Client(**key_for(analyst))


def post(client, url, **body):
    return client.post(url, body, content_type="application/json")


def test_a_job_is_made_listed_and_closed(ask, pictures):
    dataset = pictures(4)
    dataset.samples.filter(source="0.png").update(state="labelled")
    made = post(ask, JOBS, dataset=dataset.pk, title="By a program")
    assert made.status_code == 201, made.json()
    job = made.json()
    assert job["progress"] == {"total": 3, "done": 0, "left_s": None}
    assert [j["id"] for j in ask.get(JOBS, {"status": "open"}).json()["results"]] == [job["id"]]
    assert post(ask, f"{JOBS}{job['id']}/close/").json()["status"] == "closed"
    assert post(ask, f"{JOBS}{job['id']}/close/").status_code == 409


def test_people_are_invited_and_the_links_are_told_once(ask, job, viewer):
    emails = ["New@Example.org", viewer.email]
    answer = post(ask, f"{JOBS}{job.pk}/invite/", emails=emails)
    assert answer.status_code == 200, answer.json()
    (invited,) = answer.json()["invited"]
    assert "/sign-in/" in invited["url"]
    assert "may not label" in answer.json()["refused"][0]
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    "wish", [{"title": ""}, {"samples": [0]}, {"check_share": 0.9}, {"people_per_item": 0}]
)
def test_nonsense_is_refused(ask, pictures, wish):
    answer = post(ask, JOBS, **({"dataset": pictures(2).pk, "title": "x"} | wish))
    assert answer.status_code == 400
    assert not LabelingJob.objects.exists()


def test_an_empty_job_is_refused_in_words(ask, pictures):
    answer = post(ask, JOBS, dataset=pictures(0).pk, title="x")
    assert answer.status_code == 422
    assert "nothing to label" in answer.json()["detail"]


def test_jobs_are_not_for_strangers(key_for, stranger, other_workspace, labeller, viewer, job):
    outside = Client(**key_for(stranger, workspace=other_workspace))
    assert outside.get(f"{JOBS}{job.pk}/").status_code == 404
    assert post(outside, JOBS, dataset=job.dataset_id, title="x").status_code == 404
    inside = Client(**key_for(labeller))
    assert inside.get(JOBS).json()["results"] == []
    looking = Client(**key_for(viewer))
    assert looking.get(f"{JOBS}{job.pk}/").status_code == 200
    assert post(looking, f"{JOBS}{job.pk}/invite/", emails=["a@example.org"]).status_code == 403
