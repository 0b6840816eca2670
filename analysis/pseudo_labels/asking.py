"""Which of many unlabelled things to ask a person about, when there is time for a few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def worth_asking(
    looks: Floats, unsure: Floats, most: int, *, known: Floats | None = None, alike: float = 1.0
) -> list[int]:
    """At most so many rows, the one worth most first.

    Greedy k-centre (Sener and Savarese, "Active Learning for Convolutional Neural Networks: A
    Core-Set Approach", ICLR 2018), where a distance counts as far as the model is unsure: so
    neither what it knows is asked about, nor twice what looks the same. A cluster that nothing
    known is near, such as a new brand, is asked about early and once.

    looks: (n, d) of unit length. unsure: (n,) from 0 to 1, the higher the less sure. known: (m, d),
    what was labelled before. alike: how much being near to what is asked already counts; 0: not.
    """
    if not 0 <= alike <= 1:
        raise ValueError("how much likeness counts is from 0 to 1")
    n = len(looks)
    nearest = np.full(n, -1.0)  # cosine with the nearest that is known or asked
    if known is not None and len(known):
        nearest = (looks @ known.T).max(axis=1)
    free = np.ones(n, bool)
    chosen: list[int] = []
    for _ in range(min(most, n)):
        far = (1 - np.clip(nearest, -1, 1)) / 2
        worth = np.asarray(unsure, float) * ((1 - alike) + alike * far)
        best = int(np.flatnonzero(free)[worth[free].argmax()])
        chosen.append(best)
        free[best] = False
        nearest = np.maximum(nearest, looks @ looks[best])
    return chosen


def typical(
    looks: Floats, most: int, *, worth: Floats | None = None, known: Floats | None = None
) -> list[int]:
    """At most so many rows that stand for all, the one that stands for most first.

    Greedy facility location (Wei, Iyer and Bilmes, "Submodularity in Data Subset Selection and
    Active Learning", ICML 2015): each is the one to which most rows come nearer than they are to
    what is known or chosen. An outlier stands for itself alone, and comes late.

    looks: (n, d) of unit length. worth: (n,), how good it is to have a row; what it stands for
    counts that often. known: (m, d), what is there already.
    """
    alike = np.clip(looks @ looks.T, 0, 1)
    nearest = np.zeros(len(looks))
    if known is not None and len(known):
        nearest = np.clip(looks @ known.T, 0, 1).max(axis=1)
    worth = np.ones(len(looks)) if worth is None else np.asarray(worth, float)
    chosen: list[int] = []
    for _ in range(min(most, len(looks))):
        gains = worth * np.maximum(alike - nearest, 0).sum(axis=1)
        gains[chosen] = -1.0
        best = int(gains.argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, alike[best])
    return chosen
