"""The report of a contract on paper, for the sponsor: the same figures as the page."""

from __future__ import annotations

from typing import Any, NamedTuple

from analysis.exposure.columns import clock, percent
from webapp.contracts import wording
from webapp.contracts.drawing import Chart, Point, charts
from webapp.reports.paper import cover
from webapp.reports.paper.sheet import INK, LINE, QUIET, Sheet, rgb

_PLOT = 46.0  # millimetres high


class Cover(NamedTuple):
    """Whose report it is."""

    title: str
    issuer: str  # the workspace
    logo: str  # a file of the media storage, or ""
    person: str = ""  # who issued it, and when: "" of one that follows its figures
    issued: str = ""


def pdf(about: Cover, numbers: dict[str, Any]) -> bytes:
    """Who is promised what, how it stands, how it went, event by event; as the bytes of a PDF."""
    sheet = Sheet(about.title, about.issuer)
    sheet.add_page()
    cover.logo(sheet, about.logo, about.issuer)
    sheet.set_y(48)
    sheet.type(9.5, QUIET)
    sheet.lines("Contract report", 6)
    sheet.ln(1)
    cover.title(sheet, about.title)
    sheet.ln(5)
    sheet.rule(sheet.get_y())
    sheet.ln(5)
    facts = [(fact["what"], fact["value"]) for fact in wording.settled(numbers)]
    cover.facts(sheet, [*facts, *_issued(about)])
    _promises(sheet, numbers)
    for chart in charts(numbers):
        _chart(sheet, chart, numbers["brand"]["colour"])
    _events(sheet, numbers)
    _missing(sheet, numbers)
    _brands(sheet, numbers)
    _how(sheet, numbers)
    return bytes(sheet.output())


def _issued(about: Cover) -> list[tuple[str, str]]:
    """By whom and when; of a paper that nobody issued, that it is none."""
    if not about.issued:
        return [("From", about.issuer), ("Issued", "no: these figures change with the films")]
    issuer = f"{about.person}, {about.issuer}" if about.person else about.issuer
    return [("Issued by", issuer), ("Issued on", about.issued)]


def _promises(sheet: Sheet, numbers: dict[str, Any]) -> None:
    sheet.heading("Promised and delivered")
    sheet.type(9.5)
    if said := wording.summed_up(numbers):
        sheet.lines(said, 5)
        sheet.ln(2)
    rows = []
    for found in map(wording.row, numbers["promises"]):
        ends, audit = found["forecast"], found["audited"]
        delivered = "\n".join(filter(None, (found["delivered"], found["part"])))
        checked = "\n".join(filter(None, (audit["value"], audit["limits"], audit["how"])))
        in_the_end = "\n".join(filter(None, (ends["value"], ends["limits"])))
        status = "\n".join(filter(None, (found["status"], found["doubt"])))
        name = f"{found['title']}\n{found['promised']}"
        rows.append((name, status, delivered, found["due"], in_the_end, checked))
    header = ("Promise", "Status", "Delivered", "Due by now", "Forecast, 95 %", "Audited, 95 %")
    sheet.table_of(header, rows, (46, 24, 22, 18, 32, 32))
    sheet.ln(2)
    for note in numbers["notes"]:
        sheet.note(note)


def _chart(sheet: Sheet, chart: Chart, colour: str) -> None:
    """Delivered as a line in the brand's colour, the promise as a broken one."""
    if sheet.will_page_break(_PLOT + 24):
        sheet.add_page()
    sheet.heading(f"{chart.title}, event after event")
    x, y, width = sheet.l_margin + 16, sheet.get_y() + 1, sheet.epw - 18

    def at(point: Point) -> tuple[float, float]:
        return x + point[0] * width / 100, y + point[1] * _PLOT / 100

    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.2)
    for part in (0, 50, 100):
        sheet.line(*at((0, part)), *at((100, part)))
    sheet.type(7.5, QUIET)
    sheet.at(sheet.l_margin, y - 1.4, chart.top, 14, "R")
    sheet.at(sheet.l_margin, y + _PLOT - 1.4, "0", 14, "R")
    sheet.set_draw_color(*INK)
    sheet.set_line_width(0.35)
    sheet.set_dash_pattern(dash=1.2, gap=1.0)
    sheet.line(*at(chart.promise[0]), *at(chart.promise[1]))
    sheet.set_dash_pattern()
    sheet.set_draw_color(*rgb(colour))
    sheet.set_line_width(0.7)
    if len(chart.line) > 1:
        sheet.polyline([at(point) for point in chart.line])
    for point in chart.line:
        sheet.set_fill_color(*rgb(colour))
        sheet.circle(*at(point), 0.8, style="F")
    if chart.ends:
        place, low, value, high = chart.ends
        sheet.set_line_width(0.35)
        sheet.set_dash_pattern(dash=0.4, gap=0.8)
        sheet.line(*at(chart.line[-1]), *at((place, value)))
        sheet.set_dash_pattern()
        sheet.line(*at((place, low)), *at((place, high)))
    sheet.type(7.5, QUIET)
    sheet.at(x, y + _PLOT + 1.5, chart.first)
    sheet.at(x, y + _PLOT + 1.5, chart.last, width, "R")
    sheet.set_xy(sheet.l_margin, y + _PLOT + 6)
    forecast = "; dotted: the forecast and its limits" if chart.ends else ""
    sheet.note(f"The line is what was delivered, the broken one what was promised{forecast}.")


def _events(sheet: Sheet, numbers: dict[str, Any]) -> None:
    if not numbers["events"]:
        return
    sheet.heading("Events")
    is_heard = any(event["mentions"] is not None for event in numbers["events"])
    header = ["Event", "Day", "Reported", "On screen", "Share", "Middle", "Times"]
    rows = []
    for event in numbers["events"]:
        whole, shown = event["all_s"], event["on_screen_s"]
        cells = [
            event["name"],
            event["date"],
            clock(event["reported_s"]),
            clock(shown),
            percent(event["reported_s"] / whole if whole else None) or "–",
            percent(event["middle_s"] / shown if shown else None) or "–",
            f"{event['count']:,}",
        ]
        if is_heard:
            cells.append("–" if event["mentions"] is None else f"{event['mentions']:,}")
        rows.append((*cells, wording.audit(event) or "not audited"))
    header += [*(["Said"] if is_heard else []), "Audited, 95 %"]
    sheet.figures_table(header, rows)


def _missing(sheet: Sheet, numbers: dict[str, Any]) -> None:
    if not numbers["missing"]:
        return
    sheet.heading("Without figures yet")
    rows = [(film["name"], film["date"], film["why"]) for film in numbers["missing"]]
    sheet.figures_table(("Event", "Day", "Why"), rows)


def _brands(sheet: Sheet, numbers: dict[str, Any]) -> None:
    if not numbers["brands"]:
        return
    sheet.heading("All brands of these events")
    rows = [
        (brand["name"], clock(brand["reported_s"]), percent(brand["share"]) or "–")
        for brand in numbers["brands"]
    ]
    sheet.figures_table(("Brand", "Reported", "Share of voice"), rows)


def _how(sheet: Sheet, numbers: dict[str, Any]) -> None:
    sheet.heading("How it is measured")
    method = numbers["method"]
    sheet.note(
        f"Counted by {method['name']}, version {method['version']}. Seconds without limits are "
        f"{numbers['checked']}. An event is a film; its day is that on which it was shown, "
        f"or was added to the library where that is not known. {wording.RULE}"
    )
    sheet.note(f"Sightline {numbers['software']}. SHA-256 of these figures: {numbers['sha256']}")
