"""One promise beside what was delivered: how much is due by now, where it ends, how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from analysis.contracting.events import Event, Limits, checked_seconds, checked_share
from analysis.contracting.forecast import FEWEST, of_share, of_sum

_SAME = 1e-6  # what sums of floats are off by


class Kind(StrEnum):
    """What can be promised, and in what it is counted."""

    SECONDS = "seconds"  # on screen, in all events together
    SECONDS_EACH = "seconds_each"  # on screen, in every single event
    SHARE = "share"  # of voice: of the seconds of all brands, 0 to 1
    MIDDLE = "middle"  # of its time on screen, in the middle ninth of the picture, 0 to 1
    PLACE = "place"  # among the brands by seconds; 1 is the first
    MENTIONS = "mentions"  # said, in all events together

    @property
    def is_summed(self) -> bool:
        """It grows from event to event; the others are as high as they are."""
        return self in (Kind.SECONDS, Kind.MENTIONS)

    @property
    def is_share(self) -> bool:
        return self in (Kind.SHARE, Kind.MIDDLE)


class Status(StrEnum):
    """How a promise stands, the best first."""

    FULFILLED = "fulfilled"
    ON_COURSE = "on course"
    OPEN = "no figures yet"
    BEHIND = "behind"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Promise:
    kind: Kind
    amount: float  # at least; of a place: at most


@dataclass(frozen=True, slots=True)
class Calendar:
    """How far the period is.

    `elapsed`: share of it, 0 before it begins to 1 when it is over. `planned`: how many events
    there will be in all, where that was said. `waiting`: events that took place and have no figures
    yet.
    """

    elapsed: float
    planned: int | None = None
    waiting: int = 0

    @property
    def is_over(self) -> bool:
        """Nothing more comes."""
        return self.elapsed >= 1 and not self.waiting

    def share(self, n: int) -> float:
        """How much of what was promised is due once n events have figures, 0 to 1."""
        if self.elapsed >= 1 and not self.waiting:
            return 1.0
        if self.planned:
            return min(n / self.planned, 1.0)
        return self.elapsed

    def left(self, n: int) -> float | None:
        """How many events are to come after n; None where nothing tells."""
        if self.elapsed >= 1:
            return float(self.waiting)
        if self.planned:
            return float(max(self.planned - n, self.waiting))
        if self.elapsed <= 0:
            return None
        return max(n * (1 - self.elapsed) / self.elapsed, float(self.waiting))

    @property
    def is_counted(self) -> bool:
        """Whether the number of events to come is known."""
        return self.planned is not None or self.elapsed >= 1


@dataclass(frozen=True, slots=True)
class Standing:
    """One promise as it stands.

    `delivered`: None where there are no figures; of SECONDS_EACH the number of events that reach
    it. `n`: events with figures of this kind. `due`: what should be there by now. `forecast`: at
    the end of the period, None for the reason in `why_not`. `checked`: the figure with what people
    found in the `n_checked` events that they checked, with its limits.
    """

    promise: Promise
    delivered: float | None
    n: int
    due: float
    status: Status
    forecast: Limits | None
    why_not: str
    checked: Limits | None
    n_checked: int

    @property
    def part(self) -> float | None:
        """Delivered ÷ promised, 1 for a promise that is just kept."""
        if self.delivered is None:
            return None
        if self.promise.kind is Kind.SECONDS_EACH:
            return self.delivered / self.n
        if self.promise.kind is Kind.PLACE:
            return self.promise.amount / self.delivered
        return self.delivered / self.promise.amount

    @property
    def is_sure(self) -> bool:
        """That the limits of what people checked lie on the same side of the promise as the figure;
        also where nobody checked anything."""
        if self.checked is None or self.delivered is None:
            return True
        if self.delivered >= self.promise.amount - _SAME:
            return self.checked.low >= self.promise.amount - _SAME
        return self.checked.high < self.promise.amount


def standing(promise: Promise, brand: int, events: Sequence[Event], when: Calendar) -> Standing:
    """How this promise to `brand` stands after these events.

    `events` are those with figures, in any order. Raises ValueError for a promise of nothing.
    """
    if not promise.amount > 0:
        raise ValueError("a promise of nothing")
    kind = promise.kind
    told = list(events)
    if kind is Kind.MENTIONS:  # who listens later may still hear it
        told = [event for event in events if event.mentions is not None]
        when = replace(when, waiting=when.waiting + len(events) - len(told))
    delivered = _delivered(promise, brand, told)
    due = promise.amount * when.share(len(told)) if kind.is_summed else promise.amount
    forecast, why_not = _forecast(kind, brand, told, when)
    checked, n_checked = _checked(kind, brand, told)
    status = _status(promise, delivered, len(told), due, when)
    return Standing(
        promise, delivered, len(told), due, status, forecast, why_not, checked, n_checked
    )


def worst(found: Iterable[Status]) -> Status:
    """How all of it stands: as the promise that stands worst. Raises ValueError for none."""
    return max(found, key=list(Status).index)


def _delivered(promise: Promise, brand: int, events: Sequence[Event]) -> float | None:
    if not events:
        return None
    match promise.kind:
        case Kind.SECONDS:
            return sum(event.reported_s.get(brand, 0.0) for event in events)
        case Kind.SECONDS_EACH:
            each = (event.reported_s.get(brand, 0.0) for event in events)
            return float(sum(seconds >= promise.amount - _SAME for seconds in each))
        case Kind.PLACE:
            place = _place(brand, events)
            return None if place is None else float(place)
        case Kind.MENTIONS:
            return float(sum(event.mentions or 0 for event in events))
    part, whole = _parts(promise.kind, brand, events)
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else None


def _place(brand: int, events: Sequence[Event]) -> int | None:
    """1 for the brand with the most seconds; those with as many share a place. None: never seen."""
    totals: dict[int, float] = {}
    for event in events:
        for one, seconds in event.reported_s.items():
            totals[one] = totals.get(one, 0.0) + seconds
    own = totals.pop(brand, 0.0)
    if not own > 0:
        return None
    return 1 + sum(seconds > own + _SAME for seconds in totals.values())


def _parts(kind: Kind, brand: int, events: Sequence[Event]) -> tuple[np.ndarray, np.ndarray]:
    """Of each event what the brand has, and of how much: two arrays of shape (events,)."""
    if kind is Kind.MIDDLE:
        pairs = [(event.middle_s, event.on_screen_s) for event in events]
    else:
        pairs = [(e.reported_s.get(brand, 0.0), sum(e.reported_s.values())) for e in events]
    part, whole = np.array(pairs, float).T
    return part, whole


def _forecast(
    kind: Kind, brand: int, events: Sequence[Event], when: Calendar
) -> tuple[Limits | None, str]:
    """Where it ends, or why nothing is said of that."""
    if kind is Kind.SECONDS_EACH:
        return None, "every event stands by itself"
    if kind is Kind.PLACE:
        return None, "a place is not forecast"
    if when.is_over:
        return None, "the period is over"
    if len(events) < FEWEST:
        return None, f"fewer than {FEWEST} events"
    left = when.left(len(events))
    if left is None:
        return None, "no day of the period has passed"
    if kind is Kind.SECONDS:
        each = np.array([event.reported_s.get(brand, 0.0) for event in events])
        return of_sum(each, left, is_counted=when.is_counted), ""
    if kind is Kind.MENTIONS:
        each = np.array([event.mentions or 0 for event in events], float)
        return of_sum(each, left, is_counted=when.is_counted), ""
    part, whole = _parts(kind, brand, events)
    if not whole.sum() > 0:
        return None, "nothing was seen"
    return of_share(part, whole, left), ""


def _checked(kind: Kind, brand: int, events: Sequence[Event]) -> tuple[Limits | None, int]:
    if kind is Kind.SECONDS and (found := checked_seconds(brand, events)):
        return found
    if kind is Kind.SHARE and (share := checked_share(brand, events)):
        return share, len(events)
    return None, 0


def _status(
    promise: Promise, delivered: float | None, n: int, due: float, when: Calendar
) -> Status:
    kind = promise.kind
    if delivered is None and (kind is Kind.MENTIONS or not (n or when.is_over)):
        return Status.OPEN  # nobody listened: that it was not said is not known
    if delivered is None:
        return Status.FAILED if when.is_over else Status.BEHIND
    if kind is Kind.PLACE:
        is_kept = delivered <= promise.amount
    elif kind is Kind.SECONDS_EACH:
        is_kept = delivered >= n
    else:
        is_kept = delivered >= promise.amount - _SAME
    if is_kept and (kind.is_summed or when.is_over):
        return Status.FULFILLED
    if when.is_over:
        return Status.FAILED
    is_on_course = delivered >= due - _SAME if kind.is_summed else is_kept
    return Status.ON_COURSE if is_on_course else Status.BEHIND
