"""Pairs whose concepts are known: each item shows a few of some things, in each modality's own
numbers."""

from __future__ import annotations

import numpy as np

from analysis.crossmodal.items import Items
from analysis.crossmodal.training import Settings

THINGS, SIZES = 12, {"picture": 20, "sound": 16, "text": 24}
QUICK = Settings(
    codes=48,
    dimensions=16,
    size=24,
    hidden=16,
    summary_axes=16,
    part_axes=16,
    epochs=12,
    batch=32,
    rate=5e-3,
    dropout=0.0,
    patience=0,
    matching=0.3,
)


def shown(groups: int, seed: int = 0, each: int = 3) -> np.ndarray:
    """Which things each group shows: (groups, each)."""
    rng = np.random.default_rng(seed)
    return np.array([rng.choice(THINGS, each, replace=False) for _ in range(groups)])


def items(modality: str, things: np.ndarray, seed: int = 0, copies: int = 1) -> Items:
    """An item a group (or several copies), a part for each thing it shows."""
    size = SIZES[modality]
    looks = np.random.default_rng(sorted(SIZES).index(modality)).normal(size=(THINGS, size))
    rng = np.random.default_rng(seed + 1)
    groups = np.repeat(np.arange(len(things)), copies)
    parts = looks[things[groups]] + 0.2 * rng.normal(size=(len(groups), things.shape[1], size))
    return Items(
        modality,
        f"made-up-{modality}",
        parts.mean(1).astype(np.float32),
        parts.reshape(-1, size).astype(np.float32),
        np.arange(len(groups) + 1) * things.shape[1],
        groups,
    )


def pairs(groups: int = 160, *modalities: str, seed: int = 0) -> dict[str, Items]:
    """Of two modalities, or of those that are named."""
    things = shown(groups, seed)
    return {name: items(name, things, seed) for name in modalities or ("picture", "text")}
