"""Share of voice with limits: one brand's seconds among those of all brands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot

from analysis.auditing.estimate import Estimate, outwards

_STEPS = 50  # of halving an interval: to the last bit of a float


@dataclass(frozen=True, slots=True)
class Share:
    share: float
    low: float
    high: float

    @property
    def shown(self) -> tuple[float, float]:
        """The limits for people, in whole hundredths, rounded outwards."""
        return outwards(self.low, self.high, 100)


def shares(estimates: Sequence[Estimate]) -> list[Share]:
    """The share of each in the seconds of all, with limits, in the same order.

    Brands are audited each by a lot of its own, so their seconds are estimated independently. A
    share s is possible as long as (1 - s) · own - s · others may be 0 (Fieller 1954, with the
    unequal arms of Zou and Donner 2008; as in Donner and Zou 2012, Stat. Methods Med. Res. 21).
    All 0 where no brand has a second.
    """
    return [_share(own, [e for e in estimates if e is not own]) for own in estimates]


def _share(own: Estimate, others: Sequence[Estimate]) -> Share:
    rest = sum(e.seconds for e in others)
    rest_below = hypot(*(e.seconds - e.low_s for e in others))
    rest_above = hypot(*(e.high_s - e.seconds for e in others))
    if own.seconds + rest <= 0:
        return Share(0.0, 0.0, 1.0 if own.high_s > 0 else 0.0)

    def may_be_more(s: float) -> bool:
        """Whether a share above s cannot be ruled out from below: its lower limit is positive."""
        arm = hypot((1 - s) * (own.seconds - own.low_s), s * rest_above)
        return (1 - s) * own.seconds - s * rest - arm >= 0

    def may_be_this(s: float) -> bool:
        arm = hypot((1 - s) * (own.high_s - own.seconds), s * rest_below)
        return (1 - s) * own.seconds - s * rest + arm >= 0

    share = own.seconds / (own.seconds + rest)
    return Share(share, min(_last(may_be_more), share), max(_last(may_be_this), share))


def _last(holds: Callable[[float], bool]) -> float:
    """The largest number from 0 to 1 up to which it holds."""
    if holds(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
