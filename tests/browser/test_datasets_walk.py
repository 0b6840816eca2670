"""From a logo file alone to a frozen version, as a person does it: made pictures, dropped ones,
frames of a film, the gallery by keyboard."""

from __future__ import annotations

import base64
import re

import cv2
import numpy as np
import pytest

from analysis.synthesis.backdrops import make_backdrop
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE

pytestmark = pytest.mark.browser
SLOW = 120_000


@pytest.fixture
def pictures(tmp_path):
    """Three photographs of different scenes."""
    paths = [tmp_path / f"scene {n}.jpg" for n in range(3)]
    for n, path in enumerate(paths):
        cv2.imwrite(str(path), make_backdrop(np.random.default_rng(n), 480, 320))
    return paths


DROP = """data => {
    const transfer = new DataTransfer();
    for (const [name, text] of data) {
        const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
    }
    const told = { dataTransfer: transfer, bubbles: true, cancelable: true };
    for (const kind of ["dragenter", "dragover", "drop"]) dispatchEvent(new DragEvent(kind, told));
}"""


def test_from_a_logo_file_alone_to_a_version(page, logo_file, film_file, pictures):
    page.goto("/datasets/start?way=logo")
    page.get_by_label("Name", exact=True).fill("Logo alone")
    page.locator("[name=logos]").set_input_files(logo_file)
    page.get_by_text("acme.png").wait_for()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/synthesise")

    page.get_by_role("button", name="Make six").click()
    page.locator("#preview .tile img").nth(5).wait_for(timeout=SLOW)
    page.get_by_label("How many").fill("8")
    page.get_by_role("button", name="Make them").click()
    page.get_by_text("8 pictures added").wait_for(timeout=SLOW)
    page.locator(".tile .boxes rect").first.wait_for(state="attached")

    dropped = [[p.name, base64.b64encode(p.read_bytes()).decode()] for p in pictures]
    page.evaluate(DROP, dropped)
    page.get_by_text("3 pictures added").wait_for(timeout=SLOW)
    page.locator("[data-choose]").first.set_input_files(film_file)
    page.get_by_role("link", name="Take frames of 1 video").click(timeout=SLOW)
    page.locator("[name=videos]:checked").wait_for(state="attached", timeout=SLOW)  # prepared
    page.get_by_label("At regular times").check()
    page.get_by_label("Look every").fill("4")
    page.get_by_role("button", name="Take frames").click()
    page.get_by_text("4 pictures added").wait_for(timeout=SLOW)
    page.get_by_text("15 pictures:").wait_for()

    page.locator("#id_origin").select_option("upload")
    page.get_by_text("3 of 15 pictures").wait_for()
    page.locator(".tile > a").first.focus()
    for key in ("x", "ArrowRight", "ArrowRight", "Shift+X"):
        page.keyboard.press(key)
    page.get_by_text("3 chosen").wait_for()
    page.keyboard.press("0")
    page.get_by_text("3 of 3 pictures: nothing here").wait_for()
    page.keyboard.press("a")
    page.keyboard.press("g")
    page.locator(".mark.golden").nth(2).wait_for()
    page.locator(".tile > a").first.focus()
    page.keyboard.press("x")
    page.keyboard.press("Delete")
    page.get_by_text("2 of 14 pictures").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("15 pictures:").wait_for()

    page.get_by_role("link", name=re.compile("Versions")).click()
    page.get_by_role("button", name="Freeze").click()
    page.get_by_text("SHA-256").wait_for(timeout=SLOW)
    assert page.locator(".figures").inner_text().split()[1] == "11"
    assert page.get_by_role("link", name="Train on this").is_visible()

    version = page.url
    dataset = version.split("/versions")[0]
    for path in (dataset, f"{dataset}/frames", f"{dataset}/synthesise", version):
        page.set_viewport_size(PHONE)
        page.goto(path)
        for size in (PHONE, DESKTOP):
            page.set_viewport_size(size)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{path} is {width} px wide at {size['width']}"
        assert_accessible(page)


def test_the_rules_of_labels_show_while_one_types(page):
    page.goto("/datasets/start")
    page.get_by_role("textbox", name="Labels").fill("Kestrel\nkestrel")
    page.locator(".rules .broken", has_text="No two alike").wait_for()
    page.get_by_role("textbox", name="Labels").fill("Kestrel\nNorra Bank")
    assert page.locator(".rules .broken").count() == 0
    assert page.locator(".rules .kept").count() == 3
