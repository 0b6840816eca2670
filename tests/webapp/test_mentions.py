"""Brands in what is said, on the page and in the API."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from tests.captions_rows import overlay
from tests.spoken import transcribed
from webapp.projects.models import Label, Project
from webapp.reports import figures
from webapp.timeline.choices import Choices

pytestmark = pytest.mark.django_db

# Kestrel is on screen from 10 to 20 s
SAID = [
    "welcome to the harbour",
    "Kestrel leads in front of Kestrels everywhere",
    "and nora bank is close",
    "the Zephyr wins",
]


@pytest.fixture
def indexing(run, owner):
    return transcribed(run.asset, by=owner, said=SAID)


def said(browser, run):
    return browser.get(f"/api/v1/runs/{run.pk}/mentions/").json()["mentions"]


def on_page(browser, run):
    return browser.get(reverse("run-mentions", args=[run.pk])).json()


def test_each_brand_has_the_moments_in_which_it_is_said(run, indexing, viewer, client_for):
    found = said(client_for(viewer), run)
    told = [(m["name"], m["text"], m["by"], m["start_s"], m["is_seen"]) for m in found]
    assert told == [
        ("Kestrel", "Kestrel", "name", 12.0, True),
        ("Kestrel", "Kestrels", "inflection", 14.5, True),
        ("Norra Bank", "nora bank", "spelling", 22.5, True),
    ]


def test_a_brand_that_is_added_later_shows_its_old_mentions_at_once(
    run, indexing, viewer, client_for
):
    browser = client_for(viewer)
    assert "Zephyr" not in on_page(browser, run)["listed"]
    zephyr = Label.objects.create(project=run.project, name="Zephyr", colour="#204080")
    page = browser.get(reverse("asset", args=[run.asset_id])).content.decode()
    assert f'data-lane="{zephyr.pk}"' in page  # a lane for what is said and was never looked for
    answer = on_page(browser, run)
    assert answer["rows"][str(zephyr.pk)]["start"] == [32.5]
    assert "only said" in answer["listed"]


def test_an_alias_is_the_brand(run, indexing, viewer, client_for):
    kestrel = run.project.labels.get(name="Kestrel")
    kestrel.aliases = ["the harbour"]
    kestrel.save()
    first = said(client_for(viewer), run)[0]
    assert (first["text"], first["label"]) == ("the harbour", kestrel.pk)


def test_a_corrected_word_counts_at_once_and_so_does_taking_it_back(
    run, indexing, owner, client_for
):
    browser = client_for(owner)
    line = indexing.speech_segments.order_by("start_s")[0]
    assert len(said(browser, run)) == 3
    values = {"segment": line.pk, "word": 3, "text": "Kestrel"}
    edit = browser.post(reverse("indexing-edit-word", args=[indexing.pk]), values).json()
    found = said(browser, run)
    assert [m["start_s"] for m in found] == [3.5, 12.0, 14.5, 22.5]
    words = on_page(browser, run)["rows"][str(found[0]["label"])]["words"]
    assert words[0] == [[line.pk, 3]]  # which word of the transcript is marked
    browser.post(reverse("word-edit-undo", args=[edit["edits"]["3"]["id"]]))
    assert len(said(browser, run)) == 3


def test_without_a_transcript_there_is_nothing_to_say(run, viewer, client_for):
    answer = client_for(viewer).get(f"/api/v1/runs/{run.pk}/mentions/").json()
    assert (answer["indexing"], answer["mentions"]) == (None, [])
    assert on_page(client_for(viewer), run)["listed"].strip() == ""


def test_where_no_brand_is_said_that_is_said(run, owner, client_for):
    transcribed(run.asset, by=owner, said=["nothing of the kind"])
    assert "None of the project" in on_page(client_for(owner), run)["listed"]


def test_a_stranger_hears_nothing(run, indexing, stranger, other_workspace, client_for):
    browser = client_for(stranger)
    assert browser.get(reverse("run-mentions", args=[run.pk])).status_code == 404
    assert browser.get(f"/api/v1/runs/{run.pk}/mentions/").status_code == 404


def deny(browser, run, mention):
    values = {"label": mention["label"], "source": mention["source"], "start": mention["start_s"]}
    return browser.post(reverse("mention-deny", args=[run.pk]), values)


def test_a_mention_that_is_turned_down_counts_nowhere_until_that_is_taken_back(
    run, indexing, reviewer, client_for
):
    browser = client_for(reviewer)
    first = said(browser, run)[0]
    answer = deny(browser, run, first)
    assert answer.status_code == 201
    assert answer.json()["said"] == "“Kestrel” does not count as Kestrel any more."

    found = browser.get(f"/api/v1/runs/{run.pk}/mentions/").json()
    assert [m["text"] for m in found["mentions"]] == ["Kestrels", "nora bank"]
    assert [m["text"] for m in found["turned_down"]] == ["Kestrel"]
    exposure = browser.get(f"/api/v1/runs/{run.pk}/exposure/").json()
    counted = {brand["label"]: brand["mentions"] for brand in exposure["brands"]}
    assert counted[first["label"]] == 1
    manifest = figures.manifest(run, figures.figures(run, Choices.read({})))
    assert manifest["words"]["speech"]["denied"] == 1
    listed = on_page(browser, run)["listed"]
    assert "Turned down" in listed
    assert deny(browser, run, first).status_code == 422  # it is no mention any more

    browser.post(reverse("mention-deny-undo", args=[answer.json()["id"]]))
    assert len(said(browser, run)) == 3


def test_what_was_turned_down_stays_so_in_a_later_transcript(run, indexing, owner, client_for):
    browser = client_for(owner)
    deny(browser, run, said(browser, run)[0])
    transcribed(run.asset, by=owner, said=SAID)
    assert [m["text"] for m in said(browser, run)] == ["Kestrels", "nora bank"]


def test_an_analyst_reads_that_mentions_were_turned_down_among_the_corrections(
    run, indexing, owner, client_for
):
    browser = client_for(owner)
    deny(browser, run, said(browser, run)[2])
    page = browser.get(reverse("feedback") + "?kind=mention").content.decode()
    assert "nora bank" in page
    assert "Not Norra Bank" in page


@pytest.mark.parametrize("wrong", [{"label": "x"}, {"source": "sung"}, {"start": "-1"}, {}])
def test_what_names_no_mention_is_refused_in_words(run, indexing, owner, client_for, wrong):
    browser = client_for(owner)
    values = {"label": 1, "source": "said", "start": 3.25} | wrong
    answer = browser.post(reverse("mention-deny", args=[run.pk]), values)
    assert answer.status_code == 422
    assert "mention" in answer.json()["detail"]


def test_who_only_looks_turns_nothing_down(run, indexing, viewer, client_for):
    browser = client_for(viewer)
    first = said(browser, run)[0]
    assert deny(browser, run, first).status_code == 403
    wish = {"label": first["label"], "source": "said", "start_s": first["start_s"]}
    path = f"/api/v1/runs/{run.pk}/mentions/"
    assert browser.post(path, wish, content_type="application/json").status_code == 403
    assert len(said(browser, run)) == 3


def test_a_program_turns_a_mention_down_and_lets_it_count_again(
    run, indexing, reviewer, client_for
):
    browser = client_for(reviewer)
    first = said(browser, run)[0]
    wish = {"label": first["label"], "source": "said", "start_s": first["start_s"]}
    path = f"/api/v1/runs/{run.pk}/mentions/"
    made = browser.post(path, wish, content_type="application/json")
    assert (made.status_code, made.json()["text"]) == (201, "Kestrel")
    listed = browser.get(f"/api/v1/denied-mentions/?asset={run.asset_id}").json()["results"]
    assert [one["id"] for one in listed] == [made.json()["id"]]
    back = browser.post(f"/api/v1/denied-mentions/{made.json()['id']}/undo/")
    assert back.json()["undone"]
    assert len(said(browser, run)) == 3


def test_without_an_analysis_brands_are_listed_where_they_are_said_and_written(
    asset, workspace, owner, viewer, client_for
):
    """Sound has no analysis at all, and a film is listened to before its first."""
    transcribed(asset, by=owner, said=["the Kestrels leave", "and Norra Bank follows"])
    overlay(asset, "KESTREL", 2.0, 4.0)
    Project.objects.begin(workspace, "Other", by=owner, brands=["Norra Bank"])
    birds = Project.objects.begin(workspace, "Birds", by=owner, brands=["Kestrel", "Vitalo"])
    Project.objects.begin(workspace, "Empty", by=owner)
    browser, address = client_for(viewer), reverse("asset-named", args=[asset.pk])
    listed = " ".join(browser.get(address, {"project": birds.pk}).content.decode().split())
    assert "said 1 time, written 1 time" in listed
    assert "“Kestrels”" in listed
    assert "“KESTREL”" in listed
    assert 'data-said="2.000"' in listed
    assert "Vitalo" not in listed
    assert ">Empty<" not in listed, "it names nothing"
    Project.objects.begin(workspace, "Quiet", by=owner, brands=["Vitalo"])
    assert "said 1 time" in browser.get(address, {"project": "no number"}).content.decode()
    lane = next(json.loads(found) for found in re.findall(r"named-data.*?>(.*?)</script", listed))
    assert [(one["name"], one["said"]["text"]) for one in lane] == [("Kestrel", ["Kestrels"])]
    assert address in browser.get(reverse("asset", args=[asset.pk])).content.decode()
