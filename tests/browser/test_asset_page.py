"""The asset page in a real browser, on a film whose truth is known: the logo is on screen in the
first six of every eight seconds."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.copying import copied
from tests.browser.waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture
def asset(tab, analysed):
    tab.goto(analysed)
    tab.locator("table.exposure").wait_for()
    until(tab, "document.querySelector('video')?.readyState >= 2")
    return tab


def seconds(text: str) -> float:
    minutes, _, rest = text.strip().rpartition(":")
    return int(minutes or 0) * 60 + float(rest)


def on_screen(page) -> float:
    return seconds(page.locator("table.exposure .evidence").first.inner_text())


def boxes_drawn(page) -> int:
    """Pixels of the overlay that are not empty."""
    return page.evaluate(
        """() => { const c = document.getElementById('boxes');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }"""
    )


def seek(page, time_s: float) -> None:
    page.evaluate("t => { document.querySelector('video').currentTime = t; }", time_s)
    until(
        page,
        "(() => { const v = document.querySelector('video');"
        f" return !v.seeking && Math.abs(v.currentTime - {time_s}) < 0.01; }})()",
    )
    page.wait_for_timeout(400)


def test_it_says_how_long_the_brand_was_on_screen(asset):
    assert on_screen(asset) == pytest.approx(12, abs=0.4)
    assert "Nobody" in asset.locator("table.exposure").inner_text()


def test_boxes_are_drawn_while_the_logo_is_there_and_not_when_it_is_gone(asset):
    seek(asset, 3.0)
    assert boxes_drawn(asset) > 100
    seek(asset, 7.0)
    assert boxes_drawn(asset) == 0


def test_the_picture_under_the_first_boxes_is_the_first_and_not_the_poster(asset):
    asset.wait_for_timeout(500)
    before = upper_half_of_the_stage(asset)
    seek(asset, 5.0)
    assert difference(upper_half_of_the_stage(asset), before) > 1
    seek(asset, 0.001)
    assert difference(upper_half_of_the_stage(asset), before) < 0.5


def upper_half_of_the_stage(page) -> np.ndarray:
    place = page.locator("#stage").bounding_box()
    shot = page.screenshot(clip=place | {"height": place["height"] / 2})
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), np.int16)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two pictures, grey levels."""
    return float(np.abs(one - other).mean())


def test_b_hides_the_boxes(asset):
    seek(asset, 3.0)
    asset.keyboard.press("b")
    asset.wait_for_timeout(200)
    assert boxes_drawn(asset) == 0
    asset.keyboard.press("b")


def test_it_plays_and_stops_by_space(asset):
    asset.locator("body").click(position={"x": 700, "y": 4})
    asset.keyboard.press("Space")
    until(asset, "document.querySelector('video').currentTime > 0.5")
    asset.keyboard.press("Space")
    assert asset.evaluate("document.querySelector('video').paused")


def test_the_slider_changes_the_numbers_without_a_new_run(asset):
    before = on_screen(asset)
    before_text = asset.locator("table.exposure .evidence").first.inner_text()
    slider = asset.locator("input[type=range]").last
    slider.focus()
    slider.press("End")
    until(asset, f"!document.querySelector('main').innerText.includes('{before_text}')")
    asset.goto(asset.url.split("?")[0])
    assert on_screen(asset) == before


def test_a_number_opens_its_evidence_and_the_evidence_seeks(asset):
    asset.locator("table.exposure .evidence").first.click()
    asset.locator("[data-seek]").nth(1).wait_for()
    asset.locator("table.exposure [data-seek]").nth(1).click()
    until(asset, "document.querySelector('video').currentTime > 7")


def test_an_exposure_that_is_none_is_taken_out_and_the_figures_follow(asset):
    before = on_screen(asset)
    asset.locator("table.exposure .evidence").first.click()
    asset.get_by_role("button", name=re.compile("is not there from")).first.click()
    asset.get_by_text("1 correction by people is counted").wait_for()
    assert on_screen(asset) == pytest.approx(before - 6, abs=0.5)
    asset.locator("#toasts").get_by_role("button", name="Undo").click()
    asset.get_by_text("1 correction by people is counted").wait_for(state="detached")
    assert on_screen(asset) == pytest.approx(before, abs=0.01)


def test_a_report_is_corrected_by_keys_where_it_is_read(asset):
    asset.get_by_role("link", name="Open report").click()
    figures = asset.locator("table.kept tbody tr")
    before = figures.filter(has_text="Acme").inner_text()
    assert "Nobody" in figures.filter(has_text="none").inner_text()
    fill = asset.get_by_role("button", name=re.compile("^Correct Acme from")).first
    fill.focus()
    asset.keyboard.press("Enter")  # the exposure's own times are in the form
    asset.keyboard.press("ArrowDown")  # it is the other brand
    for key in ("Tab", "Tab", "Tab", "Enter"):
        asset.keyboard.press(key)
    asset.get_by_text("1 correction by people is counted").wait_for()
    assert "none" not in figures.filter(has_text="Nobody").inner_text()
    asset.locator("#toasts").get_by_role("button", name="Undo").click()
    asset.get_by_text("1 correction by people is counted").wait_for(state="detached")
    assert figures.filter(has_text="Acme").inner_text() == before
    asset.locator("a:has(> .tile)").first.click()
    asset.locator("#frame-view[open]").wait_for()  # where single boxes are judged and drawn


def test_a_link_to_a_moment_opens_there(tab, analysed):
    tab.goto(f"{analysed}?t=9.5")
    until(
        tab,
        "document.querySelector('video')?.readyState >= 2"
        " && Math.abs(document.querySelector('video').currentTime - 9.5) < 0.1",
    )


def test_the_frame_view_shows_the_frame_steps_and_downloads(asset):
    seek(asset, 3.0)
    asset.keyboard.press("f")
    view = asset.locator("dialog[open]")
    view.wait_for()
    assert "Acme" in view.inner_text()
    asset.keyboard.press("ArrowRight")
    asset.keyboard.press("Escape")
    view.wait_for(state="detached" if view.count() == 0 else "hidden")


def test_question_mark_shows_the_keys(asset):
    asset.keyboard.press("?")
    assert asset.locator("#keys[open]").is_visible()
    asset.keyboard.press("Escape")


def test_the_media_answers_ranges_and_its_link_is_signed(asset):
    source = asset.evaluate("document.querySelector('video').currentSrc")
    part = asset.request.get(source, headers={"Range": "bytes=0-99"})
    assert part.status == 206
    assert len(part.body()) == 100
    forged = source[:-3] + ("abc" if not source.endswith("abc") else "xyz")
    assert asset.request.get(forged).status in (403, 404)


def test_each_export_downloads(asset):
    asset.get_by_text("Export", exact=True).click()
    for name, proof in [
        ("Report (PDF)", b"%PDF"),
        ("Brands (CSV)", b"Acme"),
        ("Exposures (CSV)", b"Acme"),
        ("Everything (JSON)", b'"numbers_sha256"'),
        ("Captions (WebVTT)", b"WEBVTT"),
    ]:
        with asset.expect_download() as download:
            asset.get_by_role("link", name=name).click()
        assert proof in Path(download.value.path()).read_bytes(), name


def test_a_report_is_issued_shared_and_read_by_a_stranger(asset, browser, site):
    asset.get_by_role("link", name="Open report").click()
    asset.get_by_label("Title").fill("Season so far")
    asset.get_by_role("button", name="Issue report").click()
    asset.wait_for_url("**/reports/*")
    asset.get_by_role("button", name="Make a link").click()
    link = asset.locator("#new-link").inner_text()
    assert copied(asset, asset.get_by_role("button", name="Copy", exact=True)) == link

    stranger = browser.new_context(base_url=site.url)
    visit = stranger.new_page()
    visit.goto(link)
    assert "Season so far" in visit.inner_text("h1")
    assert "Acme" in visit.inner_text("main")
    with visit.expect_download() as download:
        visit.get_by_text("Export", exact=True).click()
        visit.get_by_role("link", name="Everything (JSON)").click()
    shared = json.loads(Path(download.value.path()).read_bytes())
    assert shared["numbers"]["exposure"]["brands"][0]["count"] == 2
    visit.goto("/library")
    assert "sign-in" in visit.url

    asset.get_by_role("button", name="Revoke").click()
    visit.goto(link)
    assert "no longer works" in visit.inner_text("main")
    stranger.close()


def test_on_a_phone_nothing_is_wider_than_the_screen(asset):
    asset.set_viewport_size({"width": 390, "height": 844})
    asset.reload()
    asset.locator("table.exposure").wait_for()
    assert asset.evaluate("document.documentElement.scrollWidth") <= 390
    for button in asset.locator(".controls button:visible").all():
        place = button.bounding_box()
        assert place["x"] + place["width"] <= 390, button.get_attribute("id")


def test_charts_have_tables(asset):
    for opener in asset.locator("[data-table]").all():
        opener.click()
        table = asset.locator(f"#{opener.get_attribute('aria-controls')} table")
        table.wait_for()
        assert re.search(r"\d", table.inner_text())


def test_what_is_like_a_box_that_was_detected_is_found(asset):
    """The box itself is asked by, not the frame around it."""
    seek(asset, 2.0)
    asset.keyboard.press("f")
    asset.locator("dialog[open] [data-alike]").first.click()
    asset.wait_for_url("**/search?ask=*")
    asset.get_by_text(re.compile("^a part of a frame of ")).wait_for()
    asset.get_by_role("heading", name="The same thing elsewhere").wait_for()
    asset.locator(".alike-crops li, .alike-cells a").first.wait_for()
