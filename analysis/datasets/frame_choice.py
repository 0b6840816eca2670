"""Which frames of a video are worth a person's time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.types import Shot


def thinned(times: Sequence[float] | NDArray[np.float64], most: int) -> list[float]:
    """At most `most` of these times, evenly spread, the first and last among them."""
    times = [float(t) for t in times]
    if len(times) <= most:
        return times
    if most == 1:
        return [times[len(times) // 2]]
    return [times[round(i)] for i in np.linspace(0, len(times) - 1, most)]


def middles(shots: Sequence[Shot], frame_times: NDArray[np.float64]) -> list[float]:
    """For each shot the time of the frame in its middle."""
    wanted = np.array([(shot.start_s + shot.end_s) / 2 for shot in shots])
    after = np.searchsorted(frame_times, wanted, side="right")
    return sorted({float(frame_times[i]) for i in np.maximum(after - 1, 0)})


def uncertainty(confidences: Sequence[float]) -> float:
    """How little a detector knows what to say of a frame, 0 to 1.

    That of the box it is least sure of: 1 at even odds, 0 where it is certain, or sees nothing.
    (Uncertainty sampling: Lewis and Gale, "A Sequential Algorithm for Training Text Classifiers",
    SIGIR 1994.)
    """
    return max((1 - abs(2 * c - 1) for c in confidences), default=0.0)


def least_sure(
    times: Sequence[float], scores: Sequence[float], most: int, apart_s: float
) -> list[float]:
    """The times of the highest scores above 0, none closer than `apart_s` to another."""
    chosen: list[float] = []
    for index in sorted(range(len(times)), key=lambda i: (-scores[i], times[i])):
        if len(chosen) >= most or scores[index] <= 0:
            break
        if all(abs(times[index] - other) >= apart_s for other in chosen):
            chosen.append(float(times[index]))
    return sorted(chosen)
