"""A brand, or a name that somebody only tries, in all that was ever said and written."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse

from tests.spoken import transcribed
from webapp.indexing.mention_verdicts import MentionVerdict

pytestmark = pytest.mark.django_db

SAID = ["welcome to the harbour", "Kestrel leads in front of Kestrels", "Zephyrline is far behind"]


@pytest.fixture
def kestrel(run, owner):
    transcribed(run.asset, by=owner, said=SAID)
    return run.project.labels.get(name="Kestrel")


def page(browser, label, **asked) -> str:
    return browser.get(reverse("label-mentions", args=[label.pk]), asked).content.decode()


def test_a_brand_is_found_in_the_library_with_the_words_around_it(kestrel, run, viewer, client_for):
    text = page(client_for(viewer), kestrel)
    assert "2 mentions in 1 asset" in text
    assert "<mark>Kestrels</mark>" in text
    assert "leads in front of" in text
    assert f"{reverse('asset', args=[run.asset_id])}?t=12.00" in text


def test_a_name_is_tried_before_it_is_added(kestrel, owner, client_for):
    browser = client_for(owner)
    tried = page(browser, kestrel, name="zephyr line")
    assert "1 mention in 1 asset" in tried
    assert "these are in no figure" in tried
    assert "Named nowhere" in page(browser, kestrel, name="Quillwort")
    kestrel.aliases = ["Zephyr Line"]
    kestrel.save()
    assert "3 mentions in 1 asset" in page(browser, kestrel)


def test_what_people_turned_down_is_not_listed(kestrel, run, owner, client_for):
    MentionVerdict.objects.deny(
        run.asset, kestrel, by=owner, source="said", span=(12.0, 12.5), text="Kestrel"
    )
    assert "1 mention in 1 asset" in page(client_for(owner), kestrel)


def test_what_people_say_is_another_brand_is_listed_there(kestrel, run, owner, client_for):
    vitalo = run.project.labels.get(name="Vitalo")
    about = {"by": owner, "source": "said", "span": (12.0, 12.5), "text": "Kestrel"}
    made = MentionVerdict.objects.say(run.asset, kestrel, actually=vitalo, **about)
    browser = client_for(owner)
    there = page(browser, vitalo)
    assert "1 mention in 1 asset" in there
    assert "<mark>Kestrel</mark>" in there
    assert "1 mention in 1 asset" in page(browser, kestrel)
    MentionVerdict.objects.filter(pk=made.pk).take_back()
    assert "2 mentions in 1 asset" in page(browser, kestrel)
    assert "Named nowhere" in page(browser, vitalo)


@pytest.mark.parametrize("name", ["%", "x" * 5000, "<b>", "'\"", "a", "   ", "\x00"])
def test_any_name_can_be_tried(kestrel, viewer, client_for, name):
    answer = client_for(viewer).get(reverse("label-mentions", args=[kestrel.pk]), {"name": name})
    assert answer.status_code == 200


def test_every_mention_is_in_the_file(kestrel, run, viewer, client_for):
    answer = client_for(viewer).get(reverse("label-mentions-file", args=[kestrel.pk]))
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["file"], row["text"], row["by"]) for row in rows] == [
        (run.asset.name, "Kestrel", "name"),
        (run.asset.name, "Kestrels", "inflection"),
    ]


def test_a_program_asks_the_same(kestrel, run, viewer, client_for):
    path = f"/api/v1/labels/{kestrel.pk}/mentions/"
    found = client_for(viewer).get(path).json()
    assert (found["count"], found["assets"], found["names"]) == (2, 1, ["Kestrel"])
    assert [(m["text"], m["asset"]) for m in found["mentions"]] == [
        ("Kestrel", run.asset_id),
        ("Kestrels", run.asset_id),
    ]
    assert client_for(viewer).get(path, {"page": 2}).json()["mentions"] == []
    assert client_for(viewer).get(path, {"name": "zephyrline"}).json()["count"] == 1


def test_a_stranger_finds_no_label(kestrel, stranger, other_workspace, client_for):
    for address in (
        reverse("label-mentions", args=[kestrel.pk]),
        reverse("label-mentions-file", args=[kestrel.pk]),
        f"/api/v1/labels/{kestrel.pk}/mentions/",
    ):
        assert client_for(stranger).get(address).status_code == 404
