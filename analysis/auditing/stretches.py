"""How often a brand was on screen, to be audited: stretches of film in which an exposure begins.

A number of exposures is no sum over frames: one frame does not say whether the brand was there a
moment ago. But every exposure begins once, so their number is the number of beginnings. The film is
cut into stretches so short that no two exposures can begin in one; a person says of some of them,
drawn by lot, whether one begins there. That makes a total of yes and no over units of equal weight,
which `estimate` takes as it takes frames, with units for seconds.

Why two cannot begin in one stretch: an exposure holds at least `minimum_s` on screen, and the next
begins only after a gap longer than `gap_s`. So beginnings are further apart than both together,
and a half-open stretch of that length holds one at most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.auditing.population import Population
from analysis.auditing.strata import FAR, NEAR, NEAR_S, SURE, UNSURE, WEAK, least_sure
from analysis.exposure.measure import measure
from analysis.exposure.methodologies import Methodology
from analysis.exposure.sightings import boxes_of
from analysis.film.columns import Columns

LONGEST_S = 2.0  # of a stretch: more is tiring to look at
SHORTEST_S = 0.5  # less is over before somebody has seen it
_SAME_S = 1e-6  # what times are off by

Numbers = NDArray[np.float64]


def stretch_s(gap_s: float, minimum_s: float) -> float | None:
    """How long the stretches are for exposures counted by this gap and minimum; None where nobody
    could judge them: exposures may follow each other faster than a person sees."""
    both_s = min(gap_s + minimum_s, LONGEST_S)
    return both_s if both_s >= SHORTEST_S else None


def beginnings(
    columns: Columns, label: int, threshold: float, gap_s: float, minimum_s: float
) -> Population:
    """All stretches of the analysed film, each weighing 1; `says` is that the detector has an
    exposure begin there.

    Exposures are those that `measure` keeps by this gap and minimum, from `threshold` on. Stretches
    that no analysed frame answers for are left out. Raises ValueError where `stretch_s` has none.
    """
    length_s = stretch_s(gap_s, minimum_s)
    if length_s is None:
        raise ValueError("exposures that may follow each other so fast cannot be told apart by eye")
    frames = columns.frames
    if not len(frames):
        return Population(np.zeros(0), np.zeros(0, np.bool_), np.zeros(0, np.int8), np.zeros(0))
    start_s = _starts(frames, length_s)
    method = Methodology(
        key="", name="", version=1, gap_s=gap_s, minimum_s=minimum_s, bridge_counts=False
    )
    end_s = float(frames["end_s"][-1])
    found = measure(
        columns, duration_s=end_s, labels=[label], method=method, thresholds=threshold
    ).brands[0]
    begin_s = np.array([episode.start_s for episode in found.episodes])
    sure = np.array([episode.mean_confidence for episode in found.episodes])
    stratum = _strata(columns, label, threshold, start_s, length_s, begin_s, sure)
    return Population(np.ones(len(start_s)), stratum <= UNSURE, stratum, start_s)


def _starts(frames: NDArray[np.void], length_s: float) -> Numbers:
    """Where each stretch begins that some frame answers for."""
    first_s, last_s = float(frames["start_s"][0]), float(frames["end_s"][-1])
    n = max(int(np.ceil((last_s - first_s) / length_s - _SAME_S)), 1)
    start_s: Numbers = first_s + length_s * np.arange(n, dtype=np.float64)
    # the first cell that ends after the stretch begins has to begin before it ends
    after = np.searchsorted(frames["end_s"], start_s + _SAME_S, "right")
    after = np.minimum(after, len(frames) - 1)
    is_seen: NDArray[np.bool_] = frames["start_s"][after] < start_s + length_s - _SAME_S
    found: Numbers = start_s[is_seen]
    return found


def _strata(
    columns: Columns,
    label: int,
    threshold: float,
    start_s: Numbers,
    length_s: float,
    begin_s: Numbers,
    sure: Sequence[float] | Numbers,
) -> NDArray[np.int8]:
    """The position in STRATA of each stretch.

    Said to begin there, surely or less so; some box there, but no beginning: it was seen weakly,
    too briefly, or has been there before and may have been away; close to a box, or seen all
    through; nothing.
    """
    found = np.full(len(start_s), FAR, np.int8)
    boxes = boxes_of(columns, [label], 0.0)
    shown = np.unique(boxes.frame)
    from_s, to_s = columns.frames["start_s"][shown], columns.frames["end_s"][shown]
    found[_touched(start_s - NEAR_S, length_s + 2 * NEAR_S, from_s, to_s)] = NEAR
    open_ = np.ones(len(columns.frames), np.bool_)
    open_[boxes.frame[boxes.confidence >= float(np.float32(threshold))]] = False
    without = columns.frames["start_s"][open_], columns.frames["end_s"][open_]
    is_weak = _touched(start_s, length_s, from_s, to_s) & _touched(start_s, length_s, *without)
    found[is_weak] = WEAK
    if len(begin_s):
        holds = np.searchsorted(start_s, begin_s + _SAME_S, "right") - 1
        is_unsure = least_sure(np.asarray(sure, np.float64))
        found[holds] = np.where(is_unsure, UNSURE, SURE)
    return found


def _touched(start_s: Numbers, length_s: float, from_s: Numbers, to_s: Numbers) -> NDArray:
    """Which stretches share time with one of these cells, which are in order and do not overlap."""
    after = np.searchsorted(to_s, start_s + _SAME_S, "right")
    known = np.append(from_s, np.inf)
    return known[np.minimum(after, len(from_s))] < start_s + length_s - _SAME_S
