"""Which of many boxes that people drew around a logo are to be its logo pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.embedding import crop_of, read_embedding
from analysis.pseudo_labels.asking import typical

Pixels = NDArray[np.uint8]

LEAST_PX = 16  # of a crop, each way: nothing is known by less
_ENOUGH_PX = 120.0  # the side of a square as large as the crop: more of it shows no more


def most_telling(crops: Sequence[Pixels], most: int, *, known: Sequence[Pixels] = ()) -> list[int]:
    """At most so many crops to know one label by: those that most others are like, and large.

    By what the learnt embedding makes of them (`asking.typical`). The most unlike ones instead
    would be the covered, the slanted and the carelessly drawn.

    crops, known: uint8 (h, w, 3) BGR, each cut to the logo; `known` is what the label is known by
    already, and what is like it is not needed. Returns positions, the most telling first;
    crops of less than `LEAST_PX` either way are never among them. Raises UnusableModel where the
    embedding's file is missing or damaged.
    """
    usable = [n for n, crop in enumerate(crops) if min(crop.shape[:2]) >= LEAST_PX]
    if not usable:
        return []
    looks = _looks([crops[n] for n in usable])
    before = _looks(known) if known else None
    areas = np.array([np.prod(crops[n].shape[:2]) for n in usable], float)
    shows = np.minimum(np.sqrt(areas) / _ENOUGH_PX, 1.0)
    return [usable[at] for at in typical(looks, most, worth=shows, known=before)]


def _looks(crops: Sequence[Pixels]) -> NDArray[np.float32]:
    return read_embedding()(np.stack([crop_of(crop) for crop in crops])).gist
