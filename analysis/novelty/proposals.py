"""Places of a frame that look like a logo or a sign, whatever it says.

A logo is a small dense patch of strong edges with little around it. Edges are closed to patches at
two widths, as texts and plates are found in pictures (Chen, Yang, Zhang and Waibel 2004, “Automatic
detection and recognition of signs from natural scenes”), and each patch is judged by how much
denser it is than its surroundings. Nothing is learnt, and it costs a few milliseconds.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.boxes import ious
from analysis.media.opencv import resize
from analysis.types import Box

Pixels = NDArray[np.uint8]

SIDE = 512  # pixels: the longer side of what is looked at
MOST = 10  # of one frame
_STRONG = 55.0  # grey levels between neighbouring pixels: an edge
_CLOSED = (5, 11, 21)  # pixels that edges may be apart and be of one patch
_LEAST = 10  # pixels each way
_WIDEST, _TALLEST = 0.5, 0.5  # of the frame
_LONGEST = 7.0  # times as wide as high, or the other way round
_DENSE, _FULL = 0.12, 0.75  # of a patch that is edges: less is a line, more is noise
_RING = 0.35  # of a patch's size: what is around it
_SAME = 0.45  # intersection over union of two proposals of one place


class Proposal(NamedTuple):
    box: Box
    score: float  # 0 to 1: how much denser it is than what is around it


def propose(luma: Pixels, most: int = MOST) -> list[Proposal]:
    """The places that look most like a logo, best first.

    luma: brightness, uint8 (h, w), of any size.
    """
    height, width = luma.shape
    scale = min(1.0, SIDE / max(width, height))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    grey = resize(luma, size, interpolation=cv2.INTER_AREA) if size != (width, height) else luma
    strength = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    edges = (strength > _STRONG).astype(np.uint8)
    sums = np.asarray(cv2.integral(edges), np.int32)
    found = [one for apart in _CLOSED for one in _patches(edges, apart, sums)]
    return _distinct(sorted(found, key=lambda one: (-one.score, one.box)), most)


def _patches(edges: Pixels, apart: int, sums: NDArray[np.int32]) -> list[Proposal]:
    """Connected patches of edges that lie no more than `apart` pixels from each other."""
    height, width = edges.shape
    kernel = np.ones((max(3, apart // 2) | 1, apart), np.uint8)
    closed = cv2.morphologyEx(edges, cv2.MORPH_CLOSE, kernel)
    _, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    x, y, w, h = (stats[1:, column].astype(float) for column in range(4))
    fits = (w >= _LEAST) & (h >= _LEAST) & (w <= _WIDEST * width) & (h <= _TALLEST * height)
    fits &= np.maximum(w / np.maximum(h, 1), h / np.maximum(w, 1)) <= _LONGEST
    return [
        Proposal(Box(a / width, b / height, (a + c) / width, (b + d) / height), score)
        for a, b, c, d in np.stack([x, y, w, h], 1)[fits].tolist()
        if (score := _score(sums, a, b, c, d)) > 0
    ]


def _score(sums: NDArray[np.int32], x: float, y: float, w: float, h: float) -> float:
    """How much denser in edges it is than what is around it; 0 for lines and noise."""
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    x1, y1, x2, y2 = int(x), int(y), int(x + w), int(y + h)
    room = max(3, round(_RING * min(w, h)))
    a1, b1, a2, b2 = (
        max(x1 - room, 0),
        max(y1 - room, 0),
        min(x2 + room, width),
        min(y2 + room, height),
    )
    inside = _count(sums, x1, y1, x2, y2)
    density = inside / max(w * h, 1)
    if not _DENSE <= density <= _FULL:
        return 0.0
    ring = (a2 - a1) * (b2 - b1) - (x2 - x1) * (y2 - y1)
    around = (_count(sums, a1, b1, a2, b2) - inside) / max(ring, 1)
    size = min(1.0, min(w, h) / 40)  # a larger one shows more of what it is
    return max(0.0, (density - 1.5 * around) / density) * (0.5 + 0.5 * size)


def _count(sums: NDArray[np.int32], x1: int, y1: int, x2: int, y2: int) -> int:
    return int(sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1])


def _distinct(found: list[Proposal], most: int) -> list[Proposal]:
    kept: list[Proposal] = []
    for one in found:
        if len(kept) == most:
            break
        if not kept or ious([one.box], [k.box for k in kept]).max() < _SAME:
            kept.append(one)
    return kept
