"""What a place in a frame looks like, and whether another frame still shows it.

A patch is a logo's pixels on a small canvas, in brightness and colour. It is laid over another
frame where it is expected, moved until it fits (first by correlation, then by the optical flow of
its corners), and compared block by block, so that somebody who walks past hides some blocks and
no more. Each block is compared without its mean and its contrast (zero-mean normalised
cross-correlation, Lewis 1995), so light and haze do not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.film.views import Map, View
from analysis.media.opencv import gaussian_blur, resize, warp_affine

Floats = NDArray[np.float32]

_LONGEST, _BLOCK = 96, 8  # pixels of a canvas
_COLOUR = 1.5  # how much more than brightness colour counts: real colour is pale
_NOISE = 12.0  # grey levels², of a block: what is weaker says nothing
_AGREES, _DISAGREES = 0.5, 0.25  # correlation: from here a block is the same, below it another


class Fit(NamedTuple):
    """How a patch fits a place of a frame."""

    shown: float  # share of its detail that is there, 0 to 1
    alike: float  # correlation over all blocks, -1 to 1
    other: float = 0.0  # share of its detail in whose place there is as much of another


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A logo's pixels. The canvas has whole blocks; `detail` is how much each block says."""

    canvas: Floats  # (height, width, 3): brightness, blueness, redness
    centred: Floats  # the same, each block and plane without its mean
    detail: Floats  # (rows, columns) standard deviation, grey levels

    @classmethod
    def of(cls, canvas: Floats) -> Patch:
        """The patch of a canvas that has whole blocks."""
        centred = _centred(canvas)
        return cls(canvas, centred, np.sqrt(_covariance(centred, centred)))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the canvas."""
        return self.canvas.shape[1], self.canvas.shape[0]

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing in it to know it by."""
        return float(self.detail.max()) < 2 * math.sqrt(_NOISE)


def place_of(corners: NDArray[np.float64], size: tuple[int, int]) -> Map:
    """The map from a canvas of `size` to a place with these corners, both in pixels.

    corners: (3, 2), top left, top right and bottom left.
    """
    start, across, down = corners
    return np.c_[(across - start) / size[0], (down - start) / size[1], start]


def canvas_size(corners: NDArray[np.float64]) -> tuple[int, int]:
    """Whole blocks, about as many pixels as the place has, between 2 blocks and 96 pixels."""
    start, across, down = corners
    sides = np.array([math.dist(start, across), math.dist(start, down)])
    scale = min(1.0, _LONGEST / max(sides.max(), 1.0))
    blocks = np.clip(np.round(sides * scale / _BLOCK), 2, _LONGEST // _BLOCK)
    return int(blocks[0]) * _BLOCK, int(blocks[1]) * _BLOCK


def patch_at(view: View, place: Map, size: tuple[int, int]) -> Patch:
    """The pixels of a place of a frame."""
    return Patch.of(draw(view, place, size))


def draw(view: View, place: Map, size: tuple[int, int], room: int = 0) -> Floats:
    """(height, width, 3) of a place of a frame on a canvas, with `room` pixels more all around."""
    if room:
        place = _moved(place, np.array([-room, -room], float))
    wanted = size[0] + 2 * room, size[1] + 2 * room
    (a, b, _), (c, d, _) = place.tolist()
    shrink = math.sqrt(abs(a * d - b * c))
    luma, blue, red = view.planes
    half = place / 2, wanted, shrink / 2
    return canvas_of(
        [_warped(luma, place, wanted, shrink), _warped(blue, *half), _warped(red, *half)]
    )


def canvas_of(planes: Sequence[NDArray[np.uint8]]) -> Floats:
    """(height, width, 3) of brightness, blueness and redness of one size."""
    canvas = np.empty((*planes[0].shape, len(planes)), np.float32)
    for number, plane in enumerate(planes):
        canvas[:, :, number] = plane
    canvas[:, :, 1:] *= _COLOUR
    return gaussian_blur(canvas, (0, 0), 0.7)


def _warped(
    plane: NDArray[np.uint8], place: Map, size: tuple[int, int], shrink: float
) -> NDArray[np.uint8]:
    """A place of a plane. What is far larger than the canvas is averaged down before."""
    if shrink > 1.6:
        corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * size @ place[:, :2].T + place[:, 2]
        height, width = plane.shape
        x1, y1 = np.clip(np.floor(corners.min(0)) - 2, 0, (width, height)).astype(int).tolist()
        x2, y2 = np.clip(np.ceil(corners.max(0)) + 2, 0, (width, height)).astype(int).tolist()
        if x2 - x1 > 4 and y2 - y1 > 4:
            small = max(2, round((x2 - x1) / shrink)), max(2, round((y2 - y1) / shrink))
            plane = cv2.resize(plane[y1:y2, x1:x2], small, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
            scale = np.array([small[0] / (x2 - x1), small[1] / (y2 - y1)])
            place = np.c_[place[:, :2], place[:, 2] - (x1, y1)] * scale[:, None]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return warp_affine(plane, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def compare(patch: Patch, canvas: Floats, inside: NDArray[np.bool_] | None = None) -> Fit:
    """How a canvas of the patch's size agrees with the patch; `inside`: the blocks that count."""
    centred = _centred(canvas)
    both = _covariance(patch.centred, centred)
    there = np.sqrt(_covariance(centred, centred))
    agreement = both / np.maximum(patch.detail * there + _NOISE, 1e-6)
    weight = np.where(patch.detail**2 > _NOISE, patch.detail, 0)
    if inside is not None:
        weight = weight * inside
    total = float(weight.sum())
    if total <= 0:
        return Fit(0.0, 0.0)
    contrast = there / np.maximum(patch.detail, 1)
    is_other = (agreement < _DISAGREES) & (contrast > 0.5 * np.median(contrast[weight > 0]))
    return Fit(
        shown=float((weight * (agreement > _AGREES)).sum()) / total,
        alike=float((weight * agreement).sum()) / total,
        other=float((weight * is_other).sum()) / total,
    )


def search(patch: Patch, view: View, place: Map, reach: int) -> Map:
    """The place near `place`, at most `reach` pixels of the canvas away, where it fits best.

    Of places that fit as well the nearest is taken: boards of one brand often hang in a row.
    """
    wide = draw(view, place, patch.size, reach)
    score = cv2.matchTemplate(wide, patch.canvas, cv2.TM_CCOEFF_NORMED)
    away = np.hypot(*np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1)))
    best = int((score - 0.15 * (away / max(reach, 1)) ** 2).argmax())
    down, across = divmod(best, 2 * reach + 1)
    return _moved(place, np.array([across - reach, down - reach], float))


def refine(patch: Patch, view: View, place: Map) -> tuple[Map, Floats]:
    """The place, moved, turned and scaled as most corners of the patch were: a small change.

    With its pixels on a canvas of the patch's size.
    """
    canvas = draw(view, place, patch.size)
    change = _change(patch.canvas, canvas)
    if change is None:
        return place, canvas
    linear = place[:, :2]
    place = np.column_stack([linear @ change[:, :2], linear @ change[:, 2] + place[:, 2]])
    return place, draw(view, place, patch.size)


def _change(canvas: Floats, other: Floats) -> Map | None:
    """How the other canvas lies moved, turned and scaled; None where that is not clear."""
    plane = int(canvas.std((0, 1)).argmax())
    a, b = _grey(canvas, plane), _grey(other, plane)
    points = cv2.goodFeaturesToTrack(a, 40, 0.02, 3)
    if points is None or len(points) < 4:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        a, b, points, np.empty_like(points), winSize=(9, 9), maxLevel=2
    )
    kept = found.ravel() == 1
    if kept.sum() < 4:
        return None
    change, agree = cv2.estimateAffinePartial2D(
        points[kept], moved[kept], method=cv2.RANSAC, ransacReprojThreshold=1.0
    )
    if change is None or agree.sum() < max(4, 0.4 * len(points)):
        return None
    return change if 0.8 < math.hypot(change[0, 0], change[1, 0]) < 1.25 else None


def aligned(patch: Patch, canvas: Floats) -> Floats:
    """The canvas, moved, turned and scaled a little so that it lies on the patch."""
    change = _change(patch.canvas, canvas)
    if change is None:
        return canvas
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return warp_affine(canvas, change, patch.size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def inside(patch: Patch, view: View, place: Map) -> NDArray[np.bool_]:
    """(rows, columns): which blocks of the patch lie inside the frame at a place."""
    rows, columns = patch.detail.shape
    x = np.arange(columns) * _BLOCK + _BLOCK / 2
    y = np.arange(rows)[:, None] * _BLOCK + _BLOCK / 2
    across = place[0, 0] * x + place[0, 1] * y + place[0, 2]
    down = place[1, 0] * x + place[1, 1] * y + place[1, 2]
    return (across >= 0) & (across < view.width) & (down >= 0) & (down < view.height)


def _moved(place: Map, by: NDArray[np.float64]) -> Map:
    return shifted(place, place[:, :2] @ by)


def shifted(place: Map, by: NDArray[np.float64]) -> Map:
    """The place, moved by (2,) pixels of the frame."""
    place = place.copy()
    place[:, 2] += by
    return place


def _grey(canvas: Floats, plane: int) -> NDArray[np.uint8]:
    """One plane as a picture with all of its contrast."""
    values = canvas[:, :, plane]
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255 / max(high - low, 16))).astype(np.uint8)


def _centred(canvas: Floats) -> Floats:
    """(height, width, 3): each block and plane without its mean."""
    height, width, _ = canvas.shape
    means = resize(canvas, (width // _BLOCK, height // _BLOCK), interpolation=cv2.INTER_AREA)
    return canvas - resize(means, (width, height), interpolation=cv2.INTER_NEAREST)


def _covariance(a: Floats, b: Floats) -> Floats:
    """(rows, columns): that of two centred canvases in each block, over all planes together."""
    height, width, _ = a.shape
    product = np.einsum("yxp,yxp->yx", a, b)
    small = width // _BLOCK, height // _BLOCK
    return resize(product, small, interpolation=cv2.INTER_AREA)
