"""Pack the stretches that hold a voice into windows of 30 s, which is what Whisper listens to.

A window costs the same however little is said in it, so silence between stretches is left out, and
the times of the words are put back afterwards. What was left out is a short pause to the model.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.media.audio import RATE
from analysis.speech.voice import STEP, Span

LONGEST_S = 28.0  # of the 30: the last word is heard out
_LONGEST = round(LONGEST_S * RATE)
_LEAST = RATE // 2  # a window is cut no nearer than this to where it begins


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Sound that is listened to at once: samples (n,), and which stretches they are."""

    samples: NDArray[np.float32]
    spans: tuple[Span, ...]

    @property
    def length_s(self) -> float:
        return len(self.samples) / RATE

    def places_s(self, start_s: float, end_s: float) -> tuple[float, float]:
        """When something is heard, in seconds from where the spans count: both ends in the
        stretch that its middle lies in."""
        begins = np.cumsum([0, *(span.end - span.start for span in self.spans)])
        middle = (start_s + end_s) / 2 * RATE
        at = min(max(bisect_right(begins.tolist(), middle) - 1, 0), len(self.spans) - 1)
        span, moved = self.spans[at], int(self.spans[at].start - begins[at])
        start = min(max(start_s * RATE + moved, span.start), span.end)
        end = min(max(end_s * RATE + moved, start), span.end)
        return start / RATE, end / RATE


def windows(
    samples: NDArray[np.float32], spans: Sequence[Span], voice: NDArray[np.float32]
) -> list[Window]:
    """The windows of a sound, in order; a stretch longer than one is cut where its voice is
    weakest."""
    packed: list[list[Span]] = []
    length = 0
    for span in _cut(spans, voice):
        if not packed or length + span.end - span.start > _LONGEST:
            packed.append([])
            length = 0
        packed[-1].append(span)
        length += span.end - span.start
    return [_window(samples, together) for together in packed]


def halves(
    window: Window, samples: NDArray[np.float32], voice: NDArray[np.float32]
) -> list[Window]:
    """Two windows of one, parted near its middle where the voice is weakest; only itself where it
    is too short. `samples` and `voice` are those of the whole sound."""
    half, seen = len(window.samples) // 2, 0
    for at, span in enumerate(window.spans):
        if seen + span.end - span.start >= half and half > 2 * RATE:
            cut = _weakest(voice, span.start + half - seen, span)
            first = [*window.spans[:at], Span(span.start, cut)]
            last = [Span(cut, span.end), *window.spans[at + 1 :]]
            return [_window(samples, part) for part in (first, last)]
        seen += span.end - span.start
    return [window]


def _cut(spans: Sequence[Span], voice: NDArray[np.float32]) -> list[Span]:
    short: list[Span] = []
    for span in spans:
        while span.end - span.start > _LONGEST:
            cut = _weakest(voice, span.start + _LONGEST * 3 // 4, span, reach=_LONGEST // 4)
            short.append(Span(span.start, cut))
            span = Span(cut, span.end)
        short.append(span)
    return short


def _weakest(voice: NDArray[np.float32], wanted: int, span: Span, reach: int = 5 * RATE) -> int:
    """The sample near `wanted`, well inside the span, where a voice is least likely."""
    first = max(wanted - reach, span.start + _LEAST) // STEP
    last = max(min(wanted + reach, span.end - _LEAST) // STEP, first + 1)
    near = np.convolve(np.pad(voice[first:last], 2, "edge"), np.ones(5), "valid")
    # over five steps: a breath, not a consonant
    return (first + int(near.argmin())) * STEP + STEP // 2


def _window(samples: NDArray[np.float32], spans: Sequence[Span]) -> Window:
    return Window(np.concatenate([samples[a:b] for a, b in spans]), tuple(spans))
