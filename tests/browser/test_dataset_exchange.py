"""A labelled set comes in from an archive, seen before it is taken, and goes out again."""

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import DESKTOP, PHONE

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # ms; the machine may be busy


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Two labelled pictures in YOLO's layout; one line of the second is broken."""
    picture = io.BytesIO()
    Image.new("RGB", (320, 240), "teal").save(picture, "JPEG")
    path = tmp_path_factory.mktemp("set") / "boards.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("data.yaml", "train: images\nval: images\nnames: [Acme, Osprey]\n")
        for name in ("a", "b"):
            packed.writestr(f"images/{name}.jpg", picture.getvalue())
        packed.writestr("labels/a.txt", "0 0.5 0.5 0.25 0.25\n1 0.2 0.2 0.1 0.1\n")
        packed.writestr("labels/b.txt", "0 0.5 0.5 0.25 0.25\n0 0.5\n")
    return path


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def make_dataset(page, project: str) -> str:
    page.goto("/projects")
    page.get_by_label("Name").first.fill(project)
    page.get_by_role("button", name="Make project").click()
    page.wait_for_url("**/projects/*")
    page.goto(page.url + "/datasets")
    page.get_by_label("Name").first.fill("Boards")
    page.get_by_role("button", name="Make dataset").click()
    page.wait_for_url("**/datasets/*")
    return page.url


def test_a_set_is_looked_into_imported_and_exported(page, archive, tmp_path):
    address = make_dataset(page, "Exchange")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("An archive").set_input_files(archive)
    page.get_by_role("button", name="Look into it").click()
    page.wait_for_url("**/transfers/*", timeout=PATIENCE)
    page.get_by_text("YOLO: ready to import").wait_for(timeout=PATIENCE)
    assert page.get_by_text("A box has 5 numbers; this line has 2.").is_visible()
    assert page.get_by_text("labels/b.txt, line 2").is_visible()
    assert page.get_by_text("Acme, Osprey").is_visible()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert fits(page)

    page.get_by_role("button", name="Import 2 pictures").click()
    page.get_by_text("2 new, 0 replaced").wait_for(timeout=PATIENCE)
    page.get_by_role("link", name="See the pictures").click()
    page.wait_for_url(address)
    assert page.locator(".tile").count() == 2

    page.get_by_role("link", name="Export", exact=True).click()
    page.get_by_label("Format").select_option("coco")
    page.get_by_role("button", name="Export").click()
    download = page.get_by_role("link", name="Download")
    download.wait_for(timeout=PATIENCE)
    assert fits(page)
    with page.expect_download() as coming:
        download.click()
    coming.value.save_as(tmp_path / "out.zip")
    names = zipfile.ZipFile(tmp_path / "out.zip").namelist()
    assert "annotations/instances_default.json" in names
    assert len([name for name in names if name.endswith(".jpg")]) == 2


def test_an_archive_that_leads_elsewhere_is_refused_in_words(page, tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("../evil.txt", "out")
    make_dataset(page, "Elsewhere")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("An archive").set_input_files(path)
    page.get_by_role("button", name="Look into it").click()
    page.get_by_text("“../evil.txt”, which leads out of it.").wait_for(timeout=PATIENCE)
    assert page.get_by_role("link", name="Choose again").is_visible()
