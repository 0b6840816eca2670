"""How well items are found again, and how diverse codes are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.items import Whole


class Retrieval(NamedTuple):
    """Of n queries. recall: by how many answers are looked at, the share of queries with a right
    one among them. median_rank: of the first right answer, from 1. reciprocal: the mean of 1/rank.
    """

    recall: dict[int, float]
    median_rank: float
    reciprocal: float


def ranks(scores: NDArray[np.floating], queries: Whole, items: Whole) -> Whole:
    """The rank of each query's first right answer, from 1; of equal scores the worst is taken.

    scores: (n, m). queries: (n,), items: (m,): their groups; each query has an item at least.
    """
    right = queries[:, None] == items[None]
    best = np.where(right, scores, -np.inf).max(1, keepdims=True)
    # An answer that scores the same goes before: who says the same of all has found nothing.
    found: Whole = 1 + ((scores >= best) & ~right).sum(1)
    return found


def retrieval(
    scores: NDArray[np.floating], queries: Whole, items: Whole, at: tuple[int, ...] = (1, 5, 10)
) -> Retrieval:
    """See `ranks` for what it is given."""
    place = ranks(scores, queries, items)
    recall = {k: float((place <= k).mean()) for k in at}
    return Retrieval(recall, float(np.median(place)), float((1 / place).mean()))


def each_way(scores: NDArray[np.floating], a: Whole, b: Whole) -> tuple[float, float]:
    """The mean of 1/rank of rows asked, and of columns asked. scores: (n, m), a: (n,), b: (m,)
    their groups."""
    return retrieval(scores, a, b).reciprocal, retrieval(scores.T, b, a).reciprocal


def both_ways(scores: NDArray[np.floating], a: Whole, b: Whole) -> float:
    """The mean of `each_way`."""
    forth, back = each_way(scores, a, b)
    return (forth + back) / 2


def mutual_information(one: Whole, other: Whole) -> float:
    """How much two labellings of the same things say of each other, 0 to 1: mutual information by
    the mean of both entropies (NMI). 0 where either has a single label."""
    _, a = np.unique(one, return_inverse=True)
    _, b = np.unique(other, return_inverse=True)
    table = np.zeros((a.max(initial=0) + 1, b.max(initial=0) + 1))
    np.add.at(table, (a, b), 1.0)
    joint = table / max(table.sum(), 1.0)
    rows, columns = joint.sum(1), joint.sum(0)
    both = (_entropy(rows) + _entropy(columns)) / 2
    shared = _entropy(rows) + _entropy(columns) - _entropy(joint.ravel())
    return float(np.clip(shared / both, 0.0, 1.0)) if both > 0 else 0.0


def _entropy(share: NDArray[np.floating]) -> float:
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())
