"""A comment made while the film plays: to whom it mentions, from their inbox, and resolved."""

from __future__ import annotations

import os

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.waiting import open_tab, until

pytestmark = pytest.mark.browser


@pytest.fixture
def nora(page, site, browser):
    """A page of a member who was just invited, signed in by their own link."""
    page.goto("/settings/members")
    page.get_by_label("E-mail").fill("nora.commenter@example.org")
    page.get_by_role("button", name="Invite").click()
    link = page.locator("code", has_text=f"{site.url}/sign-in/").first.inner_text()
    context = browser.new_context(viewport=DESKTOP, base_url=site.url)
    theirs = context.new_page()
    theirs.goto(link.strip())
    theirs.locator("main form button").first.click()
    theirs.wait_for_url(lambda url: "/sign-in" not in url)
    yield theirs
    context.close()


def test_a_comment_reaches_whom_it_mentions_who_resolves_it(page, nora, analysed):
    page.goto(analysed)
    until(page, "document.querySelector('video')?.readyState >= 2")
    page.keyboard.press(" ")
    until(page, "document.querySelector('video').currentTime > 1")
    page.keyboard.press("t")
    until(page, "document.activeElement.id === 'comment-text'")
    assert page.evaluate("document.querySelector('video').paused")
    page.keyboard.type("Is this ours, @nora.c")
    field = page.get_by_role("combobox")
    assert field.get_attribute("aria-expanded") == "true"
    assert page.get_by_role("option").all_inner_texts() == ["nora.commenter@example.org"]
    page.keyboard.press("Enter")
    page.keyboard.type("?")
    page.keyboard.press("Control+Enter")
    page.locator(".thread .person").get_by_text("@nora.commenter@example.org").wait_for()
    assert page.locator("#comment-text").input_value() == ""
    assert_accessible(page)

    nora.goto("/inbox")
    nora.get_by_text("mentioned you").click()
    nora.wait_for_url("**comment=*")
    thread = nora.locator(".thread.is-chosen")
    thread.get_by_text("Is this ours").wait_for()
    until(nora, "document.querySelector('video').currentTime > 0.9")
    thread.locator("[data-react=agree]").focus()
    nora.keyboard.press("Enter")
    nora.locator("[data-react=agree][aria-pressed=true]").wait_for()
    nora.locator(".thread").get_by_role("button", name="Answer").first.click()
    nora.keyboard.type("It is.")
    nora.keyboard.press("Control+Enter")
    nora.locator(".answers").get_by_text("It is.").wait_for()
    nora.locator(".thread").get_by_role("button", name="Resolve").click()
    nora.get_by_text("No comment is like that.").wait_for()  # open ones are shown
    nora.locator("#comment-show").select_option("resolved")
    nora.get_by_text("Resolved by").wait_for()
    nora.goto("/inbox")
    assert nora.locator(".rows li.seen").count() == 1

    page.goto("/inbox")
    page.get_by_text("answered").first.wait_for()
    assert_accessible(page)
    _pictures(page, analysed)


def test_the_lane_leads_from_one_comment_to_the_next(page, analysed):
    page.goto(f"{analysed}?t=3")
    open_tab(page, "Comments")
    page.get_by_role("textbox", name="Comment on this moment").fill("At three seconds")
    page.keyboard.press("Control+Enter")
    page.locator(".thread", has_text="At three seconds").wait_for()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("Home")
    lane = page.get_by_role("button", name="Comments", exact=True)
    lane.focus()
    now = "document.querySelector('video').currentTime"
    for _ in range(3):  # others of this file may come before it
        page.keyboard.press("ArrowRight")
    until(page, f"Math.abs({now} - 3) < 0.1")
    page.keyboard.press("End")
    open_tab(page, "Exposure")
    canvas, row = page.locator("#tl-canvas").bounding_box(), lane.bounding_box()
    page.mouse.click(canvas["x"] + canvas["width"] * 3 / 16 + 3, row["y"] + row["height"] / 2)
    until(page, f"Math.abs({now} - 3) < 0.1")
    page.locator(".thread.is-chosen", has_text="At three seconds").wait_for()


def test_a_place_is_drawn_by_keys_and_shown_when_its_comment_is_chosen(page, analysed):
    page.goto(analysed)
    open_tab(page, "Comments")
    page.get_by_role("button", name="Place").click()
    for key in ("Enter", "ArrowRight", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Place set").wait_for()
    page.keyboard.type("The crop is wrong")
    page.keyboard.press("Control+Enter")
    thread = page.locator(".thread", has_text="The crop is wrong")
    thread.locator("[data-go]").click()
    drawn = (
        "canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    )
    until(
        page,
        f"(() => {{ const canvas = document.getElementById('comment-box'); return {drawn}; }})()",
    )
    thread.get_by_label("More for this comment").click()
    thread.get_by_role("button", name="Delete").click()
    page.get_by_text("Deleted.").wait_for()
    assert thread.count() == 0
    page.locator(".toast").get_by_role("button", name="Undo").last.click()
    thread.wait_for()


def _pictures(page, analysed) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/inbox.png")
        page.goto(analysed)
        open_tab(page, "Comments")
        page.screenshot(path=f"{folder}/comments.png")
        page.set_viewport_size(PHONE)
        page.screenshot(path=f"{folder}/comments-phone.png", full_page=True)
