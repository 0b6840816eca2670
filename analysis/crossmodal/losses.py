"""What training makes smaller: matching items near, others far, in numbers and in codes."""

from __future__ import annotations

import torch
from torch import Tensor

_NEVER = -1e9


def matching_loss(scores: Tensor, same: Tensor, margin: float = 0.0) -> Tensor:
    """How badly each row of scores knows its matches among the columns.

    −log( e^(s₊ − m) / (e^(s₊ − m) + Σ₋ e^s₋) ), the mean over all matches: InfoNCE (van den Oord et
    al. 2018) with margin 0, masked margin softmax (Ilharco et al. 2019) with more. scores: (n, m);
    same: bool (n, m), true where row and column match; one row may have several matches, and none
    is taken for a mistake of another. Rows without a match count nothing.
    """
    wrong = torch.logsumexp(scores.masked_fill(same, _NEVER), 1, keepdim=True)
    right = scores - margin
    lost = torch.logaddexp(right, wrong) - right
    return lost[same].mean() if bool(same.any()) else scores.sum() * 0.0


def both_ways(scores: Tensor, same: Tensor, margin: float = 0.0) -> Tensor:
    """`matching_loss` of the rows and of the columns, in the middle."""
    return (matching_loss(scores, same, margin) + matching_loss(scores.T, same.T, margin)) / 2


def code_similarity(p: Tensor, q: Tensor) -> Tensor:
    """S(A, B) = Σ_v P_A(v) log P_B(v) + P_B(v) log P_A(v), the negative symmetric cross-entropy of
    Liu et al. 2022: (n, m) of distributions (n, V) and (m, V)."""
    return p @ _log(q).T + _log(p) @ q.T


def code_matching_loss(p: Tensor, q: Tensor, same: Tensor) -> Tensor:
    """Cross-modal code matching of Liu et al. 2022: −(1/N) Σ_i log(e^S(i,i) / Σ_j e^S(i,j)), for
    rows and columns, where an item may have several matches. p: (n, V), q: (m, V) distributions
    of two modalities; same: bool (n, m)."""
    return both_ways(code_similarity(p, q), same)


def _log(p: Tensor) -> Tensor:
    return p.clamp_min(1e-9).log()
