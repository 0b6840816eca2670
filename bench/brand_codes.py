"""What the codes of a space say of brands: crops of FlickrLogos-27, which nothing was taught with.

Each box of train_annotation.txt is a picture of its own; that it is of a brand is said of all its
cells. Whether codes know the brand is told by the mutual information between a cell's code and the
brand of its picture, normalised, and by how pure and how covering the best brand of each code is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.crossmodal.items import Items
from analysis.crossmodal.naming import Clarity, clarity, fired, hard_codes, names
from analysis.crossmodal.space import Space
from analysis.crossmodal.types import PICTURE


class Brands(NamedTuple):
    """Crops as one encoder sees them, and the brand of each."""

    items: Items
    names: Sequence[str]


def of_brands(space: Space, seen: Brands) -> Clarity:
    """How clear the codes of a space are against brands."""
    codes = hard_codes(space, PICTURE, seen.items)
    called = names(fired(space, PICTURE, seen.items), [{brand} for brand in seen.names])
    return clarity(called, codes, [seen.names[at] for at in seen.items.owners()])


def shuffled(seen: Brands, seed: int) -> Brands:
    """With brands given to crops at random: what codes say that know none."""
    mixed = np.random.default_rng(seed).permutation(np.array(seen.names))
    return Brands(seen.items, mixed.tolist())
