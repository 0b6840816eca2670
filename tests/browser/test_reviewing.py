"""Deciding by keys alone: what was found is accepted, rejected or given another label, what was
missed is drawn; decisions are taken back, and none is lost with the connection."""

from __future__ import annotations

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_mentions import ask, harbour_cup

pytestmark = pytest.mark.browser
N = 20
SEEN = {"LabelName": "Acme", "ConfidenceGreaterThanEquals": 1}
RULE = {
    "name": "Every sight of Acme",
    "conditions": {
        "Conditions": [{"ConditionType": "LabelConfidenceCheck", "ConditionParameters": SEEN}]
    },
}
READY = """before => {
  const item = document.getElementById('work').dataset.item;
  return item && item !== before ? item : null;
}"""
TOO_FAST_MS = 200  # a picture that just came is decided by no key


class Reviewer:
    """Hands on the keys, and eyes on the picture."""

    def __init__(self, page) -> None:
        self.page = page
        self.item = ""

    def see(self, *, before: str = "") -> str:
        """The item that can be decided, once it is not that of before."""
        self.item = self.page.wait_for_function(READY, arg=before).json_value()
        self.page.wait_for_timeout(TOO_FAST_MS)
        return self.item

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def decide(self, *keys: str) -> str:
        """Presses keys of which the last decides. Returns what was decided."""
        decided = self.item
        self.press(*keys)
        self.see(before=decided)
        return decided

    def hears(self) -> str:
        return self.page.locator("#work-live").inner_text()

    def decided(self) -> str:
        return self.page.locator("#pace").inner_text()


@pytest.fixture
def queue(page, analysed):
    """A project whose newest analysis is gone through by a rule that sends each sight of Acme."""
    page.goto("/projects")
    project = harbour_cup(page)
    made = ask(page, "POST", "/review-rules/", {"project": project} | RULE)["id"]
    ask(page, "POST", f"/review-rules/{made}/apply/")
    found = f"/review-items/?rule={made}&page_size=100"
    for _ in range(240):
        if len(ask(page, "GET", found)["results"]) > N:
            break
        page.wait_for_timeout(250)
    yield f"/review/work?project={project}&rule={made}&order=age"
    for item in ask(page, "GET", found)["results"]:  # the figures are as other tests know them
        if item["n_decided"]:
            ask(page, "POST", f"/review-items/{item['id']}/undo/")
    ask(page, "PATCH", f"/review-rules/{made}/", {"is_on": False})


def labels(content: dict) -> list[str]:
    return [box["label"] for box in content["annotatedResult"]["boundingBoxes"]]


def answers(page, item: str) -> list[tuple]:
    """What was answered for an item, as the API has it: the labels, without those that other
    tests brought into the film, and whether unsure."""
    given = ask(page, "GET", f"/review-items/{item}/human-loop/")["humanAnswers"]
    contents = [one["answerContent"] for one in given]
    return [
        (sorted({"Acme", "Nobody"}.intersection(labels(one))), one["unsure"]) for one in contents
    ]


def test_twenty_decisions_by_keys_alone_and_none_is_lost(page, queue):
    page.goto(queue)
    hand = Reviewer(page)
    first = hand.see()
    assert "Acme" in hand.hears(), "who listens is told what is there"
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert_accessible(page)
    hand.press("t")  # each frame for itself: the others of its track are still asked about
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")  # held: the second is a repeat and decides nothing
    page.keyboard.up("Enter")
    second = hand.see(before=first)
    assert "1 decided" in hand.decided()

    rejected = hand.decide("x")
    relabelled = hand.decide("2", "Enter")
    drawn = hand.decide("2", "z", "Shift+N", "2", "ArrowRight", " ")
    unsure = hand.decide("u")
    emptied = hand.decide("Tab", "Delete", "Enter")
    hand.press("Delete", "z")
    assert hand.hears().startswith("Undone: rejected"), "the last change first"
    hand.press("z")
    assert hand.see(before=hand.item) == emptied, "then the last decision"
    hand.press("z", "Enter")
    hand.see(before=emptied)
    skipped = hand.decide("s")

    page.wait_for_function("() => document.getElementById('work').dataset.ahead >= 5")
    page.context.set_offline(True)
    kept = [hand.decide("Enter") for _ in range(4)]
    page.get_by_text("No connection: 4 decisions kept here").wait_for()
    hand.press("z")
    assert hand.see(before=hand.item) == kept[3]
    page.get_by_text("No connection: 3 decisions kept here").wait_for()
    page.context.set_offline(False)
    page.locator("#kept").wait_for(state="hidden")
    page.problems[:] = [p for p in page.problems if "ERR_INTERNET_DISCONNECTED" not in p]

    while f"{N - 1} decided" not in hand.decided():
        kept.append(hand.decide("Enter"))
    assert "This frame" in page.locator("#scope [aria-pressed=true]").inner_text()
    whole = hand.decide("t", "Enter")
    page.wait_for_function("() => !JSON.stringify(localStorage).includes('\"did')")
    assert f"{N} decided" in hand.decided()
    items = ask(page, "GET", "/review-items/?page_size=100")["results"]
    untouched = {one["state"] for one in items if not one["n_decided"]}
    assert untouched == {"open", "done"}, "of the track that was decided no more is asked"
    accepted = (["Acme"], False)
    assert answers(page, rejected) == [([], False)]
    assert answers(page, relabelled) == [(["Nobody"], False)]
    assert answers(page, drawn) == [(["Acme", "Nobody"], False)]
    assert answers(page, unsure) == [([], True)]
    assert answers(page, skipped) == []
    assert [answers(page, item) for item in (first, emptied, *kept, whole)] == [[accepted]] * (
        len(kept) + 3
    )
    assert second == rejected
