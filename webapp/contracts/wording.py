"""The figures of a contract as people read them, on the page and on paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from analysis.auditing import outwards
from analysis.contracting import Kind, Status
from analysis.exposure.columns import NO_FIGURE, clock, percent
from webapp.contracts.promises import TERMS, amount, promised

DOTS: dict[str, str] = {
    Status.FULFILLED: "ok",
    Status.ON_COURSE: "ok",
    Status.BEHIND: "warn",
    Status.FAILED: "bad",
}
# Of these an audit can say something.
_UNAUDITED: dict[str, str] = {Kind.SECONDS: "not audited", Kind.SHARE: "not every brand audited"}
RULE = (
    "“Due” is what should be there by today: by events where their number was planned, else by the "
    "days of the period that have passed. A forecast goes on as the events so far, and its limits "
    "hold the end 95 times of 100. Audited limits come from frames that people answered; variances "
    "of several audits add up."
)


def row(found: Mapping[str, Any]) -> dict[str, Any]:
    """A promise of the figures in words. Widths of its bar are per cent."""
    kind = found["kind"]
    part = found["part"]
    return {
        "kind": kind,
        "title": TERMS[Kind(kind)].title,
        "promised": promised(kind, found["promised"]),
        "delivered": _delivered(found),
        "part": NO_FIGURE if part is None else percent(part),
        "bar": round(100 * min(part or 0.0, 1.0), 1),
        "mark": _mark(found),
        "due": amount(kind, found["due"]) if Kind(kind).is_summed else "",
        "forecast": _forecast(found),
        "audited": _audited(found),
        "status": found["status"],
        "dot": DOTS.get(found["status"], ""),
        "doubt": "" if found["is_sure"] else _doubt(found),
    }


def _delivered(found: Mapping[str, Any]) -> str:
    if found["delivered"] is None:
        return NO_FIGURE
    if found["kind"] == Kind.SECONDS_EACH:
        events = "event" if found["events"] == 1 else "events"
        return f"{found['delivered']:.0f} of {found['events']} {events}"
    return amount(found["kind"], found["delivered"])


def _mark(found: Mapping[str, Any]) -> float | None:
    """Where on the bar is what is due by now; none where it is all of it."""
    share = found["due"] / found["promised"]
    return round(100 * share, 1) if share < 1 else None


def _forecast(found: Mapping[str, Any]) -> dict[str, str]:
    """What it says, and its limits or why there is none."""
    ends = found["forecast"]
    if ends is None:
        return {"value": "", "limits": found["why_no_forecast"]}
    return {"value": amount(found["kind"], ends["value"]), "limits": between(found["kind"], ends)}


def _audited(found: Mapping[str, Any]) -> dict[str, str]:
    """What people found, its limits, and how much of it they looked at."""
    limits = found["audited"]
    if limits is None:
        return {"value": "", "limits": "", "how": _UNAUDITED.get(found["kind"], "")}
    how = f"{found['audited_events']} of {found['events']} events audited"
    value = amount(found["kind"], limits["value"])
    return {"value": value, "limits": between(found["kind"], limits), "how": how}


def between(kind: str, limits: Mapping[str, float]) -> str:
    """ "(6:43.1–7:01.3)": rounded outwards, so that the limits stay true."""
    if Kind(kind).is_share:
        low, high = outwards(limits["low"], limits["high"], 1000)
        return f"({low * 100:.1f}–{high * 100:.1f})"
    if kind == Kind.SECONDS:
        low, high = outwards(limits["low"], limits["high"], 10)
        return f"({clock(low)}–{clock(high)})"
    low, high = outwards(limits["low"], limits["high"], 1)
    return f"({low:,.0f}–{high:,.0f})"


def _doubt(found: Mapping[str, Any]) -> str:
    """What the limits leave open."""
    if found["status"] == Status.FULFILLED:
        return "the lower limit is below what was promised"
    return "the limits hold what was promised"


def settled(numbers: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the figures are about, in the order in which people ask."""
    planned, n = numbers["planned"], len(numbers["events"])
    method, threshold = numbers["method"], numbers["threshold"]
    by = "each label at its own confidence" if threshold is None else f"confidence {threshold:.2f}"
    where = f"Collection “{numbers['collection']}”" if numbers["collection"] else "All films"
    events = f"{n} with figures" + (f" of {planned} planned" if planned else "")
    if numbers["waiting"]:
        events += f", {numbers['waiting']} without"
    facts = (
        ("Sponsor", numbers["contract"]["sponsor"] or NO_FIGURE),
        ("Brand", numbers["brand"]["name"]),
        ("Counted in", f"{where} of {numbers['project']}" if numbers["project"] else where),
        ("Period", f"{day(numbers['period']['from'])} to {day(numbers['period']['to'])}"),
        ("Events", events),
        ("Counted by", f"{method['name']}, {by}"),
        ("As of", day(numbers["as_of"])),
    )
    return [{"what": what, "value": value} for what, value in facts]


def day(iso: str) -> str:
    found = date.fromisoformat(iso)
    return f"{found.day} {found:%B %Y}"


def summed_up(numbers: Mapping[str, Any]) -> str:
    """How the whole stands, in a sentence."""
    found = numbers["promises"]
    kept = sum(one["status"] == Status.FULFILLED for one in found)
    late = [one for one in found if one["status"] in (Status.BEHIND, Status.FAILED)]
    if not late:
        return f"{kept} of {len(found)} promises fulfilled, none behind." if found else ""
    names = ", ".join(TERMS[Kind(one["kind"])].title.lower() for one in late)
    word = "not fulfilled" if numbers["status"] == Status.FAILED else "behind"
    return f"{kept} of {len(found)} promises fulfilled; {word}: {names}."


def audit(event: Mapping[str, Any]) -> str:
    """What people found in one event."""
    found = event["audit"]
    if not found:
        return ""
    limits = between(Kind.SECONDS, {"low": found["low_s"], "high": found["high_s"]})
    return f"{clock(found['seconds'])} {limits}"
