"""The figures of all brands side by side, with what is open about them."""

from __future__ import annotations

from typing import Any

from analysis.exposure.columns import (
    UNCHECKED,
    Column,
    Face,
    done,
    doubts,
    edges,
    figure,
    seconds,
    shown_on,
)
from webapp.reports.audited import (
    RULE,
    TIMES_RULE,
    frames,
    is_audited,
    limits,
    of_label,
    summed_up,
    times_limits,
    voice,
)
from webapp.reports.document import Document
from webapp.reports.figures import doubtful_ends
from webapp.reports.paper.sheet import Sheet


def draw(sheet: Sheet, document: Document) -> None:
    sheet.add_page()
    sheet.type(18, bold=True)
    sheet.lines("Summary", 9)
    sheet.ln(3)
    sheet.share_bar(document.seen, 4)
    sheet.ln(4)
    _brands(sheet, document)
    sheet.ln(3)
    sheet.note(_open_questions(document))
    for sentence in [*document.exposure["limits"], *document.numbers.get("notes", [])]:
        sheet.note(sentence)
    _audit(sheet, document)
    if document.exposure["rate"]:
        _money(sheet, document)


def _audit(sheet: Sheet, document: Document) -> None:
    """The brands that people checked, and what they found."""
    numbers = document.numbers
    if not is_audited(numbers):
        return
    sheet.heading("Checked by people")
    counted, rows = numbers.get("audit_times", ()), []
    for brand in document.brands:
        cells = ("", "not audited", "", "", "")
        if row := of_label(numbers.get("audit", ()), brand["label"]):
            found = seconds(row["model_s"]), seconds(row["seconds"]), limits(row)
            cells = (*found, voice(row), frames(row))
        times = (times_limits(of_label(counted, brand["label"])),) if counted else ()
        rows.append((brand["name"], *cells, *times))
    header = ("Brand", "Detected", "On screen", "95 % limits", "Share of voice", "Audited")
    sheet.figures_table((*header, "Times") if counted else header, rows)
    sheet.ln(2)
    sheet.note(f"{RULE} {TIMES_RULE}" if counted else RULE)


def _open_questions(document: Document) -> str:
    """What sampling and the detector leave open, beside all figures."""
    checked = (
        f"Not audited: every figure is {UNCHECKED}, and what the detector missed is not known."
    )
    if said := summed_up(document.numbers):
        checked = f"{said}."
    if document.is_picture:
        return checked
    if found := doubts(doubtful_ends(document.brands)):
        checked = f"{checked} {found}."
    return f"“edges ±” is what sampling can do to starts and ends, all together. {checked}"


def _brands(sheet: Sheet, document: Document) -> None:
    columns = shown_on(Face.PAPER, of_picture=document.is_picture, has=done(document.exposure))
    found = ("In the picture",) if document.is_picture else ()
    header = ("Brand", *found, *(column.title for column in columns))
    rows = [_row(brand, columns, document.is_picture) for brand in document.brands]
    sheet.figures_table(header, rows)


def _row(brand: dict[str, Any], columns: tuple[Column, ...], is_picture: bool) -> tuple[str, ...]:
    found = ("yes" if brand["episodes"] else "not counted",) if is_picture else ()
    if not brand["frames"]:
        cells = (*[""] * len(found), *(_cell(c, brand) if c.needs else "" for c in columns))
        return brand["name"], "none", *cells[1:]
    return brand["name"], *found, *(_cell(column, brand) for column in columns)


def _cell(column: Column, brand: dict[str, Any]) -> str:
    text = figure(column, brand)
    if column.key == "reported_s" and brand["border_error_s"]:
        return f"{text}\n{edges(brand['border_error_s'])}"
    return text


def _money(sheet: Sheet, document: Document) -> None:
    sheet.heading("Media value")
    rate = document.exposure["rate"]
    columns = shown_on(Face.MONEY)
    rows = [
        (b["name"], *(f"{figure(column, b)} {rate['currency']}" for column in columns))
        for b in document.brands
        if b["media_value"] is not None
    ]
    header = ("Brand", *(column.brief for column in columns))
    sheet.table_of(header, rows, (74, *[50] * len(columns)))
    sheet.ln(2)
    sheet.note(rate["formula"])
