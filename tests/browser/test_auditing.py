"""Checking the figures by keys alone: a brand is chosen, frames are answered, its seconds have
limits, and those of the report narrow with more answers."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Error

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser
N = 12
# Which frame can be answered for now: "" while its picture comes, "done" when none is left.
ASKED = """() => {
  if (location.hash === '#result') return 'done';
  const ready = document.querySelector('#frame img')
    && !document.querySelector('[data-answer=there]').disabled;
  return ready ? document.querySelector('#at').textContent : '';
}"""


def asked(page) -> str:
    try:
        return page.evaluate(ASKED)
    except Error:  # the page is being left
        return ""


def next_after(page, before: str, key: str = "") -> str:
    """What is asked once that is no longer `before`: by this key, which a page that has just shown
    a frame does not hear."""
    deadline = time.monotonic() + 60
    while (now := asked(page)) in ("", before):
        assert time.monotonic() < deadline, f"{before!r} stayed"
        if now and key:
            page.wait_for_timeout(200)  # nobody is faster
            page.keyboard.press(key)
        page.wait_for_timeout(50)
    return now


def width(page, audit: str) -> float:
    """How far the limits are apart in the report, in seconds."""
    page.goto(audit.replace("/audit", "/report"))
    said = page.locator("#audit").get_by_role("row").filter(has_text="Acme").inner_text()
    low, high = re.search(r"\((\d+\.\d)–(\d+\.\d)\)", said).groups()
    page.goto(audit)
    return float(high) - float(low)


def test_a_brand_is_checked_by_keys_and_its_limits_narrow(page, analysed):
    page.goto(analysed)
    page.get_by_role("link", name="Not checked by a person").click()
    row = page.get_by_role("row").filter(has_text="Acme")
    assert "not audited" in row.inner_text()
    page.evaluate(f"document.querySelector('input[name=n]:checked').value = {N}")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/audit/answer")
    at, n = next_after(page, ""), 0
    while at != "done":
        if n == 3:  # a slip, taken back
            other = next_after(page, at, "u")
            assert next_after(page, other, "z") == at
        if n == 5:
            page.keyboard.press("b")
            page.locator("#boxes:not([hidden])").wait_for()
            page.set_viewport_size(PHONE)
            assert_accessible(page)
        at = next_after(page, at, "y")
        n += 1
    assert N <= n <= N + 1, "one more where the frame in the slip's place was handed out already"
    page.wait_for_load_state()
    row = page.get_by_role("row").filter(has_text="Acme")
    said = row.inner_text()
    assert re.search(r"\d:\d\d\.\d \d:\d\d\.\d to \d:\d\d\.\d", said), said
    assert str(n) in said.split(), said

    audit, at_first = page.url.split("#")[0], width(page, page.url.split("#")[0])
    page.get_by_role("button", name=re.compile("Ask .* more")).click()
    page.wait_for_url("**/audit/answer")
    at = next_after(page, "")
    while at != "done":
        at = next_after(page, at, "y")
    page.wait_for_load_state()
    assert width(page, audit) < at_first
