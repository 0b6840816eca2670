"""Where something is named again and again."""

from __future__ import annotations

from collections.abc import Sequence

_APART_S = 15.0
_LEAST = 3


def bursts(
    spans: Sequence[tuple[float, float]], *, least: int = _LEAST, apart_s: float = _APART_S
) -> list[tuple[float, float, int]]:
    """Runs of at least so many spans, each at most `apart_s` seconds after the one before.

    spans: starts and ends in seconds, in any order. Returns start, end and how many, by time.
    """
    found: list[tuple[float, float, int]] = []
    for start_s, end_s in sorted(spans):
        if found and start_s - found[-1][1] <= apart_s:
            first, last, n = found[-1]
            found[-1] = first, max(last, end_s), n + 1
        else:
            found.append((start_s, end_s, 1))
    return [one for one in found if one[2] >= least]
