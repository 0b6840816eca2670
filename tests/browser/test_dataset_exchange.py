"""A labelled set comes in from an archive, seen before it is taken, and goes out again."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
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


@pytest.fixture(scope="module")
def heavy(archive, tmp_path_factory) -> Path:
    """The same two pictures in an archive of three parts of 8 MB."""
    path = tmp_path_factory.mktemp("heavy") / "heavy.zip"
    path.write_bytes(archive.read_bytes())
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("notes.bin", np.random.default_rng(0).bytes(20 * 10**6))
    return path


def choose(page, path: Path) -> None:
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("An archive").set_input_files(path)


def test_an_import_goes_on_after_the_connection_was_lost(page, heavy):
    """Every other request fails: for each part the page asks what is here, and goes on."""
    make_dataset(page, "Lost")
    choose(page, heavy)
    tries = []

    def break_every_other(route) -> None:
        tries.append(route.request.post_data_buffer)
        route.abort("connectionreset") if len(tries) % 2 else route.continue_()

    page.route(
        "**/uploads/*",
        lambda r: break_every_other(r) if r.request.method == "PATCH" else r.continue_(),
    )
    page.get_by_role("button", name="Look into it").click()
    page.get_by_text("The connection is lost. Trying again").wait_for(timeout=PATIENCE)
    page.wait_for_url("**/transfers/*", timeout=PATIENCE)
    page.get_by_text("YOLO: ready to import").wait_for(timeout=PATIENCE)
    assert len(tries) == 6, "three parts, each lost once"
    page.problems[:] = [p for p in page.problems if "ERR_CONNECTION_RESET" not in p]


def test_an_import_is_paused_left_and_taken_up_where_it_was(page, heavy):
    make_dataset(page, "Paused")
    choose(page, heavy)
    sent = []
    page.on(
        "request",
        lambda r: sent.append(int(r.headers["upload-offset"])) if r.method == "PATCH" else None,
    )

    hanging = []

    def slow(route) -> None:
        if route.request.method == "PATCH" and len(sent) > 1:
            hanging.append(route)  # as on a bad line
        else:
            route.continue_()

    page.route("**/uploads/*", slow)
    page.get_by_role("button", name="Look into it").click()
    page.get_by_text(re.compile(r"^8\.4.MB of")).wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Pause heavy.zip").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Paused at 8.").wait_for()
    assert page.get_by_role("button", name="Go on heavy.zip").is_visible()
    for route in hanging:
        route.abort()
    page.unroute("**/uploads/*")

    page.reload()
    page.get_by_text("is here. Choose the same file again and it goes on from there.").wait_for()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert fits(page)
    sent.clear()
    page.get_by_label("Choose heavy.zip again").set_input_files(heavy)
    page.locator("#uploads").get_by_text("is here").wait_for(timeout=PATIENCE)
    assert sent[0] == 8 * 2**20, "what had arrived is not sent again"
    page.get_by_role("button", name="Look into it").click()
    page.wait_for_url("**/transfers/*", timeout=PATIENCE)
    page.get_by_text("YOLO: ready to import").wait_for(timeout=PATIENCE)
    page.go_back()
    assert not page.locator("#uploads li").count(), "what was asked for is no upload any more"


def test_a_full_disk_is_said_and_the_import_goes_on_when_there_is_room(page, archive):
    make_dataset(page, "Full")
    choose(page, archive)
    full = '{"detail": "The disk is nearly full: make room, then go on."}'
    page.route(
        "**/uploads",
        lambda r: r.fulfill(status=507, content_type="application/problem+json", body=full),
    )
    page.get_by_role("button", name="Look into it").click()
    page.locator("#uploads").get_by_text("The disk is nearly full").wait_for()
    page.unroute("**/uploads")
    page.get_by_role("button", name="Go on boards.zip").click()
    page.wait_for_url("**/transfers/*", timeout=PATIENCE)
    page.problems[:] = [p for p in page.problems if "507" not in p]


def test_a_dropped_archive_is_chosen_and_too_many_files_are_refused_before_they_are_sent(
    page, archive
):
    make_dataset(page, "Dropped")
    page.get_by_role("link", name="Import", exact=True).click()
    page.wait_for_url("**/import")
    drop = """([count]) => {
        const files = new DataTransfer();
        for (let n = 0; n < count; n++) files.items.add(new File(["x"], `${n}.txt`));
        dispatchEvent(new DragEvent("drop", { dataTransfer: files, cancelable: true }));
    }"""
    page.evaluate(drop, [1])
    page.get_by_text("0.txt").wait_for()
    page.evaluate(drop, [101])
    page.get_by_text("101 files").wait_for()
    page.get_by_role("button", name="Look into it").click()
    page.get_by_text("100 files at a time. Put more into an archive.").wait_for()
    assert "/import" in page.url
