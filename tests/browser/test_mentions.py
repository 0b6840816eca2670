"""When a brand is said, beside when it is seen, in a real browser."""

from __future__ import annotations

import re
import time

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.test_transcript import now, word
from tests.browser.waiting import PATIENCE_S, open_tab, until

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


@pytest.fixture
def looked_through(page, analysed, spoken) -> str:
    """The talk, analysed for a project that has not heard of the race yet."""
    page.goto("/library")
    asset = int(re.search(r"/assets/(\d+)", spoken)[1])
    run = ask(page, "POST", "/runs/", {"asset": asset, "project": harbour_cup(page)})["id"]
    analysed_by(page, run)
    return f"{spoken}?run={run}"


def analysed_by(page, run: int) -> None:
    """Wait until a run has succeeded."""
    deadline = time.monotonic() + 2 * PATIENCE_S
    while (status := ask(page, "GET", f"/runs/{run}/")["status"]) != "succeeded":
        assert time.monotonic() < deadline, f"run {run} is {status}"
        page.wait_for_timeout(500)


def test_a_brand_that_is_added_shows_when_it_was_said_and_plays_there(page, looked_through):
    page.goto(looked_through)
    project = harbour_cup(page)
    label = {"project": project, "name": "Harbor Race", "colour": "#2f6fb0"}
    made = ask(page, "POST", "/labels/", label)
    page.goto(looked_through)
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
