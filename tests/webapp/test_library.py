"""The library page: finding assets, what their cards say, and doing things to several."""

from __future__ import annotations

import re

import numpy as np
import pytest

from analysis.film.columns import DETECTION, FRAME, Columns
from webapp.assets.models import Asset, Collection, Rendition, Upload
from webapp.indexing.indexing import Indexing
from webapp.leases import Status
from webapp.projects.models import Project
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.runs.segments import SegmentResult

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client_for, analyst):
    browser = client_for(analyst)
    return lambda **query: browser.get("/library", query).content.decode()


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


def names(html: str) -> list[str]:
    return re.findall(r'class="name cut" href="[^"]*" title="([^"]*)"', html)


def card(html: str, name: str) -> str:
    """The markup of one card."""
    at = html.index(f'title="{name}"')
    start = html.rindex('<li class="card"', 0, at)
    return html[start : html.index('<div class="says', at) + 2000].split("</li>")[0]


# --- finding --------------------------------------------------------------------------------


FINAL, RADIO, PHOTO = "Final first half.mp4", "Radio.mp3", "Team photo.jpg"


@pytest.fixture
def shelf(workspace, asset_in):
    cup = Collection.objects.create(workspace=workspace, name="Cup")
    asset_in(workspace, "Final first half.mp4", duration_s=3000, size_bytes=5, collection=cup)
    asset_in(workspace, "Radio.mp3", kind="audio", duration_s=9000, size_bytes=9)
    asset_in(workspace, "Team photo.jpg", kind="image", duration_s=0, size_bytes=7)
    asset_in(workspace, "Broken.avi", status=Status.FAILED, error="It has no frames.", kind="")
    return cup


def test_the_newest_comes_first(page, shelf):
    assert names(page()) == ["Broken.avi", "Team photo.jpg", "Radio.mp3", "Final first half.mp4"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "HALF final"}, [FINAL]),
        ({"q": "half quarter"}, []),
        ({"kind": "image"}, [PHOTO]),
        ({"status": "failed"}, ["Broken.avi"]),
        ({"status": "ready", "sort": "name"}, [FINAL, RADIO, PHOTO]),
        ({"sort": "duration", "status": "ready"}, [RADIO, FINAL, PHOTO]),
        ({"sort": "size", "status": "ready"}, [RADIO, PHOTO, FINAL]),
        ({"collection": "none", "kind": "audio"}, [RADIO]),
        ({"kind": "nonsense", "sort": "x", "collection": "999", "page": "x", "q": "pho"}, [PHOTO]),
    ],
)
def test_assets_are_filtered_and_sorted(page, shelf, query, found):
    assert names(page(**query)) == found


def test_a_collection_shows_what_is_in_it(page, shelf):
    html = page(collection=shelf.pk)
    assert names(html) == ["Final first half.mp4"]
    assert f'name="collection" value="{shelf.pk}"' in html  # and what is uploaded here comes here


def test_analysed_and_not_analysed_are_told_apart(page, workspace, asset, asset_in, run):
    asset_in(workspace, "untouched.mp4")
    busy = asset_in(workspace, "busy.mp4")
    Run.objects.create(asset=busy, project=run.project, inputs={}, input_hash="", status="running")
    assert names(page(status="analysed")) == ["matchday.mp4"]
    assert names(page(status="not-analysed", sort="name")) == ["busy.mp4", "untouched.mp4"]
    assert names(page(status="analysing")) == ["busy.mp4"]


def test_a_page_keeps_its_place_when_there_is_less_by_now(page, workspace, asset_in):
    for i in range(60):
        asset_in(workspace, f"reel {i:02}.mp4")
    assert len(names(page(page="2", q="reel"))) == 12
    assert "49 to 60 of 60" in page(page="2")
    assert "?page=1&amp;q=reel" in page(page="2", q="reel")
    Asset.objects.filter(name__gte="reel 40").delete()
    assert len(names(page(page="2"))) == 40


def test_only_the_results_come_for_another_filter(browser, shelf):
    answer = browser.get(
        "/library", {"q": "radio"}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="results"
    )
    html = answer.content.decode()
    assert html.lstrip().startswith('<div id="results"')
    assert names(html) == ["Radio.mp3"]


def test_the_library_asks_the_database_a_fixed_number_of_times(
    browser, workspace, asset_in, project, run_of, django_assert_max_num_queries
):
    for i in range(12):
        run_of(asset_in(workspace, f"{i}.mp4"), project)
    with django_assert_max_num_queries(25):
        browser.get("/library")


# --- what a card says ----------------------------------------------------------------------


def test_a_card_shows_the_brands_of_the_latest_run(page, asset, run):
    text = card(page(), "matchday.mp4")
    assert "Kestrel" in text
    assert "Norra Bank" in text
    assert "Vitalo" not in text  # never seen
    assert "#d1495b" in text


def test_a_card_shows_the_brands_of_a_picture_too(page, workspace, asset_in, project, run_of):
    """Nothing is followed in a picture, so its run has no tracks."""
    still = run_of(asset_in(workspace, "podium.jpg", kind="image", duration_s=0), project, found=[])
    segment = still.segments.create(index=0, start_s=0, end_s=0, frames_total=1)
    kestrel, norra = (project.labels.get(name=name).pk for name in ("Kestrel", "Norra Bank"))
    boxes = [(0, kestrel, -1, 0.1, 0.1, 0.3, 0.2, 0.9, 0.5, 0, 0)]
    boxes.append((0, norra, -1, 0.5, 0.1, 0.8, 0.2, 0.1, 0.5, 0, 0))  # below its threshold
    columns = Columns(np.zeros(1, FRAME), np.array(boxes, DETECTION))
    SegmentResult.objects.create(segment=segment, columns=columns.pack())
    text = card(page(), "podium.jpg")
    assert "Kestrel" in text
    assert "Norra Bank" not in text
    assert "no brand found" not in text


@pytest.fixture
def pizza(workspace, owner):
    """Another project, that looks for what `asset` does not show."""
    project = Project.objects.begin(workspace, "Pizza", by=owner, brands=["Sal"])
    return project


def test_a_run_for_another_project_hides_no_earlier_answer(
    page, browser, asset, run, pizza, run_of
):
    later = run_of(asset, pizza, found=[])
    text = card(page(), "matchday.mp4")
    assert text.index("Harbour Cup") < text.index("Kestrel") < text.index("Pizza")
    assert "no brand found" in text
    asset_page = browser.get(f"/assets/{asset.pk}").content.decode()
    assert "Analysed · Harbour Cup" in asset_page  # opened on what was found …
    ways = asset_page[asset_page.index('id="ways"') :].split("</nav>")[0]
    assert f'href="/assets/{asset.pk}?run={later.pk}"' in ways  # … and one click from the other
    assert f'href="/assets/{asset.pk}?run={run.pk}" aria-current="true"' in ways


def test_an_answer_stays_while_a_newer_one_is_on_its_way(page, browser, asset, run, analyst):
    newer = Run.objects.request(asset, run.project, by=analyst)
    text = card(page(), "matchday.mp4")
    assert "Waiting" in text
    assert "Kestrel" in text
    asset_page = browser.get(f"/assets/{asset.pk}").content.decode()
    ways = asset_page[asset_page.index('id="ways"') :].split("</nav>")[0]
    assert f'?run={run.pk}" aria-current' in ways
    assert f'?run={newer.pk}"><' in ways
    assert "every 2s" in ways  # until it is there
    again = browser.get(f"/assets/{asset.pk}/ways", {"run": newer.pk}).content.decode()
    assert f'?run={newer.pk}" aria-current' in again
    newer.cancel()
    assert "Cancelled" not in card(page(), "matchday.mp4")


def test_a_brand_below_its_threshold_is_not_on_the_card(page, asset, run):
    run.project.labels.filter(name="Norra Bank").update(threshold=0.95)
    assert "Norra Bank" not in card(page(), "matchday.mp4")


def test_a_card_shows_its_poster_by_signed_link(page, asset):
    Rendition.keep(asset, "poster", "renditions/1/poster.jpg")
    assert re.search(r'<img class="poster" src="/media/renditions/1/poster.jpg:[^"]+"', page())


def test_a_card_says_in_one_line_what_is_indexed_and_how_much_waits(page, asset):
    for step in ("speech", "text", "speakers"):
        Indexing.objects.create(asset=asset, step=step, version=1)
    assert page().count("Waiting") == 1
    assert "Waiting to be indexed" in page()
    heard = Indexing.objects.get(step="speech")
    Indexing.objects.claim(heard.pk, "b:1:1")
    assert "Reading the sound · 2 more steps" in page()


def test_a_card_in_preparation_asks_again_and_a_finished_one_does_not(browser, asset):
    Asset.objects.update(status=Status.WORKING, step="making the poster", progress=0.4)
    path = f"/assets/{asset.pk}/status"
    html = browser.get(path).content.decode()
    assert f'hx-get="{path}"' in html
    assert "Making the poster · 40" in html
    Asset.objects.update(status=Status.DONE)
    assert "hx-get" not in browser.get(path).content.decode()


def test_a_failed_card_says_why_and_offers_another_try(browser, asset):
    Asset.objects.update(status=Status.FAILED, error="The disk was full.")
    html = browser.get(f"/assets/{asset.pk}/status").content.decode()
    assert "The disk was full." in html
    browser.post(f"/assets/{asset.pk}/retry")
    asset.refresh_from_db()
    assert asset.status == Status.WAITING


def test_what_trying_again_cannot_help_offers_no_retry(browser, asset):
    Asset.objects.update(status=Status.FAILED, error="No frames.", can_retry=False)
    html = browser.get(f"/assets/{asset.pk}/status").content.decode()
    assert "Retry" not in html
    assert "Trying again will not help." in html


def test_an_upload_that_is_ready_offers_the_next_step(browser, asset, project):
    html = browser.get(f"/assets/{asset.pk}/status?as=upload").content.decode()
    assert f'action="/assets/{asset.pk}/runs"' in html
    assert "Analyse for Harbour Cup" in html
    Project.objects.all().delete()
    assert (
        "Say which brands to look for"
        in browser.get(f"/assets/{asset.pk}/status?as=upload").content.decode()
    )


def test_a_name_is_never_markup(page, workspace, asset_in):
    asset_in(workspace, "<script>alert(1)</script>.mp4")
    assert "<script>alert" not in page()
    assert "<script>alert" not in page(view="table")


def test_an_empty_library_says_what_to_do(page, workspace):
    assert "Drop video, pictures, sound or exposures of the sky anywhere on this page" in page()


def test_an_unfinished_upload_can_be_taken_up_or_discarded(browser, page, analyst, workspace):
    upload = Upload.objects.create(
        workspace=workspace, user=analyst, name="half.mp4", size_bytes=100, received_bytes=40
    )
    assert "Choose the same file again" in page()
    browser.post(f"/uploads/{upload.pk}/discard")
    assert "half.mp4" not in page()


# --- several at once ------------------------------------------------------------------------


def test_chosen_assets_are_analysed_together(browser, workspace, asset, asset_in, project):
    other, sound = asset_in(workspace, "b.mp4"), asset_in(workspace, "c.mp3", kind="audio")
    numbers = [asset.pk, other.pk, sound.pk]
    answer = browser.post(
        "/library/analyse", {"asset": numbers, "project": project.pk}, follow=True
    )
    assert set(Run.objects.values_list("asset", flat=True)) == {asset.pk, other.pk}
    text = answer.content.decode()
    assert "2 runs started for Harbour Cup." in text
    assert "c.mp3 is sound without pictures" in text


def test_chosen_assets_are_compared_for_the_project_most_of_them_share(
    browser, workspace, asset, asset_in, project, run, run_of, pizza
):
    other, new = asset_in(workspace, "b.mp4"), asset_in(workspace, "c.mp4")
    second = run_of(other, project)
    run_of(other, pizza, found=[])
    answer = browser.post("/library/compare", {"asset": [asset.pk, other.pk, new.pk]})
    assert sorted(answer.url.split("?")[1].split("&")) == [f"run={run.pk}", f"run={second.pk}"]
    assert "1 of 3 is not analysed for Harbour Cup" in browser.get(answer.url).content.decode()
    nothing = browser.post("/library/compare", {"asset": [new.pk]}, follow=True)
    assert "None of these is analysed yet" in nothing.content.decode()


def test_chosen_videos_are_ticked_where_frames_are_taken_and_jobs_are_made(
    browser, workspace, asset, asset_in, pictures
):
    dataset, photo = pictures(1), asset_in(workspace, "a.jpg", kind="image")
    for path, leads_to in (
        ("/library/frames", f"/datasets/{dataset.pk}/frames?videos={asset.pk}"),
        ("/library/label", f"/labelling/make?videos={asset.pk}"),
    ):
        chosen = {"asset": [asset.pk, photo.pk], "dataset": dataset.pk}
        answer = browser.post(path, chosen)
        assert answer.url == leads_to
        html = browser.get(leads_to).content.decode()
        ticked = re.findall(r'<input type="checkbox" name="videos"[^>]* checked', html)
        assert [f'value="{asset.pk}"' in box for box in ticked] == [True]
        alone = browser.post(path, chosen | {"asset": photo.pk}, follow=True)
        assert "Choose a video that is ready" in alone.content.decode()


def test_the_project_used_last_beside_it_is_offered_and_never_an_empty_one(
    browser, workspace, owner, analyst, asset, asset_in, shelf, project, pizza
):
    sal = pizza.labels.get()
    empty = browser.get(f"/assets/{asset.pk}").content.decode()
    assert f'<option value="{pizza.pk}" disabled title="Nothing tells' in empty
    assert empty.index(">Harbour Cup<") < empty.index(">Pizza (nothing to look for yet)<")
    kestrel = project.labels.get(name="Kestrel").references.get()
    sal.references.create(name="sal.png", file=kestrel.file, sha256="1" * 64, width=9, height=9)
    Run.objects.request(shelf.assets.get(), pizza, by=analyst)
    Run.objects.request(asset, project, by=analyst)
    for collection, first in ((shelf.pk, "Pizza"), ("none", "Harbour Cup"), ("", "Harbour Cup")):
        html = browser.get("/library", {"collection": collection}).content.decode()
        listed = html[html.index('id="chosen-project"') :]
        assert re.search(r"<option[^>]*>([^<]*)", listed).group(1) == first, collection


def test_chosen_assets_are_moved(browser, workspace, asset, asset_in, shelf):
    other = asset_in(workspace, "b.mp4")
    browser.post("/library/move", {"asset": [asset.pk, other.pk], "collection": shelf.pk})
    assert shelf.assets.count() == 3
    browser.post("/library/move", {"asset": [asset.pk], "collection": ""})
    assert shelf.assets.count() == 2


def test_an_asset_is_renamed_and_never_to_nothing(browser, asset):
    browser.post(f"/assets/{asset.pk}/rename", {"name": "Final.mp4"})
    asset.refresh_from_db()
    assert asset.name == "Final.mp4"
    browser.post(f"/assets/{asset.pk}/rename", {"name": "  "})
    asset.refresh_from_db()
    assert asset.name == "Final.mp4"


def test_a_form_leads_back_to_its_page_but_not_off_the_site(browser, asset):
    path = f"/assets/{asset.pk}/rename"
    page = "http://testserver/library?page=2&q=a"
    assert browser.post(path, {"name": "a"}, HTTP_REFERER=page).url == "/library?page=2&q=a"
    evil = browser.post(
        path, {"name": "a", "next": "//evil.example/"}, HTTP_REFERER="http://e.org/x"
    )
    assert evil.url == f"/assets/{asset.pk}"


# --- who ------------------------------------------------------------------------------------


def changes(asset, collection, project):
    return [
        (f"/assets/{asset.pk}/delete", {}),
        (f"/assets/{asset.pk}/rename", {"name": "x"}),
        (f"/assets/{asset.pk}/retry", {}),
        (f"/collections/{collection.pk}/rename", {"name": "x"}),
        (f"/collections/{collection.pk}/delete", {}),
        ("/library/delete", {"asset": asset.pk}),
        ("/library/move", {"asset": asset.pk, "collection": ""}),
        ("/library/analyse", {"asset": asset.pk, "project": project.pk}),
        ("/library/compare", {"asset": asset.pk}),
        ("/library/frames", {"asset": asset.pk}),
        ("/library/label", {"asset": asset.pk}),
        ("/collections", {"name": "x", "asset": asset.pk}),
    ]


@pytest.fixture
def collection(workspace):
    return Collection.objects.create(workspace=workspace, name="Cup")


def test_a_viewer_looks_and_changes_nothing(client_for, viewer, asset, collection, project):
    browser = client_for(viewer)
    html = browser.get("/library").content.decode()
    assert names(html) == ["matchday.mp4"]
    assert "Upload" not in html
    assert 'name="asset"' not in html
    for path, data in changes(asset, collection, project):
        assert browser.post(path, data).status_code == 403, path
    assert Asset.objects.get().name == "matchday.mp4"


def test_a_stranger_finds_nothing(
    client_for, stranger, other_workspace, asset, collection, project
):
    browser = client_for(stranger)
    assert names(browser.get("/library").content.decode()) == []
    assert browser.get(f"/assets/{asset.pk}/status").status_code == 404
    for path, data in changes(asset, collection, project):
        assert browser.post(path, data).status_code == 404, path
    assert Asset.objects.get().name == "matchday.mp4"
    assert not Run.objects.exists()


def test_a_labeller_has_no_library(client_for, labeller, asset):
    assert client_for(labeller).get("/library").status_code == 403


def test_who_is_not_signed_in_is_asked_to(client, asset):
    assert client.get("/library").url.startswith("/sign-in")


def test_trying_again_answers_htmx_with_the_card_as_it_is_now(client_for, analyst, asset):
    Asset.objects.filter(pk=asset.pk).update(status="failed", can_retry=True, error="Full.")
    browser = client_for(analyst, headers={"HX-Request": "true"})
    answer = browser.post(f"/assets/{asset.pk}/retry")
    assert answer.status_code == 200
    assert "Full." not in answer.content.decode()


def test_a_project_of_another_workspace_analyses_nothing_here(
    client_for, analyst, other_workspace, asset
):
    """Somebody who is in both could mix them up otherwise."""
    theirs = Project.objects.begin(other_workspace, "Theirs", brands=["Kestrel"], by=analyst)
    other_workspace.memberships.create(user=analyst, role="analyst")
    browser = client_for(analyst)
    wish = {"asset": [asset.pk], "project": theirs.pk}
    assert browser.post("/library/analyse", wish).status_code == 404
    with pytest.raises(RunRefused, match="different workspaces"):
        Run.objects.request(asset, theirs, by=analyst)
    assert not Run.objects.exists()
