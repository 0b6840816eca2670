"""Brands in words beside brands in the picture: how often, for how long, and together or apart.

`docs/methodology.md` has the formulas. Words are given as spans of time; who found them, and how,
is `analysis.text`'s to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TOGETHER_S = 2.0  # what is no further apart than this is one moment

Spans = Sequence[tuple[float, float]]  # start and end, seconds from the start of the asset


@dataclass(frozen=True, slots=True)
class Words:
    """Where each label is said and written. None: nobody has listened, or read."""

    said: Mapping[int, Spans] | None = None
    written: Mapping[int, Spans] | None = None


class Mentioned(NamedTuple):
    """What the words say of one brand. None: nobody has listened, or read, or both."""

    mentions: int | None  # spoken ones that lie in the window, or reach into it
    said_s: float | None  # time in which it is said
    mentions_seen: int | None  # those with the brand on screen within TOGETHER_S
    mention_lift: float | None  # how many times as often as chance would have it
    written: int | None  # captions and signs that show its name in the window
    written_s: float | None  # time in which one of them is on screen
    seen_only: int | None  # moments of the brand, by what makes them up
    said_only: int | None
    written_only: int | None
    together: int | None


FIELDS = Mentioned._fields
_MOMENTS = ("seen_only", "said_only", "written_only", "together")
COUNTED = {"mentions", "mentions_seen", "written", *_MOMENTS}  # whole numbers
UNHEARD = Words()


def mentioned(
    label: int, words: Words, seen: NDArray[np.float64], window: tuple[float, float]
) -> Mentioned:
    """The words about one label between the two times of `window`, beside where it is seen.

    seen: shape (n, 2), starts and ends in seconds of what shows the brand, in time order.

    >>> mentioned(1, Words(said={1: [(3.0, 3.5)]}), np.array([[0.0, 2.0]]), (0, 9))[:3]
    (1, 0.5, 1)
    """
    is_film = window[1] > window[0]
    said = None if words.said is None else _inside(words.said.get(label, ()), window)
    written = None if words.written is None else _inside(words.written.get(label, ()), window)
    return Mentioned(
        *_spoken(said, _joined(seen, TOGETHER_S), window),
        written=None if written is None else len(written),
        written_s=None if written is None else _length(_joined(written, 0.0)),
        **_moments(seen, said, written) if is_film else dict.fromkeys(_MOMENTS),
    )


def _inside(spans: Spans, window: tuple[float, float]) -> NDArray[np.float64]:
    """Those that begin inside, or reach into it from before, cut to it; in time order."""
    found = np.array(sorted(spans), np.float64).reshape(-1, 2)
    if window[1] > window[0]:
        found = found[(found[:, 0] < window[1]) & (found[:, 1] > window[0])]
    return np.clip(found, *window)


def _joined(spans: NDArray[np.float64], gap_s: float) -> NDArray[np.float64]:
    """Spans in time order, those at most `gap_s` apart made one."""
    if not len(spans):
        return spans
    reach = np.maximum.accumulate(spans[:, 1])
    begins = np.append(True, spans[1:, 0] - reach[:-1] > gap_s)
    last = np.append(np.flatnonzero(begins)[1:], len(spans)) - 1
    return np.stack([spans[begins, 0], reach[last]], axis=1)


def _length(spans: NDArray[np.float64]) -> float:
    return float((spans[:, 1] - spans[:, 0]).sum())


def _spoken(
    said: NDArray[np.float64] | None, seen: NDArray[np.float64], window: tuple[float, float]
) -> tuple[int | None, float | None, int | None, float | None]:
    """How often, for how long, how often beside the brand in the picture, and the lift of that.

    Lift (as of association rules: Brin et al. 1997) is the share of mentions that have the brand
    on screen within TOGETHER_S, by the share of time in which any mention would have had it.
    """
    if said is None:
        return None, None, None, None
    wide = _joined(np.clip(seen + np.array([-TOGETHER_S, TOGETHER_S]), *window), 0.0)
    n_seen = sum(bool(((wide[:, 1] > start) & (wide[:, 0] < end)).any()) for start, end in said)
    share = _length(wide) / (window[1] - window[0]) if window[1] > window[0] else 0.0
    lift = n_seen / len(said) / share if len(said) and share else None
    return len(said), _length(_joined(said, 0.0)), n_seen, lift


def _moments(
    seen: NDArray[np.float64],
    said: NDArray[np.float64] | None,
    written: NDArray[np.float64] | None,
) -> dict[str, int | None]:
    """All that is seen, said and written, gathered where it is at most TOGETHER_S apart."""
    if said is None and written is None:
        return dict.fromkeys(_MOMENTS)
    kinds = Counter(
        "together" if len(sources) > 1 else _MOMENTS[sources.pop()]
        for sources in _gathered([seen, said, written])
    )
    return {name: kinds[name] for name in _MOMENTS}


def _gathered(sources: Iterable[NDArray[np.float64] | None]) -> list[set[int]]:
    """The sources that each moment is made of, by their places."""
    every = sorted(
        (start, end, kind)
        for kind, spans in enumerate(sources)
        for start, end in (() if spans is None else spans.tolist())
    )
    moments: list[set[int]] = []
    reach = -np.inf
    for start, end, kind in every:
        if start - reach > TOGETHER_S:
            moments.append(set())
        moments[-1].add(kind)
        reach = max(reach, end)
    return moments
