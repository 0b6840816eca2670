"""Exposures of the sky from the disk to the screen: upload, move, zoom, read, blink."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.waiting import look_again, until
from tests.sky_exposures import stars, tan, written

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")
pytestmark = pytest.mark.browser

LOADED = "document.querySelectorAll('.sky-view[data-loading=\"true\"]').length === 0"
SHOWN = "[...document.querySelectorAll('[data-sky-pane]')].findIndex((p) => 'shown' in p.dataset)"
GREYS = """(() => {
  const canvas = document.querySelector('.sky-view canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) seen.add(data[at]);
  return seen.size;
})()"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sky")
    return [
        written(
            folder / f"viewed-{n}.fits",
            stars(shape=(300, 400), moved=5.0 * n) + n,
            # the second points elsewhere by ten pixels
            tan(**{"DATE-OBS": f"2026-03-01T04:{10 * n:02}:00", "CRPIX1": 200.5 + 10 * n}),
        )
        for n in range(2)
    ]


@pytest.fixture
def numbers(page, site, files):
    """The ids of the two assets, once they are ready."""
    mine = f"{site.url}/library?kind=sky&sort=name&q=viewed"  # others brought theirs
    page.goto(mine)
    if not page.locator(".card .says", has_text="Science").count():
        page.goto(f"{site.url}/library")
        page.locator("input[type=file][name=file]").first.set_input_files(files)
        page.wait_for_timeout(1000)
        page.goto(mine)
    ready = page.locator(".card .says", has_text="Science")
    look_again(page, lambda: ready.count() == 2, "two exposures are ready")
    links = page.locator("a.name").evaluate_all("all => all.map((one) => one.href)")
    return [int(link.rpartition("/")[2]) for link in links]


def readout(page) -> dict[str, str]:
    names = ("x", "y", "ra", "dec", "value")
    return {
        name: page.locator(f"#sky-readout [data-{name}]").inner_text().strip() for name in names
    }


def middle(page) -> tuple[float, float]:
    box = page.locator(".sky-view").first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_move_and_zoom_and_read_what_is_there(page, site, numbers):
    page.goto(f"{site.url}/assets/{numbers[0]}")
    until(page, LOADED)
    until(page, f"{GREYS} > 50")
    page.mouse.move(*middle(page))
    until(page, "document.querySelector('#sky-readout [data-ra]').textContent !== '–'")
    said = readout(page)
    assert float(said["x"]) == pytest.approx(200.5, abs=0.6)
    assert float(said["y"]) == pytest.approx(150.5, abs=0.6)
    assert re.match(r"(23:59:59\.[678]|23:59:59\.9)", said["ra"])
    assert said["dec"].startswith(("−30:00:00", "−29:59:59"))

    for _ in range(6):
        page.mouse.wheel(0, -200)
    until(page, "document.querySelector('[data-zoom-says]').textContent.endsWith(' : 1')")
    until(page, LOADED)
    page.mouse.down()
    x, y = middle(page)
    page.mouse.move(x + 90, y + 40, steps=4)
    page.mouse.up()
    until(
        page,
        "!['–', '…'].includes(document.querySelector('#sky-readout [data-value]').textContent)",
    )
    said = readout(page)
    assert float(said["x"]) == pytest.approx(200.5, abs=0.6)  # what was dragged stays under it
    column, row = round(float(said["x"]) - 1), round(float(said["y"]) - 1)
    near = stars(shape=(300, 400))[row - 1 : row + 2, column - 1 : column + 2]
    assert np.abs(near - float(said["value"])).min() < 0.01

    page.locator(".sky-view").focus()  # and the same without a mouse
    page.keyboard.press("0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    before = float(readout(page)["x"])
    page.keyboard.press("ArrowRight")
    until(page, f"Number(document.querySelector('#sky-readout [data-x]').textContent) > {before}")

    place = page.get_by_label("Go to")
    place.fill("12:00:00 +10:00:00")
    place.press("Enter")
    until(page, "document.querySelector('#sky-live').textContent.includes('not on this picture')")
    place.fill("23:59:59.76 -30:00:00.0")
    place.press("Enter")
    until(
        page, "/^Pixel 200.[456], 150.[456]/.test(document.querySelector('#sky-live').textContent)"
    )

    page.get_by_label("Invert").check()
    page.get_by_label("White, in the unit of the picture").fill("5000")
    page.keyboard.press("Tab")
    assert page.get_by_label("Limits").input_value() == "hand"
    page.get_by_label("Find in the header").fill("filter")
    assert page.locator("#header-table tbody tr:visible").count() == 1
    page.get_by_label("Find in the header").fill("")
    assert_accessible(page)
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_two_are_laid_on_each_other_and_blink(page, site, numbers):
    page.goto(f"{site.url}/assets/{numbers[0]}")
    page.get_by_text("Put beside").click()
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/sky/beside?*")
    until(page, LOADED)
    assert_accessible(page)
    first, second = (page.locator(".sky-view").nth(n).bounding_box() for n in range(2))
    at = {}
    for n, box in enumerate((first, second)):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        until(page, "document.querySelector('#sky-readout [data-ra]').textContent !== '–'")
        until(
            page, f"document.querySelector('#sky-readout [data-name]').textContent === 'viewed-{n}'"
        )
        at[n] = readout(page)
    assert (at[0]["ra"], at[0]["dec"]) == (at[1]["ra"], at[1]["dec"])
    assert float(at[1]["x"]) - float(at[0]["x"]) == pytest.approx(10, abs=0.11)

    page.keyboard.press("b")
    page.keyboard.press(".")
    assert page.evaluate(SHOWN) == 1
    page.keyboard.press(",")
    assert page.evaluate(SHOWN) == 0
    page.keyboard.press(" ")
    until(page, f"{SHOWN} === 1", 10)
    until(page, f"{SHOWN} === 0", 10)
    page.keyboard.press(" ")

    page.emulate_media(reduced_motion="reduce")
    before = page.evaluate(SHOWN)
    page.keyboard.press(" ")
    assert page.evaluate(SHOWN) == 1 - before
    page.wait_for_timeout(1200)
    assert page.evaluate(SHOWN) == 1 - before  # nothing moves by itself
