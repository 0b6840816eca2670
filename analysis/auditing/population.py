"""All that can be asked of one brand in one film: every analysed frame, or stretch, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.auditing.estimate import Answers, Estimate, Tally, limits
from analysis.auditing.plan import allotted
from analysis.auditing.strata import KINDS, STRATA, stratum_of
from analysis.exposure.sightings import boxes_of
from analysis.film.columns import Columns

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """The analysed frames of a film as one brand sees them; all arrays have shape (n,).

    Or its stretches, of which the detector says whether an exposure begins there: then each weighs
    1, and what is called seconds here is a number of exposures (`analysis.auditing.stretches`).
    """

    seconds: Numbers  # what each frame answers for
    says: NDArray[np.bool_]  # the detector: the brand is there
    stratum: NDArray[np.int8]  # position in STRATA
    time_s: Numbers  # when the frame is shown, or the stretch begins

    @classmethod
    def of(
        cls, columns: Columns, label: int, threshold: float, cuts: Sequence[float]
    ) -> Population:
        """Of what a run found. cuts: when each shot begins, in seconds; may be empty."""
        frames = columns.frames
        boxes = boxes_of(columns, [label], 0.0)
        score = np.zeros(len(frames))
        np.maximum.at(score, boxes.frame, boxes.confidence)
        # kept as float32, where 0.7 is a little under 0.7
        says = score >= float(np.float32(threshold))
        stratum = stratum_of(frames["time_s"], score, float(np.float32(threshold)), cuts)
        return cls(frames["end_s"] - frames["start_s"], says, stratum, frames["time_s"])

    @property
    def n(self) -> int:
        return len(self.seconds)

    @property
    def model_s(self) -> float:
        """The seconds in which the detector sees the brand."""
        return float(self.seconds[self.says].sum())

    @property
    def analysed_s(self) -> float:
        return float(self.seconds.sum())

    def first_round(self, n: int) -> tuple[int, ...]:
        """How many frames of each stratum make the first n answers."""
        usual = np.array([kind.deviation for kind in KINDS])
        return allotted(self._seconds(), self._sizes(), usual, n)

    def next_round(self, answers: Answers, n_more: int) -> tuple[int, ...]:
        """How many of each, in all, with n_more: most where the answers were divided."""
        asked = self._counted(answers.frame)
        seen = self._counted(answers.frame[answers.is_there])
        share = (seen + 0.5) / (asked + 1.0)
        deviation = np.sqrt(share * (1 - share))
        n = len(answers.frame) + n_more
        return allotted(self._seconds(), self._sizes(), deviation, n, asked.tolist())

    def to_halve(self, answers: Answers) -> int | None:
        """How many more answers halve the width, if they are divided as those before.

        None where nothing is left to narrow: the limits meet.
        """
        width = self.estimate(answers).width_s
        left = self.n - len(answers.frame)
        if width <= 1e-9 or left <= 0:
            return None
        low, high = 0, 1
        while high < left and self._expected_width(answers, high) > width / 2:
            low, high = high, 2 * high
        high = min(high, left)  # with all of them asked nothing is left to guess
        while high - low > 1:
            middle = (low + high) // 2
            if self._expected_width(answers, middle) <= width / 2:
                high = middle
            else:
                low = middle
        return high

    def drawn(self, counts: Sequence[int], seed: int) -> list[int]:
        """The frames that are asked: the first counts[h] of each stratum in an order by lot.

        They come mixed, so that nobody can tell from the one before what the detector said. With
        larger counts and the same seed the same frames come, and more.
        """
        rng = np.random.default_rng(seed)
        lot = rng.permutation(self.n)
        chosen = [lot[self.stratum[lot] == h][:count] for h, count in enumerate(counts)]
        place = np.argsort(lot)  # when each frame's turn is
        return sorted(np.concatenate(chosen).tolist(), key=lambda frame: place[frame])

    def estimate(self, answers: Answers) -> Estimate:
        """The true seconds with their limits. Raises ValueError for a frame that is not here."""
        frame = answers.frame
        if len(frame) and not (frame.min() >= 0 and frame.max() < self.n):
            raise ValueError("an answer is about a frame that was not analysed")
        if len(np.unique(frame)) != len(frame):
            raise ValueError("a frame is answered once")
        seconds, low_s, high_s = limits(self._tally(answers))
        seen_s = float(self.seconds[frame[answers.is_there]].sum())
        unseen_s = float(self.seconds[frame[~answers.is_there]].sum())
        most_s = self.analysed_s - unseen_s
        low_s, high_s = max(low_s, seen_s), min(high_s, most_s)
        return Estimate(
            seconds, min(low_s, seconds), max(high_s, seconds), len(frame), self.model_s
        )

    def _tally(self, answers: Answers) -> Tally:
        frame = answers.frame
        asked_s = self._summed(frame)
        seen_s = self._summed(frame[answers.is_there])
        share = np.divide(seen_s, asked_s, out=np.zeros_like(seen_s), where=asked_s > 0)
        everything = np.arange(self.n)
        return Tally(self._seconds(), self._worth(frame), self._worth(everything), share)

    def _expected_width(self, answers: Answers, n_more: int) -> float:
        """The width with n_more answers, divided as those before."""
        tally = self._tally(answers)
        size = np.maximum(self._sizes(), 1)
        counts = np.array(self.next_round(answers, n_more))
        expected = Tally(tally.seconds, counts * tally.size / size, tally.size, tally.share)
        _, low_s, high_s = limits(expected)
        return high_s - low_s

    def _seconds(self) -> Numbers:
        return self._summed(np.arange(self.n))

    def _sizes(self) -> NDArray[np.intp]:
        return self._counted(np.arange(self.n))

    def _counted(self, frame: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.bincount(self.stratum[frame], minlength=len(STRATA))

    def _summed(self, frame: NDArray[np.intp]) -> Numbers:
        return _summed(self.stratum[frame], self.seconds[frame])

    def _worth(self, frame: NDArray[np.intp]) -> Numbers:
        """How many frames of equal length these are worth, by stratum (Kish 1965)."""
        total = self._summed(frame)
        squares = _summed(self.stratum[frame], self.seconds[frame] ** 2)
        return np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0)


def _summed(stratum: NDArray[np.int8], values: Numbers) -> Numbers:
    return np.bincount(stratum, values, len(STRATA)).astype(np.float64)
