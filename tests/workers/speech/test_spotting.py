"""Names heard in the sound: kept part by part, shown where the transcript has other words."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.spoken import a_speaking_worker, transcribed
from webapp.accounts.models import Refused
from webapp.indexing.spotting import SpottedTerm, Spotting
from webapp.indexing.word_edits import WordEdit
from webapp.leases import Status
from webapp.projects.models import Project
from webapp.search import keeping
from webapp.search.library_mentions import LibraryMentions
from webapp.search.searching import search

pytestmark = pytest.mark.django_db

SAID = ["welcome to the harbour", "castle leads this time", "and nobody else"]


@pytest.fixture
def indexing(run, owner):
    found = transcribed(run.asset, by=owner, said=SAID)  # castle: from 12.0 to 12.5 s
    a_speaking_worker()
    return found


@pytest.fixture
def spotting(indexing, owner):
    return Spotting.objects.request(indexing, ["Kestrel", " Kestrel", ""], by=owner)


def held(spotting) -> Spotting:
    return Spotting.objects.claim(spotting.pk, "desk:1:1")


def heard(spotting, text="castle", start_s=12.0, end_s=12.5, **about) -> SpottedTerm:
    about = {"term": "Kestrel", "score": 0.8} | about
    return SpottedTerm(spotting=spotting, start_s=start_s, end_s=end_s, text=text, **about)


def said(browser, run) -> list[tuple]:
    found = browser.get(f"/api/v1/runs/{run.pk}/mentions/").json()["mentions"]
    return [(m["name"], m["text"], m["by"], m["start_s"]) for m in found]


def test_what_was_heard_is_a_mention_until_somebody_corrects_the_words(
    run, spotting, viewer, owner, client_for
):
    browser = client_for(viewer)
    assert said(browser, run) == []
    assert held(spotting).store([heard(spotting)], until_s=30, progress=1)
    assert said(browser, run) == [("Kestrel", "castle", "heard", 12.0)]
    page = browser.get(reverse("run-mentions", args=[run.pk])).json()
    assert "heard in the sound, 80" in page["listed"]
    [row] = page["rows"].values()
    assert len(row["words"][0]) == 1, "the word that it stands for is marked"
    line = spotting.indexing.speech_segments.get(start_s=12)
    edit = WordEdit.objects.make(line, 0, "Castle", by=owner)
    assert said(browser, run) == []
    edit.undo(by=owner)
    WordEdit.objects.make(line, 0, "Kestrel", by=owner)
    assert said(browser, run) == [("Kestrel", "Kestrel", "name", 12.0)], "and not twice"


def test_a_worker_that_lost_its_lease_stores_nothing_and_the_next_goes_on(spotting):
    first = held(spotting)
    assert first.store([heard(spotting)], until_s=20, progress=0.5)
    Spotting.objects.update(lease_until=None)  # it died: its lease ran out
    second = held(spotting)
    assert second.done_s == 20
    assert not first.store([heard(spotting, start_s=22, end_s=23)], until_s=30, progress=1)
    assert SpottedTerm.objects.count() == 1
    assert second.attempt == 2


def test_what_was_listened_for_is_not_again_and_what_failed_is(indexing, spotting, owner):
    with pytest.raises(Refused, match="listened for in it already"):
        Spotting.objects.request(indexing, ["Zephyr"], by=owner)
    assert held(spotting).finish(progress=1.0)
    with pytest.raises(Refused, match="already"):
        Spotting.objects.request(indexing, ["kestrel"], by=owner)
    second = Spotting.objects.request(indexing, ["Zephyr", "KESTREL"], by=owner)
    assert second.terms == ["Zephyr"]
    assert second.cancel()
    assert Spotting.objects.request(indexing, ["Zephyr"], by=owner).terms == ["Zephyr"]


def test_a_translation_is_not_listened_to(indexing, owner):
    indexing.options |= {"task": "translate"}
    with pytest.raises(Refused, match="translation"):
        Spotting.objects.request(indexing, ["Kestrel"], by=owner)
    indexing.status = Status.WORKING
    with pytest.raises(Refused, match="not finished"):
        Spotting.objects.request(indexing, ["Kestrel"], by=owner)


def test_the_page_offers_it_and_says_how_it_stands(run, indexing, owner, viewer, client_for):
    browser, asset = client_for(owner), reverse("asset", args=[run.asset_id])
    assert "names in the sound" in browser.get(asset).content.decode()
    assert "names in the sound" not in client_for(viewer).get(asset).content.decode()
    assert client_for(viewer).post(reverse("run-listen", args=[run.pk])).status_code in (403, 404)
    browser.post(reverse("run-listen", args=[run.pk]))
    spotting = Spotting.objects.get()
    assert "Kestrel" in spotting.terms
    page = browser.get(asset).content.decode()
    assert "Listening for" in page
    browser.post(reverse("spotting-ask", args=[spotting.pk, "cancel"]))
    assert "Cancelled" in browser.get(asset).content.decode()
    answer = browser.post(
        reverse("spotting-ask", args=[spotting.pk, "retry"]), HTTP_HX_REQUEST="true"
    )
    assert "Listening for" in answer.content.decode()
    held(spotting).finish(progress=1.0)
    done = browser.get(reverse("spotting-status", args=[spotting.pk]), HTTP_HX_REQUEST="true")
    assert done.headers["HX-Refresh"] == "true"
    assert "All names were listened for" in browser.get(asset).content.decode()


def test_sound_that_nobody_analyses_is_listened_to_for_the_brands_of_a_project(
    asset, indexing, workspace, other_workspace, owner, viewer, stranger, client_for
):
    """A podcast has no run: its page offers it beside the brands of the chosen project."""
    birds = Project.objects.begin(workspace, "Birds", by=owner, brands=["Vitalo"])
    named = reverse("asset-named", args=[asset.pk]) + f"?project={birds.pk}"
    listen, browser = reverse("asset-listen-for", args=[asset.pk]), client_for(owner)
    assert "Listen for “Vitalo” in the sound" in browser.get(named).content.decode()
    assert "in the sound" not in client_for(viewer).get(named).content.decode()
    for other in (viewer, stranger):
        assert client_for(other).post(listen, {"project": birds.pk}).status_code in (403, 404)
    assert browser.post(listen, {"project": "no number"}).status_code == 404
    assert not Spotting.objects.exists()
    assert browser.post(listen, {"project": birds.pk}).status_code == 302
    assert Spotting.objects.get().terms == ["Vitalo"]
    assert "Listening for 1 name" in browser.get(named).content.decode()
    held(Spotting.objects.get()).finish(progress=1.0)
    assert "All names were listened for" in browser.get(named).content.decode()


def test_what_was_heard_is_found_in_the_library_and_cut_until_the_words_are_corrected(
    run, indexing, spotting, workspace, owner, client_for
):
    browser, label = client_for(owner), run.project.labels.get(name="Kestrel")
    cut = reverse("asset-cut", args=[run.asset_id])
    assert browser.post(cut, {"brands": ["Kestrel"]}).status_code == 422
    held(spotting).store([heard(spotting)], until_s=20, progress=1.0)

    def found() -> tuple[int, ...]:
        asked = ('brand:"kestrel"', "kestrel")
        pieces = [search(workspace, query, with_meaning=False).pieces for query in asked]
        return len(LibraryMentions.of(label).found), *map(len, pieces)

    assert found() == (1, 1, 1)
    assert not search(workspace, '"time kestrel"', with_meaning=False).pieces, "in no phrase"
    for query in ("kestrel", 'brand:"kestrel"'):
        page = browser.get(reverse("search"), {"q": query}).content.decode()
        assert "Heard Kestrel" in page
        assert "castle leads" in page
    assert "Heard" not in browser.get(reverse("search"), {"q": "castle"}).content.decode()
    [one] = LibraryMentions.of(label).found
    assert (one.asset, one.source, one.mention.text) == (run.asset_id, "said", "castle")
    page = browser.get(reverse("label-mentions", args=[label.pk])).content.decode()
    assert "1 mention in 1 asset" in page
    assert browser.post(cut, {"brands": ["Kestrel"]}).status_code == 302
    keeping.index(indexing)  # as what was heard before such names could be found is kept anew
    assert found() == (1, 1, 1)
    line = indexing.speech_segments.get(start_s=12)
    WordEdit.objects.make(line, 0, "Osprey", by=owner)
    assert found() == (0, 0, 0)


def test_a_program_asks_for_terms_and_reads_what_was_found(indexing, owner, key_for, client):
    key, address = key_for(owner), f"/api/v1/indexings/{indexing.pk}/spottings/"
    sent = client.post(address, {"terms": ["Kestrel"]}, content_type="application/json", **key)
    assert sent.status_code == 202
    spotting = Spotting.objects.get(pk=sent.json()["id"])
    held(spotting).store([heard(spotting)], until_s=30, progress=1)
    [row] = client.get(address, **key).json()["results"]
    assert row["found"][0]["term"] == "Kestrel"
    again = client.post(address, {"terms": ["Kestrel"]}, content_type="application/json", **key)
    assert again.status_code == 422
    assert (
        client.post(address, {"terms": []}, content_type="application/json", **key).status_code
        == 400
    )
