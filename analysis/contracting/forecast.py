"""Where a sum or a share ends if the events to come are like those that were.

Events are taken for draws from one population, as good as the events that were tell it. What `k`
of them will add is predicted with the limits of a new sample beside an old one (Hahn and Meeker
1991, Statistical Intervals, §4.8): the spread of the events to come and the error of the mean of
those that were. Where nobody said how many will come, their number is drawn too: as many as in the
same time before, by Poisson, so that a sum varies by the square of each event as well.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from analysis.contracting.events import Limits

Numbers = NDArray[np.float64]
FEWEST = 3  # events from which a spread is taken
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)  # 97.5 %, 1 to 9 degrees
_Z = 1.959964


def student(degrees: int) -> float:
    """The 97.5 % quantile of Student's t, to the thousandth; `degrees` ≥ 1.

    Beyond the table by the expansion of Fisher and Cornish (1960, Technometrics 2).
    """
    if degrees <= len(_T):
        return _T[degrees - 1]
    z, v = _Z, degrees
    first = (z**3 + z) / (4 * v)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    return z + first + second + third


def of_sum(each: Numbers, left: float, *, is_counted: bool) -> Limits:
    """What all events add up to in the end, in the unit of `each`.

    `each`: shape (n,), n ≥ FEWEST, what each event added so far; none below 0. `left`: how many are
    to come, ≥ 0. `is_counted`: their number is known. Raises ValueError for fewer events.
    """
    n, so_far, mean = _told(each), float(each.sum()), float(each.mean())
    variance = float(each.var(ddof=1)) + (0.0 if is_counted else mean**2)
    arm = student(n - 1) * sqrt(variance * left * (1 + left / n))
    value = so_far + mean * left
    return Limits(value, max(value - arm, so_far), value + arm)  # what is there stays there


def of_share(part: Numbers, whole: Numbers, left: float) -> Limits:
    """The share of all `part` in all `whole` in the end, 0 to 1.

    Shapes (n,), n ≥ FEWEST, 0 ≤ part ≤ whole; `left` events are to come. What spreads is by how
    much an event has more than its share (the residuals of a ratio estimate: Cochran 1977, Sampling
    Techniques, §6.3). Raises ValueError for fewer events, or where there is no whole.
    """
    n, total = _told(part), float(whole.sum())
    if not total > 0:
        raise ValueError("a share of nothing")
    share = float(part.sum()) / total
    spread = sqrt(float(((part - share * whole) ** 2).sum()) / (n - 1))
    in_the_end = total * (1 + left / n)
    arm = student(n - 1) * spread * sqrt(left * (1 + left / n)) / in_the_end
    return Limits(share, max(share - arm, 0.0), min(share + arm, 1.0))


def _told(each: Numbers) -> int:
    if len(each) < FEWEST:
        raise ValueError(f"{len(each)} events tell no spread: it takes {FEWEST}")
    return len(each)
