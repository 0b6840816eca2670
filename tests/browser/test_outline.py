"""What is talked about, beside the player, in a real browser: skipped to, renamed, flagged."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.waiting import open_tab, until
from tests.talking import needs_a_voice_and_an_engine

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def outlined(make_rows) -> str:
    """The address of the asset page of a talk whose outline was made."""
    if find_spec("spacy") is None:
        pytest.skip("needs spacy: see requirements-speech.txt")
    needs_a_voice_and_an_engine()
    return make_rows("magazine")


@pytest.fixture
def panel(tab, outlined):
    tab.goto(outlined)
    open_tab(tab, "Outline")
    until(tab, "document.querySelector('video')?.readyState >= 2")
    return tab


def starts(page) -> list[float]:
    moments = "[...document.querySelectorAll('.moment[data-kind=topic]')]"
    return page.evaluate(f"{moments}.map((one) => Number(one.dataset.start))")


def test_keys_skip_to_the_next_topic_and_to_the_next_ticked_one(panel):
    first, second, *_ = starts(panel)
    last = starts(panel)[-1]
    panel.keyboard.press("]")
    until(panel, f"Math.abs(document.querySelector('video').currentTime - {first}) < 0.5")
    panel.keyboard.press("]")
    until(panel, f"Math.abs(document.querySelector('video').currentTime - {second}) < 0.5")
    panel.keyboard.press("[")
    until(panel, f"Math.abs(document.querySelector('video').currentTime - {first}) < 0.5")
    panel.locator(".moment[data-kind=topic] .tick").last.check()
    panel.keyboard.press("]")
    until(panel, f"Math.abs(document.querySelector('video').currentTime - {last}) < 0.5")
    panel.reload()
    open_tab(panel, "Outline")
    assert panel.locator(".moment[data-kind=topic] .tick").last.is_checked()
    panel.locator(".moment[data-kind=topic] .tick").last.uncheck()


def test_skipping_silence_is_switched_by_a_key_and_by_its_button(panel):
    button = panel.get_by_role("button", name="Skip silence")
    assert button.get_attribute("aria-pressed") == "false"
    panel.keyboard.press("s")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"


def test_a_topic_is_renamed_by_the_keyboard_and_that_is_taken_back(panel):
    moment = panel.locator(".moment[data-kind=topic]").first
    before = moment.locator(".what").inner_text()
    moment.get_by_role("button", name=re.compile("^Correct")).focus()
    panel.keyboard.press("Enter")
    panel.locator(".moment-form [name=title]").wait_for()
    panel.keyboard.press("Control+a")
    panel.keyboard.type("The regatta")
    panel.keyboard.press("Enter")
    moment.get_by_text("The regatta").wait_for()
    assert before in moment.inner_text()
    panel.reload()
    open_tab(panel, "Outline")
    moment.get_by_text("The regatta").wait_for()
    assert_accessible(panel)
    moment.get_by_role("button", name="Undo").click()
    moment.locator(".what").get_by_text(before, exact=True).wait_for()


def test_a_flag_is_collected(panel):
    moment = panel.locator(".moment[data-kind=topic]").last
    moment.hover()
    moment.get_by_role("button", name=re.compile("^Flag")).click()
    panel.locator(".moment-form [name=note]").fill("two topics in one")
    panel.locator(".moment-form").get_by_role("button", name="Flag").click()
    panel.get_by_text("Flagged.").wait_for()
    panel.goto("/feedback")
    panel.get_by_text("two topics in one").wait_for()
    assert_accessible(panel)
    panel.get_by_role("button", name="Take back").first.click()
    panel.get_by_text("taken back").first.wait_for()


def test_the_player_has_chapters_and_a_phone_has_room(panel):
    until(panel, "document.querySelector('track[kind=chapters]')?.track.cues?.length >= 2")
    panel.set_viewport_size(PHONE)
    wide = panel.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"]
    if folder := os.environ.get("SCREENSHOTS"):
        panel.screenshot(path=f"{folder}/outline-phone.png", full_page=True)
        panel.set_viewport_size(DESKTOP)
        panel.screenshot(path=f"{folder}/outline.png")
        panel.evaluate("document.documentElement.dataset.theme = 'dark'")
        moment = panel.locator(".moment[data-kind=topic]").nth(1)
        moment.hover()
        moment.get_by_role("button", name=re.compile("^Correct")).click()
        panel.screenshot(path=f"{folder}/outline-dark.png")
        panel.goto("/feedback")
        panel.screenshot(path=f"{folder}/feedback.png")
