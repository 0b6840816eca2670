"""Whether a region is of a known label, by its energy.

Energy-based out-of-distribution detection (Liu, Wang, Owens and Li 2020, “Energy-based
Out-of-distribution Detection”, NeurIPS), as it finds what is new to a classifier of camera traps
(Miao, Liu, Gaynor et al. 2021, Nature Machine Intelligence 3, 885–895): E = −T·logsumexp(s ÷ T)
over the scores s of the classes, and a region is known where −E > τ. A score is the likeness of the
region to the most alike prototype of a label, its pictures and examples, so that it works beside
any kind of detector. T and τ are fitted on regions of which the label is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.novelty.regions import Floats

FEWEST = 20  # regions of known labels that a threshold is fitted on
MISSED = 0.05  # of known regions that may be called novel
_TEMPERATURES = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5)
_USUAL = 0.05  # where a single label says nothing of it
_AT_ONCE = 8192  # rows whose likeness to all prototypes is held


class NotEnough(AnalysisError):
    """There is too little to fit a threshold on; the sentence says what is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """What labels look like."""

    labels: tuple[int, ...]
    looks: Floats  # shape (n, 128), rows of unit length
    owners: NDArray[np.intp]  # shape (n,): positions in `labels`

    @classmethod
    def of(cls, looks: Mapping[int, Floats]) -> Self:
        """From the looks of each label; labels without any are left out."""
        some = {label: rows for label, rows in looks.items() if len(rows)}
        owners = [np.full(len(rows), n) for n, rows in enumerate(some.values())]
        empty = np.empty((0, 128), np.float32)
        return cls(
            tuple(some),
            np.concatenate([empty, *some.values()]).astype(np.float32),
            np.concatenate([np.empty(0), *owners]).astype(np.intp),
        )

    def scores(self, looks: Floats) -> Floats:
        """The likeness of each look to the most alike prototype of each label: (n, labels)."""
        scores = np.full((len(looks), len(self.labels)), -1.0, np.float32)
        for at in range(0, len(looks), _AT_ONCE):
            likeness = looks[at : at + _AT_ONCE] @ self.looks.T
            for n in range(len(self.labels)):
                scores[at : at + _AT_ONCE, n] = likeness[:, self.owners == n].max(axis=1)
        return scores


def confidence(scores: Floats, temperature: float) -> Floats:
    """−E of each row of scores (n, labels): high for what is known. Shape (n,).

    Without labels nothing is known: −inf.
    """
    if not scores.shape[1]:
        return np.full(len(scores), -np.inf, np.float32)
    scaled = scores.astype(np.float64) / temperature
    most = scaled.max(axis=1)
    total = np.log(np.exp(scaled - most[:, None]).sum(axis=1))
    return (temperature * (most + total)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Fit:
    """A temperature and a threshold, and what they were fitted on."""

    temperature: float
    threshold: float  # −E above which a region is known
    n_known: int  # regions of known labels that were looked at …
    n_called_novel: int  # … and that the threshold calls novel none the less
    n_right: int  # of those it calls known, whose most alike label is theirs

    @property
    def share_called_novel(self) -> float:
        return self.n_called_novel / self.n_known if self.n_known else 0.0

    def is_novel(self, scores: Floats) -> NDArray[np.bool_]:
        """Which rows of scores are of no known label. Shape (n,)."""
        return confidence(scores, self.temperature) <= self.threshold

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        return cls(**{name: values[name] for name in cls.__slots__})


def fit(scores: Floats, truth: Sequence[int] | NDArray, *, missed: float = MISSED) -> Fit:
    """Temperature and threshold by regions whose label is known.

    scores: (n, labels), see `Prototypes.scores`. truth: the position of the label of each row.
    missed: the share of them that may be called novel. The temperature is the one under which the
    true labels are likeliest (Guo, Pleiss, Sun and Weinberger 2017, “On Calibration of Modern
    Neural Networks”); with one label they always are, and a usual one is taken. Raises NotEnough.
    """
    truth = np.asarray(truth, np.intp)
    if not scores.shape[1]:
        raise NotEnough("No label has a picture or an example yet: all that is seen would be new.")
    if len(scores) < FEWEST:
        raise NotEnough(
            f"{len(scores)} sights of known labels are too few to tell what is new: {FEWEST} are "
            "needed. Analyse more of what shows them."
        )
    temperature = _temperature(scores, truth)
    known = confidence(scores, temperature)
    n_missed = int(missed * len(known))  # never more than asked for, whatever the ties
    threshold = float(np.nextafter(np.sort(known)[n_missed], np.float32(-np.inf)))
    is_novel = known <= threshold
    is_right = ~is_novel & (scores.argmax(axis=1) == truth)
    return Fit(temperature, threshold, len(known), int(is_novel.sum()), int(is_right.sum()))


def _temperature(scores: Floats, truth: NDArray[np.intp]) -> float:
    if scores.shape[1] < 2:
        return _USUAL
    own = scores[np.arange(len(scores)), truth].astype(np.float64)

    def loss(temperature: float) -> float:
        return float(np.mean(confidence(scores, temperature) - own)) / temperature

    return min(_TEMPERATURES, key=loss)
