"""What looks new and is none, made: for a network to learn from where real ones are few."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def cosmic_ray(side: int, draw: np.random.Generator, signal: float) -> Numbers:
    """A hit in the middle of a square: one to six pixels in a line, sharp at their sides.

    signal: of its brightest pixel. Shape (side, side), side odd.
    """
    picture = np.zeros((side, side))
    length, angle = draw.integers(1, 7), draw.uniform(0, math.pi)
    for step in np.linspace(-(length - 1) / 2, (length - 1) / 2, length):
        x = side // 2 + round(step * math.cos(angle))
        y = side // 2 + round(step * math.sin(angle))
        picture[y, x] = signal * draw.uniform(0.3, 1.0)
    picture[side // 2, side // 2] = signal
    # charge that spreads to the pixels beside
    share = draw.uniform(0, 0.12)
    around = sum(np.roll(picture, by, axis) for axis in (0, 1) for by in (-1, 1))
    return np.asarray((1 - 4 * share) * picture + share * around, np.float64)


def misplaced_star(side: int, draw: np.random.Generator, signal: float, width: float) -> Numbers:
    """What a star leaves that was subtracted beside its place, or from a wrong shape.

    signal: of its brightest pixel in noise. width: standard deviation of a star, in pixels. The
    positive part is in the middle of the square. Shape (side, side), side odd.
    """
    away = np.arange(side) - side // 2
    off, angle = draw.uniform(0.3, 1.2) * width, draw.uniform(0, 2 * math.pi)
    wider = width * draw.uniform(0.85, 1.15)
    at_x, at_y = (part * (off + width) for part in (math.cos(angle), math.sin(angle)))

    def star(x: float, y: float, w: float) -> Numbers:
        made = np.exp(-((away - x) ** 2 + (away[:, None] - y) ** 2) / (2 * w**2)) / w**2
        return np.asarray(made, np.float64)

    beside = star(at_x + off / 2 * math.cos(angle), at_y + off / 2 * math.sin(angle), wider)
    left = star(at_x - off / 2 * math.cos(angle), at_y - off / 2 * math.sin(angle), width) - beside
    return np.asarray(signal * left / max(float(np.abs(left).max()), 1e-9), np.float64)
