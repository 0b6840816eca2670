"""A report as files. Each is made from the same frozen numbers that the page shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from webapp.reports.figures import bare
from webapp.reports.pdf import pdf

Figures = dict[str, Any]
Maker = Callable[[str, Figures, dict[str, Any]], bytes]


def _json(title: str, numbers: Figures, manifest: dict[str, Any]) -> bytes:
    # `numbers` as a whole is what manifest.numbers_sha256 was taken of.
    whole = {"title": title, "manifest": manifest, "numbers": bare(numbers)}
    return json.dumps(whole, indent=1, ensure_ascii=False).encode()


def _text(name: str) -> Maker:
    # Excel takes a CSV for UTF-8 only when it begins with a byte order mark.
    encoding = "utf-8-sig" if name.endswith(".csv") else "utf-8"
    return lambda title, numbers, manifest: numbers["files"][name].encode(encoding)


# kind → (what it is, file ending, content type, maker)
FILES: dict[str, tuple[str, str, str, Maker]] = {
    "pdf": ("PDF", ".pdf", "application/pdf", pdf),
    "brands": ("Brands (CSV)", "-brands.csv", "text/csv", _text("brands.csv")),
    "episodes": ("Exposures (CSV)", "-exposures.csv", "text/csv", _text("episodes.csv")),
    "json": ("Everything (JSON)", ".json", "application/json", _json),
    "vtt": ("Captions (WebVTT)", ".vtt", "text/vtt", _text("episodes.vtt")),
}
