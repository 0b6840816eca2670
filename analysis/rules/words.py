"""What a condition says of one frame, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.exposure.columns import clock
from analysis.rules.conditions import Fulfilled, View, beside, novel_in, reach
from analysis.rules.grammar import ANY, BETWEEN, COMPARISONS, Comparison, Condition
from analysis.rules.lot import lots
from analysis.rules.seen import Flags, Rows, Seen, Spans

Values = list[dict[str, Any]]
Limits = Sequence[tuple[Comparison, float]]

_NAMED = 3  # boxes that a sentence names
_BELOW = COMPARISONS["ConfidenceLessThan"]
_NOT_KNOWN = {
    "said": "nobody has listened to it",
    "written": "nobody has read it",
    "other": "there is no other analysis to compare with",
}
_KINDS = {
    "WorstFrame": ("the least sure of its track", "is least sure here"),
    "FirstAppearance": ("the first of its track", "begins here"),
}


def told(condition: Condition, found: Fulfilled, view: View, frame: int) -> tuple[Values, str]:
    """What fulfils the condition in a frame, and a phrase that says it, or says what does not."""
    if condition.type == "Sampling":
        return _drawn(condition, found, view, frame)
    if condition.type == "NothingDetected":
        return _nothing(condition, found, view.seen, frame)
    if condition.type in ("Mention", "Word"):
        return [], "about what is said or written, and not about a frame"
    if condition.type == "Disagreement":
        return _disagreeing(condition, found, view, frame)
    if condition.type == "Novelty":
        return _new(condition, found, view, frame)
    return _boxes(condition, found, view.seen, frame)


def _new(condition: Condition, found: Fulfilled, view: View, frame: int) -> tuple[Values, str]:
    """Each sight of no known label that is best seen in this frame."""
    if view.evidence.novel is None:
        return [], "nobody has looked yet what is new"
    here = [one for at, one in novel_in(condition, view) if at == frame]
    if not here:
        of = "" if condition.label == ANY else f" of what was taken for {condition.label}"
        return [], f"nothing{of} is new here"
    names = view.evidence.labels
    values: Values = [
        {
            "Label": None if one.label is None else names[one.label],
            "Box": [round(side, 4) for side in one.box],
            "Seconds": round(one.seconds, 3),
        }
        for one in here
    ]
    named = [
        (f"taken for {value['Label']}, " if value["Label"] else "")
        + f"like no known label, for {value['Seconds']:.1f} s"
        for value in values
    ]
    return values, _joined(named)


def _drawn(condition: Condition, found: Fulfilled, view: View, frame: int) -> tuple[Values, str]:
    lot = lots(view.evidence.sha256, view.seen.frames["time_s"][frame : frame + 1])
    which = "among" if found.frames[frame] else "not among"
    words = f"{which} the {condition.percentage:g}\u202f% drawn by lot"
    return [{"Lot": round(float(lot[0]), 4)}], words


def _nothing(condition: Condition, found: Fulfilled, seen: Seen, frame: int) -> tuple[Values, str]:
    """The surest box speaks for all: one that counts, or how near the frame came to having one."""
    rows = _rows(seen, frame, seen.is_there)
    rows = rows[np.isin(seen.brand[rows], seen.brands(condition.label))]
    what = "nothing" if condition.label == ANY else f"no {condition.label}"
    if not len(rows):
        return [], f"{what} found"
    surest = rows[np.lexsort((seen.confidence[rows], seen.counts[rows]))[-1:]]
    if not found.frames[frame]:
        return [], f"{_named(seen, surest, ())} is found"
    floor = float(seen.floors[seen.brand[surest[0]]])
    limits = [(_BELOW, floor * 100)]
    words = f"{what} found but {_named(seen, surest, limits)}, {limits_in_words(limits)}"
    return _values(seen, surest), words


def _boxes(condition: Condition, found: Fulfilled, seen: Seen, frame: int) -> tuple[Values, str]:
    limits = condition.limits
    beyond = f", {limits_in_words(limits)}" if limits else ""
    what, otherwise = _KINDS.get(condition.type, ("", ""))
    if found.frames[frame]:
        rows = _rows(seen, frame, found.rows)
        which = f", {what}" if what else ""
        return _values(seen, rows), _named(seen, rows, limits) + which + beyond
    label = "" if condition.label == ANY else condition.label
    if not otherwise:
        return [], f"no {label or 'box'} {limits_in_words(limits)}"
    track = f"track of {label}" if label else "track"
    return [], f"no {track} {otherwise}{beyond}"


def _disagreeing(
    condition: Condition, found: Fulfilled, view: View, frame: int
) -> tuple[Values, str]:
    need = BETWEEN[condition.between]
    if need and getattr(view.evidence, need) is None:
        return [], _NOT_KNOWN[need]
    assert found.brands is not None
    span = slice(*np.searchsorted(found.brands[0], [frame, frame + 1]))
    brands = found.brands[1][span].tolist()
    if not brands:
        return [], "they agree, or another frame of the same stretch is asked about"
    if need in ("said", "written"):
        return _mentioned(need, brands, view, frame)
    if need == "other":
        return _otherwise(brands, view, frame)
    rows = _rows(view.seen, frame, found.rows)
    return _values(view.seen, rows), f"{_named(view.seen, rows, ())}, not seen here by the detector"


def _mentioned(need: str, brands: list[int], view: View, frame: int) -> tuple[Values, str]:
    """Each label with the first of its mentions that this frame is part of."""
    mentions: Mapping[int, Spans] = getattr(view.evidence, need)
    values: Values = []
    for label, brand in view.seen.position.items():
        if brand in brands:
            first, after = reach(view.seen, mentions[label])
            here = np.flatnonzero((first <= frame) & (frame < after))[0]
            start_s, end_s = mentions[label][here]
            values.append(
                {"Label": view.seen.names[brand], "Start": float(start_s), "End": float(end_s)}
            )
    named = [f"{value['Label']} is {need} at {clock(value['Start'])}" for value in values]
    return values, f"{_joined(named)} and not found in the picture"


def _otherwise(brands: list[int], view: View, frame: int) -> tuple[Values, str]:
    """Each label with the surest box that counts, here and in the other analysis."""
    assert view.other is not None
    before, _, _ = beside(view.other, view.seen.frames["time_s"][frame : frame + 1])
    values: Values = []
    named = []
    for brand in brands:
        name = view.seen.names[brand]
        here, there = _surest(view.seen, brand, frame), _surest(view.other, brand, int(before[0]))
        values.append({"Label": name, "Confidence": here, "Other": there})
        if here is None:
            named.append(f"{name} at {_share(there)} only in the other analysis")
        else:
            named.append(f"{name} at {_share(here)} only in this analysis")
    return values, _joined(named)


def _surest(seen: Seen, brand: int, frame: int) -> float | None:
    rows = _rows(seen, frame, seen.counts)
    rows = rows[seen.brand[rows] == brand]
    return _percent(seen.confidence[rows].max()) if len(rows) else None


def _rows(seen: Seen, frame: int, wanted: Flags | None) -> Rows:
    if wanted is None:
        return np.empty(0, np.intp)
    span = seen.span(frame)
    return np.flatnonzero(wanted[span]) + span.start


def _values(seen: Seen, rows: Rows) -> Values:
    return [
        {"Label": seen.names[seen.brand[row]], "Confidence": _percent(seen.confidence[row])}
        for row in rows.tolist()
    ]


def _percent(confidence: np.floating) -> float:
    return round(float(confidence) * 100, 4)  # float32 knows no more


def _share(percent: float | None) -> str:
    return f"{(percent or 0) / 100:.2f}"


def _named(seen: Seen, rows: Rows, limits: Limits) -> str:
    names = [
        f"{seen.names[seen.brand[row]]} at {_reading(seen.confidence[row], limits)}"
        for row in rows.tolist()
    ]
    return _joined(names)


def _reading(confidence: np.float32, limits: Limits) -> str:
    """0.41; with more digits where two would read as if it did not fulfil the limits."""
    for decimals in range(2, 7):
        text = f"{confidence:.{decimals}f}"
        read = np.array([text], np.float32)
        if all(comparison.holds(read, np.float32(limit / 100))[0] for comparison, limit in limits):
            break
    return text


def limits_in_words(limits: Limits) -> str:
    return _joined([f"{comparison.words} {_limit(limit)}" for comparison, limit in limits])


def _limit(percent: float) -> str:
    """60 → 0.60, 62.5 → 0.625."""
    text = f"{percent / 100:.6f}".rstrip("0")
    return text + "0" * max(0, text.index(".") + 3 - len(text))


def _joined(names: Sequence[str]) -> str:
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
