"""The pictures of all labels as the embedding sees them, and in their colours.

Local features are looked for in grey and in parts. Here a place is compared as a whole: by what
the embedding makes of it, and by where its colours are.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.embedding import Embedding, crop_of, read_embedding
from analysis.detectors.reference.network import Floats
from analysis.detectors.reference.score import SecondLook
from analysis.media.opencv import copy_make_border, gaussian_blur

Pixels = NDArray[np.uint8]

_ROOM = 0.04  # around a see-through logo, of its longer side
_CELL = 4  # pixels of a crop: colours are compared as coarsely as films keep them
_PALE = 60.0  # levels over all cells: a colour below this counts less and less
_BINS = 16  # of blueness and of redness each, from 64 to 192


class Gallery:
    """The pictures of some labels.

    artwork: for each label its pictures, BGR or BGRA; those that are see-through are seen on black
    and on white.
    Raises UnusableModel where the embedding's file is missing or damaged.
    """

    def __init__(
        self, artwork: Sequence[Sequence[Pixels]], network: Embedding | None = None
    ) -> None:
        self._network = network or read_embedding()
        crops, owners = [], []
        for label, pictures in enumerate(artwork):
            for picture in pictures:
                seen = [crop_of(solid) for solid in on_grounds(picture)]
                crops += seen
                owners += [label] * len(seen)
        self._owners = np.array(owners)
        self._known = self._network(np.stack(crops))
        self._tints, self._palettes = tints(crops), palettes(crops)

    def look(self, crops: Sequence[Pixels], labels: Sequence[int]) -> list[SecondLook]:
        """What speaks for each crop showing the label of that number.

        crops: (48, 48, 3) Y, Cb, Cr. A label's picture that speaks most for it counts.
        """
        seen = self._network(np.stack(crops))
        layout = seen.layout @ self._known.layout.T
        tint, palette = tints(crops) @ self._tints.T, palettes(crops) @ self._palettes.T
        looks = []
        for row, label in enumerate(labels):
            own = self._owners == label
            looks.append(
                SecondLook(
                    layout=float(layout[row, own].max()),
                    tint=max(0.0, float(tint[row, own].max())),
                    palette=float(palette[row, own].max()),
                )
            )
        return looks


def tints(crops: Sequence[Pixels]) -> Floats:
    """(n, 288): where there is more blue and red than on the average of the crop."""
    rows = []
    for crop in crops:
        soft = gaussian_blur(crop, (0, 0), 1.5)[_CELL // 2 :: _CELL, _CELL // 2 :: _CELL, 1:]
        cells = soft.astype(np.float32)
        cells -= cells.mean((0, 1))
        rows.append(cells.ravel() / (np.linalg.norm(cells) + _PALE))
    return np.stack(rows).astype(np.float32)


def palettes(crops: Sequence[Pixels]) -> Floats:
    """(n, 256): roots of the shares of each colour, so that a product is their overlap."""
    rows = []
    for crop in crops:
        counts = cv2.calcHist([crop], [1, 2], None, [_BINS, _BINS], [64, 192, 64, 192])
        counts = gaussian_blur(counts, (0, 0), 0.8)
        rows.append(np.sqrt(counts.ravel() / max(float(counts.sum()), 1e-9)))
    return np.stack(rows).astype(np.float32)


def on_grounds(picture: Pixels) -> list[Pixels]:
    """A picture without transparency; one with it on black and on white, with a little room."""
    if picture.shape[2] == 3:
        return [picture]
    room = max(1, round(_ROOM * max(picture.shape[:2])))
    padded = copy_make_border(picture, room, room, room, room, cv2.BORDER_CONSTANT, value=(0,) * 4)
    share = padded[:, :, 3:].astype(np.float32) / 255
    return [
        np.round(padded[:, :, :3] * share + shade * (1 - share)).astype(np.uint8)
        for shade in (0, 255)
    ]
