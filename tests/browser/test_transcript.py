"""What is said, beside the player, in a real browser: asked for by a button, read along, clicked,
corrected, found, captioned."""

from __future__ import annotations

import re

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.waiting import open_tab, until

pytestmark = pytest.mark.browser


@pytest.fixture
def panel(tab, spoken):
    tab.goto(spoken)
    open_tab(tab, "Transcript")
    tab.locator(".line [data-word]").first.wait_for()
    until(tab, "document.querySelector('video')?.readyState >= 2")
    return tab


def word(page, text: str):
    return page.locator(".line [data-word]").get_by_text(re.compile(f"^{text}\\b", re.I)).first


def now(page) -> float:
    return page.evaluate("document.querySelector('video').currentTime")


def test_a_word_that_is_clicked_is_where_it_plays(panel):
    word(panel, "west").click()
    until(panel, "!document.querySelector('video').paused")
    until(panel, "/^west/i.test(document.querySelector('.said')?.textContent)")
    started = now(panel)
    assert started > 8, "the wind comes late in the talk"
    until(panel, f"document.querySelector('video').currentTime > {started} + 0.3")


def test_captions_are_in_step_with_what_is_said(panel):
    panel.keyboard.press("c")
    until(panel, "document.querySelector('track[kind=captions]')?.track.mode === 'showing'")
    until(panel, "document.querySelector('track[kind=captions]').track.cues?.length > 3")
    for said in ("welcome", "inside", "west"):
        word(panel, said).click()
        until(
            panel,
            "[...(document.querySelector('track[kind=captions]').track.activeCues ?? [])]"
            f".some((cue) => cue.text.toLowerCase().includes('{said}'))",
        )
        shown = panel.evaluate("document.querySelector('.said').textContent.toLowerCase()")
        caption = panel.evaluate(
            "document.querySelector('track[kind=captions]').track.activeCues[0].text"
        )
        assert shown.strip(".,") in caption.lower()
    panel.keyboard.press("c")
    until(panel, "document.querySelector('track[kind=captions]').track.mode === 'hidden'")


def test_the_transcript_follows_until_somebody_reads_elsewhere(panel):
    assert panel.locator("#transcript-follow").is_hidden()
    panel.locator("#transcript").hover()
    panel.mouse.wheel(0, 200)
    panel.locator("#transcript-follow").wait_for()
    panel.locator("#transcript-follow").click()
    assert panel.locator("#transcript-follow").is_hidden()


def test_a_word_edited_by_the_keyboard_stays_edited(panel):
    before = word(panel, "river").inner_text()
    word(panel, "river").focus()
    panel.keyboard.press("e")
    panel.keyboard.type("canal")
    panel.keyboard.press("Escape")
    assert word(panel, "river").inner_text() == before
    word(panel, "river").focus()
    panel.keyboard.press("e")
    panel.keyboard.type("Kestrel Canal")
    panel.keyboard.press("Enter")
    edited = panel.locator(".line .edited")
    edited.wait_for()
    assert edited.inner_text() == "Kestrel Canal"
    panel.reload()
    edited.wait_for()
    assert edited.inner_text() == "Kestrel Canal"
    panel.locator("#show-captions").click()
    assert "river" in edited.get_attribute("title").lower()
    until(
        panel,
        "[...(document.querySelector('track[kind=captions]')?.track.cues ?? [])]"
        ".some((cue) => cue.text.replace('\\n', ' ').includes('Kestrel Canal'))",
    )
    panel.locator("#show-captions").click()
    edited.focus()
    panel.keyboard.press("Control+z")
    word(panel, "river").wait_for()
    panel.reload()
    open_tab(panel, "Transcript")
    word(panel, "river").wait_for()
    assert panel.locator(".line .edited").count() == 0


def test_words_are_found_one_after_the_other(panel):
    panel.get_by_label("Find in the transcript").fill("the")
    found = panel.locator("#transcript-found")
    found.get_by_text(re.compile(r"^1 of \d+$")).wait_for()
    panel.keyboard.press("Enter")
    found.get_by_text(re.compile(r"^2 of")).wait_for()
    panel.keyboard.press("Shift+Enter")
    found.get_by_text(re.compile(r"^1 of")).wait_for()
    assert panel.locator(".hit-now").count() == 1
    panel.get_by_label("Find in the transcript").fill("side by side")
    panel.locator(".hit-now").nth(2).wait_for()
    panel.get_by_label("Find in the transcript").fill("zeppelin")
    found.get_by_text("Not there").wait_for()


def test_arrows_walk_from_word_to_word(panel):
    panel.locator(".line [data-word]").first.focus()
    panel.keyboard.press("ArrowRight")
    assert panel.evaluate("document.activeElement.dataset.word") == "1"
    line = panel.evaluate("document.activeElement.closest('.line').dataset.line")
    panel.keyboard.press("ArrowDown")
    assert panel.evaluate("document.activeElement.closest('.line').dataset.line") != line
    panel.keyboard.press("Enter")
    until(panel, "!document.querySelector('video').paused")


def test_the_transcript_is_taken_away_as_subtitles(panel):
    panel.get_by_label("More for the transcript").click()
    with panel.expect_download() as download:
        panel.get_by_role("link", name="Captions (SRT)", exact=True).click()
    assert download.value.suggested_filename == "WESTERLY-transcript.srt"
    assert "-->" in open(download.value.path()).read()  # noqa: SIM115


def test_everybody_can_use_it(panel):
    assert_accessible(panel)


def test_typing_what_was_said_finds_the_moment(page, spoken):
    page.goto("/library")
    page.get_by_label("Search names, and what is said").fill("wind west")
    moment = page.get_by_label("Moments in the library").locator("li a").first
    moment.wait_for()
    assert_accessible(page)
    moment.click()
    page.wait_for_url("**/assets/**t=**")
    until(page, "document.querySelector('video')?.currentTime > 8")
