"""Typing what was said finds the moment."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.spoken import transcribed

pytestmark = pytest.mark.django_db


@pytest.fixture
def indexing(asset, owner):
    return transcribed(asset, by=owner)


def found(browser, query: str, **more) -> str:
    page = browser.get(reverse("library"), {"q": query, **more}).content.decode()
    _, _, after = page.partition('aria-label="Moments in the library"')
    return after.partition("</section>")[0]


def test_words_are_found_where_they_are_said(indexing, viewer, client_for):
    answer = found(client_for(viewer), "BANK norra")
    assert "<mark>Norra Bank</mark>" in answer
    assert f"{reverse('asset', args=[indexing.asset_id])}?t=12.50" in answer
    assert (
        "No asset is called that"
        in client_for(viewer).get(reverse("library"), {"q": "norra"}).content.decode()
    )


@pytest.mark.parametrize("query", ["zebra", "kestrel bank", "a", "", "%", "<b>", "x" * 5000])
def test_what_nobody_said_is_not_found(indexing, viewer, client_for, query):
    assert found(client_for(viewer), query) == ""


def test_a_corrected_word_is_found_and_what_it_was_is_not(indexing, owner, client_for):
    browser = client_for(owner)
    line = indexing.speech_segments.first()
    values = {"segment": line.pk, "word": 0, "text": "Osprey"}
    browser.post(reverse("indexing-edit-word", args=[indexing.pk]), values)
    assert "<mark>Osprey</mark>" in found(browser, "osprey")
    assert found(browser, "kestrel") == ""


def test_only_the_transcript_that_is_read_is_searched(indexing, owner, client_for):
    transcribed(indexing.asset, by=owner, said=["a quiet morning"])
    assert found(client_for(owner), "kestrel") == ""
    assert "<mark>quiet</mark>" in found(client_for(owner), "quiet")


def test_the_filters_hold_for_what_is_said_too(indexing, viewer, client_for):
    assert found(client_for(viewer), "norra", kind="audio") == ""
    assert found(client_for(viewer), "norra", kind="video")


def test_a_stranger_finds_nothing(indexing, stranger, other_workspace, client_for):
    assert found(client_for(stranger), "norra") == ""
