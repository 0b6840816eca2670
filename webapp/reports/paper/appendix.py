"""Other ways to count, every exposure, how it was measured, and what the numbers rest on."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from analysis.exposure.columns import BY_KEY, COLUMNS, Face, clock, percent
from webapp.reports.document import Document
from webapp.reports.figures import sampling
from webapp.reports.paper.sheet import QUIET, Sheet

MOST_EPISODES = 400
_BRANDS_A_TABLE = 5  # as many as stand beside each other on the page
_EXPLAINED = ("on_screen_s", "border_error_s", "position", "clarity", "prominence", "solus_s")


def draw(sheet: Sheet, document: Document) -> None:
    sheet.add_page()
    sheet.type(18, bold=True)
    sheet.lines("Appendix", 9)
    _methods(sheet, document)
    _episodes(sheet, document)
    _methodology(sheet, document)
    _rests_on(sheet, document)


def _methods(sheet: Sheet, document: Document) -> None:
    places = {brand["label"]: i for i, brand in enumerate(document.exposure["brands"])}
    seen = document.seen
    if not seen or document.is_picture:
        return
    sheet.heading("The same detections, counted in other ways")
    for first in range(0, len(seen), _BRANDS_A_TABLE):
        brands = seen[first : first + _BRANDS_A_TABLE]
        rows = [
            (method["name"], *(clock(method["seconds"][places[b["label"]]]) for b in brands))
            for method in document.numbers["methods"]
        ]
        header = ("Method", *(brand["name"] for brand in brands))
        names = sheet.epw - 24 * len(brands)
        sheet.table_of(header, rows, (names, *[24] * len(brands)))
        sheet.ln(2)
    sheet.note(document.numbers["stability"])


def _episodes(sheet: Sheet, document: Document) -> None:
    rows = sorted(
        (e["start_s"], e["end_s"], brand["name"], e["on_screen_s"], e["mean_size"])
        for brand in document.brands
        for e in brand["episodes"]
    )
    if not rows or document.is_picture:
        return
    sheet.heading("Every exposure")
    sheet.table_of(
        ("Brand", "From", "To", "On screen", "Size"),
        [
            (name, clock(start), clock(end), clock(on_screen), percent(size, 1))
            for start, end, name, on_screen, size in rows[:MOST_EPISODES]
        ],
        (sheet.epw - 104, 28, 28, 26, 22),
    )
    if len(rows) > MOST_EPISODES:
        sheet.ln(2)
        sheet.note(f"{len(rows) - MOST_EPISODES:,} more are in the CSV file.")


def _methodology(sheet: Sheet, document: Document) -> None:
    """The rule that was applied, then what each figure means."""
    method = document.exposure["method"]
    sheet.heading(f"How it was measured: {method['name']}, version {method['version']}")
    sheet.note(method["note"])
    sheet.ln(2)
    sheet.table_of(("Rule", "Value"), _rules(method), (sheet.epw - 90, 90))
    sheet.heading("What the figures mean")
    shown = [c for c in COLUMNS if c.on & Face.PAPER or c.key in _EXPLAINED]
    for column in shown:
        sheet.type(8.5, bold=True)
        sheet.write(4.4, f"{column.title}  ")
        sheet.type(8.5, QUIET)
        sheet.write(4.4, f"{column.help}.\n")
    sheet.ln(1.5)
    sheet.note(
        "Times are those of the file itself. A box counts when its confidence reaches the "
        "threshold of its brand; confidence is never a weight. Every formula is in "
        "docs/methodology.md, which comes with Sightline."
    )


def _rules(method: dict[str, Any]) -> list[tuple[str, str]]:
    def share(value: float) -> str:
        return f"at least {percent(value)}" if value else "any"

    weights = ", ".join(f"{name} {value:g}" for name, value in method["weights"].items())
    counted = "counted" if method["bridge_counts"] else "not counted"
    return [
        ("Gaps that are bridged", f"up to {method['gap_s']:g} s, {counted}"),
        ("Shortest exposure", f"{method['minimum_s']:g} s" if method["minimum_s"] else "any"),
        ("Size of a box", share(method["min_size"])),
        ("Visible part of a box", share(method["min_visibility"])),
        (f"{BY_KEY['clarity'].title} of a box", share(method["min_clarity"])),
        ("Of several boxes in a frame", "the largest" if method["dominant_only"] else "all, once"),
        ("Weights of prominence", weights),
        ("Size at which prominence is full", percent(method["size_reference"])),
        ("One spoken mention, in money", f"{method['mention_s']:g} s"),
    ]


_BY_PEOPLE = (("corrected", "word", "corrected"), ("denied", "mention", "turned down"))


def _audit(audit: dict[str, Any] | None) -> list[tuple[str, str]]:
    if not audit:
        return []
    return [("Audit", f"{audit['answers']:,} answers by {', '.join(audit['people'])}")]


def _words(words: dict[str, Any]) -> list[tuple[str, str]]:
    """What listened and read, where anything did."""
    found = []
    for step, title in (("speech", "Speech"), ("text", "Writing")):
        if told := words.get(step):
            said = f"{told['engine']}, version {told['version']}"
            for key, one, done in _BY_PEOPLE:
                if n := told.get(key, 0):
                    said += f", {n} {one}{'' if n == 1 else 's'} {done} by people"
            found.append((title, f"{said}\nSHA-256 {told['sha256']}"))
    return found


def _rests_on(sheet: Sheet, document: Document) -> None:
    sheet.heading("What this rests on")
    manifest = document.manifest
    model, n_pictured = manifest["model"], len(manifest["references"])
    facts = [
        ("Media", f"{manifest['media']['name']}\nSHA-256 {manifest['media']['sha256']}"),
        ("Run", f"{manifest['run']['id']}\ninput hash {manifest['run']['input_hash']}"),
        ("Sampling", sampling(manifest["run"]["options"], document.exposure["duration_s"])),
        ("Model", f"{model['name']}\nSHA-256 {model['sha256']}" if model else "none"),
        ("Logo pictures", f"of {n_pictured} brand{'' if n_pictured == 1 else 's'}"),
        *_words(manifest.get("words", {})),
        *_audit(manifest.get("audit")),
        ("Software", f"Sightline {manifest.get('software', settings.VERSION)}"),
        ("These numbers", f"SHA-256 {manifest['numbers_sha256']}"),
    ]
    for what, value in facts:
        if sheet.will_page_break(9):
            sheet.add_page()
        y = sheet.get_y()
        sheet.type(8.5, QUIET)
        sheet.at(sheet.l_margin, y + 0.3, what)
        sheet.set_xy(sheet.l_margin + 30, y)
        sheet.type(8.5)
        sheet.multi_cell(sheet.epw - 30, 4.4, value, align="L", new_x="LMARGIN", new_y="NEXT")
        sheet.ln(1)
