"""How much boxes share: the one intersection over union of the house.

Boxes are xyxy in any one unit, fractions or pixels; a box without area overlaps nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.types import Box


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    shared = max(width, 0.0) * max(height, 0.0)
    union = a.area + b.area - shared
    return shared / union if union > 0 else 0.0


def ious(boxes: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of each of `boxes` (n, 4) with each of `others` (m, 4): (n, m)."""
    one, other = (np.asarray(b, np.float64).reshape(-1, 4) for b in (boxes, others))
    shared = intersections(one, other)
    union = areas(one)[:, None] + areas(other)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def intersections(boxes: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray:
    """The area that each of `boxes` (n, 4) shares with each of `others` (m, 4): (n, m)."""
    one, other = boxes[:, None], others[None]
    width = np.minimum(one[..., 2], other[..., 2]) - np.maximum(one[..., 0], other[..., 0])
    height = np.minimum(one[..., 3], other[..., 3]) - np.maximum(one[..., 1], other[..., 1])
    return np.maximum(width, 0) * np.maximum(height, 0)


def areas(boxes: NDArray[np.floating]) -> NDArray:
    """The area of each of `boxes` (n, 4); a box whose sides are swapped has none."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.maximum(sides[:, 0], 0) * np.maximum(sides[:, 1], 0)
