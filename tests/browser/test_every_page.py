"""Every page opens, fits a desk and a phone, asks no other host, and logs no error."""

from __future__ import annotations

import pytest

from tests.browser.conftest import DESKTOP, PHONE

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/library",
    "/projects",
    "/compare",
    "/reports",
    "/models",
    "/training",
    "/training/new",
    "/labelling",
    "/labelling/make",
    "/settings",
    "/settings/profile",
    "/settings/members",
    "/settings/keys",
    "/settings/audit-log",
    "/settings/system",
    "/methodology",
    "/api/v1/docs/",
]


@pytest.mark.parametrize("path", PAGES)
def test_it_opens(page, analysed, path):
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert page.goto(path).status == 200
        page.wait_for_load_state("networkidle")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{path} is {width} px wide at {size['width']}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_on_a_page_can_be_reached_by_tab(page, analysed, theme):
    page.emulate_media(color_scheme=theme)
    page.goto("/library")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
    assert any("Upload" in text or 'type="file"' in text for text in seen)
    assert any("CLIP" in text or "/assets/" in text for text in seen)


def test_a_page_that_does_not_exist_says_so(page, analysed):
    page.goto("/library")
    page.problems.clear()
    assert page.goto("/assets/999999").status == 404
    assert page.locator("h1").inner_text()
    page.problems.clear()
