"""A page for one brand: its figures, the frame that shows it best, when and where it was seen."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from analysis.exposure.columns import BY_KEY, clock, doubts, edges, figure, percent
from webapp.reports.audited import checked
from webapp.reports.document import Document
from webapp.reports.evidence import BestFrame
from webapp.reports.figures import doubtful_ends
from webapp.reports.paper.sheet import GROUND, INK, LINE, QUIET, Colour, Sheet, rgb, tinted

_FRAME_HEIGHT = 98.0  # millimetres at most: a wide film fills the width
_ZONE = (30.0, 16.9)  # of each ninth, in the proportions of most films
_LEAST = 0.35  # of the strip, for an exposure that would be too thin to be seen
_HEADLINES = ("on_screen_s", "reported_s", "share_of_voice_time", "prominence")
_OF_PICTURE = ("share_of_voice_area", "mean_size_visible", "position", "prominence")
_FACTS = (
    *("count", "longest_s", "first_s", "last_s", "share_of_screen_time"),
    *("mean_size_visible", "max_size", "position", "clarity", "solus_s"),
)
_OF_WORDS = (("is_heard", ("mentions", "mentions_seen")), ("is_read", ("written", "written_s")))
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 8


def draw(sheet: Sheet, document: Document, brand: dict[str, Any], frame: BestFrame | None) -> None:
    sheet.add_page()
    y = sheet.get_y()
    sheet.block(sheet.l_margin, y + 1.6, 5, 5, rgb(brand["colour"]))
    sheet.type(18, bold=True)
    sheet.set_x(sheet.l_margin + 8)
    sheet.multi_cell(0, 8.4, brand["name"], align="L", new_x="LMARGIN", new_y="NEXT")
    sheet.ln(3)
    _headlines(sheet, document, brand)
    _evidence(sheet, document, brand, frame)
    if document.is_picture:
        return
    _strip(sheet, document, brand)
    y = sheet.get_y() + 6
    _zones(sheet, brand, y)
    _facts(sheet, document, brand, y)


def _headlines(sheet: Sheet, document: Document, brand: dict[str, Any]) -> None:
    """The four figures that people look for, and under them what is open."""
    y, keys = sheet.get_y(), _OF_PICTURE if document.is_picture else _HEADLINES
    width = sheet.epw / len(keys)
    for place, key in enumerate(keys):
        x = sheet.l_margin + place * width
        sheet.type(8, QUIET)
        sheet.at(x, y, BY_KEY[key].title)
        sheet.type(17, bold=True)
        sheet.at(x, y + 4, figure(BY_KEY[key], brand))
    at_edges = edges(brand["border_error_s"]) if brand["border_error_s"] else ""
    audited = checked(document.numbers, brand["label"])
    said = (at_edges, audited, doubts(doubtful_ends([brand])))
    sheet.type(8, QUIET)
    sheet.set_xy(sheet.l_margin, y + 12.2)
    sheet.cell(0, 4, "  ·  ".join(filter(None, said)))
    sheet.set_xy(sheet.l_margin, y + 19)


def _evidence(
    sheet: Sheet, document: Document, brand: dict[str, Any], frame: BestFrame | None
) -> None:
    if frame is None:
        counted = "None of its exposures counts" if not brand["episodes"] else "No frame was kept"
        sheet.note(f"{counted}, so no frame is shown.")
        sheet.ln(2)
        return
    x, y = sheet.l_margin, sheet.get_y()
    scale = min(sheet.epw / frame.width, _FRAME_HEIGHT / frame.height)
    width, height = frame.width * scale, frame.height * scale
    if frame.missing:
        width, height = sheet.epw, 26.0
    sheet.block(x, y, sheet.epw, height, GROUND)
    if frame.missing:
        sheet.type(9, QUIET)
        sheet.set_xy(x + 12, y + height / 2 - 5)
        sheet.multi_cell(sheet.epw - 24, 5, frame.missing, align="C")
    else:
        left = x + (sheet.epw - width) / 2
        sheet.image(io.BytesIO(frame.picture), left, y, width, height)
        _boxes(sheet, frame, rgb(brand["colour"]), (left, y, width, height))
    sheet.set_xy(x, y + height + 1.5)
    when = "" if document.is_picture else f"{clock(frame.time_s)}  ·  "
    several = f"{len(frame.boxes)} boxes" if len(frame.boxes) != 1 else "1 box"
    sheet.note(
        f"{when}{several}  ·  confidence {frame.confidence:.2f}  ·  {percent(frame.size, 1)} of "
        "the frame. The frame of its exposures in which it is largest and surest."
    )


def _boxes(
    sheet: Sheet, frame: BestFrame, colour: Colour, place: tuple[float, float, float, float]
) -> None:
    """A line in the brand's colour on a white one, so that it is seen on any ground."""
    x, y, width, height = place
    for line, drawn in ((1.1, (255, 255, 255)), (0.6, colour)):
        sheet.set_draw_color(*drawn)
        sheet.set_line_width(line)
        for x1, y1, x2, y2 in frame.boxes:
            sheet.rect(x + x1 * width, y + y1 * height, (x2 - x1) * width, (y2 - y1) * height)


def _strip(sheet: Sheet, document: Document, brand: dict[str, Any]) -> None:
    """When it was on screen: its exposures along the time that was measured."""
    sheet.ln(3)
    _title(sheet, sheet.l_margin, sheet.get_y(), "When it was on screen")
    x, y, width, height = sheet.l_margin, sheet.get_y() + 6, sheet.epw, 8.0
    start_s, end_s = document.exposure["window"]
    a_second = width / max(end_s - start_s, 1e-9)
    sheet.block(x, y, width, height, GROUND)
    for episode in brand["episodes"]:
        left = x + (episode["start_s"] - start_s) * a_second
        long = max((episode["end_s"] - episode["start_s"]) * a_second, _LEAST)
        sheet.block(min(left, x + width - long), y, long, height, rgb(brand["colour"]))
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.2)
    sheet.type(7.5, QUIET)
    for time_s in _ticks(start_s, end_s):
        at = x + (time_s - start_s) * a_second
        sheet.line(at, y + height, at, y + height + 1.2)
        sheet.at(at - 10, y + height + 1.8, clock(time_s, 0), 20, "C")
    sheet.set_xy(x, y + height + 5)


def _ticks(start_s: float, end_s: float) -> Iterator[float]:
    step = next((s for s in _STEPS_S if (end_s - start_s) / s <= _MOST_TICKS), _STEPS_S[-1])
    time_s = -(-start_s // step) * step
    while time_s <= end_s:
        yield time_s
        time_s += step


def _zones(sheet: Sheet, brand: dict[str, Any], y: float) -> None:
    """Seconds in each ninth of the frame: nine equal cells, the fuller the stronger."""
    _title(sheet, sheet.l_margin, y, "Where in the frame, seconds")
    most = max(max(row) for row in brand["zones"]) or 1
    width, height = _ZONE
    for row, cells in enumerate(brand["zones"]):
        for column, seconds in enumerate(cells):
            left, top = sheet.l_margin + column * width, y + 6 + row * height
            tint = tinted(rgb(brand["colour"]), 0.12 + 0.43 * seconds / most)
            sheet.block(left, top, width - 0.6, height - 0.6, tint if seconds else GROUND)
            sheet.type(9 if seconds else 8, INK if seconds else QUIET)
            said = f"{seconds:,.1f}" if seconds else "0"
            sheet.at(left, top + height / 2 - 2.2, said, width - 0.6, "C")


def _facts(sheet: Sheet, document: Document, brand: dict[str, Any], y: float) -> None:
    """The other figures, in two columns beside the map."""
    told = (keys for need, keys in _OF_WORDS if document.exposure.get(need))
    shown = (*_FACTS, *(key for keys in told for key in keys))
    left = sheet.l_margin + 3 * _ZONE[0] + 10
    _title(sheet, left, y, "In figures")
    column = (sheet.l_margin + sheet.epw - left) / 2
    half = (len(shown) + 1) // 2
    for place, key in enumerate(shown):
        x, top = left + place // half * (column + 2), y + 6 + place % half * 10.4
        sheet.type(7.5, QUIET)
        sheet.at(x, top, BY_KEY[key].title)
        sheet.type(10.5)
        sheet.at(x, top + 3.6, figure(BY_KEY[key], brand))


def _title(sheet: Sheet, x: float, y: float, text: str) -> None:
    sheet.type(9.5, bold=True)
    sheet.at(x, y, text)
    sheet.set_y(y)
