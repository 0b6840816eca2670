"""What a night keeps of a difference, which is made and searched part by part."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from analysis.sky.exposures import Flags, Pixels
from analysis.sky.subtraction import Part

_STEP = 16  # every so many pixels say how wide the score is


class Seen:
    """The pixels of a difference, to cut out of and to look for trails in. Its score and the error
    of its flux, twice as much, are looked at where they are made."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.difference: Pixels = np.zeros(shape, np.float32)
        self.bad: Flags = np.ones(shape, np.bool_)
        self.stamp: NDArray[np.float64] | None = None  # of a point, in the first part
        self._scores: list[Pixels] = []

    def take(self, part: Part) -> None:
        """Keep what no other part answers for."""
        inner = part.inner
        bad = part.bad[inner]
        self.difference[part.own] = part.difference[inner]
        self.bad[part.own] = bad
        if self.stamp is None:
            self.stamp = part.look.stamp
        self._scores.append(part.score[inner][::_STEP, ::_STEP][~bad[::_STEP, ::_STEP]])

    def score_deviation(self) -> float | None:
        """As most pixels have it: 1 is right. None where none can be used."""
        scores = np.concatenate(self._scores) if self._scores else np.zeros(0, np.float32)
        if not scores.size:
            return None
        middle = cast(float, np.median(scores))
        return float(1.4826 * np.median(np.abs(scores - middle)))


class Scored(Seen):
    """With the score and the error of the flux of every pixel, for a network that looks at them."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.score: Pixels = np.zeros(shape, np.float32)
        self.flux_error: Pixels = np.zeros(shape, np.float32)

    def take(self, part: Part) -> None:
        super().take(part)
        inner = part.inner
        self.score[part.own] = part.score[inner]
        self.flux_error[part.own] = part.flux_error[inner]
