"""What was delivered over the events, beside the line of the promise, in a square of 100 × 100."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from analysis.contracting import Kind
from webapp.contracts.promises import TERMS, amount

Point = tuple[float, float]


class Chart(NamedTuple):
    """`line`: delivered, `promise`: what is promised, `ends`: the forecast with its limits at the
    right edge, as (x, low, value, high). y goes down, as in pictures."""

    kind: str
    title: str
    top: str
    first: str  # what stands under the left edge, and under the right one
    last: str
    line: list[Point]
    promise: list[Point]
    ends: tuple[float, float, float, float] | None
    said: str

    @property
    def path(self) -> str:
        return path(self.line)

    @property
    def promise_path(self) -> str:
        return path(self.promise)

    @property
    def to_the_end(self) -> str:
        """From what is there to where it is expected to end."""
        return path([self.line[-1], (self.ends[0], self.ends[2])]) if self.ends else ""


def path(points: Sequence[Point]) -> str:
    return " ".join(
        f"{'L' if place else 'M'}{x:.2f} {y:.2f}" for place, (x, y) in enumerate(points)
    )


def charts(numbers: Mapping[str, Any]) -> list[Chart]:
    """One for each promise that grows or is a share, once there is an event."""
    return [
        _chart(numbers, promise)
        for promise in numbers["promises"]
        if numbers["events"] and (Kind(promise["kind"]).is_summed or Kind(promise["kind"]).is_share)
    ]


def _chart(numbers: Mapping[str, Any], promise: Mapping[str, Any]) -> Chart:
    kind = Kind(promise["kind"])
    values = _running(kind, numbers)
    places = _places(numbers)
    ends, wanted = promise["forecast"], promise["promised"]
    known = [value for value in values if value is not None]
    top = max(wanted, *known, ends["high"] if ends else 0.0)

    def down(value: float) -> float:
        return round(100 - 100 * value / top, 2)

    pairs = zip(places, values, strict=True)
    line = [(x, down(value)) for x, value in pairs if value is not None]
    if kind.is_summed:
        line = [(0.0, 100.0), *line]
    return Chart(
        kind=kind.value,
        title=TERMS[kind].title,
        top=amount(kind, top),
        first="0 events" if numbers["planned"] else numbers["period"]["from"],
        last=f"{_n_wide(numbers)} events" if numbers["planned"] else numbers["period"]["to"],
        line=line,
        promise=[(0.0, 100.0 if kind.is_summed else down(wanted)), (100.0, down(wanted))],
        ends=(100.0, down(ends["low"]), down(ends["value"]), down(ends["high"])) if ends else None,
        said=f"{TERMS[kind].title}: {amount(kind, known[-1] if known else None)} after "
        f"{len(values)} events, {amount(kind, wanted)} promised. The table has the figures.",
    )


def _n_wide(numbers: Mapping[str, Any]) -> int:
    return max(numbers["planned"] or 0, len(numbers["events"]))


def _places(numbers: Mapping[str, Any]) -> list[float]:
    """Where each event stands from left to right: by its number where their number is planned, else
    by its day."""
    events = numbers["events"]
    if numbers["planned"]:
        return [100 * place / _n_wide(numbers) for place in range(1, len(events) + 1)]
    first = date.fromisoformat(numbers["period"]["from"])
    days = (date.fromisoformat(numbers["period"]["to"]) - first).days + 1
    passed = [(date.fromisoformat(event["date"]) - first).days + 1 for event in events]
    return [min(100 * one / days, 100.0) for one in passed]


def _running(kind: Kind, numbers: Mapping[str, Any]) -> list[float | None]:
    """After each event what there is until then."""
    keys = {
        Kind.SECONDS: ("reported_s", None),
        Kind.MENTIONS: ("mentions", None),
        Kind.SHARE: ("reported_s", "all_s"),
        Kind.MIDDLE: ("middle_s", "on_screen_s"),
    }
    part_of, whole_of = keys[kind]
    part, whole, found = 0.0, 0.0, []
    for event in numbers["events"]:
        part += event[part_of] or 0.0
        whole += event[whole_of] if whole_of else 0.0
        found.append((part / whole if whole else None) if whole_of else part)
    return found
