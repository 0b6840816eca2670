"""What people found who checked a report's figures: each brand's seconds, and how often it was on
screen, with their limits."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from analysis.auditing import Share, outwards, shares
from analysis.exposure.columns import NO_FIGURE, UNCHECKED, percent, seconds
from analysis.exposure.exports import Origin, safe_cell
from webapp.auditing.audits import AuditedLabel
from webapp.auditing.page import whole
from webapp.auditing.readings import Reading, counts, readings, unaudited
from webapp.projects.models import Label
from webapp.timeline.exposure import Looked

RULE = (
    "The seconds in which a person sees the brand, estimated from frames that were drawn by lot "
    "and answered; the limits hold the true ones 95 times of 100. They owe nothing to the "
    "confidence or the method that is chosen."
)


TIMES_RULE = (
    "The times are estimated from stretches of film that were drawn by lot and watched: each was "
    "asked whether an exposure begins in it."
)


class Counted(NamedTuple):
    """How often one brand was on screen, as it is frozen in a report. Of a report by another
    method, which counts other exposures, there is none."""

    label: int
    name: str
    model: int  # what the detector said, at the threshold at which stretches were drawn
    threshold: float
    gap_s: float
    minimum_s: float
    times: int
    low: int
    high: int
    n_answers: int
    n_unsure: int
    people: list[str]
    read_at: str  # ISO 8601


class Audited(NamedTuple):
    """One brand, as it is frozen in a report. Seconds on screen; shares are None while a brand of
    the report that the detector saw was not audited."""

    label: int
    name: str
    model_s: float  # what the detector said, at the threshold at which frames were drawn
    threshold: float
    seconds: float
    low_s: float
    high_s: float
    share: float | None
    share_low: float | None
    share_high: float | None
    n_answers: int
    n_unsure: int  # frames of which nobody could tell
    people: list[str]
    read_at: str  # ISO 8601


def audited(looked: Looked) -> list[dict[str, Any]]:
    """The brands shown that were audited, as `Audited`. Of a stretch of the film alone: none."""
    if looked.choices.window:
        return []
    found = readings(looked.run)
    shown = [label for label in looked.labels if label.pk not in looked.choices.off]
    mine = [(label, found[label.pk]) for label in shown if label.pk in found]
    if not mine:  # most reports: nothing is drawn up of brands that nobody checked
        return []
    voices: Sequence[Share | None] = [None] * len(mine)
    missing = unaudited(looked.run, [label.pk for label, _ in mine])
    if not {label.name for label in shown} & set(missing):
        voices = shares([reading.estimate for _, reading in mine])
    return [_row(*one, voice)._asdict() for one, voice in zip(mine, voices, strict=True)]


def counted(looked: Looked) -> list[dict[str, Any]]:
    """The brands shown whose exposures were counted by what this method takes for one, as
    `Counted`. Of a stretch of the film alone: none."""
    if looked.choices.window:
        return []
    found, method = counts(looked.run), looked.choices.methodology
    rows = []
    for label in looked.labels:
        if label.pk in looked.choices.off or label.pk not in found:
            continue
        audited, reading = found[label.pk]
        if audited.counts_by(method):
            rows.append(_times(label, audited, reading)._asdict())
    return rows


def _times(label: Label, audited: AuditedLabel, reading: Reading) -> Counted:
    low, high = whole(reading)
    return Counted(
        label=label.pk,
        name=label.name,
        model=round(reading.estimate.model_s),
        threshold=reading.threshold,
        gap_s=audited.gap_s or 0.0,
        minimum_s=audited.minimum_s or 0.0,
        times=round(reading.estimate.seconds),
        low=low,
        high=high,
        n_answers=reading.n_answers,
        n_unsure=reading.n_unsure,
        people=list(reading.people),
        read_at=reading.read_at.isoformat(),
    )


def _row(label: Label, reading: Reading, voice: Share | None) -> Audited:
    estimate = reading.estimate
    return Audited(
        label=label.pk,
        name=label.name,
        model_s=round(estimate.model_s, 6),
        threshold=reading.threshold,
        seconds=round(estimate.seconds, 6),
        low_s=round(estimate.low_s, 6),
        high_s=round(estimate.high_s, 6),
        share=round(voice.share, 6) if voice else None,
        share_low=round(voice.low, 6) if voice else None,
        share_high=round(voice.high, 6) if voice else None,
        n_answers=reading.n_answers,
        n_unsure=reading.n_unsure,
        people=list(reading.people),
        read_at=reading.read_at.isoformat(),
    )


# --- in words -------------------------------------------------------------------------------------


def told(row: Mapping[str, Any]) -> str:
    """ "412.0 s (403.1–421.3), 180 frames audited"."""
    return f"{seconds(row['seconds'])} {limits(row)}, {frames(row)} audited"


def limits(row: Mapping[str, Any]) -> str:
    """ "(403.1–421.3)": rounded outwards, so that the limits stay true."""
    low, high = outwards(row["low_s"], row["high_s"], 10)
    return f"({low:,.1f}–{high:,.1f})"


def voice(row: Mapping[str, Any]) -> str:
    """ "46 % (44–49)", or a dash where a brand of the report was not audited."""
    if row["share"] is None:
        return NO_FIGURE
    low, high = outwards(row["share_low"], row["share_high"], 100)
    return f"{percent(row['share'])} ({low * 100:.0f}–{high * 100:.0f})"


def frames(row: Mapping[str, Any]) -> str:
    n, unsure = row["n_answers"], row["n_unsure"]
    what = f"{n:,} frame{'' if n == 1 else 's'}"
    return f"{what} ({unsure} could not be told)" if unsure else what


def times_told(row: Mapping[str, Any] | None) -> str:
    """ "14 (12–17), 60 stretches", or a dash where nobody counted."""
    if row is None:
        return NO_FIGURE
    n = row["n_answers"]
    return f"{times_limits(row)}, {n:,} stretch{'' if n == 1 else 'es'}"


def times_limits(row: Mapping[str, Any] | None) -> str:
    """ "14 (12–17)", or a dash where nobody counted."""
    return f"{row['times']:,} ({row['low']:,}–{row['high']:,})" if row else NO_FIGURE


def as_cells(
    row: Mapping[str, Any] | None, times: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What a table shows of a brand; nothing where it was not audited."""
    how_often = {"times": times_told(times)} if times else {}
    if row is None:
        return how_often
    figures = {key: row[key] for key in ("model_s", "seconds")}
    said = {"limits": limits(row), "voice": voice(row), "asked": frames(row)}
    return figures | said | how_often


def checked(numbers: Mapping[str, Any], label: int) -> str:
    """What to say beside a brand's figures of how far they were checked."""
    row = of_label(numbers.get("audit", ()), label)
    times = of_label(numbers.get("audit_times", ()), label)
    found = [told(row)] if row else []
    found += [f"{times_limits(times)} times"] if times else []
    return ", ".join(found) or UNCHECKED


def of_label(rows: Sequence[Mapping[str, Any]], label: int) -> Mapping[str, Any] | None:
    return next((row for row in rows if row["label"] == label), None)


def is_audited(numbers: Mapping[str, Any]) -> bool:
    """Whether anything of it was checked by people."""
    return bool(numbers.get("audit") or numbers.get("audit_times"))


def summed_up(numbers: Mapping[str, Any]) -> str:
    """How many of the brands shown were audited, in a sentence; "" where none was."""
    n_brands = sum(not brand["is_hidden"] for brand in numbers["exposure"]["brands"])
    n, n_times = len(numbers.get("audit", ())), len(numbers.get("audit_times", ()))
    if not n:
        one = "How often one brand was" if n_times == 1 else f"How often {n_times} brands were"
        said = f"{one} on screen was audited: the limits below hold the truth 95 times of 100"
        return said if n_times else ""
    what = "Every brand was" if n == n_brands else f"{n} of {n_brands} brands were"
    return f"{what} audited: the limits below hold the true seconds 95 times of 100"


def by_whom(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """For the manifest: who answered, how often, and when the last answer was given."""
    rows = [*numbers.get("audit", ()), *numbers.get("audit_times", ())]
    if not rows:
        return {}
    people = dict.fromkeys(name for row in rows for name in row["people"])
    answers = sum(row["n_answers"] for row in rows)
    read_at = max(row["read_at"] for row in rows)
    return {"audit": {"people": list(people), "answers": answers, "read": read_at}}


_OF_TIMES = {  # column of the file: field of Counted
    "detector_times": "model",
    "times": "times",
    "times_low": "low",
    "times_high": "high",
    "times_gap_s": "gap_s",
    "times_minimum_s": "minimum_s",
    "times_answers": "n_answers",
    "times_unsure": "n_unsure",
}


def audit_csv(
    rows: Sequence[Mapping[str, Any]], counted: Sequence[Mapping[str, Any]], origin: Origin
) -> str:
    """One row a brand, each with where it comes from; empty is what nobody checked."""
    text = io.StringIO()
    writer = csv.writer(text)
    kept = [name for name in Audited._fields if name != "label"]
    writer.writerow((*Origin._fields, *kept, *_OF_TIMES))
    for label in dict.fromkeys(row["label"] for row in [*rows, *counted]):
        row, times = of_label(rows, label), of_label(counted, label) or {}
        cells = dict(row or {key: times[key] for key in ("name", "people", "threshold", "read_at")})
        cells |= {
            "name": safe_cell(cells["name"]),
            "people": safe_cell(", ".join(cells["people"])),
        }
        how_often = [times.get(field) for field in _OF_TIMES.values()]
        writer.writerow((*origin.cells(), *(cells.get(name) for name in kept), *how_often))
    return text.getvalue()
