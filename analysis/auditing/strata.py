"""Which frames are asked about together: those of which the detector said much the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEAR_S = 2.0  # this close to where the brand is said to be
SAME_SHOT_S = 10.0  # and this close in the same shot
DOUBTFUL = 0.4  # of the frames that are said to show it, the least sure

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


class Stratum(NamedTuple):
    name: str
    says: bool  # what the detector said of its frames
    deviation: float  # of answers in it, as far as one knows before any: √(p (1 - p))


KINDS = (
    Stratum("said to be there", True, 0.2),
    Stratum("said to be there, less sure", True, 0.4),
    Stratum("something weak there", False, 0.4),
    Stratum("nothing there, but close by", False, 0.3),
    Stratum("nothing there", False, 0.15),
)
STRATA = tuple(kind.name for kind in KINDS)
SURE, UNSURE, WEAK, NEAR, FAR = range(len(KINDS))


def stratum_of(
    time_s: Numbers, score: Numbers, threshold: float, cuts: Sequence[float]
) -> NDArray[np.int8]:
    """The position in STRATA of each frame, shape (n,).

    time_s: when each frame is shown, ascending; score: the confidence of the surest box of the
    brand in it, 0 where there is none; threshold: from which on it counts; cuts: when each shot
    begins, in seconds. Errors of a detector come where it was nearly sure, and at the ends of what
    it found: there they are asked for more densely than they lie.
    """
    says = score >= threshold
    found = np.full(len(score), FAR, np.int8)
    found[_near(time_s, says, np.asarray(cuts, np.float64))] = NEAR
    found[(score > 0) & ~says] = WEAK
    if says.any():
        found[says] = np.where(least_sure(score[says]), UNSURE, SURE)
    return found


def least_sure(score: Numbers) -> Flags:
    """Which of these confidences are the DOUBTFUL lowest; at least one is needed."""
    return score < np.quantile(score, DOUBTFUL)


def _near(time_s: Numbers, says: Flags, cuts: Numbers) -> Flags:
    """Frames close to one that is said to show the brand."""
    there = time_s[says]
    if not len(there):
        return np.zeros(len(time_s), np.bool_)
    after = np.searchsorted(there, time_s)
    neighbours = np.maximum(after - 1, 0), np.minimum(after, len(there) - 1)
    shot = np.searchsorted(cuts, time_s, "right")
    is_near = np.zeros(len(time_s), np.bool_)
    for neighbour in neighbours:
        away_s = np.abs(time_s - there[neighbour])
        same = shot == shot[says][neighbour]
        is_near |= (away_s <= NEAR_S) | (same & (away_s <= SAME_SHOT_S))
    return is_near
