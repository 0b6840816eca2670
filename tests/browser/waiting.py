"""Waiting for what a page comes to by itself; a busy machine is no failure."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

PATIENCE_S = 150


def named_anew(name: str) -> str:
    """A name that nothing has yet, not even where the test is run once more on the same site."""
    return f"{name} {secrets.token_hex(2)}"


def until(page, condition: str, seconds: float = PATIENCE_S) -> None:
    """Ask until it is true. (The page's own policy forbids the polling that Playwright offers.)"""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"never came true: {condition}"
        page.wait_for_timeout(50)


def open_tab(page, name: str, timeout_ms: float = PATIENCE_S * 1000) -> None:
    """Until it is open: where the page has just come, nobody may hear the first click."""
    tab = page.get_by_role("tab", name=name)
    tab.wait_for(timeout=timeout_ms)
    deadline = time.monotonic() + PATIENCE_S
    while tab.get_attribute("aria-selected") != "true":
        assert time.monotonic() < deadline, f"the tab {name} never opened"
        tab.click(timeout=timeout_ms)
        page.wait_for_timeout(50)


def look_again(page, what: Callable[[], object], words: str) -> None:
    """Load a page that does not go on by itself anew until it shows what `words` say."""
    deadline = time.monotonic() + 2 * PATIENCE_S
    while not what():
        said = page.locator("main").inner_text()[:2000]
        assert time.monotonic() < deadline, f"Waited in vain until {words}:\n{said}"
        page.wait_for_timeout(2000)
        page.reload()
