"""Shares that were counted, with limits, and whether two of them differ by more than chance."""

from __future__ import annotations

from collections.abc import Iterable
from math import erfc, hypot, sqrt
from typing import NamedTuple

from analysis.auditing.estimate import limits_of_share

FEWEST = 5  # expected of each kind on each side: below it the test says nothing


class Counted(NamedTuple):
    """A share with limits that hold the true one 95 times of 100, and on how many it rests."""

    share: float
    low: float
    high: float
    n: int


class Drawn(NamedTuple):
    """What was drawn by lot from a part of everything. `size`: of the part; None: far more than
    was drawn."""

    seen: int
    n: int
    size: int | None = None


def counted(seen: int, n: int) -> Counted | None:
    """The share of `seen` among n that were drawn by lot, with Jeffreys' limits; None of none."""
    if not 0 <= seen <= n:
        raise ValueError("what was seen is among what was drawn")
    return Counted(seen / n, *limits_of_share(seen / n, n), n) if n else None


def over_parts(parts: Iterable[Drawn]) -> Counted | None:
    """The share in all of several parts, each drawn from by lot and as often as one liked.

    Each counts by its size, which must be given. The limits of the parts, Jeffreys' each, are added
    with their unequal arms (Zou and Donner 2008, Statistics in Medicine 27); what was looked at is
    known and no longer guessed. A part nothing was drawn from says nothing and is left out; None
    where that is all.
    """
    known = [part for part in parts if part.n and part.size]
    whole = sum(part.size or 0 for part in known)
    if not whole:
        return None
    share = below = above = 0.0
    for part in known:
        size, own = part.size or 0, part.seen / part.n
        low, high = limits_of_share(own, part.n)
        left = sqrt(max(size - part.n, 0) / max(size - 1, 1))
        weight = size / whole
        share += weight * own
        below = hypot(below, weight * left * (own - low))
        above = hypot(above, weight * left * (high - own))
    low, high = max(share - below, 0.0), min(share + above, 1.0)
    return Counted(share, low, high, sum(part.n for part in known))


def chance_of_difference(first: Drawn, second: Drawn) -> float | None:
    """How often two equal shares would differ by as much or more; None where there are too few.

    The two-proportion z-test with a pooled share, two-sided (Fleiss, Levin and Paik 2003,
    “Statistical Methods for Rates and Proportions”, 3.1). It asks for five expected of each kind on
    each side.
    """
    n = first.n + second.n
    if not first.n or not second.n:
        return None
    pooled = (first.seen + second.seen) / n
    if min(first.n, second.n) * min(pooled, 1 - pooled) < FEWEST:
        return None
    error = sqrt(pooled * (1 - pooled) * (1 / first.n + 1 / second.n))
    z = (first.seen / first.n - second.seen / second.n) / error
    return erfc(abs(z) / sqrt(2))
