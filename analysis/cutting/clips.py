"""Clips: stretches of films that begin and end with a frame.

A span is what somebody is interested in: a topic, an exposure, a sentence. A clip is what is shown
of it. Times are seconds from the start of the source, by the presentation times of its frames,
so that a film of variable rate is cut where its frames are, not where a mean would have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.cutting.rates import Rate

_SAME_S = 1e-3  # of a frame's time: containers round to milliseconds
LONGEST_TITLE = 120


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A film or a sound that clips are taken from. Two are the same when they have one `name`.

    rate: of its frames; None for sound alone. times_s: float64 (n,), when each frame is shown,
    ascending; None where that is not known, and frames are counted by the rate. size: width and
    height as displayed. track: the picture track, where it is not the usual one.
    """

    name: str
    duration_s: float
    rate: Rate | None = None
    times_s: NDArray[np.float64] | None = field(default=None, repr=False)
    size: tuple[int, int] = (0, 0)
    has_sound: bool = True
    path: Path | None = None
    track: int | None = None
    about: Any = None  # whatever the caller knows it by

    @classmethod
    def of(
        cls,
        name: str,
        duration_s: float,
        times_s: NDArray[np.float64] | None,
        *,
        is_variable: bool = False,
        **more: Any,
    ) -> Source:
        """A source whose frames are shown at `times_s`; sound alone where there are none."""
        if times_s is None or not len(times_s):
            return cls(name, duration_s, **more)
        if len(times_s) == 1:
            rate = Rate.of(min(max(1 / duration_s, 1.0), 60.0) if duration_s > 0 else 25.0)
        else:
            rate = Rate.measured(times_s, is_variable=is_variable)
        return cls(name, duration_s, rate, times_s, **more)

    @property
    def n_frames(self) -> int:
        if self.times_s is not None:
            return len(self.times_s)
        return self.rate.count(self.duration_s) if self.rate else 0

    @property
    def picture_end_s(self) -> float:
        """When the last frame has been shown as long as those before it; sound may go on."""
        times = self.times_s
        if times is None or len(times) < 2:
            return self.duration_s
        usual_s = float(np.median(np.diff(times)))
        return max(min(float(times[-1]) + usual_s, self.duration_s), float(times[-1]) + _SAME_S)

    def snapped(self, start_s: float, end_s: float) -> tuple[float, float]:
        """The same stretch from the first frame on screen in it to where the last one goes.

        Every frame of which a part is shown is in it, one at least. Sound alone has no frames.
        """
        times = self.times_s
        if times is not None and len(times):
            first, end = self._places(times, start_s, end_s)
            until = float(times[end]) if end < len(times) else max(end_s, self.picture_end_s)
            return float(times[first]), max(until, float(times[first]) + _SAME_S)
        if self.rate:
            first, end = self.rate.frames(start_s, end_s)
            return float(first / self.rate.exact), float(end / self.rate.exact)
        return start_s, end_s

    def frames(self, start_s: float, end_s: float) -> tuple[int, int]:
        """The numbers of its first frame and of the one after its last, counted from 0.

        A film of variable rate has no such numbers: it is counted at its mean rate. Raises
        ValueError for sound alone.
        """
        if self.rate is None:
            raise ValueError("sound alone has no frames")
        if self.times_s is not None and len(self.times_s) and not self.rate.is_variable:
            return self._places(self.times_s, start_s, end_s)
        return self.rate.frames(start_s, end_s)

    def moved(self, time_s: float, frames: int) -> float:
        """The boundary between frames that is so many frames on from the one at `time_s`."""
        times = self.times_s
        if times is not None and len(times):
            borders = np.append(times, self.picture_end_s)
            at = int(np.abs(borders - time_s).argmin()) + frames
            return float(borders[min(max(at, 0), len(borders) - 1)])
        rate = self.rate.exact if self.rate else 25
        return min(max(time_s + frames / float(rate), 0.0), self.duration_s)

    @staticmethod
    def _places(times: NDArray[np.float64], start_s: float, end_s: float) -> tuple[int, int]:
        first = max(int(np.searchsorted(times, start_s + _SAME_S, "right")) - 1, 0)
        end = int(np.searchsorted(times, end_s - _SAME_S, "left"))
        return first, max(end, first + 1)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch that somebody is interested in, seconds."""

    start_s: float
    end_s: float
    title: str = ""


@dataclass(frozen=True, slots=True)
class Clip:
    """What is shown of a source, from and to, seconds, and what it is called."""

    source: Source
    start_s: float
    end_s: float
    title: str = ""

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s

    def frames(self) -> tuple[int, int]:
        return self.source.frames(self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Rules:
    """How spans become clips. All in seconds.

    handles_s: shown before and after each. join_s: two that are no further apart become one.
    least_s: what is shorter is left out.
    """

    handles_s: float = 0.0
    join_s: float = 0.0
    least_s: float = 0.0

    def __post_init__(self) -> None:
        for value in (self.handles_s, self.join_s, self.least_s):
            if not (isfinite(value) and value >= 0):
                raise ValueError("handles, gaps and lengths are 0 seconds or more")


def clips_of(source: Source, spans: Iterable[Span], rules: Rules | None = None) -> list[Clip]:
    """The clips that show these spans, by time, none over another.

    Spans may overlap, reach out of the source, or be empty: what lies in it and has a length
    counts. Each gets its handles, neighbours are joined and their titles with them, what is too
    short goes, and the rest is laid on whole frames.
    """
    rules = rules or Rules()
    within = [part for span in spans if (part := _within(source, span, rules.handles_s))]
    clips: list[Clip] = []
    for span in _joined(within, rules.join_s):
        start_s, end_s = source.snapped(span.start_s, span.end_s)
        if clips:  # two spans may share a frame: it is shown once
            start_s = max(start_s, clips[-1].end_s)
        if end_s - start_s > _SAME_S / 2 and span.end_s - span.start_s >= rules.least_s:
            clips.append(Clip(source, start_s, end_s, span.title))
    return clips


def in_all(kinds: Iterable[Iterable[Span]]) -> list[Span]:
    """The stretches that lie in a span of every kind, seconds, by time: of topics and of turns,
    what is said about one of the topics by one of the speakers. Titles are joined. Spans of one
    kind may overlap; what has no length is in none."""
    found: list[Span] | None = None
    for kind in kinds:
        spans = _joined([span for span in kind if span.start_s < span.end_s], 0.0)
        found = spans if found is None else [both for one in found for both in _common(one, spans)]
    return found or []


def _common(one: Span, spans: Iterable[Span]) -> list[Span]:
    return [
        Span(
            max(one.start_s, other.start_s),
            min(one.end_s, other.end_s),
            _both(one.title, other.title),
        )
        for other in spans
        if max(one.start_s, other.start_s) < min(one.end_s, other.end_s)
    ]


def limited(clips: Sequence[Clip], most_s: float, least_s: float = 0.5) -> list[Clip]:
    """The first of these clips that last `most_s` together; the last is cut off where it fits no
    more, and left out where less than `least_s` would be left of it."""
    kept, left_s = [], most_s
    for clip in clips:
        if clip.seconds <= left_s + _SAME_S:
            kept.append(clip)
            left_s -= clip.seconds
            continue
        end_s = clip.source.moved(clip.start_s + left_s, 0)
        if end_s - clip.start_s > left_s + _SAME_S:  # never longer than asked for
            end_s = clip.source.moved(end_s, -1)
        if end_s - clip.start_s >= least_s:
            kept.append(replace(clip, end_s=end_s))
        break
    return kept


def _within(source: Source, span: Span, handles_s: float) -> Span | None:
    """What of a span lies in the source, with its handles; None for nothing."""
    if not (isfinite(span.start_s) and isfinite(span.end_s)):
        return None
    if min(span.end_s, source.duration_s) <= max(span.start_s, 0.0):
        return None
    start_s = max(span.start_s - handles_s, 0.0)
    end_s = min(span.end_s + handles_s, source.duration_s)
    return replace(span, start_s=start_s, end_s=end_s)


def _joined(spans: Sequence[Span], join_s: float) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start_s, one.end_s)):
        before = joined[-1] if joined else None
        if before is None or span.start_s - before.end_s > join_s + _SAME_S * (join_s > 0):
            joined.append(span)
        elif span.start_s < before.end_s or join_s > 0:
            end_s = max(before.end_s, span.end_s)
            joined[-1] = Span(before.start_s, end_s, _both(before.title, span.title))
        else:  # they only touch
            joined.append(span)
    return joined


def _both(one: str, other: str) -> str:
    if not other or other in one.split(" · "):
        return one
    both = f"{one} · {other}" if one else other
    return both if len(both) <= LONGEST_TITLE else one
