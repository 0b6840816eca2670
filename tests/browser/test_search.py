"""Typing what was said finds the moment, and it plays there."""

from __future__ import annotations

import re

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.waiting import until

pytestmark = pytest.mark.browser


def test_typing_what_was_said_finds_the_moment_and_plays_there(page, spoken):
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
    page.evaluate("document.querySelector('video').muted = true")
    until(page, f"document.querySelector('video').currentTime > {time_s + 0.5}")  # by itself
    page.keyboard.press(" ")
    assert page.evaluate("document.querySelector('video').paused")
    page.reload()  # and stays where it was left
    until(page, f"document.querySelector('video').currentTime > {time_s}")
    assert page.evaluate("document.querySelector('video').paused")


def test_keys_go_from_moment_to_moment(page, spoken):
    page.goto("/search?q=the")
    page.locator("h1").click()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.className") == "moment"
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.id") == "q"


def test_what_is_too_long_to_be_asked_is_said_at_the_field(page):
    page.goto("/search")
    page.locator("#q").fill("harbour " * 1250)
    said = page.evaluate("document.querySelector('#q').validationMessage")
    assert said == "This is too long to look for: 10,000 characters. Shorten it."
    page.locator("#q").press("Enter")
    assert page.url.endswith("/search")
    page.locator("#q").fill("界" * 500)  # as long as a search may be, and nine times that to send
    page.wait_for_url("**/search?q=*")
    page.locator("#found h2").first.wait_for()
    assert page.goto(page.url).status == 200
    page.locator("#q").fill("界" * 600)
    page.get_by_text("A search holds at most 500 characters, this has 600.").wait_for()
