"""Checking the figures by keys alone: a brand is chosen, frames are answered, and its seconds have
limits."""

from __future__ import annotations

import re

import pytest

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser
N = 12
CAN_ANSWER = (
    "document.querySelector('#frame img') && "
    "!document.querySelector('[data-answer=there]').disabled"
)


def shown(page) -> str:
    """Which frame can be answered for now; "" when none is left."""
    page.wait_for_function(f"() => location.hash === '#result' || ({CAN_ANSWER})", timeout=30_000)
    page.wait_for_timeout(200)  # nobody is faster
    return "" if "#result" in page.url else page.locator("#at").inner_text()


def test_a_brand_is_checked_by_keys(page, analysed):
    page.goto(analysed)
    page.get_by_role("link", name="Not checked by a person").click()
    row = page.get_by_role("row").filter(has_text="Acme")
    assert "not audited" in row.inner_text()
    page.evaluate(f"document.querySelector('input[name=n]:checked').value = {N}")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/audit/answer")
    n = 0
    while at := shown(page):
        if n == 3:  # a slip, taken back
            page.keyboard.press("u")
            shown(page)
            page.keyboard.press("z")
            page.wait_for_function(f"() => document.querySelector('#at').textContent === '{at}'")
            shown(page)
        if n == 5:
            page.keyboard.press("b")
            page.locator("#boxes:not([hidden])").wait_for()
            page.set_viewport_size(PHONE)
            assert_accessible(page)
        page.keyboard.press("y")
        n += 1
    assert N <= n <= N + 1, "one more where the frame in the slip's place was handed out already"
    row = page.get_by_role("row").filter(has_text="Acme")
    said = row.inner_text()
    assert re.search(r"\d:\d\d\.\d \d:\d\d\.\d to \d:\d\d\.\d", said), said
    assert str(n) in said.split(), said
