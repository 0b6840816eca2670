"""A brand's best: which of its exposures are worth a place in a reel.

The score of an exposure is seconds × size × confidence: how long it is shown (of one, no more than
goes into the reel), the mean share of the frame that it covers, and how sure the detector was at
its surest. It is the area that a viewer was shown over time, discounted by doubt; the same three
are in the methodology. Taken are the best first, as long as there is room, each once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from analysis.cutting.clips import Clip, Rules, Source, Span, clips_of

LONGEST_S = 10.0  # of one exposure in a reel


@dataclass(frozen=True, slots=True)
class Shown:
    """An exposure. size: mean share of the frame, 0 to 1. confidence: 0 to 1."""

    source: Source
    start_s: float
    end_s: float
    size: float
    confidence: float
    title: str = ""

    def score(self, longest_s: float = LONGEST_S) -> float:
        return min(max(self.end_s - self.start_s, 0.0), longest_s) * self.size * self.confidence


def highlights(
    shown: Iterable[Shown],
    most_s: float,
    *,
    longest_s: float = LONGEST_S,
    rules: Rules | None = None,
    best_first: bool = False,
) -> list[Clip]:
    """Clips of the best exposures, at most `most_s` seconds together and none over another.

    One longer than `longest_s` is shown from its middle. In the order of the sources and of time,
    or by score. An exposure that no longer fits gives way to a shorter one after it.
    """
    rules = rules or Rules(handles_s=0.5)
    ranked = sorted(shown, key=lambda one: -one.score(longest_s))
    taken: list[Clip] = []
    left_s = most_s
    for one in ranked:
        for clip in clips_of(one.source, [_middle(one, longest_s)], replace(rules, join_s=0.0)):
            if clip.seconds <= left_s and not any(_overlap(clip, other) for other in taken):
                taken.append(clip)
                left_s -= clip.seconds
    if best_first:
        return taken
    order = {one.source.name: place for place, one in reversed(list(enumerate(ranked)))}
    return sorted(taken, key=lambda clip: (order[clip.source.name], clip.start_s))


def _middle(one: Shown, longest_s: float) -> Span:
    over_s = max(one.end_s - one.start_s - longest_s, 0.0) / 2
    return Span(one.start_s + over_s, one.end_s - over_s, one.title)


def _overlap(one: Clip, other: Clip) -> bool:
    is_same = one.source.name == other.source.name
    return is_same and one.start_s < other.end_s and other.start_s < one.end_s
