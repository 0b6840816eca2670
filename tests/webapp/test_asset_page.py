"""The asset page in each of its states."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.leases import Status
from webapp.runs.run import Run


@pytest.fixture
def page(client_for, analyst, asset):
    client = client_for(analyst)

    def get(of=asset, **query):
        return client.get(reverse("asset", args=[of.pk]), query)

    return get


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def json_block(html: str, name: str):
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', html, re.S)
    return json.loads(found[1])


def test_it_shows_the_numbers_before_any_script_runs(page, run):
    html = text(page())
    assert "0:12.0" in html
    assert "Analysed" in html
    data = json_block(html, "asset-data")
    assert data["run"]["id"] == run.pk
    assert next(label["name"] for label in data["run"]["labels"]) == "Kestrel"
    assert json_block(html, "first-view")["lanes"]["to"] == 120.0


def test_a_link_opens_as_it_was_left(page, run):
    html = text(page(threshold="0.15", method="raw"))
    assert "0:17.0" in html
    assert '<option value="raw" selected>' in html


def test_an_old_link_with_nonsense_still_opens(page, run):
    assert "0:12.0" in text(page(threshold="lots", method="gone"))


def test_without_a_run_it_offers_to_start_one(page, asset, project):
    html = text(page())
    assert "Nothing has been looked for yet" in html
    assert reverse("run-start", args=[asset.pk]) in html
    assert f'<option value="{project.pk}">' in html


def test_a_file_with_several_pictures_lets_one_be_chosen(page, asset, project):
    tracks = [(0, True, 640), (1, False, 320)]
    asset.probe |= {
        "pictures": [
            {"index": index, "codec": "h264", "width": width, "height": 360, "is_used": is_used}
            for index, is_used, width in tracks
        ]
    }
    asset.save()
    html = text(page())
    assert '<option value="0" selected>Track 0, 640×360</option>' in html
    assert '<option value="1">Track 1, 320×360</option>' in html


def test_without_a_project_it_says_to_make_one(page):
    assert "Create a project" in text(page())


def test_a_viewer_is_not_offered_what_they_may_not_do(client_for, viewer, asset, project):
    html = text(client_for(viewer).get(reverse("asset", args=[asset.pk])))
    assert "Somebody with the analyst role" in html
    assert reverse("run-start", args=[asset.pk]) not in html


def test_a_run_half_done_shows_what_there_is(page, run):
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING, stage=Run.Stage.ANALYSE)
    run.segments.filter(index=1).update(status=Status.WAITING, frames_done=0)
    html = text(page())
    assert "Analysing" in html
    assert "0:10.0" in html
    assert reverse("run-status", args=[run.pk]) in html


def test_a_failed_run_says_why_and_offers_retry(page, run):
    Run.objects.filter(pk=run.pk).update(
        status=Run.Status.FAILED, error="The decoder stopped answering.", error_step="reading"
    )
    html = text(page())
    assert "The decoder stopped answering." in html
    assert reverse("run-retry", args=[run.pk]) in html


def test_finding_nothing_says_what_was_looked_for(page, asset, project, run_of):
    run_of(asset, project, found=[])
    html = text(page())
    assert "None of the brands was found" in html
    assert "Kestrel, Norra Bank, Vitalo" in html


def test_a_cancelled_run_gives_way_to_the_one_before(page, asset, project, run, run_of):
    cancelled = run_of(asset, project)
    Run.objects.filter(pk=cancelled.pk).update(status=Run.Status.CANCELLED)
    assert json_block(text(page()), "asset-data")["run"]["id"] == run.pk
    chosen = text(page(run=str(cancelled.pk)))
    assert json_block(chosen, "asset-data")["run"]["id"] == cancelled.pk


@pytest.mark.parametrize("number", ["999999", "x", "1" * 30])
def test_a_run_that_is_not_of_this_file_is_not_found(page, run, number):
    assert page(run=number).status_code == 404


def test_a_run_of_another_file_is_not_shown_here(page, run, project, asset_in, run_of):
    other = run_of(asset_in(project.workspace, "second.mp4"), project)
    assert page(run=str(other.pk)).status_code == 404


def test_a_file_being_prepared_says_how_far_it_is(page, asset):
    type(asset).objects.filter(pk=asset.pk).update(
        status=Status.WORKING, step="making thumbnails", progress=0.25
    )
    html = text(page())
    assert "is being prepared" in html
    assert "Making thumbnails" in html


def test_the_page_opens_in_full_once_the_file_is_ready(client_for, analyst, asset):
    client = client_for(analyst)
    response = client.get(reverse("asset", args=[asset.pk]), headers={"HX-Request": "true"})
    assert response["HX-Refresh"] == "true"


def test_a_file_that_failed_says_why_and_whether_to_try_again(page, asset):
    failed = {"status": Status.FAILED, "error": "It has no picture.", "can_retry": False}
    type(asset).objects.filter(pk=asset.pk).update(**failed)
    html = text(page())
    assert "It has no picture." in html
    assert "Trying again will not help" in html
    assert reverse("asset-retry", args=[asset.pk]) not in html


def test_a_partial_file_warns(page, asset, run):
    type(asset).objects.filter(pk=asset.pk).update(is_partial=True)
    assert "Only a part of this file could be read" in text(page())


def test_a_picture_has_no_timeline(page, project, asset_in, run_of):
    picture = asset_in(project.workspace, "poster.jpg", kind="image", duration_s=0.0)
    run_of(picture, project, found=[])
    html = text(page(of=picture))
    assert '<img class="media"' in html
    assert 'id="timeline"' not in html


def test_sound_says_that_it_has_no_picture(page, project, asset_in):
    sound = asset_in(project.workspace, "radio.mp3", kind="audio", width=0, height=0)
    html = text(page(of=sound))
    assert "no logo can be seen" in html
    assert 'id="timeline"' in html
    assert "Shots" not in html


def test_names_cannot_bring_markup(page, asset, project, run):
    evil = "</script><script>alert(1)</script>"
    type(asset).objects.filter(pk=asset.pk).update(name=f"{evil}.mp4")
    project.labels.filter(name="Kestrel").update(name=evil)
    assert "<script>alert(1)" not in text(page())


def test_a_fresh_link_is_given_while_the_page_stays_open(client_for, viewer, asset):
    response = client_for(viewer).get(reverse("asset-link", args=[asset.pk]))
    assert response.json()["url"].startswith("/media/")
    assert "no-store" in response["Cache-Control"]


def test_the_player_prefers_the_copy_that_browsers_can_play(page, asset, run):
    from webapp.assets.models import Rendition

    Rendition.keep(asset, "proxy", "renditions/proxy.mp4")
    assert "/media/renditions/proxy.mp4" in text(page())


@pytest.fixture
def proxy(asset):
    from webapp.assets.models import Rendition

    return Rendition.objects.create(asset=asset, recipe="proxy")


def about_proxy(client, asset, do=""):
    address = reverse(f"asset-proxy{do}", args=[asset.pk])
    return client.post(address) if do else client.get(address, headers={"HX-Request": "true"})


def test_while_a_copy_is_made_the_page_says_so_and_plays_nothing(page, asset, run, proxy):
    html = text(page())
    assert "Making a copy browsers can play" in html
    assert "no worker serves the queue batch" in html
    assert "/media/" not in re.search(r"<video[^>]*>", html)[0]
    type(proxy).objects.update(
        status=Status.WORKING, progress=0.25, started=timezone.now() - timedelta(minutes=1)
    )
    html = text(page())
    assert "25" in html
    assert "about 3 min left" in html
    assert reverse("asset-proxy-cancel", args=[asset.pk]) in html


def test_the_player_is_told_when_the_copy_is_made(client_for, viewer, asset, proxy):
    client = client_for(viewer)
    html = text(about_proxy(client, asset))
    assert "Making a copy browsers can play" in html
    assert "Cancel" not in html
    type(proxy).objects.update(status=Status.DONE, file="renditions/proxy.mp4")
    assert about_proxy(client, asset)["HX-Trigger"] == "proxy-ready"
    link = client.get(reverse("asset-link", args=[asset.pk])).json()["url"]
    assert "renditions/proxy.mp4" in link


def test_making_a_copy_can_be_cancelled_and_asked_for_again(
    page, client_for, analyst, asset, proxy
):
    client = client_for(analyst)
    about_proxy(client, asset, "-cancel")
    html = text(page())
    assert "making a copy for them was cancelled" in html
    assert "/media/" in re.search(r"<video[^>]*>", html)[0]
    assert about_proxy(client, asset)["HX-Refresh"] == "true"
    about_proxy(client, asset, "-retry")
    proxy.refresh_from_db()
    assert proxy.status == Status.WAITING


@pytest.mark.parametrize("do", ["-cancel", "-retry"])
def test_who_may_only_look_changes_nothing_about_a_copy(
    client_for, viewer, stranger, other_workspace, asset, proxy, do
):
    assert about_proxy(client_for(viewer), asset, do).status_code == 403
    assert about_proxy(client_for(stranger), asset, do).status_code == 404
    assert about_proxy(client_for(stranger), asset).status_code == 404
    proxy.refresh_from_db()
    assert proxy.status == Status.WAITING


@pytest.mark.parametrize("name", ["asset", "asset-head", "asset-link"])
def test_a_stranger_finds_nothing(client_for, stranger, other_workspace, asset, name):
    assert client_for(stranger).get(reverse(name, args=[asset.pk])).status_code == 404


@pytest.mark.parametrize("name", ["asset", "asset-head", "asset-link"])
def test_a_labeller_may_not_look(client_for, labeller, asset, name):
    assert client_for(labeller).get(reverse(name, args=[asset.pk])).status_code == 403


def test_the_page_asks_the_database_little(page, run, django_assert_max_num_queries):
    text(page())
    with django_assert_max_num_queries(45):
        text(page())
