"""What is written on the picture, listed beside the player, in a real browser."""

from __future__ import annotations

import re

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP
from tests.browser.test_asset_page import open_tab, until
from tests.captions import match_film, needs_a_reader

pytestmark = pytest.mark.browser

_DRAWN = """(() => {
  const c = document.getElementById('written-box');
  return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v);
})()"""


@pytest.fixture(scope="module")
def read(site, browser, signed_in, tmp_path_factory) -> str:
    """A film that was uploaded and read by the button Index."""
    needs_a_reader()
    path = match_film(tmp_path_factory.mktemp("film") / "written-match.mp4")
    context = browser.new_context(viewport=DESKTOP, storage_state=signed_in, base_url=site.url)
    page = context.new_page()
    page.goto("/library")
    page.locator("#upload-form input[type=file]").set_input_files(path)
    page.locator("#results").get_by_role("link", name=re.compile("written-match")).first.click(
        timeout=60_000
    )
    page.wait_for_url("**/assets/*")
    open_tab(page, "Written", 60_000)
    page.locator("#pane-written").get_by_role("button", name="Index", exact=True).click()
    page.wait_for_load_state()
    open_tab(page, "Written")
    page.get_by_text("looks were needed").wait_for(timeout=180_000)
    until(page, "!document.querySelector('.speech-status')", 180)
    context.close()
    return page.url


def test_a_line_is_found_gone_to_and_shown_where_it_stands(page, read):
    page.goto(read)
    open_tab(page, "Written")
    page.locator("#written li").first.wait_for()
    page.get_by_label("Find in what is written").fill("norra")
    until(page, "document.querySelectorAll('#written li:not([hidden])').length === 1", 5)
    page.keyboard.press("Enter")
    line = page.locator("#written li:not([hidden]) button")
    assert "Overlay" in line.inner_text()
    line.press("Enter")
    until(page, "Math.abs(document.getElementById('media').currentTime - 1) < 0.2", 10)
    until(page, _DRAWN, 10)
    page.get_by_label("Find in what is written").fill("")
    until(page, "document.querySelectorAll('#written li.here').length >= 3", 5)
    page.get_by_label("Which writing").select_option("scene")
    until(page, "document.getElementById('written-found').textContent.includes('of')", 5)


def test_anybody_can_use_it(page, read):
    page.goto(read)
    open_tab(page, "Written")
    page.locator("#written li").first.wait_for()
    assert_accessible(page)
