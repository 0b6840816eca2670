"""A contract as files, each made of the same figures as the page."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from analysis.exposure.exports import safe_cell
from webapp.contracts.paper import Cover, pdf
from webapp.contracts.promises import TERMS

FILES = {
    "pdf": ("Report (PDF)", ".pdf", "application/pdf"),
    "promises": ("Promises (CSV)", "-promises.csv", "text/csv"),
    "events": ("Events (CSV)", "-events.csv", "text/csv"),
    "json": ("Everything (JSON)", ".json", "application/json"),
}
_LIMITS = ("value", "low", "high")
_OF_PROMISE = ("promised", "delivered", "part", "due", "status", "events")
_OF_EVENT = (
    *("name", "date", "run", "duration_s", "reported_s", "on_screen_s", "border_error_s"),
    *("count", "middle_s", "all_s", "mentions"),
)
_OF_AUDIT = ("seconds", "low_s", "high_s", "n_answers")


def made(kind: str, about: Cover, numbers: dict[str, Any]) -> bytes:
    if kind == "pdf":
        return pdf(about, numbers)
    if kind == "json":
        return json.dumps(numbers, indent=1, ensure_ascii=False).encode()
    rows = promises_rows(numbers) if kind == "promises" else events_rows(numbers)
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")  # Excel takes it for UTF-8 only so


def promises_rows(numbers: dict[str, Any]) -> list[tuple[Any, ...]]:
    """One row a promise, each with what it is about. Seconds, shares and numbers."""
    header = (
        *("contract", "sponsor", "brand", "as_of", "from", "to", "promise", *_OF_PROMISE),
        *(f"forecast_{key}" for key in _LIMITS),
        *(f"audited_{key}" for key in _LIMITS),
        *("audited_events", "method", "method_version", "threshold"),
    )
    about, method = _about(numbers), numbers["method"]
    rows = [
        (
            *about,
            *(numbers["period"]["from"], numbers["period"]["to"], found["kind"]),
            *(_cell(found[key]) for key in _OF_PROMISE),
            *(_cell((found["forecast"] or {}).get(key)) for key in _LIMITS),
            *(_cell((found["audited"] or {}).get(key)) for key in _LIMITS),
            *(found["audited_events"], safe_cell(method["name"]), method["version"]),
            _cell(numbers["threshold"]),
        )
        for found in numbers["promises"]
        if found["kind"] in TERMS
    ]
    return [header, *rows]


def events_rows(numbers: dict[str, Any]) -> list[tuple[Any, ...]]:
    """One row an event, in the order of their days; last those that have no figures yet."""
    header = (
        *("contract", "sponsor", "brand", "as_of", *_OF_EVENT),
        *(f"audited_{key}" for key in _OF_AUDIT),
        "missing",
    )
    about = _about(numbers)
    rows: list[tuple[Any, ...]] = [
        (
            *about,
            *(_cell(event[key]) for key in _OF_EVENT),
            *(_cell((event["audit"] or {}).get(key)) for key in _OF_AUDIT),
            "",
        )
        for event in numbers["events"]
    ]
    blank = [""] * (len(_OF_EVENT) - 2 + len(_OF_AUDIT))
    rows += [
        (*about, safe_cell(film["name"]), film["date"], *blank, film["why"])
        for film in numbers["missing"]
    ]
    return [header, *rows]


def _about(numbers: dict[str, Any]) -> tuple[str, ...]:
    contract = numbers["contract"]
    texts = (contract["name"], contract["sponsor"], numbers["brand"]["name"])
    return (*map(safe_cell, texts), numbers["as_of"])


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return safe_cell(value) if isinstance(value, str) else value
