"""Who speaks when, in the timeline: walked by keys, gone to by a click, and read as a table."""

from __future__ import annotations

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.waiting import until

pytestmark = pytest.mark.browser
NOW = "document.querySelector('video').currentTime"


@pytest.fixture(scope="module")
def told(make_rows) -> dict:
    return make_rows("told_apart")


def test_the_lane_of_speakers_leads_from_one_turn_to_the_next(page, told):
    starts = told["starts"]
    page.goto(told["address"])
    lane = page.get_by_role("button", name="Speakers", exact=True)
    lane.wait_for()
    until(page, "document.querySelector('video')?.readyState >= 2")
    lane.focus()
    for start_s in starts:
        page.keyboard.press("ArrowRight")
        until(page, f"Math.abs({NOW} - {start_s}) < 0.1")
        until(page, "document.querySelector('video').seeking === false")
        page.wait_for_timeout(300)  # the playhead follows what the film says
    until(page, "document.getElementById('asset-live').textContent.includes('Speaker 1')")
    page.keyboard.press("ArrowLeft")
    until(page, f"Math.abs({NOW} - {starts[1]}) < 0.1")
    canvas, row = page.locator("#tl-canvas").bounding_box(), lane.bounding_box()
    page.mouse.click(canvas["x"] + canvas["width"] * 3 / 16, row["y"] + row["height"] / 2)
    until(page, f"Math.abs({NOW} - 3) < 0.2")
    assert_accessible(page)
    page.locator("[data-table=episodes]").click()
    table = page.locator("#episodes-table table", has_text="Who speaks")
    table.get_by_role("button", name="0:10.0").click()
    until(page, f"Math.abs({NOW} - 10) < 0.1")
    lane.click()
    page.locator("#speakers .speaker-chip", has_text="Speaker 2").wait_for()
