"""Labelling jobs for programs."""

from __future__ import annotations

import pytest
from django.test import Client

from webapp.labelling.jobs import LabelingJob
from webapp.labelling.works import Work

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


def test_programs_see_how_people_do(ask, job, labeller, person, workspace, analyst):
    idle = person("ida", "labeller", workspace)
    for who in (labeller, idle):
        job.assign(who, by=analyst)
    first, second, _ = job.claim(labeller)
    Work.objects.filter(pk=first.pk).update(document={"shapes": {}, "nothing": True})
    Work.objects.get(pk=first.pk).finish()
    second.skip("too dark")
    Work.objects.filter(pk=first.pk).update(seconds=12.0, agreement=0.875, score=0.5)
    Work.objects.filter(pk=second.pk).update(seconds=4.0)
    job.dismiss(labeller, by=analyst)

    of_ida, of_lars = ask.get(f"{JOBS}{job.pk}/people/").json()
    assert (of_lars["email"], of_lars["is_assigned"]) == (labeller.email, False)
    assert (of_lars["done"], of_lars["skipped"], of_lars["open"]) == (1, 1, 0)
    assert (of_lars["each_s"], of_lars["total_s"]) == (12.0, 16.0)
    assert (of_lars["agreement"], of_lars["checks"], of_lars["checks_right"]) == (0.875, 1, 0.5)
    assert of_lars["last"] is not None
    assert (of_ida["name"], of_ida["is_assigned"], of_ida["done"]) == ("Ida", True, 0)
    assert of_ida["each_s"] is of_ida["agreement"] is of_ida["last"] is None


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
    assert outside.get(f"{JOBS}{job.pk}/people/").status_code == 404
    assert post(outside, JOBS, dataset=job.dataset_id, title="x").status_code == 404
    inside = Client(**key_for(labeller))
    assert inside.get(JOBS).json()["results"] == []
    looking = Client(**key_for(viewer))
    assert looking.get(f"{JOBS}{job.pk}/").status_code == 200
    assert looking.get(f"{JOBS}{job.pk}/people/").status_code == 403, "it has people's scores"
    assert post(looking, f"{JOBS}{job.pk}/invite/", emails=["a@example.org"]).status_code == 403
