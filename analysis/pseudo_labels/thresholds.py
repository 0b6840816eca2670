"""How sure a model must be of a label before it may teach itself: one threshold for each.

Of each label the newest 100 scores are kept, of what is truly it and of what the model says is it
among the unlabelled; its threshold is a quantile of them. After the adaptive pseudo-label mining
of Zang, Zhou, Huang and Loy, "Semi-Supervised and Long-Tailed Object Detection with CascadeMatch"
(IJCV 2023), which keeps the scores of labelled positives alone, with a default where there are
none. A label of one or two examples has none to speak of, so what is mined speaks as well: then
the same share of each label passes, as in Zou, Yu, Vijaya Kumar and Wang, "Unsupervised Domain
Adaptation for Semantic Segmentation via Class-Balanced Self-Training" (ECCV 2018), and a rare
label is not starved."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Label = TypeVar("Label", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Adapting:
    """How thresholds follow the scores. Scores and thresholds are from 0 to 1."""

    default: float = 0.7  # of a label of which nothing is known
    least: float = 0.5  # no threshold is below, and no mined score below it counts
    most: float = 0.95
    keep: int = 100  # scores of a label, the newest
    few: int = 5  # so many scores weigh as much as the default
    quantile: float = 0.2  # of a label's scores, in the first stage …
    rise: float = 0.03  # … and so much more in each that follows …
    highest: float = 0.3  # … up to this

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.default <= self.most <= 1:
            raise ValueError("thresholds go from the least over the default to the most, 0 to 1")
        if not 0 <= self.quantile <= self.highest <= 1 or self.rise < 0:
            raise ValueError("quantiles are from 0 to 1 and do not fall from stage to stage")
        if self.keep < 1 or self.few < 0:
            raise ValueError("at least one score is kept, and few is 0 or more")

    def at(self, stage: int) -> float:
        """The quantile of this stage, 0 for the first."""
        return min(self.quantile + self.rise * max(stage, 0), max(self.highest, self.quantile))


@dataclass(frozen=True, slots=True)
class Threshold:
    """A label's, and how many scores it rests on."""

    value: float
    n_labelled: int = 0  # of what people say is there
    n_mined: int = 0  # of what the model says is there


def thresholds(
    labels: Iterable[Label],
    labelled: Mapping[Label, Sequence[float]],
    mined: Mapping[Label, Sequence[float]],
    *,
    stage: int = 0,
    adapting: Adapting | None = None,
) -> dict[Label, Threshold]:
    """One for each label.

    labelled: how sure the model is of true examples, of such as it did not learn from, oldest
    first. mined: how sure it is of unlabelled ones that it gives this label, oldest first. stage:
    how often it has learnt from its own labels by now; the higher, the stricter."""
    how = adapting or Adapting()
    return {
        label: _threshold(labelled.get(label, ()), mined.get(label, ()), how, how.at(stage))
        for label in labels
    }


def _threshold(
    labelled: Sequence[float], mined: Sequence[float], how: Adapting, quantile: float
) -> Threshold:
    # Labelled ones stay whatever is mined: they alone are known to be right.
    true = [float(score) for score in labelled][-how.keep :]
    said = [float(score) for score in mined if score >= how.least]
    room = how.keep - len(true)
    said = said[-room:] if room else []
    scores = true + said
    if not scores:
        return Threshold(how.default)
    of_these = float(np.quantile(scores, quantile))
    value = (len(scores) * of_these + how.few * how.default) / (len(scores) + how.few)
    return Threshold(min(max(value, how.least), how.most), len(true), len(said))
