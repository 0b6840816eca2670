"""A rule is written in rows and as JSON, each following the other, and says what it would send."""

from __future__ import annotations

import json
import re

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE

pytestmark = pytest.mark.browser
ALL = '{"Conditions": []}'
NESTED = {
    "ConditionType": "NothingDetected",
    "ConditionParameters": {},
}


def document(page) -> dict:
    return json.loads(page.get_by_label("The same as JSON").input_value())


def test_rows_and_json_follow_each_other(page, analysed):
    page.goto("/projects/1/review-rules")
    page.get_by_text(re.compile(r"\d+ frames? of \d+ in \d+ analys[ei]s")).first.wait_for()
    assert_accessible(page)
    page.get_by_role("link", name="Write another").click()
    json_field, would = page.get_by_label("The same as JSON"), page.locator("#would-send")
    would.get_by_text(re.compile(r"in \d+ analys[ei]s")).wait_for()

    # from the rows
    first = page.locator(".reason").first
    first.get_by_label("Confidence, 0 to 100").last.fill("70")
    assert document(page)["Conditions"][0]["ConditionParameters"]["ConfidenceLessThan"] == 70
    would.get_by_text("the worst frame of each track at least 30 and below 70").wait_for()
    page.get_by_role("button", name="Or where …").click()
    page.keyboard.type("First")  # the kind has the focus
    assert page.locator(".reason").count() == 3
    assert document(page)["Conditions"][2]["ConditionType"] == "FirstAppearance"
    would.get_by_text("the first frame of each track").wait_for()
    page.locator(".reason").nth(2).get_by_label("Remove this condition").click()
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert_accessible(page)

    # from the JSON
    json_field.fill('{"Conditions": [')
    would.get_by_text("This is not JSON (line 1, column 17)").wait_for()
    page.get_by_text("these rows come back when it can").wait_for()
    nested = {"And": [NESTED, {"Or": [NESTED, NESTED]}]}
    json_field.fill(json.dumps({"Conditions": [nested]}))
    page.get_by_text("it stays as JSON").wait_for()
    json_field.fill(ALL)
    would.get_by_text("That is every frame.").wait_for()
    page.get_by_text("There is no condition: people are asked about every frame.").wait_for()
    page.get_by_role("button", name="Where …", exact=True).click()
    page.get_by_label("Condition", exact=True).select_option(label="Nothing detected")
    page.get_by_label("Label", exact=True).select_option(label="Acme")
    page.get_by_label("Name", exact=True).fill("Without Acme")
    page.get_by_role("button", name="Make rule").click()
    page.get_by_text("Sends the frames without Acme.").wait_for()
    page.get_by_role("button", name="Delete Without Acme").click()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="Without Acme", exact=True).wait_for()
    page.get_by_role("button", name="Delete Without Acme").click()  # other tests have their own
    page.get_by_role("button", name="Undo").wait_for()
