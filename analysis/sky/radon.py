"""Sums along all straight lines of a picture, of all dyadic lengths: the fast Radon transform.

Götz and Druckmüller 1996 (Pattern Recognition 29, 711); Brady 1998 (SIAM J. Comput. 27, 107); for
streaks Nir, Zackay and Ofek 2018 (AJ 156, 229). Rows are joined two by two, then pairs of rows, and
so on: each step sums lines of twice as many rows from those of the step before, so that all lines
of n × n pixels take n² log n additions instead of n³.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Sums = NDArray[np.float32]


class Level(NamedTuple):
    """Sums over lines that cross so many rows, at most one column a row.

    sums[block, slope, start]: from row block × rows and column start − margin to `rows − 1` rows
    below and slope − (rows − 1) columns to the right.
    """

    rows: int
    margin: int
    sums: Sums


def levels(picture: NDArray[np.floating]) -> Iterator[Level]:
    """Of a picture whose height is a power of two; what is beyond its sides counts as 0.

    The lines are those that go down more than across; of the transposed picture, the others. From
    two rows to all of them. A sum is valid until the next level is asked for.
    """
    height = len(picture)
    if height & (height - 1) or not height:
        raise ValueError("the height of the picture is a power of two")
    sums: Sums = np.ascontiguousarray(picture, np.float32)[:, None, :]
    rows, margin = 1, 0
    while rows < height:
        # a line that ends in the picture begins at most so far beside it
        sums, margin, rows = _joined(sums, 2 * rows, margin), 2 * rows, 2 * rows
        yield Level(rows, margin, sums)


def _joined(sums: Sums, rows: int, margin: int) -> Sums:
    """Lines of twice as many rows, `rows` now, with as wide a margin.

    One that goes s columns across is one of ⌊s/2⌋ and, from ⌈s/2⌉ columns on, another of ⌊s/2⌋.
    """
    upper, lower = sums[0::2], sums[1::2]
    before = rows // 2 - 1  # the place of slope 0 among the shorter lines
    blocks, _, wide = upper.shape
    first = rows - margin  # columns that the margin grows by
    joined = np.zeros((blocks, 2 * rows - 1, wide + 2 * first), np.float32)
    for across in range(-(rows - 1), rows):
        half = abs(across) // 2 * (1 if across >= 0 else -1)
        ahead = across - half
        out = joined[:, across + rows - 1]
        out[:, first : first + wide] = upper[:, before + half]
        out[:, first - ahead : first - ahead + wide] += lower[:, before + half]
    return joined
