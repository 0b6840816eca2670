"""Three exposures are uploaded and searched; what moved is blinked, accepted and written out."""

from __future__ import annotations

import re

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.waiting import look_again, until
from tests.night_sky import fits_bytes

pytestmark = pytest.mark.browser
pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")

SEEN = "[...document.querySelectorAll('[data-frame]')].findIndex((one) => !one.hidden)"

SHOWN = "(document.querySelector('[data-candidate]')?.dataset.called ?? '')"
LEFT = "Number(document.querySelector('[data-left]').textContent)"


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list:
    folder = tmp_path_factory.mktemp("night")
    found = []
    for n in range(-1, 3):
        path = folder / ("reference.fits" if n < 0 else f"field7-{n + 1}.fits")
        path.write_bytes(fits_bytes(n))
        found.append(path)
    return found


def test_a_night_from_upload_to_file(page, files):
    page.goto("/library")
    page.locator("#upload-form input[type=file]").set_input_files(files)
    for file in files:
        page.locator("#results").get_by_role("link", name=re.compile(file.stem)).first.wait_for()
    page.goto("/nights/new")
    boxes = page.locator("input[name=exposures]")
    look_again(page, lambda: boxes.count() == 4, "the exposures are prepared")
    assert_accessible(page)

    # all four are of one field and night; the first is the reference
    page.get_by_label(re.compile("^All of Field 7")).check()
    page.get_by_text("4 chosen").wait_for()
    page.locator("label", has_text="reference.fits").get_by_role("checkbox").uncheck()
    page.get_by_text("3 chosen").wait_for()
    page.get_by_label("Reference", exact=True).select_option(label="reference.fits")
    page.get_by_label("Name").fill("Field 7 in March")
    page.get_by_role("button", name="Search", exact=True).click()

    page.get_by_role("heading", name="Searched", exact=True).wait_for()
    row = page.locator("table.candidates tbody tr").filter(has_text="moves").first
    row.get_by_role("cell", name=re.compile(r"^3[567]\.\d$")).wait_for()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert_accessible(page)

    row.get_by_role("link").first.click()
    page.get_by_role("heading", name="Blink").wait_for()
    assert_accessible(page)
    at = page.evaluate(SEEN)
    until(page, f"{SEEN} !== {at}")  # it blinks by itself
    page.keyboard.press("Space")
    page.get_by_role("button", name="Blink", exact=True).wait_for()
    at = page.evaluate(SEEN)
    page.keyboard.press(".")
    assert page.evaluate(SEEN) == (at + 1) % 3
    page.keyboard.press("3")
    page.get_by_role("button", name="Difference", pressed=True).wait_for()
    assert page.locator(".triplets img").count() == 3

    page.keyboard.press("a")
    page.get_by_text(re.compile(r"Candidate \d+: accepted")).wait_for()
    page.goto("/nights")
    page.get_by_role("link", name="Field 7 in March", exact=True).click()
    page.locator("summary", has_text="Files").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="ADES", exact=True).first.click()
    text = download.value.path().read_text(encoding="utf-8")
    records = [line for line in text.splitlines() if line.count("|") > 5]
    assert len(records) == 1 + 3, "a head and a line for each exposure"
    assert "2026-03-14T21:00:30" in text, "the middle of the first"


def test_candidates_are_reviewed_by_keys_alone(page):
    page.goto("/nights")
    page.get_by_role("link", name="Field 7 in March", exact=True).click()
    page.locator("table.candidates tbody a").first.click()
    page.get_by_role("heading", name="Blink").wait_for()
    at = page.evaluate(SEEN)
    until(page, f"{SEEN} !== {at}")  # its keys are heard
    page.keyboard.press("z")  # what the test above accepted
    page.get_by_text(re.compile(r"Candidate \d+: taken back")).wait_for()

    page.goto("/review")
    assert_accessible(page)
    row = page.get_by_role("row").filter(has_text="Field 7 in March")
    row.get_by_role("link", name=re.compile("^Review the candidates of")).click()
    page.get_by_role("heading", name="Blink").wait_for()
    assert_accessible(page)
    first = page.evaluate(SHOWN)
    left = int(page.locator("[data-left]").inner_text())
    for n in range(left):
        until(page, f"{LEFT} === {left - n} && {SHOWN}")
        page.wait_for_timeout(200)  # a key that is pressed twice decides nothing
        page.keyboard.press("a" if n == 0 else "x")
    page.get_by_role("heading", name="Nothing waits any more").wait_for()
    assert_accessible(page)
    for _ in range(left):
        page.wait_for_timeout(200)
        now = page.evaluate(SHOWN)
        page.keyboard.press("z")
        until(page, f"{SHOWN} && {SHOWN} !== {now!r}")
    assert page.evaluate(SHOWN) == first, "back where it began"
    page.keyboard.press("o")
    page.get_by_role("link", name="Back to the candidate").wait_for()
    until(page, "document.documentElement?.dataset.skyReady")
    page.get_by_text("4 : 1").wait_for()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_candidates_are_marked_in_an_exposure_and_gone_to(page):
    page.goto("/library")
    page.locator("#results").get_by_role("link", name=re.compile("field7-1")).first.click()
    page.get_by_role("region", name="Candidates in this exposure").wait_for()
    until(page, "document.documentElement?.dataset.skyReady")
    picture = page.locator("canvas").first
    marked = picture.screenshot()
    page.keyboard.press("m")
    until(page, "!document.getElementById('sky-marked').checked")
    page.wait_for_timeout(500)  # until it is drawn
    assert picture.screenshot() != marked
    page.get_by_role("region", name="Candidates in this exposure").get_by_role("link").first.click()
    page.get_by_role("heading", name="Blink").wait_for()


def test_who_wishes_for_less_motion_blinks_by_hand(page):
    page.emulate_media(reduced_motion="reduce")
    page.goto("/nights")
    page.get_by_role("link", name="Field 7 in March", exact=True).click()
    page.locator("table.candidates tbody a").first.click()
    page.get_by_role("button", name="Blink", exact=True).wait_for()
    page.wait_for_timeout(1200)
    assert page.evaluate(SEEN) == 0
    page.keyboard.press("Space")
    until(page, f"{SEEN} !== 0")
