"""The pictures that look most like what is in a box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.embedding import crop_of, read_embedding

Pixels = NDArray[np.uint8]


class Alike(NamedTuple):
    picture: int  # its position among those given
    likeness: float  # −1 to 1, the cosine of what the network makes of both


def most_alike(crop: Pixels, pictures: Sequence[Pixels], n: int = 6) -> list[Alike]:
    """The n pictures most like a crop, the most alike first.

    crop and pictures: uint8 (h, w, 3) BGR of any size, cut to what is compared. Compared by the
    embedding of `detectors.reference`, which was taught to tell logos apart in any colour and size.
    """
    if not pictures:
        return []
    seen = read_embedding()(np.stack([crop_of(one) for one in (crop, *pictures)]))
    likeness = seen.gist[1:] @ seen.gist[0]
    best = np.argsort(-likeness, kind="stable")[:n]
    return [Alike(int(at), float(likeness[at])) for at in best]
