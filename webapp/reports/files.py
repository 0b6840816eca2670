"""A report as files. Each is made from the same frozen numbers that the page shows."""

from __future__ import annotations

import json
from collections.abc import Callable

from webapp.reports.document import Document
from webapp.reports.figures import bare
from webapp.reports.paper import pdf

Maker = Callable[[Document], bytes]


def _json(document: Document) -> bytes:
    # `numbers` as a whole is what manifest.numbers_sha256 was taken of.
    whole = {"title": document.title, "manifest": document.manifest}
    whole["numbers"] = bare(document.numbers)
    return json.dumps(whole, indent=1, ensure_ascii=False).encode()


def _text(name: str) -> Maker:
    # Excel takes a CSV for UTF-8 only when it begins with a byte order mark.
    encoding = "utf-8-sig" if name.endswith(".csv") else "utf-8"
    return lambda document: document.numbers["files"].get(name, "").encode(encoding)


# kind → (what it is, file ending, content type, maker)
FILES: dict[str, tuple[str, str, str, Maker]] = {
    "pdf": ("PDF", ".pdf", "application/pdf", pdf),
    "brands": ("Brands (CSV)", "-brands.csv", "text/csv", _text("brands.csv")),
    "episodes": ("Exposures (CSV)", "-exposures.csv", "text/csv", _text("episodes.csv")),
    "mentions": ("Mentions (CSV)", "-mentions.csv", "text/csv", _text("mentions.csv")),
    "audit": ("Audit (CSV)", "-audit.csv", "text/csv", _text("audit.csv")),
    "json": ("Everything (JSON)", ".json", "application/json", _json),
    "vtt": ("Captions (WebVTT)", ".vtt", "text/vtt", _text("episodes.vtt")),
    "edl": ("Edit list (EDL)", ".edl", "text/plain", _text("exposures.edl")),
    "otio": ("Edit list (OTIO)", ".otio", "application/json", _text("exposures.otio")),
}
_OF_FILMS = {"vtt", "edl", "otio"}


def kinds(*, is_film: bool, is_audited: bool) -> dict[str, str]:
    """What each kind is called; a picture has no times to cut or to caption, and what nobody
    checked has no audit."""
    left_out = (set() if is_film else _OF_FILMS) | (set() if is_audited else {"audit"})
    return {kind: what for kind, (what, *_) in FILES.items() if kind not in left_out}
