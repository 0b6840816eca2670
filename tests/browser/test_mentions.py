"""When a brand is said, beside when it is seen, in a real browser."""

from __future__ import annotations

import re

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP
from tests.browser.test_asset_page import open_tab, until
from tests.browser.test_transcript import now, word
from tests.talking import SENTENCES, needs_a_voice_and_an_engine, talk

pytestmark = pytest.mark.browser

_ASK = """async ([method, path, body]) => {
  const token = decodeURIComponent(document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? "");
  const answer = await fetch(`/api/v1${path}`, {
    method, headers: {"content-type": "application/json", "x-csrftoken": token},
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}"""


def ask(page, method: str, path: str, body: dict | None = None) -> dict:
    return page.evaluate(_ASK, [method, path, body])


def harbour_cup(page) -> int:
    """The project of `analysed`, among those that other tests made."""
    found = ask(page, "GET", "/projects/?page_size=100")["results"]
    return next(one["id"] for one in found if one["name"] == "Harbour Cup")


@pytest.fixture(scope="module")
def spoken(site, browser, signed_in, analysed, tmp_path_factory) -> str:
    """A talk that was indexed, and analysed for a project that has heard of no river yet."""
    needs_a_voice_and_an_engine()
    # Not the very talk of another test: the library takes no file a second time.
    path = talk(tmp_path_factory.mktemp("talk") / "RIVERS.mp4", [*SENTENCES, "Good night."])
    context = browser.new_context(viewport=DESKTOP, storage_state=signed_in, base_url=site.url)
    page = context.new_page()
    page.goto("/library")
    page.locator("#upload-form input[type=file]").set_input_files(path)
    page.locator("#results").get_by_role("link", name=re.compile("RIVERS", re.I)).first.click(
        timeout=60_000
    )
    page.wait_for_url("**/assets/*")
    asset = int(re.search(r"/assets/(\d+)", page.url)[1])
    open_tab(page, "Transcript", 60_000)
    page.get_by_role("button", name="Index", exact=True).click()
    page.wait_for_load_state()
    open_tab(page, "Transcript")
    page.get_by_text("Heard by Whisper").wait_for(timeout=180_000)
    until(page, "!document.querySelector('.speech-status')", 180)
    project = harbour_cup(page)
    run = ask(page, "POST", "/runs/", {"asset": asset, "project": project})["id"]
    deadline = 600
    while ask(page, "GET", f"/runs/{run}/")["status"] != "succeeded":
        deadline -= 1
        assert deadline, "the run never ended"
        page.wait_for_timeout(250)
    context.close()
    return f"/assets/{asset}?run={run}"


def test_a_brand_that_is_added_shows_when_it_was_said_and_plays_there(page, spoken):
    page.goto(spoken)
    project = harbour_cup(page)
    label = {"project": project, "name": "Harbor Race", "colour": "#2f6fb0"}
    made = ask(page, "POST", "/labels/", label)
    page.goto(spoken)
    lane = page.locator(f"[data-lane='{made['id']}']")
    lane.get_by_text("1 said").wait_for()
    open_tab(page, "Transcript")
    said = page.locator("#mentions [data-said]").filter(has_text=re.compile("harbou?r", re.I))
    assert "only said" in said.inner_text()
    marked = word(page, "harbou?r")
    until(page, "document.querySelectorAll('.line .names').length >= 2")
    assert "names" in marked.get_attribute("class")
    assert_accessible(page)
    before = now(page)
    said.click()
    until(page, f"document.querySelector('video').currentTime > {before} + 1")
    said.hover()
    page.get_by_role("button", name=re.compile("is not Harbor Race$")).click()
    page.locator("#mentions .denied").wait_for()
    lane.get_by_text("1 said").wait_for(state="hidden")
    page.get_by_role("button", name="Undo").click()
    lane.get_by_text("1 said").wait_for()
