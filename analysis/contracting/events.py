"""What counts of each event of a contract, and the limits of what people checked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot

from analysis.auditing import Estimate, shares


@dataclass(frozen=True, slots=True)
class Event:
    """One event (a match, a programme): the brand's figures and those of its rivals.

    `reported_s`: seconds of every brand by the methodology, by a name or number of each.
    `checked`: what audits found, of the brands that were audited.
    `is_all_checked`: every brand that was seen there is among them.
    """

    reported_s: Mapping[int, float]
    on_screen_s: float = 0.0  # of the brand alone, without bridged gaps
    middle_s: float = 0.0  # of these, with its centre in the middle ninth of the picture
    mentions: int | None = None  # None: nobody has listened
    checked: Mapping[int, Estimate] = field(default_factory=dict)
    is_all_checked: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """A figure and the limits that hold the true one, or the one to come, 95 times of 100."""

    value: float
    low: float
    high: float


def checked_seconds(brand: int, events: Sequence[Event]) -> tuple[Limits, int] | None:
    """The brand's seconds with what people found instead of the figure where they checked it, and
    the number of events that they checked; None where it is none.

    Audits are drawn independently, so their variances add: the arms of the limits do as the sides
    of right angles, each its own way (Zou and Donner 2008, Statistics in Medicine 27). Events that
    nobody checked have no limits and add nothing to them.
    """
    found = [event.checked[brand] for event in events if brand in event.checked]
    if not found:
        return None
    summed = _sum(found)
    rest_s = sum(e.reported_s.get(brand, 0.0) for e in events if brand not in e.checked)
    seconds = rest_s + summed.seconds, rest_s + summed.low_s, rest_s + summed.high_s
    return Limits(*seconds), len(found)


def checked_share(brand: int, events: Sequence[Event]) -> Limits | None:
    """The brand's share in the seconds of all, with limits; None unless every brand of every event
    was checked."""
    if not events or not all(e.is_all_checked and brand in e.checked for e in events):
        return None
    brands = sorted({one for event in events for one in event.checked})
    summed = [_sum([e.checked[one] for e in events if one in e.checked]) for one in brands]
    share = shares(summed)[brands.index(brand)]
    return Limits(share.share, share.low, share.high)


def _sum(found: Sequence[Estimate]) -> Estimate:
    seconds = sum(one.seconds for one in found)
    return Estimate(
        seconds=seconds,
        low_s=max(seconds - hypot(*(one.seconds - one.low_s for one in found)), 0.0),
        high_s=seconds + hypot(*(one.high_s - one.seconds for one in found)),
        n_answers=sum(one.n_answers for one in found),
        model_s=sum(one.model_s for one in found),
    )
