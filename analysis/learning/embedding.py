"""The embedding: a small convolutional network, and how it is taught.

Two views of one brand shall lie near each other and far from the views of all others in the batch
(InfoNCE, van den Oord 2018, as in SimCLR, Chen 2020); half of the others wear the same colours
and layout, and some show no brand at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from analysis.learning.layers import Unit
from analysis.learning.scenes import SIDE, Studio

DIMENSIONS = 128
_WIDTHS = (24, 48, 96, 192)


@dataclass(frozen=True, slots=True)
class Schooling:
    """How long and how."""

    seed: int = 27
    steps: int = 2000
    stop: int | None = None  # end a sitting after so many, for another to go on
    couples: int = 32  # of brands in the same dress, in a batch
    clutter: int = 16  # crops of nothing, in a batch
    views: int = 5  # of a brand, kept
    pool: int = 1200  # couples kept
    fresh: int = 3  # couples drawn anew for each batch
    rate: float = 2.5e-3
    temperature: float = 0.08


class Embedding(nn.Module):
    """(n, 3, 48, 48) crops, each without its mean and contrast → (n, 128) of unit length."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = _WIDTHS
        self.units = nn.Sequential(
            Unit(3, a, 5, 2),
            Unit(a, b, 3, 2),
            Unit(b, b, 3, 1),
            Unit(b, c, 3, 2),
            Unit(c, c, 3, 1),
            Unit(c, c, 3, 1),
            Unit(c, d, 3, 2),
            Unit(d, d, 3, 1),
        )
        self.head = nn.Linear(d * (SIDE // 16) ** 2, DIMENSIONS)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(self.head(self.units(x).flatten(1)))


def prepared(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 48, 48, 3) Y, Cb, Cr → (n, 3, 48, 48) without mean, by the contrast of the brightness."""
    x = crops.astype(np.float32).transpose(0, 3, 1, 2)
    x = x - x.mean((2, 3), keepdims=True)
    spread = np.sqrt((x**2).mean((1, 2, 3), keepdims=True))
    return x / (spread + 4.0)


class _Pool:
    """Views that are used a few times each before others take their place."""

    def __init__(self, studio: Studio, schooling: Schooling) -> None:
        self.studio, self.schooling = studio, schooling
        self.rng = np.random.default_rng(schooling.seed)
        shape = (schooling.pool, 2, schooling.views, SIDE, SIDE, 3)
        self.crops = np.zeros(shape, np.uint8)
        self.clutter = np.zeros((600, SIDE, SIDE, 3), np.uint8)
        self.filled = 0
        self.next = 0

    def refresh(self, couples: int) -> None:
        for _ in range(couples):
            brand = self.studio.brand(self.rng)
            pair = (brand, self.studio.sibling(brand, self.rng))
            for i, some in enumerate(pair):
                for v in range(self.schooling.views):
                    clean = v == 0 and self.rng.random() < 0.5
                    self.crops[self.next, i, v] = self.studio.view(some, self.rng, clean)
            self.clutter[self.next % 600] = self.studio.clutter(self.rng)
            self.next = (self.next + 1) % self.schooling.pool
            self.filled = min(self.filled + 1, self.schooling.pool)

    def batch(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        s = self.schooling
        which = self.rng.choice(self.filled, s.couples, replace=False)
        two = np.array([self.rng.permutation(s.views)[:2] for _ in range(2 * s.couples)])
        crops = self.crops[which].reshape(2 * s.couples, s.views, SIDE, SIDE, 3)
        rows = np.arange(2 * s.couples)
        some = self.rng.choice(min(self.filled, 600), s.clutter, replace=False)
        return crops[rows, two[:, 0]], crops[rows, two[:, 1]], self.clutter[some]


def loss_of(first: Tensor, second: Tensor, others: Tensor, temperature: float) -> Tensor:
    """InfoNCE both ways; `others` belong to nobody."""
    n = len(first)
    everyone = torch.cat([first, second, others])
    likeness = everyone[: 2 * n] @ everyone.T / temperature
    likeness = likeness - 1e9 * torch.eye(2 * n, len(everyone))
    partner = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
    return nn.functional.cross_entropy(likeness, partner)


def teach(
    studio: Studio,
    schooling: Schooling,
    tell: Callable[[str], None],
    save: Callable[[nn.Module], None] = lambda network: None,
    begun_with: Mapping[str, Tensor] | None = None,
) -> Embedding:
    """An embedding taught from the studio's views; the same on machines of one kind.

    begun_with: the numbers of an earlier sitting.
    """
    torch.manual_seed(schooling.seed)
    torch.set_num_threads(1)
    network = Embedding().to(memory_format=torch.channels_last)
    if begun_with is not None:  # an earlier sitting's
        network.load_state_dict(begun_with)
    optimiser = torch.optim.AdamW(network.parameters(), schooling.rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schooling.rate, total_steps=schooling.steps, pct_start=0.1
    )
    pool = _Pool(studio, schooling)
    pool.refresh(10 * schooling.couples)
    begun, mean = time.process_time(), 0.0
    for step in range(schooling.stop or schooling.steps):
        pool.refresh(schooling.fresh if pool.filled == schooling.pool else 2 * schooling.fresh)
        parts = pool.batch()
        x = torch.from_numpy(prepared(np.concatenate(parts)))
        out = network(x.to(memory_format=torch.channels_last))
        first, second, others = out.split([len(part) for part in parts])
        loss = loss_of(first, second, others, schooling.temperature)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        mean += (float(loss.detach()) - mean) / min(step + 1, 50)
        if step % 50 == 49:
            tell(f"step {step + 1}: loss {mean:.3f}, {time.process_time() - begun:.0f} s")
            save(network)
    return network.eval()
