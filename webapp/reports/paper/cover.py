"""The first page: what this is about, of when, and who says so."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime

from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from analysis.exposure.columns import clock, percent
from webapp.reports.document import Document
from webapp.reports.paper.sheet import INK, QUIET, Sheet, rgb, share_of_voice

_LOGO = (64.0, 24.0)  # millimetres that it may take
_TITLE_Y, _FOOT_Y = 78.0, 236.0
_MOST_NAMED = 6  # brands under the bar


def draw(sheet: Sheet, document: Document) -> None:
    sheet.add_page()
    sheet.set_auto_page_break(False)
    logo(sheet, document.logo, document.issuer)
    sheet.set_y(_TITLE_Y)
    sheet.type(9.5, QUIET)
    sheet.lines("Brand exposure report" if document.issued else "Brand exposure report, draft", 6)
    sheet.ln(1)
    title(sheet, document.title)
    sheet.ln(8)
    sheet.rule(sheet.get_y())
    sheet.ln(6)
    facts(sheet, _facts(document))
    _voices(sheet, document)
    sheet.set_auto_page_break(True, 20)


def logo(sheet: Sheet, file: str, issuer: str) -> None:
    """The sender's own; their name where there is none."""
    if file and (picture := _opened(file)):
        width, height = picture.size
        scale = min(_LOGO[0] / width, _LOGO[1] / height)
        sheet.image(picture, sheet.l_margin, sheet.t_margin, width * scale, height * scale)
        return
    sheet.type(12, bold=True)
    sheet.at(sheet.l_margin, sheet.t_margin, issuer)


def _opened(name: str) -> Image.Image | None:
    try:
        with default_storage.open(name) as stored:
            return Image.open(io.BytesIO(stored.read()))
    except OSError:  # a cover without its logo is better than no report
        return None


def title(sheet: Sheet, text: str) -> None:
    """As large as lets it stand in three lines."""
    for size in (30, 24, 19, 15):
        sheet.type(size, bold=True)
        if sheet.get_string_width(text) < 2.7 * sheet.epw:
            break
    sheet.lines(text, sheet.font_size * 1.2)


def _facts(document: Document) -> list[tuple[str, str]]:
    """In the order in which people ask."""
    return [
        ("Project", document.project or "–"),
        ("Picture" if document.is_picture else "Film", document.manifest["media"]["name"]),
        ("Period", _period(document)),
        ("Counted by", document.exposure["method"]["name"]),
        ("Analysed", _day(document.manifest["run"]["finished"])),
        ("Date of issue", _issued(document)),
        ("Issued by", ", ".join(filter(None, (document.person, document.issuer)))),
    ]


def facts(sheet: Sheet, rows: Sequence[tuple[str, str]]) -> None:
    """Two columns of what and its value."""
    for what, value in rows:
        y = sheet.get_y()
        sheet.type(9.5, QUIET)
        sheet.at(sheet.l_margin, y + 0.3, what)
        sheet.set_xy(sheet.l_margin + 38, y)
        sheet.type(10.5)
        sheet.multi_cell(sheet.epw - 38, 5.4, value, align="L", new_x="LMARGIN", new_y="NEXT")
        sheet.ln(2.2)


def _period(document: Document) -> str:
    duration_s = document.exposure["duration_s"]
    start_s, end_s = document.exposure["window"]
    if not duration_s:
        return "One picture"
    if end_s - start_s >= duration_s - 1e-6:
        return f"The whole film, {clock(duration_s)}"
    return f"{clock(start_s)} to {clock(end_s)} of {clock(duration_s)}"


def _issued(document: Document) -> str:
    if document.issued:
        return _long(timezone.localtime(document.issued).date())
    return f"Not issued; a draft of {_long(timezone.localdate())}"


def _day(iso: str | None) -> str:
    if not iso:
        return "Not finished"
    return _long(timezone.localtime(datetime.fromisoformat(iso)).date())


def _long(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _voices(sheet: Sheet, document: Document) -> None:
    """Share of voice as one bar, and the brands with the most."""
    seen = [brand for brand in document.seen if share_of_voice(brand)]
    if not seen:
        return
    sheet.set_y(_FOOT_Y)
    sheet.type(9.5, QUIET)
    sheet.lines("Share of voice" + (", by area" if document.is_picture else ""), 6)
    sheet.share_bar(seen, 5)
    sheet.ln(3.5)
    column = sheet.epw / 3
    for place, brand in enumerate(seen[:_MOST_NAMED]):
        x, y = sheet.l_margin + place % 3 * column, sheet.get_y() + place // 3 * 6
        sheet.block(x, y + 0.8, 2.8, 2.8, rgb(brand["colour"]))
        sheet.type(9, INK)
        said = f"{percent(share_of_voice(brand))}  {_cut(sheet, brand['name'], column - 20)}"
        with sheet.local_context():
            sheet.at(x + 4.5, y, said)
            sheet.set_y(y - place // 3 * 6)
    left = len(seen) - _MOST_NAMED
    if left > 0:
        sheet.type(9, QUIET)
        sheet.at(sheet.l_margin, sheet.get_y() + 12.5, f"and {left} more")


def _cut(sheet: Sheet, text: str, width: float) -> str:
    """As much of a name as fits."""
    while sheet.get_string_width(text) > width and len(text) > 2:
        text = text[:-2].rstrip() + "…"
    return text
