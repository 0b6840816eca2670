"""Small pictures of what was found: the exposure, the reference and their difference, side by side.

They are what a person judges by, so they are stretched alike: the sky in the middle of the greys,
an inverse hyperbolic sine for what is bright.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.sky.exposures import Pixels
from analysis.sky.sources import Sources
from analysis.sky.subtraction import Side
from analysis.sky.triplets import SIDE, square, stretched

MOST_CUT = 2000  # detections of an exposure, the brightest


@dataclass(frozen=True, slots=True, eq=False)
class Cutouts:
    """rows: which detection each is of, ascending. pictures: (n, 3, SIDE, SIDE), uint8."""

    rows: NDArray[np.int32]
    pictures: NDArray[np.uint8]

    def packed(self) -> bytes:
        """As a file is kept: numpy's own format, in which nothing is pickled."""
        out = io.BytesIO()
        np.savez_compressed(out, rows=self.rows, pictures=self.pictures)
        return out.getvalue()

    @classmethod
    def unpacked(cls, kept: bytes) -> Cutouts:
        with np.load(io.BytesIO(kept), allow_pickle=False) as file:
            return cls(file["rows"], file["pictures"])

    def place_of(self, row: int) -> int | None:
        """Which of the pictures is of this detection; None where it was not cut out."""
        at = int(np.searchsorted(self.rows, row))
        return at if at < len(self.rows) and self.rows[at] == row else None

    def png_of(self, row: int) -> bytes | None:
        """The three pictures of a detection side by side; None where it was not cut out."""
        from PIL import Image

        at = self.place_of(row)
        if at is None:
            return None
        sheet = np.concatenate(list(self.pictures[at]), axis=1)[::-1]  # the first row at the bottom
        out = io.BytesIO()
        Image.fromarray(sheet).save(out, "PNG", optimize=True)
        return out.getvalue()


def cut_out(sources: Sources, new: Side, reference: Side, difference: Pixels) -> Cutouts:
    """The surroundings of each detection, in the reference's pixels."""
    order = np.argsort(-np.abs(sources.score), kind="stable")[:MOST_CUT]
    rows = np.sort(order).astype(np.int32)
    pictures = np.zeros((len(rows), 3, SIDE, SIDE), np.uint8)
    for n, row in enumerate(rows):
        x, y = round(float(sources.x[row])), round(float(sources.y[row]))
        for which, side in enumerate((new, reference)):
            pixels, noise = square(side.pixels, x, y), square(side.noise, x, y)
            typical = float(np.nanmedian(noise)) or 1.0
            pictures[n, which] = stretched(pixels / typical)
        pictures[n, 2] = stretched(square(difference, x, y))
    return Cutouts(rows, pictures)
