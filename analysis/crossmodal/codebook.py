"""Vector quantisation with a codebook that all modalities share.

The straight-through estimator and the moving averages are those of van den Oord et al. 2017
("Neural Discrete Representation Learning", appendix A.1); unused codes are given a new life where
the data are (Williams et al. 2020). `soft_codes` is the p(v | x) of Liu et al. 2022.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

_LEAST_USE = 0.05  # of an even share: below it a code is dead
_REVIVED = 32  # codes a step, at most
_EPSILON = 1e-5


class Quantised(NamedTuple):
    """n vectors, quantised."""

    codes: Tensor  # (n,) int64, the nearest vector of each
    vectors: Tensor  # (n, D) those vectors; gradients pass straight through to what was quantised
    distances: Tensor  # (n, V) Euclidean, differentiable in what was quantised


class Codebook(nn.Module):
    """V vectors of D numbers, kept as moving averages of what is nearest to them."""

    vectors: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, size: int, dimensions: int, decay: float = 0.99) -> None:
        super().__init__()
        if size < 2 or dimensions < 1 or not 0 <= decay < 1:
            raise ValueError(f"a codebook of {size} × {dimensions}, decay {decay}")
        self.decay = decay
        self.register_buffer("vectors", torch.randn(size, dimensions))
        self.register_buffer("counts", torch.ones(size))
        self.register_buffer("sums", self.vectors.clone())

    def begin(self, x: Tensor) -> None:
        """Start from rows of (n, D) data, n ≥ 1, drawn at random, slightly moved."""
        size = len(self.vectors)
        enough = len(x) >= size
        rows = torch.randperm(len(x))[:size] if enough else torch.randint(len(x), (size,))
        moved = 0.01 * x.std().nan_to_num() * torch.randn(size, x.shape[1])
        self.vectors.copy_(x.detach()[rows] + moved)
        self.counts.fill_(1.0)
        self.sums.copy_(self.vectors)

    def forward(self, x: Tensor) -> Quantised:
        """Quantise (n, D)."""
        far = distances(x, self.vectors)
        codes = far.detach().argmin(1)
        return Quantised(codes, straight_through(x, self.vectors[codes]), far)

    @torch.no_grad()
    def follow(self, x: Tensor, codes: Tensor) -> int:
        """Move each code towards the mean of what it stood for, and revive what stands for
        nothing. x: (n, D), codes: (n,). Returns how many were revived."""
        size = len(self.counts)
        seen = torch.bincount(codes, minlength=size).to(x.dtype)
        total = torch.zeros_like(self.sums).index_add_(0, codes, x)
        self.counts.mul_(self.decay).add_(seen, alpha=1 - self.decay)
        self.sums.mul_(self.decay).add_(total, alpha=1 - self.decay)
        n = self.counts.sum()
        smoothed = (self.counts + _EPSILON) / (n + size * _EPSILON) * n  # Laplace
        self.vectors.copy_(self.sums / smoothed[:, None])
        return self._revive(x, float(n) / size)

    def _revive(self, x: Tensor, even: float) -> int:
        dead = (self.counts < _LEAST_USE * even).nonzero()[:, 0][:_REVIVED]
        if len(dead):
            self.vectors[dead] = x[torch.randint(len(x), (len(dead),))]
            self.counts[dead] = even
            self.sums[dead] = self.vectors[dead] * even
        return len(dead)


def distances(x: Tensor, vectors: Tensor) -> Tensor:
    """(n, V) Euclidean distances of (n, D) to (V, D), with a gradient at 0 as well."""
    squares = x.square().sum(1, keepdim=True) + vectors.square().sum(1) - 2 * x @ vectors.T
    return squares.clamp_min(1e-6).sqrt()


def straight_through(x: Tensor, quantised: Tensor) -> Tensor:
    """`quantised`, whose gradient is x's."""
    return x + (quantised - x).detach()


def soft_codes(far: Tensor, temperature: float = 1.0) -> Tensor:
    """p(v | x) = softmax over v of −‖x − e_v‖ / temperature: (n, V) of (n, V) distances."""
    return torch.softmax(-far / temperature, 1)


def mean_of_items(rows: Tensor, owner: Tensor, items: int, weights: Tensor | None = None) -> Tensor:
    """The mean of the rows of each item: (items, k) of rows (n, k), owner (n,) int64; each item
    owns at least one. weights: (n,), above 0; by default all count alike."""
    weights = rows.new_ones(len(rows)) if weights is None else weights
    total = rows.new_zeros(items, rows.shape[1]).index_add(0, owner, rows * weights[:, None])
    return total / rows.new_zeros(items).index_add(0, owner, weights)[:, None]


def perplexity(counts: Tensor) -> float:
    """How many codes, evenly used, are as diverse as these counts (V,): 1 to V."""
    share = counts.double() / counts.sum().clamp_min(1e-12)
    return float(torch.exp(-(share * share.clamp_min(1e-12).log()).sum()))
