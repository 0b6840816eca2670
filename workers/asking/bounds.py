"""From which score on a picture is proposed for a label: learnt from pictures that are labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_JUDGED = 5  # pictures with the label, and as many without
_ABOVE = 1.0  # standard deviations above the mean: where nothing is labelled
_FEW = 4  # fewer scores have no mean to speak of: all of them may
_TELLS = 0.25  # by how much more of those with the label than of those without has to be found


@dataclass(frozen=True, slots=True)
class Bound:
    """least: a score; None where no labelled picture tells it. says: where it comes from."""

    least: float | None
    says: str

    def likely(self, scores: Sequence[float]) -> list[float | None]:
        """What is shown as confidence of each that is proposed, None of the others."""
        x = np.asarray(scores, np.float64)
        if not len(x):
            return []
        spread = float(x.std()) or 1.0
        if self.least is None:
            far = (x - x.mean()) / spread
            is_likely = far >= (-np.inf if len(x) < _FEW else _ABOVE)
        else:
            far = (x - self.least) / spread + _ABOVE
            is_likely = x >= self.least
        confidence = np.clip(0.4 + 0.15 * far, 0.3, 0.95)
        return [
            float(c) if likely else None for c, likely in zip(confidence, is_likely, strict=True)
        ]


def bound_of(name: str, bearing: Sequence[float], others: Sequence[float]) -> Bound:
    """From the scores of labelled pictures, with the label and without: where the share of the
    first that is found exceeds that of the second most (Youden 1950), halfway to the next below."""
    if len(bearing) < LEAST_JUDGED or len(others) < LEAST_JUDGED:
        return Bound(
            None,
            f"They stand out among these, whether they show {name} or not. Once {LEAST_JUDGED} "
            f"pictures with it and {LEAST_JUDGED} without are labelled, only what is as alike as "
            "those is proposed.",
        )
    has, lacks = np.asarray(bearing), np.asarray(others)
    found = [(float((has >= t).mean()), float((lacks >= t).mean()), float(t)) for t in np.sort(has)]
    right, wrong, last = max(found, key=lambda one: one[0] - one[1])
    if right - wrong < _TELLS:
        return Bound(
            None,
            f"They stand out among these, but looks do not tell labelled pictures with {name} "
            "from others: expect many that are wrong.",
        )
    below = [score for score in (*bearing, *others) if score < last]
    return Bound(
        (last + max(below, default=last)) / 2,
        f"{round(right * len(has))} of {len(has)} labelled pictures with {name} are as alike, and "
        f"{round(wrong * len(lacks))} of {len(lacks)} without.",
    )
