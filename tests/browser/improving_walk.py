"""From what a model found to a better one: a rule, twenty decisions by keys, the pictures that come
of them, a round of training, the gate, what would change, and the new version in use."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.browser.test_reviewing import Reviewer

N_DECISIONS = 20
N_GOLDEN = 3


def decide_twenty(page, project: str) -> None:
    """A rule sends every frame of the project's analysis, and twenty of them are decided."""
    page.goto(f"{project}/review-rules/new")
    page.get_by_label("Name", exact=True).fill("All there is")
    page.get_by_label("The same as JSON").fill('{"Conditions": []}')
    page.get_by_text("That is every frame.").wait_for()
    page.get_by_role("button", name="Make rule").click()
    page.get_by_role("button", name="Go through what was analysed already").click()
    chip = page.locator(".review-rules .chip", has_text=re.compile(r"\d+ waits?"))
    while not chip.count():
        page.wait_for_timeout(500)
        page.reload()
    chip.click()
    hand = Reviewer(page)
    hand.see()
    hand.press("t")  # each frame for itself
    for _ in range(N_DECISIONS - 1):
        hand.decide("Enter")
    hand.press("Enter")
    page.get_by_text(f"{N_DECISIONS} decided").wait_for()
    page.wait_for_function("() => !JSON.stringify(localStorage).includes('\"did')")


def bring_into(page, dataset: str, wait_for: Callable[..., None]) -> None:
    """The decisions become pictures, beside some that no version ever learns from."""
    page.goto("/review")
    learn = page.locator("form[action*='review/learn']").filter(has_text="Boards of the harbour")
    learn.get_by_role("button", name="Bring in").click()

    page.goto(dataset)
    n = page.locator("#gallery .tile").count
    before = n()
    wait_for(lambda: n() == before + N_DECISIONS or n() == 10 + N_DECISIONS, page, 120)
    golden = page.locator("#gallery .tile", has=page.locator("a[title^='board-']"))
    for number in range(N_GOLDEN):
        golden.nth(number).locator("input[name=picture]").check()
    page.locator("[data-chosen]").get_by_role("button", name="Golden", exact=True).click()
    page.get_by_text(f"{N_GOLDEN} golden").first.wait_for()


def improve(page, film: str, wait_for: Callable[..., None]) -> None:
    """A round trains on them and asks; accepted, the new version is the one in production."""
    page.goto("/models")
    page.locator("main").get_by_role("link", name=re.compile("^Boards")).first.click()
    page.locator("#loop-panel").get_by_role("link", name="Improvement loop").click()
    [dataset] = [
        words
        for words in page.get_by_label("Learns from").locator("option").all_inner_texts()
        if "Boards of the harbour" in words
    ]
    page.get_by_label("Learns from").select_option(label=dataset)
    page.locator("#id_epochs").fill("4")
    page.locator("#id_imgsz").fill("160")
    page.locator("#id_least_f1").fill("0.01")
    page.get_by_label(film, exact=True).check()
    page.get_by_role("button", name="Set up").click()
    page.get_by_role("button", name="Begin a round").first.click()
    page.wait_for_url(re.compile(r"/rounds/\d+$"))
    accept = page.get_by_role("button", name="Accept", exact=True)
    failed = page.locator("#round-status [role=alert]")
    wait_for(lambda: accept.count() or failed.count(), page, 300)
    assert not failed.count(), failed.inner_text()
    page.get_by_role("heading", name="It passes").wait_for()
    page.locator("#difference table, #difference p").first.wait_for()
    accept.click()
    page.get_by_text(re.compile(r"Boards v2 was accepted by")).wait_for()
