"""How well marks are told apart that the embedding never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.embedding import Embedding, crop_of
from analysis.learning.marks import Mark
from analysis.learning.scenes import Brand, Studio


class Figures(NamedTuple):
    """Shares, 0 to 1, over held-out marks."""

    nearest: float  # views whose nearest mark is their own
    nearer_than_most: float  # views nearer to their own mark than to 95 % of the others
    exchanged: float  # median cosine of a mark and itself with ink and ground exchanged
    others: float  # 95th percentile of the cosine of two different marks


def printed(shape: NDArray[np.uint8], ink: int, ground: int) -> NDArray[np.uint8]:
    """A mark in one grey on another with a little room, BGR, as a logo file shows it."""
    room = max(2, round(0.08 * max(shape.shape)))
    share = np.pad(shape, room).astype(np.float32) / 255
    grey = ground * (1 - share) + ink * share
    return np.repeat(np.round(grey).astype(np.uint8)[:, :, None], 3, axis=2)


def measure(embedding: Embedding, studio: Studio, marks: Sequence[Mark], seed: int) -> Figures:
    """Three views of each mark, in any colours, against each mark in black on white."""
    rng = np.random.default_rng(seed)
    files = embedding(np.stack([crop_of(printed(m.shape, 20, 245)) for m in marks])).gist
    negatives = embedding(np.stack([crop_of(printed(m.shape, 245, 20)) for m in marks])).gist
    views = [studio.view(alone(studio, mark, rng), rng) for mark in marks for _ in range(3)]
    own = np.repeat(np.arange(len(marks)), 3)
    likeness = embedding(np.stack(views)).gist @ files.T
    true = likeness[np.arange(len(own)), own]
    beaten = (likeness < true[:, None]).sum(1) / (len(marks) - 1)
    between = (files @ files.T)[~np.eye(len(marks), dtype=bool)]
    return Figures(
        nearest=float((likeness.argmax(1) == own).mean()),
        nearer_than_most=float((beaten >= 0.95).mean()),
        exchanged=float(np.median((files * negatives).sum(1))),
        others=float(np.quantile(between, 0.95)),
    )


def alone(studio: Studio, mark: Mark, rng: np.random.Generator) -> Brand:
    """A brand of this mark without a word."""
    return replace(studio.brand(rng), mark=mark.shape, word=None, layout=0)
