"""What can be promised: how it is called, how much of it makes sense, how it reads."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

from analysis.contracting import Kind
from analysis.exposure.columns import NO_FIGURE, clock, percent
from webapp.accounts.models import Refused


class Term(NamedTuple):
    title: str
    most: float
    help: str
    is_whole: bool = False


TERMS = {
    Kind.SECONDS: Term(
        "Seconds on screen in all", 1e7, "At least so many in the whole period, all events added."
    ),
    Kind.SECONDS_EACH: Term(
        "Seconds on screen in each event", 1e6, "At least so many in every single event."
    ),
    Kind.SHARE: Term(
        "Share of voice", 1.0, "Of the seconds of all brands of the project, at least."
    ),
    Kind.MIDDLE: Term(
        "In the middle of the picture",
        1.0,
        "Of its time on screen, at least so much with its centre in the middle third of the width "
        "and of the height.",
    ),
    Kind.PLACE: Term(
        "Place among the brands",
        250,
        "By seconds; 1: no other brand is on screen for longer.",
        is_whole=True,
    ),
    Kind.MENTIONS: Term(
        "Times said", 1e6, "At least so often in the whole period; it takes speech.", is_whole=True
    ),
}


def read(promises: Mapping[str, Any]) -> dict[str, float]:
    """The promises of a contract, in their order, without those of nothing. Raises Refused."""
    if unknown := set(promises) - set(TERMS):
        raise Refused(f"Nothing called “{sorted(unknown)[0][:40]}” can be promised.")
    found = {
        kind.value: _amount(kind, promises[kind])
        for kind in TERMS
        if promises.get(kind) is not None
    }
    if not found:
        raise Refused("A contract promises something: give at least one of the figures.")
    return found


def _amount(kind: Kind, value: Any) -> float:
    term = TERMS[kind]
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise Refused(f"{term.title}: this is no number.")
    if not 0 < value <= term.most:
        most = "100 %" if kind.is_share else f"{term.most:,.0f}"
        raise Refused(f"{term.title}: more than nothing and at most {most}.")
    if term.is_whole and value != int(value):
        raise Refused(f"{term.title}: a whole number.")
    return int(value) if term.is_whole else float(value)


def amount(kind: str, value: float | None) -> str:
    """A figure of this kind for people: 5:00.0, 25.0 %, place 2, 40."""
    if value is None:
        return NO_FIGURE
    match kind:
        case Kind.SECONDS | Kind.SECONDS_EACH:
            return clock(value)
        case Kind.SHARE | Kind.MIDDLE:
            return percent(value, 1)
        case Kind.PLACE:
            return f"place {value:.0f}"
    return f"{value:,.0f}"


def promised(kind: str, value: float) -> str:
    """What a sponsor was promised, in words."""
    if kind == Kind.PLACE:
        return "the first place" if value == 1 else f"place {value:.0f} or better"
    each = " in each event" if kind == Kind.SECONDS_EACH else ""
    return f"at least {amount(kind, value)}{each}"
