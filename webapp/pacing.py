"""How long people take for what they are asked, one thing after the other."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from django.db.models import QuerySet

_TIMED = 20  # before that nobody can tell
_LATEST = 200


class Took(NamedTuple):
    seconds: float
    is_measured: bool


def usual(latest_first: QuerySet[Any], assumed_s: float) -> Took:
    """The median `spent_s` of the latest rows, or what is assumed while few were timed."""
    timed = latest_first.filter(spent_s__gt=0).values_list("spent_s", flat=True)
    return typical(list(timed[:_LATEST]), assumed_s)


def typical(spent_s: Sequence[float], assumed_s: float) -> Took:
    """The median, or what is assumed while few were timed."""
    if len(spent_s) < _TIMED:
        return Took(assumed_s, is_measured=False)
    return Took(float(median(spent_s)), is_measured=True)
