"""The transcript as people read, edit and take it away."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from tests.spoken import transcribed
from webapp.indexing.transcript import utterances
from webapp.indexing.word_edits import WordEdit

pytestmark = pytest.mark.django_db


@pytest.fixture
def indexing(asset, owner):
    return transcribed(asset, by=owner)


@pytest.fixture
def line(indexing):
    return indexing.speech_segments.first()


def edit(browser, line, word: int, text: str):
    values = {"segment": line.pk, "word": word, "text": text}
    return browser.post(reverse("indexing-edit-word", args=[line.indexing_id]), values)


def lines(browser, indexing, numbers="0"):
    url = reverse("indexing-lines", args=[indexing.pk])
    return browser.get(url, {"segments": numbers}).json()["lines"]


def text(indexing, **how) -> str:
    return " / ".join(one.text for one in utterances(indexing, **how))


def test_it_is_read_line_by_line_with_the_time_of_each_word(indexing, viewer, client_for):
    first, second = lines(client_for(viewer), indexing)
    assert first["words"] == ["Kestrel", "leads", "the", "harbour", "race"]
    assert first["starts"] == [2.0, 2.5, 3.0, 3.5, 4.0]
    assert second["start"] == 12.0
    assert lines(client_for(viewer), indexing, "7,x,99999999999999999999") == []


def test_the_page_has_the_panel_the_player_its_captions_and_what_was_left_out(
    indexing, viewer, client_for
):
    page = client_for(viewer).get(reverse("asset", args=[indexing.asset_id])).content.decode()
    assert "1 passage left out: why" in page
    assert "nobody speaks there" in page
    assert reverse("indexing-captions", args=[indexing.pk]) in page
    assert "transcript-correct" not in page  # a viewer reads
    captions = client_for(viewer).get(reverse("indexing-captions", args=[indexing.pk]))
    assert captions.headers["Content-Type"].startswith("text/vtt")
    assert captions.content.decode().startswith("WEBVTT")
    assert "Kestrel leads" in captions.content.decode()


def test_what_was_remarked_while_listening_stands_above_the_words(indexing, viewer, client_for):
    remark = "This sounds like German, and was read as English, as asked for."
    indexing.notes = [remark]
    indexing.save(update_fields=["notes"])
    page = client_for(viewer).get(reverse("asset", args=[indexing.asset_id])).content.decode()
    assert page.count(remark) == 1
    assert page.index(remark) < page.index('id="transcript"')


def test_an_edit_stands_beside_the_word_and_is_undone(indexing, line, analyst, client_for):
    browser = client_for(analyst)
    answer = edit(browser, line, 0, "  Kestrel\n Sports ")
    assert answer.status_code == 201
    made = answer.json()["edits"]["0"]
    assert (made["text"], made["by"]) == ("Kestrel Sports", "Ana")
    edit(browser, line, 0, "Kestrels")
    assert text(indexing).startswith("Kestrels leads")
    assert text(indexing, edited=False).startswith("Kestrel leads")
    line.refresh_from_db()
    assert line.words["text"][0] == "Kestrel"
    last = WordEdit.objects.last()
    undone = browser.post(reverse("word-edit-undo", args=[last.pk])).json()
    assert undone["edits"]["0"]["text"] == "Kestrel Sports"
    events = list(indexing.asset.workspace.events.values_list("what", flat=True))
    assert events.count("edited a word") == 2
    assert events.count("took back an edit") == 1


def test_a_word_nobody_said_is_taken_out(indexing, line, reviewer, client_for):
    edit(client_for(reviewer), line, 2, "")
    assert text(indexing).startswith("Kestrel leads harbour race")


@pytest.mark.parametrize(
    ("word", "wish", "said"),
    [
        (99, "x", "There is no such word."),
        (0, "x" * 201, "at most 200 characters"),
        (0, "Kestrel", "It says that already."),
        ("nine", "x", "cannot stand for a word"),
    ],
)
def test_what_cannot_stand_for_a_word_is_refused(line, analyst, client_for, word, wish, said):
    answer = edit(client_for(analyst), line, word, wish)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert not WordEdit.objects.exists()


def test_a_passage_of_another_transcript_is_not_edited_through_this_one(
    indexing, line, asset_in, workspace, owner, client_for
):
    other = transcribed(asset_in(workspace, "other.mp4"), by=owner)
    values = {"segment": line.pk, "word": 0, "text": "x"}
    url = reverse("indexing-edit-word", args=[other.pk])
    assert client_for(owner).post(url, values).status_code == 404


def test_a_viewer_reads_and_edits_nothing(indexing, line, viewer, analyst, client_for):
    edit(client_for(analyst), line, 0, "Castrel")
    assert edit(client_for(viewer), line, 0, "mine").status_code == 403
    undo = reverse("word-edit-undo", args=[WordEdit.objects.get().pk])
    assert client_for(viewer).post(undo).status_code == 403
    assert text(indexing).startswith("Castrel")


def test_a_stranger_finds_none_of_it(indexing, line, stranger, other_workspace, owner, client_for):
    made = WordEdit.objects.make(line, 0, "Castrel", by=owner)
    browser = client_for(stranger)
    for name in ("status", "segments", "lines", "captions"):
        url = reverse(f"indexing-{name}", args=[indexing.pk])
        assert browser.get(url).status_code == 404, name
    assert browser.get(reverse("indexing-file", args=[indexing.pk, "txt"])).status_code == 404
    assert edit(browser, line, 0, "x").status_code == 404
    assert browser.post(reverse("word-edit-undo", args=[made.pk])).status_code == 404
    assert browser.post(reverse("indexing-delete", args=[indexing.pk])).status_code == 404


@pytest.mark.parametrize("kind", ["vtt", "srt", "txt", "json", "csv"])
def test_it_is_taken_away_with_the_corrections_and_without(
    indexing, line, owner, viewer, client_for, kind
):
    WordEdit.objects.make(line, 0, "Castrel", by=owner)
    browser, url = client_for(viewer), reverse("indexing-file", args=[indexing.pk, kind])
    answer = browser.get(url)
    name = f'filename="matchday-transcript.{kind}"'
    assert name in answer.headers["Content-Disposition"]
    assert "Castrel leads" in answer.content.decode().replace("\n", " ") or kind == "json"
    assert "Castrel" in answer.content.decode()
    plain = browser.get(url, {"words": "recognised"})
    assert "Castrel" not in plain.content.decode()
    assert "-recognised." in plain.headers["Content-Disposition"]
    assert browser.get(reverse("indexing-file", args=[indexing.pk, "exe"])).status_code == 404


def test_words_written_from_the_right_come_out_whole(asset, owner, viewer, client_for):
    indexing = transcribed(asset, by=owner, said=["قال محمد إن كيستريل تقود"])
    line = lines(client_for(viewer), indexing)[0]
    assert line["words"][3] == "كيستريل"
    page = client_for(viewer).get(reverse("indexing-file", args=[indexing.pk, "txt"]))
    assert "كيستريل" in page.content.decode()


def test_the_status_says_that_more_can_be_read(indexing, viewer, client_for):
    answer = client_for(viewer).get(reverse("indexing-status", args=[indexing.pk]))
    assert answer.headers["HX-Trigger"] == "speech-over"


# --- by the API ---------------------------------------------------------------------------------


def test_the_api_asks_reads_edits_and_undoes(asset, indexing, line, analyst, client, key_for):
    key = key_for(analyst)
    api = f"/api/v1/indexings/{indexing.pk}/"
    assert client.get(api, **key).json()["state"] == "done"
    page = client.get(f"{api}speech/?page_size=1", **key).json()
    assert page["results"][0]["words"][0]["text"] == "Kestrel"
    assert page["next"]
    assert client.get(f"{api}speech/?from=11", **key).json()["results"][0]["start_s"] == 12.0
    body = json.dumps({"speech_segment": line.pk, "word": 0, "text": "Castrel"})
    sent = client.post(f"{api}word-edits/", body, content_type="application/json", **key)
    assert sent.status_code == 201
    word = client.get(f"{api}speech/", **key).json()["results"][0]["words"][0]
    assert word == word | {"text": "Castrel", "recognised": "Kestrel", "is_edited": True}
    number = sent.json()["id"]
    assert client.post(f"/api/v1/word-edits/{number}/undo/", **key).json()["undone"]
    assert client.get(f"{api}file/?kind=txt", **key).content.decode().startswith("Kestrel")
    assert client.get(f"{api}segments/", **key).json()["results"][0]["dropped"]
    assert client.delete(api, **key).status_code == 204
    assert client.get(api, **key).status_code == 404


def test_the_api_refuses_in_words_and_lets_a_viewer_read_only(
    indexing, line, asset, viewer, analyst, client, key_for
):
    body = json.dumps({"asset": asset.pk})
    said = client.post(
        "/api/v1/indexings/", body, content_type="application/json", **key_for(analyst)
    )
    assert said.status_code == 422
    assert "No worker here has a speech engine" in said.json()["detail"]
    key = key_for(viewer)
    assert client.get("/api/v1/indexings/", **key).json()["results"][0]["id"] == indexing.pk
    edit = json.dumps({"speech_segment": line.pk, "word": 0, "text": "x"})
    url = f"/api/v1/indexings/{indexing.pk}/word-edits/"
    assert client.post(url, edit, content_type="application/json", **key).status_code == 403
    assert client.delete(f"/api/v1/indexings/{indexing.pk}/", **key).status_code == 403
