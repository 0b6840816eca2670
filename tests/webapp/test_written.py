"""What is written on the picture: asked for, listed, taken away, and kept from strangers."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.urls import reverse

from tests.captions import ENGINE, a_reading_worker, item, read_asset, stored
from tests.spoken import SOUND, a_speaking_worker, finished, planned, transcribed
from tests.webapp.test_search import texts
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import IndexingRefused
from webapp.indexing.uploaded import index_uploaded
from webapp.indexing.written import written_items
from webapp.runs.workers import Worker

pytestmark = pytest.mark.django_db


def refused(asset, **options) -> str:
    with pytest.raises(IndexingRefused) as refusal:
        Indexing.objects.request(asset, "text", by=None, options=options)
    return str(refusal.value)


def page_of(asset, browser) -> str:
    return browser.get(reverse("asset", args=[asset.pk])).content.decode()


def test_what_cannot_be_read_is_refused_in_words(asset, asset_in, workspace):
    assert refused(asset).startswith("No worker here can read what is written on a picture.")
    a_reading_worker()
    sound = asset_in(workspace, "talk.mp3", kind="audio", probe=SOUND)
    assert refused(sound) == "talk.mp3 has no picture, so nothing can be read on it."
    sentence = refused(asset, language="korean")
    assert "No worker here can read Korean; they read Latin, Chinese" in sentence
    assert "Run `manage.py fetch ocr-korean` on a worker's machine" in sentence
    Indexing.objects.request(asset, "text", by=None)
    assert refused(asset) == "matchday.mp4 is being indexed already."


def test_one_button_asks_for_all_that_the_asset_can_have(asset, analyst, client_for):
    browser = client_for(analyst)
    a_reading_worker()
    assert f"{ENGINE} would read" in page_of(asset, browser)
    a_speaking_worker()
    asset.probe = SOUND
    asset.save()
    browser.post(reverse("asset-index", args=[asset.pk]))
    asked = Indexing.objects.order_by("step").values_list("step", "requested_by", "options")
    assert [row[:2] for row in asked] == [("speech", analyst.pk), ("text", analyst.pk)]
    assert asked[1][2] == {"language": "", "interval_s": 0.5}


def test_a_menu_asks_for_one_alone_and_each_stands_for_itself(asset, analyst, client_for):
    transcribed(asset)
    read_asset(asset)
    a_reading_worker()
    a_speaking_worker()
    browser = client_for(analyst)
    browser.post(reverse("asset-index", args=[asset.pk]), {"step": "text"})
    again = Indexing.objects.get(step="text", version=2)
    assert Indexing.objects.filter(step="speech").count() == 1
    assert "Norra Bank" in json.dumps(_regions(asset, browser, version=1))  # is shown until then
    page = page_of(asset, browser)
    assert reverse("indexing-ask", args=[again.pk, "pause"]) in page
    browser.post(reverse("indexing-ask", args=[again.pk, "pause"]))
    again.refresh_from_db()
    assert again.state == "paused"
    answer = browser.post(reverse("indexing-ask", args=[again.pk, "cancel"]), headers=HTMX)
    assert answer["HX-Trigger"] == "text-over"


HTMX = {"HX-Request": "true"}


def _regions(asset, browser, version: int) -> dict:
    indexing = Indexing.objects.get(asset=asset, step="text", version=version)
    return browser.get(reverse("indexing-regions", args=[indexing.pk])).json()


def test_what_is_read_is_listed_while_it_goes_on(asset, owner, client_for):
    a_reading_worker()
    indexing = Indexing.objects.request(asset, "text", by=owner)
    first, _ = planned(indexing, 0, 60, 120)
    stored(first, [item("Kestrel", 3, 5)])
    found = _regions(asset, client_for(owner), version=1)
    assert [(line["text"], line["start"], line["end"]) for line in found["lines"]] == [
        ("Kestrel", 3, 5)
    ]
    assert not found["over"]
    assert indexing.standing().word == "Reading"
    assert indexing.progress()["share"] == pytest.approx(0.5)
    assert written_items(asset) == []  # others build on what is done


def test_the_page_lists_lines_with_how_often_it_had_to_look(asset, analyst, client_for):
    read_asset(asset)
    page = page_of(asset, client_for(analyst))
    assert "4 of 10 looks were needed" in page
    assert 'id="tab-written"' in page


def test_a_picture_has_writing_and_sound_has_none(asset_in, workspace, analyst, client_for):
    picture = asset_in(workspace, "bottle.jpg", kind="image", duration_s=0)
    read_asset(picture, [item("vitalo", 0, 0)])
    page = page_of(picture, client_for(analyst))
    assert "Click a line to see where it stands" in page
    sound = asset_in(workspace, "talk.mp3", kind="audio", probe=SOUND)
    assert 'id="tab-written"' not in page_of(sound, client_for(analyst))


def test_it_is_taken_away_as_json_csv_and_captions(asset, analyst, client_for):
    formula = item('=HYPERLINK("x")', 61, 62)
    indexing = read_asset(asset, [item("Norra <Bank>", 2, 6.5, kind="overlay"), formula])
    browser = client_for(analyst)

    def file(kind: str):
        return browser.get(reverse("indexing-file", args=[indexing.pk, kind]))

    [first, _] = json.loads(file("json").content)["items"]
    assert (first["text"], first["kind"], first["end_s"]) == ("Norra <Bank>", "overlay", 6.5)
    rows = list(csv.DictReader(io.StringIO(file("csv").content.decode("utf-8-sig"))))
    assert rows[1]["text"].startswith("'=")
    assert "00:00:02.000 --> 00:00:06.500" in file("vtt").content.decode()
    assert "Norra &lt;Bank&gt;" in file("vtt").content.decode()
    assert 'filename="matchday-written.csv"' in file("csv")["Content-Disposition"]
    assert file("srt").status_code == 404


def test_the_api_has_what_speech_has(asset, analyst, client_for):
    indexing = read_asset(asset)
    browser = client_for(analyst)
    base = f"/api/v1/indexings/{indexing.pk}"
    found = browser.get(f"{base}/text/", {"from": 3, "to": 5}).json()["results"]
    assert [row["text"] for row in found] == ["HBR 1-0", "Norra Bank", "KESTREL"]
    assert len(browser.get(f"{base}/text/", {"from": 30}).json()["results"]) == 1
    assert browser.get(f"{base}/file/", {"kind": "csv"}).status_code == 200
    assert browser.get(f"{base}/file/", {"kind": "srt"}).status_code == 422
    [segment] = browser.get(f"{base}/segments/").json()["results"]
    assert segment["frames"] == {"sampled": 10, "read": 4}
    a_reading_worker()
    wish = {"asset": asset.pk, "step": "text", "options": {"interval_s": 1}}
    assert browser.post("/api/v1/indexings/", wish, "application/json").status_code == 202


@pytest.mark.parametrize(
    "options", [{"track": 0}, {"interval_s": 0}, {"language": "fr"}, {"language": "xx"}]
)
def test_options_that_make_no_sense_are_refused(asset, analyst, client_for, options):
    a_reading_worker()
    wish = {"asset": asset.pk, "step": "text", "options": options}
    answer = client_for(analyst).post("/api/v1/indexings/", wish, "application/json")
    assert answer.status_code in (400, 422)
    assert not Indexing.objects.exists()


def test_a_language_is_chosen_where_reading_is_asked_for_and_each_version_keeps_its_own(
    asset, analyst, client_for
):
    worker = a_reading_worker()
    browser = client_for(analyst)
    page = page_of(asset, browser)
    assert '<option value="ch" selected>Latin, Chinese, Japanese and Greek</option>' in page
    assert '<option value="korean" disabled>Korean (ocr-korean)</option>' in page
    assert "<code>manage.py fetch ocr-korean</code>" in page

    start = reverse("asset-index", args=[asset.pk])
    answer = browser.post(start, {"step": "text", "language": "korean"}, follow=True)
    assert b"Run `manage.py fetch ocr-korean`" in answer.content
    assert not Indexing.objects.exists()
    worker.delete()  # the pack was fetched

    a_reading_worker("ch,korean")
    read_asset(asset, [item("NORRA", 2, 6)])
    browser.post(start, {"step": "text", "language": "korean"})
    korean = Indexing.objects.get(version=2)
    assert korean.options["language"] == "korean"
    segment, *_ = planned(korean, 0, 20)
    stored(segment, [item("노라 은행", 2, 6)])
    finished(korean)
    assert [one.text for one in written_items(asset)] == ["노라 은행"], "nothing is mixed"
    page = page_of(asset, browser)
    assert '<option value="korean" selected>Korean</option>' in page
    assert "Version 2: Korean" in page
    assert "Version 1: as packaged" in page
    assert texts(asset.workspace, "은행") == ["노라 은행"]
    assert not texts(asset.workspace, "norra")


def test_a_workspace_says_which_language_its_screens_are_in(
    asset, asset_in, workspace, owner, client_for, settings
):
    settings.INDEX_UPLOADS = True
    a_reading_worker("ch,korean")
    browser, url = client_for(owner), reverse("indexing-settings")
    browser.post(url, {"uploads": "on", "language": "klingon"})
    browser.post(url, {"uploads": "on", "language": "korean"})
    assert '<option value="korean" selected>Korean</option>' in browser.get(url).content.decode()
    assert workspace.events.filter(what="chose the language of on-screen text").count() == 1
    asset.refresh_from_db()
    index_uploaded(asset)
    assert Indexing.objects.get().options["language"] == "korean"

    Worker.objects.update(reading_languages="ch")  # the pack is gone
    other = asset_in(workspace, "late.mp4")
    index_uploaded(other)
    assert not Indexing.objects.filter(asset=other).exists()
    assert "Run `manage.py fetch ocr-korean`" in refused(other), "who asks is told"
    named = {"step": "text", "language": "ch"}
    browser.post(reverse("asset-index", args=[other.pk]), named)
    assert Indexing.objects.get(asset=other).options["language"] == "ch"


def test_uploads_are_read_as_well_as_heard(asset, settings):
    settings.INDEX_UPLOADS = True
    a_reading_worker()
    index_uploaded(asset)
    index_uploaded(asset)  # prepared again
    assert [one.step for one in Indexing.objects.all()] == ["text"]


def test_others_get_words_with_their_times_boxes_and_kinds(asset):
    read_asset(asset, [item("COCA-COLA 可口可乐", 2, 6, kind="scene")])
    [found] = written_items(asset)
    assert [word.text for word in found.words] == ["COCA-COLA", "可", "口", "可", "乐"]
    assert {(word.start_s, word.end_s) for word in found.words} == {(2, 6)}
    assert (found.kind, found.box) == ("scene", (0.1, 0.8, 0.4, 0.9))


def test_a_stranger_sees_nothing(asset, other_workspace, stranger, client_for):
    indexing = read_asset(asset)
    browser = client_for(stranger)
    for address in (
        reverse("indexing-regions", args=[indexing.pk]),
        reverse("indexing-file", args=[indexing.pk, "json"]),
        f"/api/v1/indexings/{indexing.pk}/text/",
    ):
        assert browser.get(address).status_code == 404


def test_a_line_that_was_corrected_reads_so_everywhere_and_is_taken_back(
    asset, owner, reviewer, viewer, client_for
):
    indexing = read_asset(asset, [item("N0RRA BANX", 2, 6.5, kind="overlay")])
    [line] = indexing.text_regions.all()
    browser = client_for(reviewer)
    address, wish = reverse("indexing-edit-line", args=[indexing.pk]), {"line": line.pk}
    assert client_for(viewer).post(address, wish | {"text": "x"}).status_code == 403
    said = browser.post(address, wish | {"text": " Norra\n Bank "}).json()
    assert (said["text"], said["was"]) == ("Norra Bank", "N0RRA BANX")
    assert [one.text for one in written_items(asset)] == ["Norra Bank"]
    assert [one.text for one in written_items(asset, edited=False)] == ["N0RRA BANX"]
    [row] = browser.get(f"/api/v1/indexings/{indexing.pk}/text/").json()["results"]
    assert (row["text"], row["recognised"]) == ("Norra Bank", "N0RRA BANX")
    file = reverse("indexing-file", args=[indexing.pk, "csv"])
    assert "Norra Bank" in browser.get(file).content.decode()
    assert "N0RRA BANX" in browser.get(f"{file}?words=recognised").content.decode()
    assert texts(asset.workspace, '"norra bank"') == ["Norra Bank"]
    browser.post(reverse("line-edit-undo", args=[said["edit"]]))
    assert [one.text for one in written_items(asset)] == ["N0RRA BANX"]
    assert texts(asset.workspace, '"norra bank"') == []


def test_a_line_that_nobody_wrote_counts_nowhere_and_can_come_back(asset, reviewer, client_for):
    indexing = read_asset(asset, [item("||| :: |", 2, 6.5, kind="scene")])
    [line] = indexing.text_regions.all()
    browser, api = client_for(reviewer), f"/api/v1/indexings/{indexing.pk}/line-edits/"
    sent = browser.post(api, {"region": line.pk, "text": ""}, "application/json")
    assert sent.status_code == 201
    assert written_items(asset) == []
    assert [one["text"] for one in browser.get(api).json()["results"]] == [""]
    assert browser.post(api, {"region": line.pk, "text": ""}, "application/json").status_code == 422
    undone = browser.post(f"/api/v1/line-edits/{sent.json()['id']}/undo/").json()
    assert undone["undone"]
    assert [one.text for one in written_items(asset)] == ["||| :: |"]


def test_a_correction_that_is_too_long_or_of_what_is_still_read_is_refused_in_words(
    asset, reviewer, client_for
):
    indexing = read_asset(asset)
    line = indexing.text_regions.first()
    address = reverse("indexing-edit-line", args=[indexing.pk])
    browser = client_for(reviewer)
    answer = browser.post(address, {"line": line.pk, "text": "x" * 1001})
    assert "At most 1,000 characters" in answer.json()["detail"]
    assert "no longer there" in browser.post(address, {"line": "0", "text": "x"}).json()["detail"]
    Indexing.objects.filter(pk=indexing.pk).update(status="working", stage="segments")
    answer = browser.post(address, {"line": line.pk, "text": "x"})
    assert "still being read" in answer.json()["detail"]
