"""What an evaluation and a training show in a real browser: charts, slider, filters, pictures."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import PHONE
from tests.browser.waiting import PATIENCE_S

pytestmark = pytest.mark.browser


def until(what: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def rows(make_rows) -> dict[str, int]:
    return make_rows("evaluated")


@pytest.fixture
def measured(tab, rows):
    tab.goto(f"/evaluations/{rows['evaluation']}")
    return tab


def said(page) -> str:
    return page.locator("#outcomes summary").inner_text()


def test_the_slider_moves_figures_and_pictures(measured):
    measured.get_by_label("each label's own").uncheck()
    measured.locator("#threshold").fill("0.65")
    until(lambda: "At 0.65" in said(measured))
    row = measured.locator("#outcomes tbody tr", has_text="Kestrel").first
    assert row.inner_text().split()[1:] == ["0.65", "1", "1", "2", "0.500", "0.333", "0.400"]
    assert measured.locator("#outcomes rect.true").count() == 1
    measured.locator("#threshold").press("End")
    until(lambda: "At 1.00" in said(measured))
    assert measured.locator("#outcomes rect.true, #outcomes rect.false").count() == 0
    measured.get_by_label("each label's own").check()
    until(lambda: "own threshold" in said(measured))


def test_the_gallery_is_filtered_and_shown_large_by_keyboard(measured):
    measured.locator("#choices select").select_option("Vitalo")
    measured.get_by_role("radio", name="Missed").check()
    shots = measured.locator("[data-shot]")
    until(lambda: shots.count() == 2 and not measured.locator(".htmx-request").count())
    shots.first.focus()
    measured.keyboard.press("Enter")
    large = measured.locator("dialog.large")
    until(lambda: large.locator("rect.missed").count() == 1)
    until(lambda: large.bounding_box()["width"] > 600)
    measured.keyboard.press("Escape")
    until(lambda: large.count() == 0)
    until(lambda: measured.evaluate("document.activeElement.hasAttribute('data-shot')"))


def test_each_chart_has_a_table_that_says_the_same(measured):
    measured.locator("[data-pr-label]").select_option("Kestrel")
    points = measured.locator("[data-pr] polyline").get_attribute("points").split()
    measured.get_by_text("The same in numbers").first.click()
    lines = measured.locator("[data-pr-table] tbody tr")
    assert lines.count() == len(points) == 3
    assert lines.first.inner_text().split() == ["0.900", "0.333", "1.000"]
    assert measured.locator("[data-reliability] circle").count() == 3


def test_a_phone_has_room_for_it(measured):
    measured.set_viewport_size(PHONE)
    width = measured.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    assert_accessible(measured)


def test_the_pages_of_a_model_and_a_training_are_accessible(page, rows):
    for path in (f"/model-versions/{rows['version']}", f"/training/{rows['training']}"):
        page.goto(path)
        assert_accessible(page)


def test_curves_are_drawn_and_told(page, rows):
    page.goto(f"/training/{rows['training']}")
    assert "The disk is full." in page.locator("#training-status").inner_text()
    assert page.locator("[data-chart] polyline").count() == 3
    first = page.locator("[data-chart] svg").first
    first.hover()
    until(lambda: re.search(r"epoch \d", page.locator(".reading").first.inner_text()))
    page.get_by_text("The same in numbers").click()
    cells = page.locator("[data-curves-table] tbody tr").last.inner_text().split()
    assert cells[:2] == ["6", "0.667"]
