"""A recording without a picture has the timeline that films have: seen, walked, cut from."""

from __future__ import annotations

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.podcast import BRAND, PROJECT, TURNS
from tests.browser.waiting import until

pytestmark = pytest.mark.browser
NOW = "document.querySelector('audio').currentTime"


@pytest.fixture(scope="module")
def talk(make_rows) -> dict:
    return make_rows("podcast")


@pytest.fixture
def timeline(page, talk):
    page.goto(talk["address"])
    page.locator("#named h2").wait_for()
    if (projects := page.locator("#named-project")).count():  # there are those of other tests
        projects.select_option(label=PROJECT)
    page.get_by_role("button", name=f"{BRAND}, said 2 times").wait_for()
    until(page, "document.querySelector('audio').readyState >= 1")
    return page


def place(page, lane: str, time_s: float) -> tuple[float, float]:
    """Where a time of a lane is on the page."""
    canvas = page.locator("#tl-canvas").bounding_box()
    row = page.locator(lane).bounding_box()
    return canvas["x"] + canvas["width"] * time_s / 45, row["y"] + row["height"] / 2


def test_its_lanes_are_clicked_and_walked_by_keys(timeline, talk):
    timeline.mouse.click(*place(timeline, ".name.shots", 30))
    until(timeline, f"Math.abs({NOW} - 30) < 0.2")
    brand = timeline.locator("#tl-brands [data-lane]")
    brand.focus()
    timeline.keyboard.press("ArrowLeft")
    until(timeline, f"Math.abs({NOW} - 28) < 0.2")  # the fifth word of its line
    timeline.keyboard.press("ArrowLeft")
    until(timeline, f"Math.abs({NOW} - 6) < 0.2")
    brand.click()
    until(timeline, "document.querySelector('#named details.said-of').open")
    timeline.mouse.move(*place(timeline, "#tl-words", 6.5))
    until(timeline, "document.getElementById('tl-card').innerText.includes('pays for this talk')")
    timeline.mouse.click(*place(timeline, "#tl-speakers", 15))
    until(timeline, f"Math.abs({NOW} - 15) < 0.2")
    timeline.keyboard.press("]")
    until(timeline, f"Math.abs({NOW} - 26) < 0.2")
    until(timeline, "location.search.includes('t=26')")
    assert timeline.locator("#transcript .names", has_text=BRAND).count() == 2
    assert timeline.locator("#transcript .who").count() == len(TURNS)  # none anew at a border
    assert_accessible(timeline)


def test_a_range_becomes_a_clip_with_its_words_as_the_title(timeline, talk):
    timeline.mouse.move(*place(timeline, ".name.shots", 5.5))
    timeline.mouse.down()
    timeline.mouse.move(*place(timeline, ".name.shots", 9), steps=4)
    timeline.mouse.up()
    timeline.get_by_role("button", name="Make a clip").click()
    timeline.wait_for_url("**/cuts/*")
    clip = timeline.locator(".cut-clip")
    assert "Tidewater pays for this talk" in clip.locator("input[name=title]").input_value()
