"""What is written on the picture, listed beside the player, in a real browser."""

from __future__ import annotations

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.waiting import open_tab, until
from tests.captions import needs_a_reading_engine

pytestmark = pytest.mark.browser

_DRAWN = """(() => {
  const c = document.getElementById('written-box');
  return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v);
})()"""


@pytest.fixture(scope="module")
def read(make_rows) -> str:
    """The address of the asset page of a film that was read."""
    needs_a_reading_engine()
    return make_rows("written_match")


def test_a_line_is_found_gone_to_and_shown_where_it_stands(page, read):
    page.goto(read)
    open_tab(page, "Written")
    page.locator("#written li").first.wait_for()
    page.get_by_label("Find in what is written").fill("norra")
    until(page, "document.querySelectorAll('#written li:not([hidden])').length === 1")
    page.keyboard.press("Enter")
    line = page.locator("#written li:not([hidden]) button")
    assert "Overlay" in line.inner_text()
    line.press("Enter")
    until(page, "Math.abs(document.getElementById('media').currentTime - 1) < 0.2")
    until(page, _DRAWN)
    page.get_by_label("Find in what is written").fill("")
    until(page, "document.querySelectorAll('#written li.here').length >= 3")
    page.get_by_label("Which writing").select_option("scene")
    until(page, "document.getElementById('written-found').textContent.includes('of')")


def test_anybody_can_use_it(page, read):
    page.goto(read)
    open_tab(page, "Written")
    page.locator("#written li").first.wait_for()
    assert_accessible(page)
