"""A4, its type and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import font_roboto
from django.conf import settings
from fpdf import FPDF
from fpdf.fonts import FontFace

Colour = tuple[int, int, int]

INK, QUIET, LINE, GROUND = (28, 29, 31), (93, 96, 102), (221, 221, 217), (242, 242, 239)
LEFT, TOP, BOTTOM = 18.0, 18.0, 20.0  # margins, millimetres
TABLE_PT = 8.5
_GUTTER = 4.0  # between columns of figures
# For letters that Roboto lacks, where the system has them.
_FALLBACKS = {
    "": Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    "B": Path("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"),
}


class Sheet(FPDF):
    """The paper, and how text and tables are set on it. Positions and sizes in millimetres."""

    def __init__(self, title: str, issuer: str) -> None:
        super().__init__(format="A4")
        self.issuer = issuer
        self.set_title(title)
        self.set_author(issuer)
        self.set_creator(f"Sightline {settings.VERSION}")
        self.set_margins(LEFT, TOP)
        self.c_margin = 0.0  # text begins where rules and blocks do
        self.set_auto_page_break(True, BOTTOM)
        self.alias_nb_pages()
        self.add_font("sans", "", font_roboto.Roboto)
        self.add_font("sans", "B", font_roboto.RobotoMedium)
        if all(path.exists() for path in _FALLBACKS.values()):
            for style, path in _FALLBACKS.items():
                self.add_font("others", style, path)
            self.set_fallback_fonts(["others"], exact_match=False)

    def footer(self) -> None:
        if self.page_no() == 1:
            return
        self.set_y(-13)
        self.type(7.5, QUIET)
        self.cell(0, 4, f"{self.title}  ·  {self.issuer}"[:110], align="L")
        self.set_x(self.l_margin)
        self.cell(0, 4, f"{self.page_no()} / {{nb}}", align="R")

    # --- text -----------------------------------------------------------------------------------

    def type(self, size: float, colour: Colour = INK, bold: bool = False) -> None:
        self.set_font("sans", "B" if bold else "", size)
        self.set_text_color(*colour)

    def lines(self, text: str, height: float, width: float = 0) -> None:
        """Text over as many lines as it needs, from the left margin down."""
        self.multi_cell(width, height, text, align="L", new_x="LMARGIN", new_y="NEXT")

    def heading(self, text: str) -> None:
        self.ln(5)
        if self.will_page_break(30):  # a heading keeps company
            self.add_page()
        self.type(12, bold=True)
        self.lines(text, 6)
        self.ln(1.5)

    def note(self, text: str) -> None:
        self.type(8, QUIET)
        self.lines(text, 4)

    def at(self, x: float, y: float, text: str, width: float = 0, align: str = "L") -> None:
        """One line of text with its top at `y`."""
        self.set_xy(x, y)
        self.cell(width, self.font_size * 1.2, text, align=align)

    # --- shapes ---------------------------------------------------------------------------------

    def block(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.set_fill_color(*colour)
        self.rect(x, y, width, height, style="F")

    def rule(self, y: float) -> None:
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.line(self.l_margin, y, self.l_margin + self.epw, y)

    def share_bar(self, brands: Sequence[dict[str, Any]], height: float) -> None:
        """Shares of voice as one bar over the whole width; nothing where nothing has a share."""
        x, y = self.l_margin, self.get_y()
        for brand in brands:
            width = self.epw * (share_of_voice(brand) or 0)
            self.block(x, y, max(width - 0.3, 0), height, rgb(brand["colour"]))
            x += width
        if x > self.l_margin:
            self.set_y(y + height)

    # --- tables ---------------------------------------------------------------------------------

    def figures_table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """The first column for names, the others for figures, each as wide as its longest line."""
        self.type(TABLE_PT)
        figures = [
            max(self.get_string_width(line) for cell in cells for line in cell.split("\n"))
            + _GUTTER
            for cells in list(zip(header, *rows, strict=True))[1:]
        ]
        names = max(self.epw - sum(figures), self.epw / 5)
        self.table_of(header, rows, (names, *figures))

    def table_of(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float]
    ) -> None:
        self.type(TABLE_PT)
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.set_fill_color(255)
        with self.table(
            col_widths=tuple(widths),
            borders_layout="HORIZONTAL_LINES",
            line_height=5.2,
            text_align=("LEFT", *["RIGHT"] * (len(header) - 1)),
            headings_style=FontFace(color=QUIET, emphasis=""),
            repeat_headings=1,
            v_align="TOP",
        ) as table:
            for cells in (header, *rows):
                row = table.row()
                for cell in cells:
                    row.cell(cell)


def rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def tinted(colour: Colour, share: float) -> Colour:
    """So much of the colour on white."""
    red, green, blue = (round(255 + (part - 255) * share) for part in colour)
    return red, green, blue


def share_of_voice(brand: dict[str, Any]) -> float | None:
    """By time; of a picture, which has none, by area."""
    by_time = brand["share_of_voice_time"]
    return brand["share_of_voice_area"] if by_time is None else by_time
