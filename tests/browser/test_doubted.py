"""Deciding about more than one box, by keys: tracks that look alike at once, words that are
written, and a group of sights that is named as a new brand and put back."""

from __future__ import annotations

import re

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.test_mentions import ask
from tests.browser.test_reviewing import Reviewer
from tests.browser.waiting import look_again, open_tab

pytestmark = pytest.mark.browser
_KEPT = "() => !JSON.stringify(localStorage).includes('\"did')"


@pytest.fixture(scope="module")
def doubted(make_rows) -> dict:
    return make_rows("doubted")


def items(page, project: int) -> dict[str, list[str]]:
    """The states of the project's items, by their kind."""
    found = ask(page, "GET", f"/review-items/?project={project}&page_size=100")["results"]
    kinds: dict[str, list[str]] = {}
    for one in found:
        kinds.setdefault(one["kind"], []).append(one["state"])
    return kinds


def test_what_looks_alike_and_what_is_written_is_decided_by_keys(page, doubted):
    project, address = doubted["project"], f"/review/work?project={doubted['project']}&order=age"
    page.goto("/projects")
    look_again(page, lambda: len(items(page, project)) == 2, "the rule has sent both kinds")
    page.goto(address)
    hand = Reviewer(page)
    hand.see()
    page.locator("#alike-list li").first.wait_for()
    assert_accessible(page)
    hand.decide("k")
    page.wait_for_function(_KEPT)
    assert items(page, project)["frame"] == ["done", "done"], "one decision for both tracks"

    field = page.get_by_label("The words, to correct")
    hand.press("c")
    field.fill("Kestrel says hi")
    page.locator("[data-do=accept]").get_by_text("Correct the words").wait_for()
    field.press("Enter")
    page.wait_for_function(_KEPT)
    assert items(page, project)["mention"] == ["done"]
    reading = ask(page, "GET", f"/indexings/?asset={doubted['asset']}&step=text")["results"][0][
        "id"
    ]
    [line] = ask(page, "GET", f"/indexings/{reading}/text/")["results"]
    assert (line["text"], line["recognised"]) == ("Kestrel says hi", "NORA BANK says hi")


def test_a_line_is_corrected_beside_the_player_and_taken_back(page, doubted):
    page.goto(f"/assets/{doubted['asset']}")
    open_tab(page, "Written")
    line = page.locator("#written li button")
    line.press("e")
    field = page.locator("#written .line-field")
    field.fill("Kestrel waves")
    field.press("Enter")
    page.get_by_text("reads “Kestrel waves” now").wait_for()
    assert "Kestrel waves" in line.inner_text()
    line.press("Control+z")
    page.get_by_text("Taken back").wait_for()
    assert "Kestrel waves" not in line.inner_text()


def test_a_group_is_named_as_a_new_brand_and_put_back_by_keys(page, doubted):
    page.goto(f"/projects/{doubted['project']}/new-brands")
    page.locator("[data-group]").first.wait_for()
    assert_accessible(page)
    folded = page.get_by_role("listitem", name="Group 2")
    assert not folded.is_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")  # stays: the next one is folded away
    assert page.evaluate("document.activeElement.ariaLabel") == "Group 1"
    page.get_by_text("1 group that looks less like a logo").click()
    assert folded.is_visible()
    page.locator("[data-group]").first.focus()
    page.keyboard.press("n")
    page.keyboard.type("Halden")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("Named Halden")).wait_for()
    names = [
        one["name"] for one in ask(page, "GET", f"/labels/?project={doubted['project']}")["results"]
    ]
    assert "Halden" in names
    page.keyboard.press("z")
    page.locator("[data-group]").first.wait_for()


def test_a_labelled_box_becomes_a_logo_picture_where_the_brand_is_opened(page, doubted):
    page.goto(f"/projects/{doubted['project']}?open={doubted['label']}")
    page.get_by_role("button", name="Take logo pictures from 1 labelled box").click()
    page.get_by_text("Kestrel was given 1 logo picture out of 1 labelled box.").wait_for()
    assert_accessible(page)
    page.get_by_role("link", name="Show its pictures").click()
    page.locator(f"#label-{doubted['label']} .references img").first.wait_for()
