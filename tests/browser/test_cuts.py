"""From a brand's figures to a film on one's own disk: reel, preview, rendering, download."""

from __future__ import annotations

import re

import pytest

from tests.analysis.cutting.test_render import facts
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.copying import copied
from tests.browser.waiting import until

pytestmark = pytest.mark.browser

BORDERS = ("start", "end")
CURRENT = "document.querySelector('.cut-clip[aria-current]')?.dataset.place"
VIDEO = "document.querySelector('#cut-stage video:not([hidden])')"


@pytest.fixture
def reel(page, analysed):
    """The cut of a brand's two exposures, from the asset page on."""
    page.goto(analysed)
    page.locator("table.exposure .evidence").first.click()
    page.get_by_role("link", name="Highlight reel").click()
    page.get_by_label("Length at most, seconds").fill("12")
    page.get_by_label("Of each exposure at most, seconds").fill("2")
    page.get_by_label("Before and after each, seconds").fill("0")
    page.get_by_role("button", name="Make the reel").click()
    page.wait_for_url("**/cuts/*")
    until(page, f"{VIDEO}?.readyState >= 2")
    return page


def test_make_a_reel_and_download_it(reel, tmp_path):
    page = reel
    assert page.locator(".cut-clip").count() == 2
    second = float(page.locator("input[id^=start-]").nth(1).input_value())
    assert_accessible(page)
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.set_viewport_size(DESKTOP)

    page.get_by_role("button", name="Play", exact=True).click()  # goes on into the second by itself
    until(page, f"{CURRENT} === '1'", 20)
    until(page, f"{VIDEO}.currentTime > {second} + 0.3", 20)
    until(page, "document.querySelector('#cut-play span').textContent === 'Play'", 20)
    assert re.match(r"0:0[34]", page.locator("#cut-time").inner_text())

    page.get_by_role("button", name="Render", exact=True).click()
    link = page.get_by_role("link", name="Download MP4")
    link.wait_for(timeout=120_000)
    with page.expect_download() as download:
        link.click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "acme-highlights.mp4"
    known = facts(path)
    lengths = [float(c["end_time"]) - float(c["start_time"]) for c in known["chapters"]]
    assert lengths == pytest.approx([2.0, 2.0], abs=0.15)
    assert float(known["streams"][0]["duration"]) == pytest.approx(sum(lengths), abs=0.01)
    assert [c["tags"]["title"] for c in known["chapters"]] == ["Acme", "Acme"]


def test_clips_are_trimmed_and_put_in_order_by_keyboard(reel):
    page = reel
    first = page.locator("input[id^=start-]").first
    before = float(first.input_value())
    page.locator("[id^=start-more-]").first.focus()
    page.keyboard.press("Enter")
    until(page, f"Number(document.querySelector('input[id^=start-]').value) > {before}")
    assert float(first.input_value()) == pytest.approx(before + 0.1)  # ten frames a second
    assert page.evaluate("document.activeElement.id").startswith("start-more-")

    page.locator("[id^=title-]").first.fill("Kick-off")
    page.keyboard.press("Tab")
    until(page, "document.querySelector('#cut-data').textContent.includes('Kick-off')")
    page.locator("[data-play]").first.focus()
    page.keyboard.press("Alt+ArrowDown")
    until(page, "document.querySelectorAll('input[id^=title-]')[1].value === 'Kick-off'")

    page.keyboard.press("Delete")
    page.get_by_text("“Kick-off” is out of the cut.").wait_for()
    assert page.locator(".cut-clip").count() == 1
    page.get_by_role("button", name="Undo").click()
    page.wait_for_load_state()
    assert page.locator(".cut-clip").count() == 2


def test_changes_made_faster_than_they_are_kept_are_all_kept(reel):
    page = reel
    held: list = []
    page.route("**/cut-clips/*/edit", lambda route: held.append(route))
    page.keyboard.press(".")
    for key in ("i", ".", ".", ".", "o"):
        page.keyboard.press(key)
    page.locator("[data-play]").first.focus()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowUp")
    for _ in range(4):
        while not held:
            page.wait_for_timeout(20)
        held.pop().continue_()
    until(page, "document.activeElement.id === document.querySelector('[data-play]').id")
    start, end = (float(page.locator(f"input[id^={b}-]").first.input_value()) for b in BORDERS)
    assert 0 < end - start < 1, "both were set"


def test_a_stranger_with_the_link_sees_the_film_alone(reel, browser, site):
    page = reel
    page.get_by_role("button", name="Make a link").click()
    address = page.locator("#new-link").inner_text()
    assert copied(page, page.get_by_role("button", name="Copy", exact=True)) == address
    page.get_by_role("link", name="Download MP4").wait_for(timeout=120_000)
    context = browser.new_context()
    other = context.new_page()
    other.goto(address)
    assert other.get_by_role("heading", level=1).inner_text() == "Acme: highlights"
    until(other, "document.querySelector('video').readyState >= 1")
    other.locator("[data-time]").nth(1).click()
    until(other, "document.querySelector('video').currentTime >= 1.8")
    assert_accessible(other)
    other.goto(re.sub(r"/watch/.*", "/cuts", address))
    assert "/sign-in" in other.url
    context.close()
