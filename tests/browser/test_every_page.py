"""Every page opens, fits a desk and a phone, asks no other host, logs no error, and is accessible:
axe-core finds nothing at either width, in either theme."""

from __future__ import annotations

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE, counted_clicks

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/library",
    "/search",
    "/inbox",
    "/search?q=harbour",
    "/projects",
    "/compare",
    "/cuts",
    "/labels/1/reel",
    "/reports",
    "/models",
    "/training",
    "/training/new",
    "/datasets/start",
    "/labelling",
    "/labelling/make",
    "/settings",
    "/settings/profile",
    "/settings/members",
    "/settings/keys",
    "/settings/audit-log",
    "/settings/system",
    "/settings/password",
    "/methodology",
    "/guide",
    "{asset}",
    "{project}",
    "{project}/graph",
    "{project}/graph?support=1&lift=0&kind=brand&kind=asset",
    "{report}",
    "/runs/1/audit",
    "/review",
    "/review/figures",
    "{project}/review-rules",
    "/contracts",
    "/api/v1/docs/",
]

MAGNIFIED = {"width": 320, "height": 256}  # a desk at 400 %: reflow of WCAG 1.4.10

# Files of cameras, projects and labels have such names; what the player offers is named by us.
LENGTHEN = """() => document.querySelectorAll("main select:not(.controls *) option").forEach(
    (one) => (one.text += " of a name that is far longer than any telephone is wide"))"""


@pytest.mark.parametrize("path", PAGES)
def test_it_opens(tab, analysed, path):
    found = {"asset": analysed, "project": "/projects/1", "report": "/runs/1/report?rate=900"}
    tab.set_viewport_size(PHONE)
    assert tab.goto(path.format(**found)).status == 200
    for size in (MAGNIFIED, PHONE, DESKTOP):
        tab.set_viewport_size(size)
        width = tab.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{path} is {width} px wide at {size['width']}"
    tab.set_viewport_size(PHONE)
    tab.evaluate(LENGTHEN)
    width = tab.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"{path} is {width} px wide with long names"
    tab.set_viewport_size(DESKTOP)
    tab.locator("main").wait_for(state="attached")  # the page of the API makes its own
    assert_accessible(tab)  # which lasts longer than what pages still ask for meanwhile


def test_a_dataset_is_renamed_and_while_it_holds_nothing_deleted_by_a_button(page, analysed):
    page.goto("/projects")
    page.get_by_role("link", name="Harbour Cup").first.click()
    page.get_by_role("link", name="Datasets", exact=True).click()
    page.get_by_role("textbox", name="Name").fill("Boards")
    page.get_by_role("button", name="Make dataset").click()
    page.get_by_role("link", name="Settings", exact=True).last.click()
    page.get_by_role("textbox", name="Name").fill("Shirts")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Shirts", level=1).wait_for()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.get_by_role("link", name="Delete …").click()
    page.get_by_text("Videos and pictures in the library stay.").wait_for()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Shirts is deleted.").wait_for()
    assert page.get_by_role("link", name="Shirts", exact=True).count() == 0


def test_an_administrator_sees_the_machine_and_invites_somebody_in_at_most_six_clicks(page, site):
    clicks = counted_clicks(page)
    page.goto("/")
    page.locator("nav.rail").get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="System").click()
    page.get_by_role("heading", name="Workers").wait_for()
    page.get_by_role("link", name="Members").click()
    page.get_by_label("E-mail").click()
    page.keyboard.type("nora@example.org")
    page.get_by_role("button", name="Invite").click()
    page.get_by_text(f"{site.url}/sign-in/").wait_for()
    assert len(clicks) <= 6, "\n".join(clicks)


def test_everything_on_a_page_can_be_reached_by_tab(page, analysed):
    page.goto("/library")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
    assert any("Upload" in text or 'type="file"' in text for text in seen)
    assert any("CLIP" in text or "/assets/" in text for text in seen)


def test_a_page_that_does_not_exist_says_so(page, analysed):
    page.goto("/library")
    page.problems.clear()
    assert page.goto("/assets/999999").status == 404
    assert page.locator("h1").inner_text()
    page.problems.clear()
