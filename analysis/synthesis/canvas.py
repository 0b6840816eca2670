"""A picture that knows which logo each of its pixels shows.

Everything is painted back to front. Painting over a logo hides it, in the picture and in the
record beside it alike, so the boxes that come out at the end are those of what can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.media.opencv import resize
from analysis.types import Box

# A pixel belongs to a logo, or to what hides one, from this opacity on.
INK = 0.4
# Edges are smoothed by filling outlines this many times larger and averaging.
OVERSAMPLING = 4
LARGE = 200_000  # pixels; above that half as many will do

Colour = tuple[float, float, float]  # BGR, 0 to 255


@dataclass(frozen=True, slots=True)
class Placed:
    """One logo that was painted: how many pixels of ink it has when nothing hides it."""

    label: str
    full_ink: float


@dataclass(frozen=True, slots=True)
class _Region:
    """A rectangle of whole pixels inside the canvas."""

    x: int
    y: int
    width: int
    height: int

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


class Canvas:
    """Paint textures and shapes onto a BGR picture and keep count of the logos in view.

    Points are in pixels with (0, 0) at the outer corner of the top left pixel.
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.image = image
        self.height, self.width = image.shape[:2]
        self.owner = np.zeros((self.height, self.width), np.int16)  # 0: no logo
        self.placed: list[Placed] = []

    def paint(
        self, texture: NDArray[np.uint8], quad: ArrayLike, label: str = "", opacity: float = 1.0
    ) -> None:
        """Paint a BGRA texture so that its corners fall on `quad`, clockwise from top left.

        With a `label` the texture is a logo and its ink is recorded; without one it hides what
        lies beneath.
        """
        corners = np.asarray(quad, np.float32).reshape(4, 2)
        reduced = _reduced(texture, corners)
        full_ink = _ink_share(reduced) * abs(cv2.contourArea(corners))
        identity = self._register(label, full_ink)
        region = self._region(corners)
        if region is None:
            return
        layer = _warped(reduced, corners, region)
        self._blend(region, layer[..., :3] * opacity, layer[..., 3] * opacity)
        cover = layer[..., 3] if label else layer[..., 3] * opacity
        self._claim(region, cover >= INK, identity)

    def fill(self, points: ArrayLike, colour: Colour, opacity: float = 1.0) -> None:
        """Fill a polygon with one colour; it hides the logos beneath."""
        corners = _clipped(np.asarray(points, float).reshape(-1, 2), self.width, self.height)
        region = self._region(corners) if len(corners) else None
        if region is None:
            return
        mask = _coverage(corners, region)
        self._flat(region, mask, colour, opacity)
        if opacity >= INK:
            self._claim(region, mask >= INK * 255, 0)

    def ellipse(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: Colour,
        tilt: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        """Fill an ellipse, tilted clockwise by `tilt` degrees; it hides the logos beneath."""
        angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        turn = np.radians(tilt)
        x, y = radii[0] * np.cos(angles), radii[1] * np.sin(angles)
        outline = np.stack(
            [
                centre[0] + x * np.cos(turn) - y * np.sin(turn),
                centre[1] + x * np.sin(turn) + y * np.cos(turn),
            ],
            axis=1,
        )
        self.fill(outline, colour, opacity)

    def boxes(self, min_visible: float = 0.25, min_side_px: float = 4.0) -> list[tuple[str, Box]]:
        """The bounds of what can be seen of each logo, as fractions, in painting order.

        A logo counts as seen when at least `min_visible` of its ink shows and its box is at
        least `min_side_px` pixels wide and high.
        """
        seen = np.bincount(self.owner.ravel(), minlength=len(self.placed) + 1)
        found = []
        from scipy import ndimage  # slow to load, and every worker knows of this module

        bounds = ndimage.find_objects(self.owner, max_label=len(self.placed))
        for placed, count, bound in zip(self.placed, seen[1:], bounds, strict=True):
            if bound is None or count < min_visible * placed.full_ink:
                continue
            rows, columns = bound
            if min(rows.stop - rows.start, columns.stop - columns.start) < min_side_px:
                continue
            x1, x2 = columns.start / self.width, columns.stop / self.width
            y1, y2 = rows.start / self.height, rows.stop / self.height
            found.append((placed.label, Box(x1, y1, x2, y2)))
        return found

    def cropped(self, x: int, y: int, width: int, height: int) -> Canvas:
        """A part of the picture as a canvas of its own; logos keep their full ink."""
        window = slice(y, y + height), slice(x, x + width)
        part = Canvas(self.image[window].copy())
        part.owner, part.placed = self.owner[window].copy(), list(self.placed)
        return part

    def _register(self, label: str, full_ink: float) -> int:
        if not label:
            return 0
        self.placed.append(Placed(label, full_ink))
        return len(self.placed)

    def _region(self, corners: NDArray[np.floating]) -> _Region | None:
        """The whole pixels around some points, one to spare on each side, inside the canvas."""
        limits = (self.width, self.height)
        low = np.clip(np.floor(corners.min(axis=0)) - 1, 0, limits).astype(int)
        high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, limits).astype(int)
        width, height = (high - low).tolist()
        return _Region(int(low[0]), int(low[1]), width, height) if width and height else None

    def _flat(
        self, region: _Region, mask: NDArray[np.uint8], colour: Colour, opacity: float
    ) -> None:
        """Mix one colour in. Whole pixels, nearly all of them, are only assigned."""
        under = self.image[region.window]
        whole = mask == 255
        mixed = np.flatnonzero(mask if opacity < 1 else mask * ~whole)
        share = mask.ravel()[mixed, None] * np.float32(opacity / 255)
        if opacity == 1:
            under[whole] = np.rint(colour)
        at = np.unravel_index(mixed, mask.shape)
        under[at] = np.rint(under[at] * (1 - share) + share * np.array(colour, np.float32))

    def _blend(
        self, region: _Region, premultiplied: NDArray[np.float32], alpha: NDArray[np.float32]
    ) -> None:
        under = self.image[region.window]
        mixed = under * (1.0 - alpha[..., None]) + premultiplied
        self.image[region.window] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)

    def _claim(self, region: _Region, where: NDArray[np.bool_], identity: int) -> None:
        if self.placed:
            self.owner[region.window][where] = identity


def rectangle(x1: float, y1: float, x2: float, y2: float) -> NDArray[np.float32]:
    """The four corners of an upright rectangle, clockwise from top left."""
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float32)


def fitted(
    texture: NDArray[np.uint8], frame: tuple[float, float, float, float], share: float = 0.8
) -> NDArray[np.float32]:
    """Corners that centre a texture in a rectangle, as large as `share` of it and undistorted."""
    x1, y1, x2, y2 = frame
    height, width = texture.shape[:2]
    scale = share * min((x2 - x1) / width, (y2 - y1) / height)
    cx, cy, w, h = (x1 + x2) / 2, (y1 + y2) / 2, width * scale / 2, height * scale / 2
    return rectangle(cx - w, cy - h, cx + w, cy + h)


def through(homography: NDArray[np.float64], points: ArrayLike) -> NDArray[np.float32]:
    """Points moved by a homography."""
    flat = np.asarray(points, np.float64).reshape(-1, 1, 2)
    return cv2.perspectiveTransform(flat, homography).reshape(-1, 2).astype(np.float32)


def recoloured(logo: NDArray[np.uint8], colour: Colour) -> NDArray[np.uint8]:
    """The same logo printed in one colour."""
    printed = logo.copy()
    printed[..., :3] = np.array(colour, np.uint8)
    return printed


def _clipped(points: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """The part of a polygon within 2 pixels of the canvas (Sutherland and Hodgman, 1974)."""
    for axis, limit in ((0, width + 2.0), (1, height + 2.0)):
        for sign, edge in ((1.0, -2.0), (-1.0, -limit)):
            inside = sign * points[:, axis] - edge
            if (inside >= 0).all():
                continue
            if (inside < 0).all():
                return points[:0]
            following, after = np.roll(points, -1, axis=0), np.roll(inside, -1)
            crossing = (inside >= 0) != (after >= 0)
            share = np.divide(inside, inside - after, out=np.zeros_like(inside), where=crossing)
            cut = points + share[:, None] * (following - points)
            kept = np.stack([inside >= 0, crossing], axis=1).ravel()
            points = np.stack([points, cut], axis=1).reshape(-1, 2)[kept]
    return points


def _coverage(corners: NDArray[np.float64], region: _Region) -> NDArray[np.uint8]:
    """How much of each pixel of a region a polygon covers, 0 to 255."""
    n = OVERSAMPLING if region.width * region.height < LARGE else OVERSAMPLING // 2
    mask = np.zeros((region.height * n, region.width * n), np.uint8)
    outline = np.rint((corners - (region.x, region.y)) * n - 0.5).astype(np.int32)
    cv2.fillPoly(mask, [outline], 255)
    return resize(mask, (region.width, region.height), interpolation=cv2.INTER_AREA)


def _ink_share(texture: NDArray[np.uint8]) -> float:
    return float((texture[..., 3] >= INK * 255).mean())


def _reduced(texture: NDArray[np.uint8], corners: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The texture, premultiplied and no larger than it will appear, so that nothing aliases."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    height, width = texture.shape[:2]
    small = (
        int(np.clip(np.ceil(max(sides[0], sides[2])), 1, width)),
        int(np.clip(np.ceil(max(sides[1], sides[3])), 1, height)),
    )
    layer = _premultiplied(texture)
    if small == (width, height):
        return layer
    return resize(layer, small, interpolation=cv2.INTER_AREA)


def _premultiplied(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours times alpha, so that averaging never brings in the colour of what is hidden."""
    if texture[..., 3].min() == 255:
        return texture
    alpha = texture[..., 3:].astype(np.float32) / 255
    weighted = np.concatenate([texture[..., :3] * alpha, texture[..., 3:]], axis=2)
    return (weighted + 0.5).astype(np.uint8)


def _warped(
    layer: NDArray[np.uint8], corners: NDArray[np.float32], region: _Region
) -> NDArray[np.float32]:
    """A premultiplied texture in its place within a region; its last channel becomes 0 to 1."""
    height, width = layer.shape[:2]
    source = rectangle(0, 0, width, height)
    matrix = cv2.getPerspectiveTransform(
        source, corners - np.array((region.x, region.y), np.float32)
    )
    # OpenCV counts from pixel centres, we count from pixel corners.
    centred = _shift(-0.5) @ matrix @ _shift(0.5)
    warped = cv2.warpPerspective(
        layer, centred, (region.width, region.height), borderMode=cv2.BORDER_CONSTANT
    ).astype(np.float32)
    warped[..., 3] /= 255
    return warped


def _shift(amount: float) -> NDArray[np.float64]:
    return np.array([[1, 0, amount], [0, 1, amount], [0, 0, 1]], np.float64)
