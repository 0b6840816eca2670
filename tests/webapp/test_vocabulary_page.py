"""Listening with a vocabulary, and what it was worth: word errors of two versions."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests.spoken import SOUND, a_speaking_worker, transcribed
from webapp.indexing.indexing import Indexing

pytestmark = pytest.mark.django_db

PLAIN = ["castle leads the harbour race", "and nora bank is close behind"]
BIASED = ["Kestrel leads the harbour race", "and Norra Bank is closed", "Kestrel"]
REALLY = "Kestrel leads the harbour race, and Norra Bank is close behind."


def a_file(content: bytes, name: str = "words.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "text/plain")


@pytest.fixture
def asset_with_sound(run):
    run.asset.probe = run.asset.probe | SOUND
    run.asset.save()
    a_speaking_worker()
    return run.asset


def test_words_are_pasted_uploaded_and_taken_from_a_project(
    asset_with_sound, run, owner, client_for
):
    browser, address = client_for(owner), reverse("asset", args=[asset_with_sound.pk])
    page = browser.get(address).content.decode()
    assert "Expect the names of" in page
    assert run.project.name in page
    sent = {
        "words": "Zephyr\nNobody believes that the Zephyr can win here.",
        "file": a_file("Tessacore\nZephyr\n".encode("utf-8-sig")),
        "projects": [run.project_id],
        "channels": "apart",
    }
    browser.post(reverse("asset-listen", args=[asset_with_sound.pk]), sent)
    options = Indexing.objects.get().options
    assert options["vocabulary"][:2] == ["Zephyr", "Tessacore"]
    assert {"Kestrel", "Norra Bank"} <= set(options["vocabulary"][2:])
    assert options["text"] == "Nobody believes that the Zephyr can win here."
    assert options["channels"] == "apart"
    assert options["task"] == "transcribe"


def test_one_of_several_recognisers_is_chosen_and_kept(asset_with_sound, owner, client_for):
    browser, address = client_for(owner), reverse("asset", args=[asset_with_sound.pk])
    assert "Listen with" not in browser.get(address).content.decode(), "there is one"
    two = {"openai-whisper/small": "Whisper small", "faster-whisper/base": "Whisper base"}
    a_speaking_worker("another", engines=two)
    page = browser.get(address).content.decode()
    assert '<option value="openai-whisper/small">Whisper small</option>' in page
    listen = reverse("asset-listen", args=[asset_with_sound.pk])
    sent = {"engine": "openai-whisper/large-v3"}
    answer = browser.post(listen, sent, follow=True).content.decode()
    assert "No worker here has the speech engine openai-whisper/large-v3" in answer
    assert "there is openai-whisper/small, faster-whisper/base. `manage.py fetch`" in answer
    assert not Indexing.objects.exists()
    wish = {"asset": asset_with_sound.pk, "options": {"engine": "openai-whisper/small"}}
    answer = browser.post("/api/v1/indexings/", wish, "application/json")
    assert answer.json()["options"]["engine"] == "openai-whisper/small"


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"file": a_file(b"\xff\xfe\x00", "photo.txt")}, "photo.txt is not a text file."),
        ({"file": a_file(b"x" * (1 << 20) + b"y", "long.txt")}, "long.txt is larger than 1 MB."),
        ({"projects": ["999999"]}, "999999"),
        ({"channels": "each"}, "each"),
    ],
)
def test_what_cannot_be_expected_is_said(asset_with_sound, owner, client_for, sent, sentence):
    address = reverse("asset-listen", args=[asset_with_sound.pk])
    answer = client_for(owner).post(address, sent, follow=True)
    assert sentence in answer.content.decode()
    assert not Indexing.objects.exists()


def test_a_project_of_another_workspace_gives_no_names(
    asset_with_sound, owner, other_workspace, client_for
):
    from webapp.projects.models import Project

    theirs = Project.objects.create(workspace=other_workspace, name="Theirs")
    theirs.add_label("Secretia", by=None)
    address = reverse("asset-listen", args=[asset_with_sound.pk])
    client_for(owner).post(address, {"projects": [theirs.pk]})
    assert not Indexing.objects.exists()


def test_a_viewer_asks_for_nothing(asset_with_sound, viewer, client_for):
    address = reverse("asset-listen", args=[asset_with_sound.pk])
    assert client_for(viewer).post(address, {}).status_code in (403, 404)
    assert not Indexing.objects.exists()


# --- comparing ------------------------------------------------------------------------------------


@pytest.fixture
def versions(run, owner):
    plain = transcribed(run.asset, by=owner, said=PLAIN)
    biased = transcribed(run.asset, by=owner, said=BIASED)
    biased.options |= {"vocabulary": ["Kestrel", "Norra Bank"]}
    biased.save()
    return plain, biased


def test_the_page_says_what_was_expected(run, versions, viewer, client_for):
    page = client_for(viewer).get(reverse("asset", args=[run.asset_id])).content.decode()
    assert "with 2 words of vocabulary" in page
    assert reverse("asset-word-errors", args=[run.asset_id]) in page


def test_two_versions_stand_beside_what_was_said(run, versions, viewer, client_for):
    browser, address = client_for(viewer), reverse("asset-word-errors", args=[run.asset_id])
    assert "What was really said" in browser.get(address).content.decode()
    answer = browser.post(address, {"said": REALLY})
    plain, biased = answer.context["compared"]
    assert (plain.indexing, biased.indexing) == versions
    assert (plain.errors.substitutions, plain.errors.deletions) == (2, 0)
    assert (biased.errors.substitutions, biased.errors.insertions) == (2, 0)
    assert (plain.errors.keywords_found, biased.errors.keywords_found) == (0, 2)
    assert (plain.errors.false_alarms, biased.errors.false_alarms) == (0, 1)
    page = answer.content.decode()
    assert "<mark>castle</mark>" in page
    assert "2 of 2" in page
    uploaded = browser.post(address, {"file": a_file(REALLY.encode()), "one": versions[1].pk})
    [only] = uploaded.context["compared"]
    assert only.indexing == versions[1]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"said": "  "}, "Paste or upload what was really said."),
        ({"said": "x", "one": "7777777"}, "Select a valid choice"),
        ({"file": a_file(b"\x89PNG\0")}, "is not a text file"),
        ({"said": "…"}, "0 words were said"),
    ],
)
def test_nonsense_is_answered_in_words(run, versions, viewer, client_for, sent, sentence):
    answer = client_for(viewer).post(reverse("asset-word-errors", args=[run.asset_id]), sent)
    assert sentence in answer.content.decode()
