"""How far the borders that were found in a text lie from those that are there.

Both slide a window over the text and count where the found borders and the true ones disagree
about it: Pk whether its two ends belong together (Beeferman, Berger & Lafferty, 1999), WindowDiff
how many borders it holds (Pevzner & Hearst, 2002). 0 is right everywhere; about 0.5 is guessing.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray


def window(true: Collection[int], length: int) -> int:
    """Half of the mean length of a true part, as both papers have it; at least 2."""
    return max(round(length / (len(true) + 1) / 2), 2)


def pk(true: Collection[int], found: Collection[int], length: int, k: int | None = None) -> float:
    """The share of windows whose ends one calls together and the other apart.

    true, found: where parts begin, 1 to length - 1. k: the window's width, `window` by default.
    """
    a, b = (_in_windows(borders, length, k or window(true, length)) for borders in (true, found))
    return float(np.mean((a > 0) != (b > 0)))


def window_diff(
    true: Collection[int], found: Collection[int], length: int, k: int | None = None
) -> float:
    """The share of windows that do not hold as many found borders as true ones."""
    a, b = (_in_windows(borders, length, k or window(true, length)) for borders in (true, found))
    return float(np.mean(a != b))


def _in_windows(borders: Collection[int], length: int, k: int) -> NDArray[np.int64]:
    """How many borders lie between each sentence and the k-th after it. Raises ValueError."""
    if not 0 < k < length:
        raise ValueError(f"a window of {k} in a text of {length}")
    if any(not 0 < border < length for border in borders):
        raise ValueError("a border lies inside the text")
    marks = np.zeros(length + 1, np.int64)
    marks[np.fromiter(borders, np.int64, len(borders))] = 1
    until = np.cumsum(marks)
    starts = np.arange(length - k)
    return until[starts + k] - until[starts]
