"""The report on paper, drawn with fpdf2: the same numbers as the page, to be sent on.

Cover, summary, a page for each brand that was seen, the other ways to count, every exposure, and
how it was measured.
"""

from __future__ import annotations

from webapp.reports.document import Document
from webapp.reports.evidence import best_frames
from webapp.reports.paper import appendix, brand, cover, summary
from webapp.reports.paper.sheet import Sheet


def pdf(document: Document) -> bytes:
    """The whole report as the bytes of a PDF."""
    sheet = Sheet(document.title, document.issuer)
    cover.draw(sheet, document)
    summary.draw(sheet, document)
    frames = best_frames(document)
    for seen in document.seen:
        brand.draw(sheet, document, seen, frames.get(seen["label"]))
    appendix.draw(sheet, document)
    return bytes(sheet.output())
