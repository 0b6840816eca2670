"""The report on paper, drawn with fpdf2: the same numbers in the same order as the page."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from fpdf import FPDF
from fpdf.fonts import FontFace

from analysis.exposure.columns import UNCHECKED, Column, Face, edges, figure, shown_on
from webapp.reports.figures import sampling
from webapp.templatetags.show import clock, percent

INK, QUIET, LINE = (28, 29, 31), (93, 96, 102), (228, 228, 224)
MOST_EPISODES = 400
TABLE_SIZE = 8.5  # points
BRANDS_A_TABLE = 5  # as many as stand beside each other on the page


class _Paper(FPDF):
    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        self.set_title(title)
        self.set_margins(18, 16)
        self.set_auto_page_break(True, 18)
        self.alias_nb_pages()
        for style, file in (("", "regular.ttf"), ("B", "bold.ttf")):
            if path := _font(file):
                self.add_font("sans", style, path)
        self.face = "sans" if _font("regular.ttf") else "helvetica"

    def footer(self) -> None:
        self.set_y(-12)
        self.text_style(8, QUIET)
        self.cell(0, 4, f"Sightline {settings.VERSION}", align="L")
        self.cell(0, 4, f"{self.page_no()} of {{nb}}", align="R")

    def text_style(
        self, size: float, colour: tuple[int, int, int] = INK, bold: bool = False
    ) -> None:
        self.set_font(self.face, "B" if bold else "", size)
        self.set_text_color(*colour)

    def heading(self, text: str) -> None:
        self.ln(5)
        self.text_style(11, bold=True)
        self.multi_cell(0, 6, self.fit(text), new_x="LMARGIN", new_y="NEXT")
        self.ln(1)

    def paragraph(self, text: str) -> None:
        self.text_style(8.5, QUIET)
        self.multi_cell(0, 4.4, self.fit(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def fit(self, text: str) -> str:
        """Text that the font at hand can show."""
        if self.face == "sans":
            return text
        plain = text.replace("\u202f", " ").replace("–", "-").replace("…", "...")
        return plain.encode("latin-1", "replace").decode("latin-1")


@cache
def _font(name: str) -> Path | None:
    """A font that a system usually has, for names outside Latin-1; None where there is none."""
    places = {
        "regular.ttf": ["dejavu/DejaVuSans.ttf", "noto/NotoSans-Regular.ttf"],
        "bold.ttf": ["dejavu/DejaVuSans-Bold.ttf", "noto/NotoSans-Bold.ttf"],
    }
    both = [
        [Path("/usr/share/fonts/truetype") / place for place in places[file]] for file in places
    ]
    for regular, bold in zip(*both, strict=True):
        if regular.exists() and bold.exists():
            return regular if name == "regular.ttf" else bold
    return None


def pdf(title: str, numbers: dict[str, Any], manifest: dict[str, Any]) -> bytes:
    """The whole report as the bytes of a PDF."""
    paper = _Paper(title)
    paper.add_page()
    _head(paper, title, numbers, manifest)
    _brands(paper, numbers["exposure"])
    _methods(paper, numbers)
    _episodes(paper, numbers["exposure"])
    _rests_on(paper, manifest)
    return bytes(paper.output())


def _shown(exposure: dict[str, Any]) -> list[dict[str, Any]]:
    """The brands that are not left out, most seen first, as on the page."""
    shown = [brand for brand in exposure["brands"] if not brand["is_hidden"]]
    return sorted(shown, key=lambda brand: (not brand["frames"], -brand["reported_s"]))


def _head(paper: _Paper, title: str, numbers: dict[str, Any], manifest: dict[str, Any]) -> None:
    exposure = numbers["exposure"]
    paper.text_style(18, bold=True)
    paper.multi_cell(0, 8, paper.fit(title), new_x="LMARGIN", new_y="NEXT")
    paper.text_style(9, QUIET)
    start_s, end_s = exposure["window"]
    span = f"{clock(start_s)} to {clock(end_s)} of {clock(exposure['duration_s'])}"
    if not exposure["duration_s"]:
        span = "picture"
    line = f"{manifest['media']['name']}  ·  {span}  ·  {exposure['method']['name']}"
    paper.multi_cell(0, 5, paper.fit(line), new_x="LMARGIN", new_y="NEXT")
    paper.ln(3)
    _share_bar(paper, _shown(exposure))


def _share_bar(paper: _Paper, brands: list[dict[str, Any]]) -> None:
    x, y, width = paper.l_margin, paper.get_y(), paper.epw
    for brand in brands:
        share = brand["share_of_voice_time"] or 0
        paper.set_fill_color(*_rgb(brand["colour"]))
        paper.rect(x, y, width * share, 3, style="F")
        x += width * share
    if x > paper.l_margin:
        paper.set_y(y + 3)


def _brands(paper: _Paper, exposure: dict[str, Any]) -> None:
    paper.heading("Brands")
    shown = _shown(exposure)
    is_picture = not exposure["duration_s"]
    columns = shown_on(Face.PAPER, of_picture=is_picture)
    found = ("In the picture",) if is_picture else ()
    header = ("Brand", *found, *(column.title for column in columns))
    rows = [_brand_row(brand, columns, is_picture) for brand in shown]
    _table(paper, header, rows, _widths(paper, header, rows))
    paper.ln(2)
    paper.paragraph(UNCHECKED)
    for sentence in exposure["limits"]:
        paper.paragraph(sentence)
    if exposure["rate"]:
        _money(paper, exposure)


def _widths(
    paper: _Paper, header: tuple[str, ...], rows: list[tuple[str, ...]]
) -> tuple[float, ...]:
    """Millimetres: figures as wide as their longest line, names what is left."""
    paper.text_style(TABLE_SIZE)
    figures = [
        max(paper.get_string_width(line) for cell in cells for line in paper.fit(cell).split("\n"))
        + 2 * paper.c_margin
        + 1
        for cells in list(zip(header, *rows, strict=True))[1:]
    ]
    return (max(paper.epw - sum(figures), paper.epw / 5), *figures)


def _brand_row(
    brand: dict[str, Any], columns: tuple[Column, ...], is_picture: bool
) -> tuple[str, ...]:
    found = ("yes" if brand["episodes"] else "not counted",) if is_picture else ()
    if not brand["frames"]:
        return brand["name"], "none", *[""] * (len(found) + len(columns) - 1)
    return brand["name"], *found, *(_cell(column, brand) for column in columns)


def _cell(column: Column, brand: dict[str, Any]) -> str:
    text = figure(column, brand)
    if column.key == "reported_s" and brand["border_error_s"]:
        return f"{text}\n{edges(brand['border_error_s'])}"
    return text


def _money(paper: _Paper, exposure: dict[str, Any]) -> None:
    paper.heading("Media value")
    currency = exposure["rate"]["currency"]
    columns = shown_on(Face.MONEY)
    rows: list[tuple[str, ...]] = [
        (b["name"], *(f"{figure(column, b)} {currency}" for column in columns))
        for b in _shown(exposure)
        if b["media_value"] is not None
    ]
    header = ("Brand", *(column.brief for column in columns))
    _table(paper, header, rows, (60, *[50] * len(columns)))
    paper.paragraph(exposure["rate"]["formula"])


def _methods(paper: _Paper, numbers: dict[str, Any]) -> None:
    exposure = numbers["exposure"]
    place = {brand["label"]: i for i, brand in enumerate(exposure["brands"])}
    seen = [brand for brand in _shown(exposure) if brand["frames"]]
    if not seen or not exposure["duration_s"]:
        return
    paper.heading("The same detections, counted in other ways")
    for first in range(0, len(seen), BRANDS_A_TABLE):
        brands = seen[first : first + BRANDS_A_TABLE]
        rows = [
            (method["name"], *(clock(method["seconds"][place[b["label"]]]) for b in brands))
            for method in numbers["methods"]
        ]
        header = ("Method", *(brand["name"] for brand in brands))
        empty = paper.epw - 50 - 24 * len(brands)
        _table(paper, header, rows, (50 + empty, *[24] * len(brands)))
        paper.ln(2)
    paper.paragraph(numbers["stability"])


def _episodes(paper: _Paper, exposure: dict[str, Any]) -> None:
    rows = sorted(
        (e["start_s"], e["end_s"], brand["name"], e["on_screen_s"], e["mean_size"])
        for brand in _shown(exposure)
        for e in brand["episodes"]
    )
    if not rows or not exposure["duration_s"]:
        return
    paper.heading("Every exposure")
    _table(
        paper,
        ("Brand", "From", "To", "On screen", "Size"),
        [
            (name, clock(start), clock(end), clock(on_screen), percent(size, 1))
            for start, end, name, on_screen, size in rows[:MOST_EPISODES]
        ],
        (70, 26, 26, 26, 22),
    )
    if len(rows) > MOST_EPISODES:
        paper.paragraph(f"{len(rows) - MOST_EPISODES:,} more are in the CSV file.")


def _rests_on(paper: _Paper, manifest: dict[str, Any]) -> None:
    paper.heading("What this rests on")
    model, n_pictured = manifest["model"], len(manifest["references"])
    lines = [
        f"Media {manifest['media']['name']}, SHA-256 {manifest['media']['sha256']}",
        f"Model {model['name']}, SHA-256 {model['sha256']}" if model else "No model",
        f"Reference pictures of {n_pictured} brand{'' if n_pictured == 1 else 's'}",
        f"Run {manifest['run']['id']}, input hash {manifest['run']['input_hash']}",
        sampling(manifest["run"]["options"]),
        f"Method {manifest['method']['name']}, version {manifest['method']['version']}",
        f"These numbers, SHA-256 {manifest['numbers_sha256']}",
    ]
    for line in lines:
        paper.paragraph(line)


def _table(
    paper: _Paper, header: tuple[str, ...], rows: list[tuple[str, ...]], widths: tuple[float, ...]
) -> None:
    paper.text_style(TABLE_SIZE)
    paper.set_draw_color(*LINE)
    paper.set_fill_color(255)
    with paper.table(
        col_widths=widths,
        borders_layout="HORIZONTAL_LINES",
        line_height=5.2,
        text_align=("LEFT", *["RIGHT"] * (len(header) - 1)),
        headings_style=FontFace(color=QUIET, emphasis=""),
        repeat_headings=1,
    ) as table:
        for cells in (header, *rows):
            row = table.row()
            for cell in cells:
                row.cell(paper.fit(cell))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
