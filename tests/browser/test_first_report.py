"""From sign-in to an issued report: an analyst with two logos and a film, by the mouse, counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import ROOT, counted_clicks
from tests.browser.waiting import PATIENCE_S
from tests.services.film import film

pytestmark = pytest.mark.browser
MOST_CLICKS = 12
SIGN_IN = 1  # the button under the one-time link, which `signed_in` pressed


def test_a_film_is_a_report_in_at_most_twelve_clicks(page, logo_file: Path, tmp_path: Path):
    clicks = counted_clicks(page)
    clip = film(tmp_path / "Derby.mp4", seconds=5)
    page.goto("/")
    page.locator("nav.rail").locator("a[href='/projects']").click()
    page.get_by_label("Name").first.click()
    page.keyboard.type("First hour")
    page.keyboard.press("Tab")
    page.keyboard.type("Acme\nKestrel")
    page.get_by_role("button", name="Make project").click()
    for name, picture in (("Acme", logo_file), ("Kestrel", ROOT / "demo/logos/kestrel.png")):
        choose(page, page.locator("#labels li[data-drop]", has_text=name), picture)
        page.get_by_alt_text(picture.name).first.wait_for()

    choose(page, page.locator("#upload-form"), clip)
    # it is analysed without being asked again, and says in the list how far it is
    row = page.locator("#project-assets")
    row.get_by_text("Acme").wait_for(timeout=2 * PATIENCE_S * 1000)
    row.get_by_role("link", name="Derby.mp4").click()
    page.get_by_role("link", name="Open report").click()
    page.get_by_role("link", name="Issue", exact=True).click()
    page.get_by_role("button", name="Issue report").click()
    page.wait_for_url(re.compile(r"/reports/\d+$"))
    page.get_by_text("Issued").first.wait_for()
    assert SIGN_IN + len(clicks) <= MOST_CLICKS, "\n".join(clicks)


def test_files_chosen_before_the_page_hears_them_are_sent(page, logo_file: Path, tmp_path: Path):
    held: list = []
    page.route(re.compile(r"/js/(upload|projects)[.\w]*\.js"), lambda route: held.append(route))
    page.goto("/library", wait_until="commit")
    clip = film(tmp_path / "Early.mp4", seconds=1)
    page.locator("#upload-form input[type=file]").set_input_files(clip)
    let_come(page, held)
    page.get_by_text("Early.mp4 is uploaded.").wait_for()

    page.goto("/projects")
    page.get_by_label("Name").first.fill("Early")
    page.get_by_label("Brands").fill("Acme")
    page.get_by_role("button", name="Make project").click(no_wait_after=True)
    page.locator("#labels input[type=file]").first.set_input_files(logo_file)
    let_come(page, held)
    page.get_by_alt_text(logo_file.name).first.wait_for()


def test_each_of_several_files_says_that_it_is_there(page, tmp_path: Path):
    """Also when the list of what is in the library is long in coming."""
    files = [tmp_path / f"Board {n}.png" for n in range(4)]
    for n, file in enumerate(files):
        Image.new("RGB", (64, 48), (40 * n, 90, 160)).save(file)
    held: list = []
    page.goto("/library")
    page.route(re.compile("/library$"), lambda route: held.append(route))
    chosen = page.locator("#upload-form input[type=file]")
    chosen.set_input_files(files[0])
    while not held:
        page.wait_for_timeout(20)
    chosen.set_input_files(files[1:])
    for file in files:
        page.locator("#uploads .arrived", has_text=file.name).wait_for()
    let_come(page, held)


def let_come(page, held: list) -> None:
    """The scripts that are held back, once there is one."""
    while not held:
        page.wait_for_timeout(20)
    while held:
        held.pop().continue_()


def choose(page, place, file: Path) -> None:
    """Press the button there that chooses files, and choose this one."""
    with page.expect_file_chooser() as chooser:
        place.locator("label:has(input[type=file])").first.click()
    chooser.value.set_files(file)
