"""Starting, pausing and ending runs from pages, and how their standing is shown."""

from __future__ import annotations

import re

import pytest

from webapp.leases import Status
from webapp.runs.run import Run
from webapp.runs.segments import Segment
from webapp.runs.workers import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


@pytest.fixture
def started(asset, project, analyst):
    return Run.objects.request(asset, project, by=analyst)


def standing(browser, run, **query) -> str:
    return browser.get(f"/runs/{run.pk}/status", query).content.decode()


def test_a_run_is_started_for_a_project(browser, asset, project, analyst):
    answer = browser.post(
        f"/assets/{asset.pk}/runs", {"project": project.pk, "mode": "adaptive", "interval_s": "0.5"}
    )
    run = Run.objects.get()
    assert answer.url == f"/assets/{asset.pk}?run={run.pk}"
    assert (run.asset, run.project, run.requested_by) == (asset, project, analyst)
    assert (run.options["mode"], run.options["interval_s"]) == ("adaptive", 0.5)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Choose a project"),
        ({"project": "x"}, "Choose a project"),
        ({"mode": "sometimes"}, "Sampling (mode)"),
        ({"interval_s": "-1"}, "Sampling (interval_s)"),
        ({"interval_s": "nan"}, "Sampling (interval_s)"),
    ],
)
def test_what_cannot_be_started_is_said(browser, asset, project, data, sentence):
    wish = {"project": project.pk} | data if data.get("project") != "x" and data else data
    answer = browser.post(f"/assets/{asset.pk}/runs", wish, follow=True)
    assert sentence in answer.content.decode()
    assert not Run.objects.exists()


def test_a_run_the_asset_cannot_have_is_refused_in_words(browser, workspace, asset_in, project):
    sound = asset_in(workspace, "radio.mp3", kind="audio")
    answer = browser.post(f"/assets/{sound.pk}/runs", {"project": project.pk}, follow=True)
    assert "no logo can be seen in it" in answer.content.decode()


def test_the_buttons_do_what_they_say(browser, started):
    for verb, after in [
        ("pause", "paused"),
        ("resume", "queued"),
        ("cancel", "cancelled"),
        ("retry", "queued"),
    ]:
        browser.post(f"/runs/{started.pk}/{verb}")
        started.refresh_from_db()
        assert started.status == after


def test_a_button_that_is_too_late_says_how_things_are(browser, run):
    answer = browser.post(f"/runs/{run.pk}/pause", HTTP_HX_REQUEST="true")
    text = answer.content.decode()
    assert "The run is succeeded, so it cannot be paused." in text
    assert f'id="run-status-{run.pk}"' in text


def test_a_run_is_deleted_with_what_it_found(browser, run):
    answer = browser.post(f"/runs/{run.pk}/delete")
    assert answer.url == f"/assets/{run.asset_id}"
    assert not Run.objects.exists()
    assert not Segment.objects.exists()


def test_a_waiting_run_says_why(browser, started):
    assert "No analysis worker is running" in standing(browser, started)
    Worker.beat("w1", queues="analysis")
    assert "The worker is about to start it." in standing(browser, started)


def test_a_running_run_shows_frames_speed_and_estimate(browser, started):
    Run.objects.update(status="running", stage="analyse")
    for index, done in enumerate([300, 60]):
        Segment.objects.create(
            run=started,
            index=index,
            start_s=index * 60,
            end_s=index * 60 + 60,
            frames_total=300,
            frames_done=done,
            busy_s=done / 20,
            held=7,
            missing=index,
            status=Status.WORKING if index else Status.DONE,
        )
    text = standing(browser, started)
    assert "360 of 600 frames" in text
    assert "20.0 frames a second" in text
    assert "about 10 s left" in text
    assert "14 looked like the frame before" in text
    assert "1 could not be decoded" in text
    assert 'hx-trigger="every 2s"' in text


def test_every_face_of_a_running_run_says_the_same(
    browser, asset, project, started, key_for, owner
):
    Run.objects.update(status="running", stage="analyse")
    times = {"start_s": 0, "end_s": 60, "frames_total": 65, "frames_done": 34, "busy_s": 6.8}
    Segment.objects.create(run=started, index=0, status=Status.WORKING, **times)
    said = "Analysing · 52\u202f% · about 5 s left"
    for page in ("/", "/library", "/library?view=table", f"/projects/{project.pk}"):
        assert said in browser.get(page).content.decode(), page
    for part in (f"/assets/{asset.pk}", f"/assets/{asset.pk}/head", f"/runs/{started.pk}/status"):
        text = re.sub("<[^>]+>", "", browser.get(part).content.decode())
        assert "Analysing · Harbour Cup · 52\u202f% · about 5 s left" in text, part
    answer = browser.get(f"/api/v1/runs/{started.pk}/", **key_for(owner)).json()["standing"]
    assert answer == {"word": "Analysing", "detail": "52\u202f% · about 5 s left", "because": ""}


def test_the_page_hears_of_progress_and_of_the_end(browser, started):
    Run.objects.update(status="running", stage="analyse")
    Segment.objects.create(run=started, index=0, start_s=0, end_s=60, status=Status.DONE)
    path = f"/runs/{started.pk}/status"
    assert browser.get(path, {"seen": "0"}).headers["HX-Trigger"] == "run-progress"
    assert "HX-Trigger" not in browser.get(path, {"seen": "1"}).headers
    Run.objects.update(status="succeeded")
    answer = browser.get(path, {"seen": "1"})
    assert answer.headers["HX-Trigger"] == "run-over"
    assert "hx-trigger" not in answer.content.decode()


def test_a_failed_run_says_where_and_whether_trying_again_helps(browser, started):
    started.fail("The decoder ran out of memory.", step="analyse", can_retry=True)
    text = standing(browser, started)
    assert "The decoder ran out of memory." in text
    assert "Trying again goes on from what is done." in text
    assert f"/runs/{started.pk}/retry" in text


VERBS = ["pause", "resume", "cancel", "retry", "delete"]


def test_a_viewer_sees_the_standing_and_touches_nothing(
    client_for, viewer, asset, project, started
):
    browser = client_for(viewer)
    text = standing(browser, started)
    assert "Pause" not in text
    for verb in VERBS:
        assert browser.post(f"/runs/{started.pk}/{verb}").status_code == 403
    assert browser.post(f"/assets/{asset.pk}/runs", {"project": project.pk}).status_code == 403
    started.refresh_from_db()
    assert started.status == "queued"


def test_a_stranger_finds_no_run(client_for, stranger, other_workspace, asset, project, started):
    browser = client_for(stranger)
    assert browser.get(f"/runs/{started.pk}/status").status_code == 404
    for verb in VERBS:
        assert browser.post(f"/runs/{started.pk}/{verb}").status_code == 404
    assert browser.post(f"/assets/{asset.pk}/runs", {"project": project.pk}).status_code == 404
    assert Run.objects.get().status == "queued"


def test_a_strangers_project_is_not_run(client_for, stranger, other_asset, project):
    answer = client_for(stranger).post(f"/assets/{other_asset.pk}/runs", {"project": project.pk})
    assert answer.status_code == 404
