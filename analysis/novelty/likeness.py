"""Regions that look like a label, or like another region, without decoding anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.novelty.regions import Floats

ALIKE = 0.75  # likeness from which a region is worth showing to a person
_AT_ONCE = 8192


def nearest(looks: Floats, to: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Of each look (n, 128) the likeness of the most alike of `to` (m, 128), and which it is.

    Rows are of unit length; a likeness is −1 to 1. Raises ValueError where `to` is empty.
    """
    if not len(to):
        raise ValueError("there is nothing to compare with")
    likeness = np.empty(len(looks), np.float32)
    which = np.empty(len(looks), np.intp)
    for at in range(0, len(looks), _AT_ONCE):
        some = looks[at : at + _AT_ONCE] @ to.T
        which[at : at + _AT_ONCE] = some.argmax(axis=1)
        likeness[at : at + _AT_ONCE] = some.max(axis=1)
    return likeness, which
