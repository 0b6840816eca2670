"""Where the letters are in the box that a detector of text gives: it is about three times as large.

The letters of a line are what differs from its ground (Otsu 1979), and what differs but reaches
the edge of the box is something else: a frame, a neighbour, a shadow.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SPECK = 0.004  # of the crop's height squared: smaller blots are noise, or the dot on an i
_LEAST = 0.3  # of the crop's height and width, that letters take
_MOST_SIDE = 1_600  # pixels of a crop that are looked at


def letters(crop: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """The rectangle of the letters in the crop of one line: xyxy shares of the crop.

    crop: brightness, uint8 (h, w). The crop as a whole where nothing stands out.
    """
    height, width = crop.shape
    if min(height, width) < 4:
        return 0.0, 0.0, 1.0, 1.0
    if max(height, width) > _MOST_SIDE:
        scale = _MOST_SIDE / max(height, width)
        size = max(round(width * scale), 4), max(round(height * scale), 4)
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        height, width = crop.shape
    ink = _ink(crop)
    n, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    x, y, w, h, area = (stats[1:n, column] for column in range(5))
    touches = (y == 0) | (y + h == height) | (x == 0) | (x + w == width)
    is_letter = (area >= _SPECK * min(height, width) ** 2) & ~touches
    if not is_letter.any() or area[is_letter].sum() < 0.3 * area.sum():
        is_letter = area >= _SPECK * min(height, width) ** 2
    if not is_letter.any():
        return 0.0, 0.0, 1.0, 1.0
    x1, y1 = x[is_letter].min(), y[is_letter].min()
    x2, y2 = (x + w)[is_letter].max(), (y + h)[is_letter].max()
    if y2 - y1 < _LEAST * height or x2 - x1 < _LEAST * width:
        return 0.0, 0.0, 1.0, 1.0
    return x1 / width, y1 / height, x2 / width, y2 / height


def _ink(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """255 where the crop is not like its edge, 0 where it is."""
    _, ink = cv2.threshold(crop, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    edge = np.concatenate([ink[0], ink[-1], ink[1:-1, 0], ink[1:-1, -1]])
    ground_is_bright = edge.mean() > 127
    return (255 - ink if ground_is_bright else ink).astype(np.uint8)
