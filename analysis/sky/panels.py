"""An exposure and its reference that are too large to be held at once, panel by panel.

Both are aligned once, as a whole, by bands of rows. Then each panel of the reference is a picture
of its own, with some pixels around what it answers for, beside the part of the exposure that lies
on it; only these parts of the files are read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.sky.alignment import Alignment, align, shifted
from analysis.sky.exposures import Exposure
from analysis.sky.pairs import UNTURNED, Pair, pair_of

OVERLAP = 96  # pixels around what a panel answers for: as far as boxes of the sky and stamps reach
_MARGIN = 8  # pixels of the exposure more, for what resampling takes from beside


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A part of a reference, and what lies on it. top, left: where the part begins in the whole."""

    rows: slice  # of the whole, that it answers for
    columns: slice
    top: int
    left: int
    new: Exposure
    reference: Exposure
    guess: Alignment | None = None  # by all stars of both

    def pair(self) -> Pair:
        """Both parts, ready to be subtracted, in pixels of the part. Raises as `pair_of` does."""
        return pair_of(self.new, self.reference, self.guess)

    def owns(
        self, x: NDArray[np.float64], y: NDArray[np.float64], beyond: float = 0.0
    ) -> NDArray[np.bool_]:
        """Which places of the whole the panel answers for, and for so many pixels beyond."""
        inside = (x >= self.columns.start - 0.5 - beyond) & (x < self.columns.stop - 0.5 + beyond)
        inside &= (y >= self.rows.start - 0.5 - beyond) & (y < self.rows.stop - 0.5 + beyond)
        return np.asarray(inside)


def panels_of(
    new: Exposure, reference: Exposure, most_pixels: int, *, overlap: int = OVERLAP
) -> list[Panel]:
    """Panels of at most so many pixels, which together answer for the whole reference; one, of all
    of it, where both pictures have no more. What nothing of the exposure lies on has none.

    Raises as `align` does where there is more than one.
    """
    height, width = reference.shape
    if max(height * width, math.prod(new.shape)) <= most_pixels:
        return [Panel(slice(0, height), slice(0, width), 0, 0, new, reference)]
    alignment = align(new, reference)
    across, down = np.abs(alignment.middle).sum(axis=1)
    # what lies askew on a panel has more pixels than it
    rows, columns = _grid(reference.shape, most_pixels / max(across * down, 1.0), overlap)
    found = []
    for own_rows in rows:
        for own_columns in columns:
            top, tall = _around(own_rows, height, overlap)
            left, wide = _around(own_columns, width, overlap)
            (new_top, new_left), size = _lies_on(alignment, (top, left), (tall, wide))
            if not _meet((new_top, new_left), size, new.shape):
                continue
            guess = alignment.of_parts((top, left), (tall, wide), (new_top, new_left))
            ours = shifted(new, new_left, new_top, size)
            theirs = shifted(reference, left, top, (tall, wide))
            found.append(Panel(own_rows, own_columns, top, left, ours, theirs, guess))
    return found


def _grid(shape: tuple[int, int], most: float, overlap: int) -> tuple[list[slice], list[slice]]:
    """Rows and columns of as few panels as have no more than so many pixels with what is around
    them; nearly square, and never narrower than what is around."""
    n = [1, 1]

    def side(axis: int) -> int:
        beside = overlap * min(n[axis] - 1, 2)
        return min(math.ceil(shape[axis] / n[axis]) + beside, shape[axis])

    while side(0) * side(1) > most:
        longer = int(side(1) > side(0))
        if shape[longer] / (n[longer] + 1) < overlap:
            break
        n[longer] += 1
    rows, columns = (_cut(length, parts) for length, parts in zip(shape, n, strict=True))
    return rows, columns


def _cut(length: int, n: int) -> list[slice]:
    edges = np.linspace(0, length, n + 1).round().astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


def _around(own: slice, length: int, overlap: int) -> tuple[int, int]:
    """The first pixel of a panel along one axis, and how many it has."""
    first = max(own.start - overlap, 0)
    return first, min(own.stop + overlap, length) - first


def _lies_on(
    alignment: Alignment, first: tuple[int, int], shape: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The part of the exposure that lies on a part of the reference: its first row and column,
    which may be beyond the exposure, and its shape."""
    x, y = np.meshgrid(np.linspace(0, shape[1] - 1, 17), np.linspace(0, shape[0] - 1, 17))
    at_x, at_y = alignment.places(x + first[1], y + first[0])
    if alignment.spread() <= UNTURNED:  # as large as the part: nothing is resampled
        return (round(float(at_y[0, 0])), round(float(at_x[0, 0]))), shape
    top, left = (math.floor(at.min()) - _MARGIN for at in (at_y, at_x))
    bottom, right = (math.ceil(at.max()) + _MARGIN + 1 for at in (at_y, at_x))
    return (top, left), (bottom - top, right - left)


def _meet(first: tuple[int, int], size: tuple[int, int], shape: tuple[int, int]) -> bool:
    """Whether a part has a pixel of a picture of this shape."""
    return all(at < length and at + n > 0 for at, n, length in zip(first, size, shape, strict=True))
