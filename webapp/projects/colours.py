"""Colours of brands, told apart from those beside them.

How different two colours look is their distance in Oklab (Ottosson, 2020), in which equal steps
look equally large.
"""

from __future__ import annotations

import colorsys
from collections.abc import Collection, Iterable
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

# Okabe–Ito and kin: told apart by colour-blind eyes, and on both grounds of the interface.
COLOURS = [
    "#d1495b", "#00798c", "#edae49", "#6a4c93", "#66a182", "#2e86de", "#c06c2b", "#8d5a97",
    "#3d9a8b", "#b5838d", "#7a8b2f", "#4f6d9a",
]  # fmt: skip
# Oklab distance under which two swatches pass for one; the nearest of the palette are 0.046 apart
ALIKE = 0.04

_TO_CONES = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
_TO_OKLAB = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]


def apart(used: Collection[str], *, rather_not: Collection[str] = ()) -> str:
    """A colour that is none of those used, nor looks like one; if it can be, none of the others.

    The first of the palette that is free; where none is, the one farthest from all that are used.
    """
    for taken in ({*used, *rather_not}, used):
        for colour in COLOURS:
            if not is_alike(colour, taken):
                return colour
    many = _candidates()
    return many[int(_distances(many, used).min(axis=1).argmax())]


def is_alike(colour: str, others: Collection[str]) -> bool:
    """Whether it could be taken for one of the others."""
    return bool(others) and bool((_distances([colour], others) < ALIKE).any())


def told_apart(colours: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A colour for each name: its own, where no name before it has one that looks the same."""
    found: dict[str, str] = {}
    late: list[str] = []
    for name, colour in colours:
        if is_alike(colour, found.values()):
            late.append(name)
        else:
            found[name] = colour
    for name in late:
        found[name] = apart(found.values())
    return found


def _distances(some: Collection[str], others: Collection[str]) -> NDArray[np.float64]:
    return np.linalg.norm(_oklab(some)[:, None] - _oklab(others)[None], axis=2)


def _oklab(colours: Collection[str]) -> NDArray[np.float64]:
    srgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ np.transpose(_TO_CONES)) @ np.transpose(_TO_OKLAB)


@cache
def _candidates() -> tuple[str, ...]:
    """All round the circle, neither so light nor so dark as to be lost on a ground."""
    steps = product((0.5, 0.38, 0.62), (0.65, 0.4), range(48))
    found = (colorsys.hls_to_rgb(hue / 48, light, full) for light, full, hue in steps)
    return tuple("#" + "".join(f"{round(255 * part):02x}" for part in rgb) for rgb in found)
