"""Backgrounds made up from numbers, for when there are no pictures to put logos on.

None shows a logo. Each maker takes a random generator and a size in pixels and returns a BGR
picture, uint8 [height, width, 3].
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.media.opencv import add, gaussian_blur, resize

Picture = NDArray[np.uint8]
Maker = Callable[[np.random.Generator, int, int], Picture]


def make_backdrop(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A random one of `BACKDROPS`, softened by a random light."""
    make = BACKDROPS[int(rng.integers(len(BACKDROPS)))]
    picture = make(rng, width, height).astype(np.float32)
    light = gradient(rng, width, height).astype(np.float32) / 255 + 0.45
    return np.clip(picture * (0.6 + 0.4 * light), 0, 255).astype(np.uint8)


def gradient(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Two to four corner colours, melted together."""
    corners = rng.integers(0, 256, (2, 2, 3)).astype(np.uint8)
    return resize(corners, (width, height), interpolation=cv2.INTER_CUBIC)


def clouds(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Noise of several sizes between two colours: cloth, stone, smoke."""
    total = np.zeros((height, width), np.float32)
    for octave in range(2, 7):
        cells = 2**octave
        coarse = rng.random((max(cells * height // width, 1) + 1, cells + 1), np.float32)
        total += resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    mix = ((total - total.min()) / max(float(np.ptp(total)), 1e-6))[..., None]
    low, high = rng.integers(0, 256, (2, 3)).astype(np.float32)
    return np.clip(low + (high - low) * mix, 0, 255).astype(np.uint8)


def crowd(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Rows of heads and shirts, some rows lit, small enough to be a texture."""
    size = float(rng.uniform(5, 16))
    picture = np.full((height, width, 3), rng.integers(15, 60, 3), np.uint8)
    for y in np.arange(-size, height + size, size * 0.9):
        for x in np.arange(-size, width + size, size * 0.85):
            at = (int(x + rng.normal(0, size * 0.15)), int(y + rng.normal(0, size * 0.12)))
            shirt = rng.integers(20, 230, 3).tolist() if rng.random() < 0.7 else (40, 35, 35)
            body = (max(int(size * 0.42), 1), max(int(size * 0.5), 1))
            cv2.ellipse(picture, (at[0], at[1] + int(size * 0.55)), body, 0, 0, 360, shirt, -1)
            skin = (np.array((120, 160, 215)) * rng.uniform(0.35, 1.05)).tolist()
            cv2.circle(picture, at, max(int(size * 0.24), 1), skin, -1, cv2.LINE_AA)
    return gaussian_blur(picture, (0, 0), float(rng.uniform(0.6, 1.6)))


def stadium(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Sky, stand and mown pitch, from above the side line."""
    picture = np.zeros((height, width, 3), np.uint8)
    sky, stand = int(height * rng.uniform(0.0, 0.3)), int(height * rng.uniform(0.35, 0.6))
    if sky:
        picture[:sky] = gradient(rng, width, sky)
    picture[sky:stand] = crowd(rng, width, stand - sky)
    stripes = int(rng.integers(5, 14))
    lean = float(rng.uniform(-0.8, 0.8))
    ys, xs = np.mgrid[stand:height, 0:width].astype(np.float32)
    band = np.floor((xs + lean * (ys - stand)) * stripes / width) % 2
    dark = np.array((rng.integers(30, 70), rng.integers(85, 140), rng.integers(30, 75)))
    picture[stand:] = np.clip(dark * (1 + 0.16 * band[..., None]), 0, 255)
    grain = rng.normal(0, 5, (height - stand, width, 1))
    picture[stand:] = np.clip(picture[stand:] + grain, 0, 255)
    _line_markings(rng, picture, stand)
    return picture


def _line_markings(rng: np.random.Generator, picture: Picture, top: int) -> None:
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(0, 4))):
        start = (int(rng.integers(-width, width)), int(rng.integers(top, height)))
        end = (int(rng.integers(0, 2 * width)), int(rng.integers(top, height)))
        cv2.line(picture, start, end, (225, 235, 230), int(rng.integers(1, 5)), cv2.LINE_AA)


def shapes(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Flat coloured slabs and discs at any angle: furniture, cars, shop fronts."""
    picture = gradient(rng, width, height)
    for _ in range(int(rng.integers(6, 26))):
        centre = (float(rng.uniform(0, width)), float(rng.uniform(0, height)))
        size = (float(rng.uniform(0.03, 0.5) * width), float(rng.uniform(0.03, 0.5) * height))
        colour = rng.integers(0, 256, 3).tolist()
        corners = cv2.boxPoints((centre, size, float(rng.uniform(0, 90)))).astype(np.int32)
        if rng.random() < 0.3:
            radii = (int(size[0] / 3), int(size[1] / 3))
            cv2.ellipse(picture, (int(centre[0]), int(centre[1])), radii, 0, 0, 360, colour, -1)
        else:
            cv2.fillConvexPoly(picture, corners, colour, cv2.LINE_AA)
    return picture


def lights(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Out-of-focus lamps in the dark."""
    picture = (gradient(rng, width, height) * 0.25).astype(np.uint8)
    for _ in range(int(rng.integers(15, 70))):
        glow = np.zeros_like(picture)
        at = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        colour = (rng.uniform(0.15, 0.8) * rng.integers(120, 256, 3)).tolist()
        cv2.circle(glow, at, int(rng.integers(3, 26)), colour, -1, cv2.LINE_AA)
        picture = add(picture, glow)
    return gaussian_blur(picture, (0, 0), float(rng.uniform(1, 4)))


def wall(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Bricks, tiles or panels."""
    across, down = int(rng.integers(3, 20)), int(rng.integers(3, 16))
    base = rng.integers(40, 230, 3).astype(np.float32)
    shades = base * (1 + rng.normal(0, float(rng.uniform(0.01, 0.1)), (down, across, 1)))
    tiles = np.clip(shades, 0, 255).astype(np.uint8)
    picture = resize(tiles, (width, height), interpolation=cv2.INTER_NEAREST)
    joint = (base * rng.uniform(0.6, 1.2)).tolist()
    for row in range(down + 1):
        y = row * height // down
        cv2.line(picture, (0, y), (width, y), joint, 2, cv2.LINE_AA)
    for column in range(across + 1):
        x = column * width // across
        cv2.line(picture, (x, 0), (x, height), joint, 2, cv2.LINE_AA)
    return picture


BACKDROPS: tuple[Maker, ...] = (gradient, clouds, crowd, stadium, stadium, shapes, lights, wall)
