"""The search page and its API: moments with why, saved searches, and nothing for strangers."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.spoken import transcribed
from webapp.indexing.indexing import Indexing
from webapp.search.saved import SavedFind, SavedSearch

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "found"}
API = "/api/v1/search/"


@pytest.fixture
def indexing(asset, owner):
    return transcribed(asset, by=owner)


def page(browser, query: str, **more) -> str:
    return browser.get(reverse("search"), {"q": query, **more}).content.decode()


def test_moments_come_while_one_types(indexing, viewer, client_for):
    answer = client_for(viewer).get(reverse("search"), {"q": "nor"}, **HTMX).content.decode()
    assert answer.lstrip().startswith('<section id="found"')
    assert "and <mark>Norra</mark> Bank is close behind" in answer
    assert f"{reverse('asset', args=[indexing.asset_id])}?t=12.50" in answer
    assert '<span class="chip">Said</span>' in answer


def test_the_page_says_how_it_read_a_query(indexing, viewer, client_for):
    answer = page(client_for(viewer), '"norra bank')
    assert "A quote that was not closed goes to the end." in answer
    assert "1 moment<" in answer


def test_the_page_says_that_files_are_still_listened_to(
    indexing, asset_in, workspace, other_workspace, viewer, client_for
):
    talk = asset_in(workspace, "talk.mp3", kind="audio")
    for step in ("speech", "text"):
        Indexing.objects.create(asset=talk, step=step, version=1)
    Indexing.objects.create(asset=asset_in(other_workspace, "b.mp3"), step="speech", version=1)
    browser = client_for(viewer)
    assert "1 file is still being listened to or read" in page(browser, "norra")
    assert "being listened to" not in page(browser, "norra", within=indexing.asset_id)
    Indexing.objects.filter(asset=talk).update(status="done")
    assert "being listened to" not in page(browser, "norra")


@pytest.mark.parametrize("query", ["x" * 10_000, '"' * 300, "(" * 300, "\0", "<b>", "-", "brand:"])
def test_whatever_is_typed_is_answered(indexing, viewer, client_for, query):
    answer = client_for(viewer).get(reverse("search"), {"q": query, "page": "9" * 30})
    assert answer.status_code == 200
    assert "<b>" not in answer.content.decode()


def test_ten_thousand_characters_are_a_sentence(indexing, viewer, client_for):
    assert "A search holds at most 500 characters" in page(client_for(viewer), "x" * 10_000)


def test_filters_of_the_form_are_words_of_the_language(indexing, viewer, client_for):
    browser = client_for(viewer)
    assert "1 moment<" in page(browser, "norra", source="said", longer="1m")
    assert "Nothing found" in page(browser, "norra", source="seen")
    assert "Nothing found" in page(browser, "norra", longer="1h")


def test_a_saved_search_is_told_of_and_looked_at(asset, owner, client_for):
    browser = client_for(owner)
    browser.post(reverse("search-save"), {"q": "norra"})
    saved = SavedSearch.objects.get()
    transcribed(asset, by=owner)
    assert "1 new" in page(browser, "")
    assert "1 new for norra" in browser.get(reverse("home")).content.decode()
    answer = browser.get(reverse("saved-search", args=[saved.pk]))
    assert answer.url == f"{reverse('search')}?q=norra"
    assert "1 new" not in page(browser, "")
    browser.post(reverse("saved-search-delete", args=[saved.pk]))
    assert not SavedSearch.objects.exists()
    assert not SavedFind.objects.exists()


def test_a_saved_search_is_its_persons_own(asset, owner, analyst, client_for, key_for):
    saved = SavedSearch.objects.keep(owner, asset.workspace, "norra")
    browser = client_for(analyst)
    assert browser.get(reverse("saved-search", args=[saved.pk])).status_code == 404
    assert browser.post(reverse("saved-search-delete", args=[saved.pk])).status_code == 404
    address = f"/api/v1/saved-searches/{saved.pk}/"
    assert browser.get(address, **key_for(analyst)).status_code == 404
    assert browser.get(address, **key_for(owner)).status_code == 200


def test_the_api_says_where_and_why(indexing, viewer, client, key_for):
    found = client.get(API, {"q": "norra bank"}, **key_for(viewer)).json()
    (moment,) = found["moments"]
    assert (moment["asset"], moment["at_s"], moment["why"]) == (indexing.asset_id, 12.5, ["said"])
    assert moment["passages"][0]["text"] == "and Norra Bank is close behind"
    long = client.get(API, {"q": "x" * 10_000}, **key_for(viewer))
    assert long.status_code == 422
    assert "at most 500 characters" in long.json()["detail"]


def test_searches_are_saved_by_programs(asset, owner, client, key_for):
    key, body = key_for(owner), {"query": "norra", "name": "Bank"}
    kind = {"content_type": "application/json"}
    saved = client.post("/api/v1/saved-searches/", body, **kind, **key).json()
    assert (saved["name"], saved["n_new"]) == ("Bank", 0)
    again = client.post("/api/v1/saved-searches/", body, **kind, **key)
    assert again.status_code == 422
    transcribed(asset, by=owner)
    address = f"/api/v1/saved-searches/{saved['id']}/"
    assert client.get(address, **key).json()["n_new"] == 1
    assert client.post(f"{address}look/", **key).json()["n_new"] == 0


def test_a_stranger_finds_nothing(indexing, stranger, other_workspace, client_for, client, key_for):
    assert "Nothing found" in page(client_for(stranger), "norra")
    key = key_for(stranger, workspace=other_workspace)
    assert client.get(API, {"q": "norra"}, **key).json()["moments"] == []
    theirs = {"q": "norra", "workspace": indexing.asset.workspace_id}
    assert client.get(API, theirs, **key).status_code == 404
