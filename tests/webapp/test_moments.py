"""What an asset is about, and when: outlined, corrected, flagged, and taken away."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from tests.spoken import outlined, transcribed
from webapp.accounts.models import Refused
from webapp.indexing.word_edits import WordEdit
from webapp.moments.flags import Flag
from webapp.moments.moments import Moment, MomentEdit, moments_of
from webapp.moments.outlines import Outline
from webapp.projects.models import Label

pytest.importorskip("spacy")
pytestmark = pytest.mark.django_db

SAILS = "the boats and the sails and the wind of the harbour "
BREAD = "the dough and the bread and the oven of the baker "
SAID = [SAILS + "with Kestrel", SAILS, SAILS, BREAD + "with Apple", BREAD, BREAD]


@pytest.fixture
def outline(run, owner) -> Outline:
    return outlined(transcribed(run.asset, by=owner, said=SAID))


def topics(outline: Outline):
    return moments_of(outline, Moment.Kind.TOPIC)


def test_a_transcript_that_is_done_is_outlined_by_itself(outline):
    found = topics(outline)
    assert found[0].start_s == 2.0
    assert any(word in found[0].title.lower() for word in ("boats", "sails", "wind", "harbour"))
    assert found[0].moment.entities[0]["kind"] == "brand"
    assert "spaCy" in outline.made_by


def test_a_correction_stands_beside_what_was_found_and_can_be_taken_back(
    outline, owner, client_for
):
    browser, topic = client_for(owner), topics(outline)[0]
    address = reverse("moment-edit", args=[topic.moment.pk])
    made = browser.post(address, {"title": "The regatta", "end_s": "30.5"})
    assert made.status_code == 201
    assert "The regatta" in made.json()["html"]
    (now, *_) = topics(outline)
    assert (now.title, now.end_s, now.moment.title) == ("The regatta", 30.5, topic.title)
    browser.post(reverse("moment-edit-undo", args=[made.json()["id"]]))
    assert topics(outline)[0].title == topic.title


def test_one_that_is_taken_out_is_gone_until_that_is_undone(outline, owner, client_for):
    browser, n = client_for(owner), len(topics(outline))
    address = reverse("moment-edit", args=[topics(outline)[0].moment.pk])
    made = browser.post(address, {"gone": "on"}).json()
    assert len(topics(outline)) == n - 1
    browser.post(reverse("moment-edit-undo", args=[made["id"]]))
    assert len(topics(outline)) == n


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"start_s": "50", "end_s": "40"},
        {"end_s": "1e6"},
        {"title": "x" * 121},
        {"start_s": "nan"},
        {"start_s": "-1"},
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(outline, owner, client_for, values):
    address = reverse("moment-edit", args=[topics(outline)[0].moment.pk])
    answer = client_for(owner).post(address, values)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")
    assert not MomentEdit.objects.exists()


def test_a_new_outline_keeps_what_people_corrected(outline, owner):
    first = topics(outline)[0].moment
    MomentEdit.objects.make(first, by=owner, title="The regatta")
    again = Outline.objects.request(outline.indexing, by=owner)
    with pytest.raises(Refused, match="already"):
        Outline.objects.request(outline.indexing, by=owner)
    outlined(outline.indexing)
    assert topics(again)[0].title == "The regatta"
    assert Outline.objects.shown(outline.asset) == again


def test_words_corrected_since_are_said_on_the_page(outline, owner, client_for):
    address = reverse("asset-moments", args=[outline.asset_id])
    assert "have changed" not in client_for(owner).get(address).content.decode()
    WordEdit.objects.make(outline.indexing.speech_segments.first(), 0, "Those", by=owner)
    assert "have changed" in client_for(owner).get(address).content.decode()


def test_chapters_follow_one_another_without_gaps(outline, viewer, client_for):
    browser = client_for(viewer)
    track = browser.get(reverse("outline-chapters", args=[outline.pk])).content.decode()
    assert track.startswith("WEBVTT\n\n1\n00:00:00.000 --> ")
    listed = browser.get(reverse("outline-file", args=[outline.pk, "txt"])).content.decode()
    assert listed.startswith("0:00 ")
    whole = json.loads(browser.get(reverse("outline-file", args=[outline.pk, "json"])).content)
    assert {one["kind"] for one in whole["moments"]} >= {"topic"}


def test_flags_and_corrections_are_collected_and_taken_away(outline, owner, client_for):
    browser, topic = client_for(owner), topics(outline)[0].moment
    about = {"kind": "topic", "start_s": topic.start_s, "end_s": topic.end_s, "text": topic.title}
    wish = about | {"reason": "border", "note": "two seconds late", "moment": topic.pk}
    address = reverse("asset-flag", args=[outline.asset_id])
    made = browser.post(address, wish)
    assert made.status_code == 201
    assert browser.post(address, wish).status_code == 422
    MomentEdit.objects.make(topic, by=owner, title="The regatta")
    WordEdit.objects.make(outline.indexing.speech_segments.first(), 0, "Those", by=owner)
    page = browser.get(reverse("feedback")).content.decode()
    for said in ("two seconds late", "The regatta", "Those"):
        assert said in page
    assert "Those" not in browser.get(reverse("feedback") + "?kind=flag").content.decode()
    lines = browser.get(reverse("feedback-file")).content.decode()
    kinds = [json.loads(line)["kind"] for line in lines.splitlines()]
    assert kinds == ["flag", "moment", "word"]
    browser.post(reverse("flag-undo", args=[made.json()["id"]]))
    assert Flag.objects.standing().count() == 0
    assert "taken back" in browser.get(reverse("feedback")).content.decode()


def test_who_may_only_look_corrects_nothing(outline, viewer, client_for):
    browser, pk = client_for(viewer), topics(outline)[0].moment.pk
    assert browser.post(reverse("moment-edit", args=[pk]), {"title": "x"}).status_code == 403
    assert browser.get(reverse("feedback")).status_code == 403
    page = browser.get(reverse("asset", args=[outline.asset_id])).content.decode()
    assert topics(outline)[0].title in page
    assert "data-edit" not in page


def test_a_stranger_finds_nothing(outline, stranger, other_workspace, client_for):
    browser = client_for(stranger)
    for name, pk in (
        ("asset-moments", outline.asset_id),
        ("outline-chapters", outline.pk),
    ):
        assert browser.get(reverse(name, args=[pk])).status_code == 404
    pk = topics(outline)[0].moment.pk
    assert browser.post(reverse("moment-edit", args=[pk]), {"title": "x"}).status_code == 404


def test_the_api_tells_corrects_and_flags(outline, owner, client_for):
    browser = client_for(owner)
    path = f"/api/v1/outlines/{outline.pk}/moments/?kind=topic"
    first = browser.get(path).json()["results"][0]
    send = {"content_type": "application/json"}
    edits = f"/api/v1/moments/{first['id']}/edits/"
    made = browser.post(edits, json.dumps({"title": "The regatta"}), **send)
    assert made.status_code == 201, made.content
    one = browser.get(f"/api/v1/moments/{first['id']}/").json()
    assert (one["title"], one["found"]["title"]) == ("The regatta", first["title"])
    assert browser.post(f"/api/v1/moment-edits/{made.json()['id']}/undo/").status_code == 200
    flag = {"asset": outline.asset_id, "kind": "topic", "reason": "title", "start_s": 2, "end_s": 9}
    made = browser.post("/api/v1/flags/", json.dumps(flag), **send)
    assert made.status_code == 201, made.content
    assert browser.post(f"/api/v1/flags/{made.json()['id']}/undo/").json()["undone"]
    again = browser.post("/api/v1/outlines/", json.dumps({"indexing": outline.indexing_id}), **send)
    assert again.status_code == 202


def test_a_word_that_is_no_name_where_it_is_said_is_no_mention(outline, run, owner, client_for):
    Label.objects.create(project=run.project, name="Apple", colour="#204080", is_ordinary=True)
    Label.objects.create(project=run.project, name="Baker", colour="#802040", is_ordinary=True)
    found = client_for(owner).get(f"/api/v1/runs/{run.pk}/mentions/").json()["mentions"]
    assert [m["name"] for m in found if m["name"] in ("Apple", "Baker")] == ["Apple"]
    # a person who writes it with a capital says that it is the name
    line = outline.indexing.speech_segments.order_by("start_s").last()
    WordEdit.objects.make(line, len(line.words["text"]) - 1, "Baker", by=owner)
    found = client_for(owner).get(f"/api/v1/runs/{run.pk}/mentions/").json()["mentions"]
    assert [m["name"] for m in found if m["name"] in ("Apple", "Baker")] == ["Apple", "Baker"]


def test_a_label_in_the_wrong_words_is_no_mention(outline, run, owner, client_for):
    kestrel = run.project.labels.get(name="Kestrel")
    count = lambda: [  # noqa: E731
        m["name"]
        for m in client_for(owner).get(f"/api/v1/runs/{run.pk}/mentions/").json()["mentions"]
    ].count("Kestrel")
    assert count() == 1
    kestrel.not_in = ["with Kestrel"]
    kestrel.save()
    assert count() == 0


def test_where_a_brand_is_named_again_and_again_or_long_on_screen(run, owner, client_for):
    from tests.spoken import transcribed as said_in

    said_in(run.asset, by=owner, said=["Kestrel and Kestrel again Kestrel wins"])
    page = client_for(owner).get(reverse("run-moments", args=[run.pk])).content.decode()
    assert "named 3 times" in page
    assert "on screen for" in page
