"""The true seconds of a brand, from answers about frames that were drawn by lot.

In every stratum the detector says one thing, so correcting its seconds by the answers
(prediction-powered inference: Angelopoulos et al. 2023, arXiv 2301.09633; stratified: Fisch et al.
2024, arXiv 2406.04291) comes to adding up, over the strata, their seconds times the share of
answers that see the brand.

The limits are not the plain ones (estimate ± 1.96 standard errors), which fail where an answer is
rare: with no wrong answer in a stratum they have no width at all. The strata of which the detector
says the same are put together; from the variance of their weighted share follows how many answers
of a plain sample it is worth, and that number goes into the limits of a share (Korn and Graubard
1998, Survey Methodology 24; Franco et al. 2019, J. Survey Statistics and Methodology 7), with a
third of an answer added on either side (Kerman 2011, Electronic Journal of Statistics 5): with
Jeffreys' half, limits that are added up are too wide. The two halves, seen and not seen, are added
with their unequal arms (Zou and Donner 2008, Statistics in Medicine 27). What was asked is known
and no longer estimated: with all frames asked the limits are the seconds themselves.

Frames of one shot are alike, which makes plain intervals falsely narrow where whole shots are
drawn. Here single frames are, each by lot, and what is estimated is this film, not films like it:
then the answers of a stratum vary as a sample without replacement does, however alike its frames.
`bench.error_bars` shows it with shots whose frames go wrong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, hypot, log, sqrt

import numpy as np
from numpy.typing import NDArray

from analysis.auditing.strata import KINDS

Numbers = NDArray[np.float64]
SHRINK = 0.1  # answers: so many are added to each stratum, divided as those of its like are
JEFFREYS, NEUTRAL = 1 / 2, 1 / 3  # answers that a prior adds on either side
_TAILS = (0.025, 0.975)
_AROUND = np.linspace(-14.0, 14.0, 1401)  # standard deviations


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a person said of frames drawn by lot; each frame once."""

    frame: NDArray[np.intp]  # (n,) positions in the population
    is_there: NDArray[np.bool_]  # (n,)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of a brand, with limits that hold the true ones 95 times of 100."""

    seconds: float
    low_s: float
    high_s: float
    n_answers: int
    model_s: float  # what the detector said

    @property
    def width_s(self) -> float:
        return self.high_s - self.low_s

    @property
    def shown(self) -> tuple[float, float]:
        """The limits for people, in tenths of a second, rounded outwards so that they stay true."""
        return outwards(self.low_s, self.high_s, 10)


def outwards(low: float, high: float, parts: int) -> tuple[float, float]:
    """Limits in whole parts of one, not narrower than they were."""
    same = 1e-6  # what sums of floats are off by
    return floor(low * parts + same) / parts, ceil(high * parts - same) / parts


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """The answers by stratum; all arrays have shape (strata,).

    `n` and `size` are numbers of frames of equal length that would be worth as much (Kish 1965):
    frames of an adaptive sampling stand for unequal times.
    """

    seconds: Numbers  # of all its frames
    n: Numbers  # answers
    size: Numbers  # frames
    share: Numbers  # of answers that see the brand, by time; anything where there is none


def limits(tally: Tally) -> tuple[float, float, float]:
    """Estimate, lower and upper limit of the seconds that show the brand."""
    total, below, above = 0.0, 0.0, 0.0
    says = np.array([kind.says for kind in KINDS])
    for half in (says, ~says):
        asked = half & (tally.n > 0)
        seconds, share, low, high = tally.seconds[asked].sum(), *_share(tally, asked)
        total += seconds * share
        below = hypot(below, seconds * (share - low))
        above = hypot(above, seconds * (high - share))
    unasked_s = tally.seconds[tally.n == 0].sum()  # nobody knows: anything may be there
    believed_s = tally.seconds[says & (tally.n == 0)].sum()
    below, above = hypot(below, believed_s), hypot(above, unasked_s - believed_s)
    total += believed_s
    return total, total - below, total + above


def _share(tally: Tally, asked: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The share of these strata's time that shows the brand, and its limits."""
    weight = tally.seconds[asked]
    if not weight.sum() > 0:
        return 0.0, 0.0, 0.0
    weight = weight / weight.sum()
    n, size, share = tally.n[asked], tally.size[asked], tally.share[asked]
    pooled = float((weight * share).sum())
    likely = (n * share + SHRINK * (n * share).sum() / n.sum()) / (n + SHRINK)
    open_ = np.where(size > n, (size - n) / np.maximum(size - 1, n), 0.0)  # still to be guessed
    variance = float((weight**2 * likely * (1 - likely) / n * open_).sum())
    spread = float((weight**2 / n * open_).sum())
    if spread <= 0:
        return pooled, pooled, pooled
    worth = 1 / spread
    if 0 < pooled < 1 and variance > 0:
        worth = pooled * (1 - pooled) / variance
    return pooled, *limits_of_share(pooled, worth, NEUTRAL)


def limits_of_share(share: float, n: float, prior: float = JEFFREYS) -> tuple[float, float]:
    """Limits of a share seen in n draws (Brown, Cai and DasGupta 2001); n need not be whole.

    The middle 95 % of Beta(seen + prior, not seen + prior), reaching 0 where none was seen and 1
    where all were. Its quantiles are read off the density over the logit, where it has no poles:
    right to three digits or more, without scipy, which the web process does not load.
    """
    seen, unseen = n * share + prior, n * (1 - share) + prior
    logit = log(seen / unseen) + sqrt(1 / seen + 1 / unseen) * _AROUND
    height = seen * logit - (seen + unseen) * np.logaddexp(0.0, logit)
    density = np.exp(height - height.max())
    below = (np.cumsum(density) - density / 2) / density.sum()
    low, high = 1 / (1 + np.exp(-np.interp(_TAILS, below, logit)))
    return (0.0 if share <= 0 else float(low)), (1.0 if share >= 1 else float(high))
