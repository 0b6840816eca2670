"""Typing what was said finds the moment, and it plays there."""

from __future__ import annotations

import re

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP
from tests.browser.test_asset_page import open_tab, until
from tests.talking import needs_a_voice_and_an_engine, talk

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def heard(site, browser, signed_in, tmp_path_factory) -> None:
    """A talk that somebody has listened to."""
    needs_a_voice_and_an_engine()
    said = ["Nobody knows this film yet.", "The old lighthouse stands on the northern shore."]
    path = talk(tmp_path_factory.mktemp("talk") / "LIGHTHOUSE.mp4", said)
    context = browser.new_context(viewport=DESKTOP, storage_state=signed_in, base_url=site.url)
    page = context.new_page()
    page.goto("/library")
    page.locator("#upload-form input[type=file]").set_input_files(path)
    page.locator("#results").get_by_role("link", name=re.compile("LIGHTHOUSE", re.I)).first.click(
        timeout=60_000
    )
    page.wait_for_url("**/assets/*")
    open_tab(page, "Transcript", 60_000)
    page.get_by_role("button", name="Index", exact=True).click()
    page.wait_for_load_state()
    open_tab(page, "Transcript")
    page.get_by_text("Heard by Whisper").wait_for(timeout=180_000)
    until(page, "!document.querySelector('.speech-status')", 180)
    context.close()


def test_typing_what_was_said_finds_the_moment_and_plays_there(page, heard):
    page.goto("/settings")
    page.keyboard.press("/")
    page.wait_for_url("**/search")
    page.locator("#q").press_sequentially("northe", delay=30)
    moment = page.locator(".moment").first
    moment.wait_for()
    assert re.search("northern", moment.locator("mark").inner_text(), re.I)
    assert moment.locator(".chip").first.inner_text() == "Said"
    assert page.url.endswith("/search?q=northe")
    assert_accessible(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/assets/*t=*")
    time_s = float(re.search(r"t=([\d.]+)", page.url)[1])
    assert time_s > 3
    until(page, f"Math.abs(document.querySelector('video').currentTime - {time_s}) < 1")


def test_keys_go_from_moment_to_moment(page, heard):
    page.goto("/search?q=the")
    page.locator("h1").click()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.className") == "moment"
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == "q"
