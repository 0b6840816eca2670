"""How alike a reference and a place in a frame look, once one is laid over the other.

Keypoints say where a logo may be; this says whether it is one. Both are drawn on a small canvas
and compared by the directions of their edges in 4 × 4 pixel cells, each cell measured against its
surroundings (the idea of HOG, Dalal and Triggs 2005), so light and colour do not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.pictures import Picture
from analysis.media.opencv import blur, gaussian_blur, resize, warp_affine

Floats = NDArray[np.float32]
_SIDE = 64  # pixels: the side of a square canvas; others have the same area
_CELL = 4
_DIRECTIONS = 8
_FAINT = 4.0  # grey levels: edges below this count less and less


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A reference on its canvas."""

    width: int
    height: int
    scale: tuple[float, float]  # pixels of the reference for one of the canvas, across and down
    edges: Floats  # (rows, columns, 8)
    weight: Floats  # (rows, columns) share of the cell that belongs to the logo


def look_of(picture: Picture) -> Look:
    """The look of a reference picture."""
    height, width = picture.grey.shape
    scale = _SIDE / math.sqrt(width * height)
    size = max(20, round(width * scale)), max(20, round(height * scale))
    canvas = resize(picture.grey, size, interpolation=cv2.INTER_AREA)
    edges = edge_directions(canvas)
    weight = np.ones(edges.shape[:2], np.float32)
    if picture.near_mask is not None:
        mask = resize(picture.near_mask, size, interpolation=cv2.INTER_AREA)
        weight = _cells(np.divide(mask, 255, dtype=np.float32))
    return Look(*size, (width / size[0], height / size[1]), edges, weight)


def edge_directions(grey: NDArray[np.uint8]) -> Floats:
    """(rows, columns, 8): strength of the edges by direction, relative to what is around them."""
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3)
    strength, angle = cv2.cartToPolar(gx, gy)
    position = angle * (_DIRECTIONS / (2 * math.pi))
    lower = np.floor(position)
    share = position - lower
    low = lower.astype(np.intp) % _DIRECTIONS
    height, width = grey.shape
    planes = np.zeros((height, width, _DIRECTIONS), np.float32)
    rows, columns = np.indices((height, width), sparse=True)
    planes[rows, columns, low] = strength * (1 - share)
    planes[rows, columns, (low + 1) % _DIRECTIONS] += strength * share
    cells = np.concatenate([_cells(planes[:, :, :4]), _cells(planes[:, :, 4:])], axis=2)
    energy = blur(np.sqrt((cells**2).sum(2)), (5, 5))
    return cells / (energy + 0.02 * energy.max() + _FAINT)[:, :, None]


def _cells(plane: Floats) -> Floats:
    """Blurred and thinned to one value for each cell."""
    return gaussian_blur(plane, (0, 0), 0.4 * _CELL)[_CELL // 2 :: _CELL, _CELL // 2 :: _CELL]


def likeness(look: Look, grey: NDArray[np.uint8], place: NDArray, is_negative: bool) -> float:
    """-1 to 1: how alike the reference and its `place` in the frame look.

    `place` maps pixels of the reference to pixels of `grey`, (2, 3). `is_negative`: dark and light
    are exchanged. What lies outside the frame does not count.
    """
    place = place @ np.diag([*look.scale, 1.0])
    edges = edge_directions(_drawn(look, grey, place))
    if is_negative:
        edges = np.roll(edges, _DIRECTIONS // 2, axis=2)
    weight = (look.weight * _is_inside(look, grey, place))[:, :, None]
    a, b = _centred(look.edges, weight), _centred(edges, weight)
    norm = math.sqrt(float((weight * a * a).sum()) * float((weight * b * b).sum()))
    return float((weight * a * b).sum()) / (norm + 1e-9)


def _centred(values: Floats, weight: Floats) -> Floats:
    return values - (values * weight).sum() / (weight.sum() * values.shape[2] + 1e-9)


def _is_inside(look: Look, grey: NDArray[np.uint8], place: NDArray) -> NDArray[np.bool_]:
    """(rows, columns): which cells of the canvas lie inside the frame."""
    rows, columns = look.weight.shape
    x = np.arange(columns) * _CELL + _CELL / 2
    y = np.arange(rows)[:, None] * _CELL + _CELL / 2
    across = place[0, 0] * x + place[0, 1] * y + place[0, 2]
    down = place[1, 0] * x + place[1, 1] * y + place[1, 2]
    height, width = grey.shape
    return (across >= 0) & (across < width) & (down >= 0) & (down < height)


def _drawn(look: Look, grey: NDArray[np.uint8], place: NDArray) -> NDArray[np.uint8]:
    """The place in the frame, drawn on the reference's canvas."""
    shrink = math.sqrt(abs(float(np.linalg.det(place[:, :2]))))
    if shrink > 1.6:  # warping alone would skip pixels and invent edges
        grey, place = _shrunk(look, grey, place, shrink)
    size, flags = (look.width, look.height), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return warp_affine(grey, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _shrunk(
    look: Look, grey: NDArray[np.uint8], place: NDArray, shrink: float
) -> tuple[NDArray[np.uint8], NDArray]:
    """The part of the frame around the place at about the canvas's size, and the place in it."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (look.width, look.height)
    corners = corners @ place[:, :2].T + place[:, 2]
    height, width = grey.shape
    x1, y1 = np.clip(np.floor(corners.min(0)) - 2, 0, (width, height)).astype(int).tolist()
    x2, y2 = np.clip(np.ceil(corners.max(0)) + 2, 0, (width, height)).astype(int).tolist()
    if x2 - x1 < 5 or y2 - y1 < 5:
        return grey, place
    size = max(2, round((x2 - x1) / shrink)), max(2, round((y2 - y1) / shrink))
    small = resize(grey[y1:y2, x1:x2], size, interpolation=cv2.INTER_AREA)
    scale = np.array([size[0] / (x2 - x1), size[1] / (y2 - y1)])
    moved = np.c_[place[:, :2], place[:, 2] - (x1, y1)] * scale[:, None]
    return small, moved
