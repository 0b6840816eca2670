"""What is taught: two small heads for each modality, and the codebook they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from analysis.crossmodal.codebook import Codebook, mean_of_items, soft_codes
from analysis.crossmodal.items import Whitening
from analysis.crossmodal.kinds import Taken
from analysis.crossmodal.space import MOST, Head, Side
from analysis.crossmodal.types import Floats


class Batch(NamedTuple):
    """Items of one modality: n of them with m parts in all, whitened."""

    summaries: Tensor  # (n, k)
    parts: Tensor  # (m, j)
    owners: Tensor  # (m,) int64, below n
    groups: Tensor  # (n,) int64


class Coded(NamedTuple):
    """What the codebook makes of a batch."""

    distribution: Tensor  # (n, V), rows add up to 1
    quantised: Tensor  # (n, D) of unit length: the mean of the codes' vectors, straight through
    commitment: Tensor  # () how far parts lie from their codes, squared
    parts: Tensor  # (m, D)
    codes: Tensor  # (m,)


class TorchHead(nn.Module):
    """See `space.Head`; with dropout while it is taught."""

    def __init__(self, size_in: int, size_out: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.straight = nn.Linear(size_in, size_out)
        self.inner = nn.Linear(size_in, hidden)
        self.outer = nn.Linear(hidden, size_out, bias=False)
        nn.init.zeros_(self.straight.bias)
        nn.init.zeros_(self.outer.weight)  # begins as it is told to by `begin`

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(x)
        out: Tensor = self.straight(x) + self.outer(self.drop(torch.relu(self.inner(x))))
        return out

    @torch.no_grad()
    def begin(self, axes: Tensor, x: Tensor) -> None:
        """Start from a linear map (in, out), so large that what it makes of x has a variance of 1
        in the mean; what it leaves out starts at random, and small."""
        size = (x @ axes).square().mean().sqrt().clamp_min(1e-6)
        small = 0.01 * torch.randn(axes.shape) / axes.shape[0] ** 0.5
        self.straight.weight.copy_((axes / size + small).T)

    def written(self, whitening: Whitening) -> Head:
        """The same for numpy."""
        return Head(
            whitening,
            _numbers(self.straight.weight.T),
            _numbers(self.straight.bias),
            _numbers(self.inner.weight.T),
            _numbers(self.inner.bias),
            _numbers(self.outer.weight.T),
        )


class Network(nn.Module):
    """sizes: by modality, how many numbers a whitened summary and a whitened part have."""

    def __init__(
        self,
        sizes: Mapping[str, tuple[int, int]],
        *,
        codes: int,
        dimensions: int,
        size: int,
        hidden: int,
        dropout: float,
        temperature: float,
        decay: float,
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.summary_heads = nn.ModuleDict(
            {name: TorchHead(k, size, hidden, dropout) for name, (k, _) in sizes.items()}
        )
        self.part_heads = nn.ModuleDict(
            {name: TorchHead(j, dimensions, hidden, dropout / 2) for name, (_, j) in sizes.items()}
        )
        # How much a part counts: "the" and the sky say little. All alike at first.
        gates = {name: nn.Linear(j, 1) for name, (_, j) in sizes.items()}
        for gate in gates.values():
            nn.init.zeros_(gate.weight)
            nn.init.zeros_(gate.bias)
        self.gates = nn.ModuleDict(gates)
        self.codebook = Codebook(codes, dimensions, decay)

    def continuous(self, modality: str, batch: Batch) -> Tensor:
        """(n, C) of unit length."""
        return nn.functional.normalize(self.summary_heads[modality](batch.summaries))

    def coded(self, modality: str, batch: Batch) -> Coded:
        n = len(batch.summaries)
        parts = self.part_heads[modality](batch.parts)
        quantised = self.codebook(parts)
        shares = soft_codes(quantised.distances, self.temperature)
        counts = torch.exp(self.gates[modality](batch.parts)[:, 0].clamp(-MOST, MOST))
        return Coded(
            mean_of_items(shares, batch.owners, n, counts),
            nn.functional.normalize(mean_of_items(quantised.vectors, batch.owners, n, counts)),
            nn.functional.mse_loss(parts, self.codebook.vectors[quantised.codes]),
            parts,
            quantised.codes,
        )

    def sides(
        self,
        engines: Mapping[str, str],
        whitenings: Mapping[str, tuple[Whitening, Whitening]],
        taken: Mapping[str, Taken],
    ) -> dict[str, Side]:
        """For `space.Space`."""
        found = {}
        for name, engine in engines.items():
            summary, parts = self.summary_heads[name], self.part_heads[name]
            assert isinstance(summary, TorchHead)
            assert isinstance(parts, TorchHead)
            of_summary, of_parts = whitenings[name]
            gate = self.gates[name]
            assert isinstance(gate, nn.Linear)
            found[name] = Side(
                engine,
                summary.written(of_summary),
                parts.written(of_parts),
                _numbers(torch.cat([gate.weight[0], gate.bias])),
                taken[name],
            )
        return found


def _numbers(tensor: Tensor) -> Floats:
    return np.ascontiguousarray(tensor.detach().cpu().numpy().astype(np.float32))
