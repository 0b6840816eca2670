"""How much more often two things occur together than by chance.

All take counts of windows: `both` of those that hold the two, `a` and `b` of those that hold each,
`total` of all there are; 0 < both ≤ min(a, b) ≤ total. They are numpy arrays or numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def lift(both: Any, a: Any, b: Any, total: Any) -> Any:
    """How many times as often as if the two knew nothing of each other: 1 is chance.

    (Brin, Motwani, Ullman & Tsur, “Dynamic itemset counting”, SIGMOD 1997, where it is “interest”.)
    """
    return both * total / (np.asarray(a, float) * b)


def shrunk_lift(both: Any, a: Any, b: Any, total: Any, prior: float) -> Any:
    """The lift, drawn towards 1 where the counts are small: (both + prior) ÷ (expected + prior).

    It is the mean of the posterior where counts are Poisson and lifts are Gamma with mean 1, which
    weighs as much as `prior` windows of evidence (DuMouchel, “Bayesian data mining in large
    frequency tables”, The American Statistician 53, 1999, with one Gamma in place of two).
    """
    expected = np.asarray(a, float) * b / total
    return (both + prior) / (expected + prior)


def npmi(both: Any, a: Any, b: Any, total: Any) -> Any:
    """Normalised pointwise mutual information: −1 never together, 0 by chance, 1 always.

    (Bouma, “Normalized (pointwise) mutual information in collocation extraction”, GSCL 2009.) Two
    that are in every window tell nothing of each other: 0.
    """
    share = np.asarray(both, float) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(lift(both, a, b, total)) / -np.log(share)
    return np.where(share < 1, found, 0.0)
