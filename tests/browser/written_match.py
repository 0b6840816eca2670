"""A match with writing on it, which was read."""

from __future__ import annotations

from tests.browser.indexed import indexed, received
from tests.captions import match_film


def make() -> str:
    asset = received("written-match.mp4", match_film)
    indexed(asset, "text")
    return f"/assets/{asset.pk}"
