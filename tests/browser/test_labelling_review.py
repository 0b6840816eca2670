"""Labelled work goes from its labeller to a reviewer and back, with keys alone."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_labelling import READY, Hand, near, pixels
from tests.browser.waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture
def job(make_rows) -> dict[str, Any]:
    return make_rows("reviewed_job")


@pytest.fixture
def people(site, browser, signed_in, job):
    """The labeller and the reviewer, each at a browser."""
    lars = Hand(browser, site, {})
    lars.page.goto(f"/sign-in/{job['token']}")
    lars.page.locator("main form button").first.click()
    lars.page.wait_for_url(lambda url: "/sign-in" not in url)
    rene = Hand(browser, site, signed_in)
    yield lars, rene
    for hand in (lars, rene):
        hand.context.close()
    assert not lars.problems + rene.problems


def shot(hand: Hand, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        hand.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def shots(hand: Hand, name: str) -> None:
    for size, at in (("phone", PHONE), ("desk", DESKTOP)):
        hand.page.set_viewport_size(at)
        for scheme in ("light", "dark"):
            hand.page.emulate_media(color_scheme=scheme)
            shot(hand, f"{name}-{size}-{scheme}")
    hand.page.emulate_media(color_scheme="light")


def test_sent_back_with_a_remark_mended_and_accepted_by_keys(people, job):
    lars, rene = people
    first, second = job["works"]
    lars.open(first)
    guide = lars.page.locator("#guide")
    assert "The mark with its word" in guide.inner_text()
    lars.press("w")
    assert "The mark with its word" not in guide.inner_text()
    lars.press("w")
    lars.draw((52, 60, 172, 110))
    lars.saved()
    lars.press("Control+Enter")
    until(lars.page, f"location.pathname.endsWith('/{second}')")
    lars.saved()  # until then it is no reviewer's

    # the reviewer sees the boxes on the same stage, and says what is wrong with one
    rene.page.goto("/labelling")
    rene.page.get_by_role("button", name="Review Reviewed boards").last.click()
    until(rene.page, READY)
    assert rene.page.url.endswith(f"/labelling/work/{first}")
    assert rene.rows() == ["Kestrel"]
    rene.page.locator("#stage").focus()
    rene.press("Tab", "i")
    rene.page.keyboard.type("Too far to the left")
    rene.press("Enter")
    rene.page.locator("#remark-list li").wait_for()
    assert "Kestrel · " in rene.page.locator("#remark-list li").inner_text()
    shot(rene, "review")
    assert_accessible(rene.page)
    rene.press("z")
    until(rene.page, "document.getElementById('review-did').innerText.includes('Sent back')")
    assert "Lars" in rene.page.locator("#review-did").inner_text()

    # taken back and decided again: nothing is lost
    rene.press("Shift+Y")
    until(rene.page, "document.body.classList.contains('reviewing')")
    rene.press("z")
    until(rene.page, "document.getElementById('review-did').innerText.includes('Sent back')")

    # the labeller gets it first, with the remark at the box; mends and resolves it by keys
    lars.page.goto("/labelling")
    assert "came back from the review" in lars.page.locator("main").inner_text()
    lars.page.get_by_role("button", name="Label").click()
    until(lars.page, READY)
    assert lars.page.url.endswith(f"/labelling/work/{first}")
    assert "Too far to the left" in lars.page.locator("#work-remarks").inner_text()
    shot(lars, "sent-back")
    assert_accessible(lars.page)
    lars.page.locator("#stage").focus()
    lars.press("ArrowRight", "ArrowRight", "j")
    until(lars.page, "document.querySelector('#remark-list li').classList.contains('done')")
    lars.saved()
    lars.press("Control+Enter")
    until(lars.page, f"location.pathname.endsWith('/{second}')")
    lars.saved()  # until then it is no reviewer's

    # the reviewer moves it a little more, and accepts
    rene.page.goto("/labelling")
    rene.page.get_by_role("button", name="Review Reviewed boards").last.click()
    until(rene.page, READY)
    assert "Resolved by Lars" in rene.page.locator("#remark-list").inner_text()
    rene.page.locator("#stage").focus()
    rene.press("Tab", "ArrowRight", "y")
    until(
        rene.page,
        "document.getElementById('review-did').innerText.includes('Mended and accepted')",
    )
    (shape,) = lars.shapes(first)
    assert near(pixels(shape), [55, 60, 175, 110], within=2)
    lars.open(first)
    assert "accepted in the review" in lars.page.locator("#work-locked").inner_text()
    rene.page.set_viewport_size(PHONE)
    shot(rene, "phone")
    for name, address in (
        ("job", f"/labelling/jobs/{job['job']}"),
        ("figures", f"/labelling/jobs/{job['job']}/figures"),
        ("project", f"/projects/{job['project']}?open={job['label']}"),
        ("jobs", "/labelling"),
        ("make", "/labelling/make"),
    ):
        rene.page.goto(address)
        assert_accessible(rene.page)
        if os.environ.get("SHOTS"):
            shots(rene, name)
