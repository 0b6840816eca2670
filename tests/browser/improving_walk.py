"""From what a model found to a better one: a rule, twenty decisions by keys, the pictures that come
of them, a round of training, the gate, what would change, and the new version in use."""

from __future__ import annotations

import re

from tests.browser.test_reviewing import Reviewer
from tests.browser.waiting import PATIENCE_S, look_again

N_DECISIONS = 20
N_GOLDEN = 2


def decide_twenty(page, project: str) -> None:
    """A rule sends every frame of the project's analysis, and twenty of them are decided."""
    page.goto(f"{project}/review-rules/new")
    page.get_by_label("Name", exact=True).fill("All there is")
    page.get_by_label("The same as JSON").fill('{"Conditions": []}')
    page.get_by_text("That is every frame.").wait_for()
    page.get_by_role("button", name="Make rule").click()
    page.get_by_role("button", name="Go through what was analysed already").click()
    waits = page.locator(".review-rules .chip", has_text=re.compile(r"\d+ waits?"))
    look_again(page, waits.count, "the frames wait to be decided")
    waits.click()
    hand = Reviewer(page)
    hand.see()
    hand.press("t")  # each frame for itself
    for _ in range(N_DECISIONS - 1):
        hand.decide("Enter")
    hand.press("Enter")
    page.get_by_text(f"{N_DECISIONS} decided").wait_for()
    page.wait_for_function("() => !JSON.stringify(localStorage).includes('\"did')")


def bring_into(page, name: str, dataset: str, n_pictures: int) -> None:
    """The decisions become pictures, beside some that no version ever learns from."""
    page.goto("/review")
    learn = page.locator("form[action*='review/learn']").filter(has_text=name)
    learn.get_by_role("button", name="Bring in").click()
    page.goto(dataset)
    tiles = page.locator("#gallery .tile")
    all_in = n_pictures + N_DECISIONS
    look_again(page, lambda: tiles.count() == all_in, "the decisions are pictures of the dataset")
    labelled = page.locator("#gallery .tile", has=page.locator("a[title^='board-']"))
    for number in range(N_GOLDEN):
        labelled.nth(number).locator("input[name=picture]").check()
    page.locator("[data-chosen]").get_by_role("button", name="Golden", exact=True).click()
    page.get_by_text(f"{N_GOLDEN} golden").first.wait_for()


def improve(page, model: str, learned_from: str, film: str, project: str) -> None:
    """A round trains on them and asks; accepted, the new version is what the project looks with."""
    page.goto("/models")
    page.locator("main").get_by_role("link", name=re.compile(f"^{model}")).first.click()
    page.get_by_role("button", name="Put in production").click()
    page.get_by_text("v1 in production").first.wait_for()
    page.locator("#loop-panel").get_by_role("link", name="Improvement loop").click()
    learns_from = page.get_by_label("Learns from")
    dataset = learns_from.locator("option", has_text=learned_from)
    learns_from.select_option(value=dataset.get_attribute("value"))
    page.locator("#id_epochs").fill("1")
    page.locator("#id_imgsz").fill("160")
    # Trained so little, it may be worse or find nothing: the gate asks for no more than figures.
    page.locator("#id_least_f1").fill("0")
    page.locator("#id_most_fall").fill("1")
    page.get_by_label(film, exact=True).check()
    page.get_by_role("button", name="Set up").click()
    page.get_by_role("button", name="Begin a round").first.click()
    page.wait_for_url(re.compile(r"/rounds/\d+$"))
    accept = page.get_by_role("button", name="Accept", exact=True)
    failed = page.locator("#round-status [role=alert]")
    accept.or_(failed).first.wait_for(timeout=4 * PATIENCE_S * 1000)  # the page goes on by itself
    assert not failed.count(), failed.inner_text()
    page.get_by_role("heading", name="It passes").wait_for()
    page.locator("#difference table, #difference p").first.wait_for()
    accept.click()
    page.get_by_text(f"{model} v2 was accepted by").wait_for()
    page.goto(project)
    looks_with = page.locator("#looking-model_version option:checked")
    assert "v2" in looks_with.inner_text(), "the project went over to it"
