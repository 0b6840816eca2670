"""From a miss to a hit in one drag: a brand that nothing knew is drawn, looked for and counted."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser


def opened(page, analysed: str) -> None:
    """The frame at three seconds, where the logo is, with the box about to be drawn."""
    page.goto(f"{analysed}?t=3")
    page.locator("table.exposure").wait_for()
    deadline = time.monotonic() + 30
    while page.evaluate("document.querySelector('video').readyState") < 2:
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    page.locator("#draw-missed").click()
    page.locator("#frame-view[open].is-drawing").wait_for()
    page.locator("#frame-image:not([hidden])").wait_for(timeout=30_000)


def drag(page, box: tuple[float, float, float, float]) -> None:
    """Over the picture, which lies letterboxed on its stage; fractions of it."""
    stage = page.locator("#frame-image").bounding_box()
    x1, y1, x2, y2 = (
        stage[start] + side * stage[length]
        for side, start, length in zip(box, "xyxy", ["width", "height"] * 2, strict=True)
    )
    page.mouse.move(x1, y1)
    page.mouse.down()
    page.mouse.move((x1 + x2) / 2, (y1 + y2) / 2)
    page.mouse.move(x2, y2)
    page.mouse.up()


def test_a_miss_becomes_a_hit_in_one_drag(page, analysed):
    opened(page, analysed)
    drag(page, (0.346, 0.211, 0.614, 0.567))
    form = page.locator("#again-form")
    assert "129 × 98 pixels of the film" in form.inner_text()
    page.get_by_placeholder("or type a new one").fill("Emirates")
    form.get_by_role("button", name="Look again").click()

    number = page.locator("#again-standing .again-number")
    number.wait_for(timeout=60_000)
    assert re.search(r"Emirates\s+0:00\.0 → 0:1[12]\.\d\s+\+1[12]\.\d s", number.inner_text())
    assert page.locator("#again-standing .again-episodes li").count() == 2
    with page.expect_download() as paper:
        page.locator("#again-standing").get_by_role("link", name="PDF").click()
    assert Path(paper.value.path()).read_bytes().startswith(b"%PDF")

    page.get_by_role("link", name="Show the new analysis").click()
    page.locator("table.exposure").wait_for()
    assert "Emirates" in page.locator("table.exposure").inner_text()
    assert "+1" in page.locator(".again-of").inner_text()
    page.get_by_role("link", name="The analysis before").click()
    page.locator("table.exposure").wait_for()
    assert "Emirates" not in page.locator("table.exposure").inner_text(), "it stays as it was"


def test_a_box_is_drawn_by_the_keyboard_and_too_small_a_one_is_said(page, analysed):
    opened(page, analysed)
    page.keyboard.press("Enter")
    size = page.locator("#again-size")
    assert size.inner_text().startswith("96 × 2")
    page.keyboard.press("Shift+Control+ArrowRight")
    assert size.inner_text().startswith("106 × 2")
    for _ in range(3):
        page.keyboard.press("Shift+Control+ArrowUp")
    assert "12 or more each way are needed" in page.locator("#again-says").inner_text()
    assert page.locator("#again-go").is_disabled()
    page.keyboard.press("Escape")
    assert page.locator("#frame-view[open]").count() == 1, "the sheet stays"
    assert page.locator("#frame-view.is-drawing").count() == 0
    page.keyboard.press("Escape")
    page.locator("#frame-view").wait_for(state="hidden")
