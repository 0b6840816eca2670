"""What a button copies."""

from __future__ import annotations

from tests.browser.waiting import until

_CLIPBOARD = "navigator.clipboard.readText()"


def copied(page, button) -> str:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('')")
    button.click()
    until(page, _CLIPBOARD)
    return page.evaluate(_CLIPBOARD)
