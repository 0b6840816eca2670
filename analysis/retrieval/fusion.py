"""One order out of several: reciprocal rank fusion (Cormack, Clarke and Büttcher 2009)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

K = 60  # of the paper: how little the first places are before the next

_T = TypeVar("_T", bound=Hashable)


def fuse(
    rankings: Sequence[Sequence[_T]], *, k: int = K, weights: Sequence[float] | None = None
) -> dict[_T, float]:
    """The score of everything that is in a ranking: Σ weight / (k + rank), with ranks from 1; what
    a ranking names again counts where it stood first. Best first; what scores the same, in the
    order in which it was met. weights: of the rankings, 1 without; below 0 for what is unwanted."""
    scores: dict[_T, float] = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, one in enumerate(dict.fromkeys(ranking), start=1):
            scores[one] = scores.get(one, 0.0) + weight / (k + rank)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))
