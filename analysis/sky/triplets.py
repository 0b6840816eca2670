"""Three small pictures of one place: the exposure, the reference and their difference.

They are numbers in units of the noise, or greys as people are shown and as nights keep them: the
sky in the middle of the greys, an inverse hyperbolic sine for what is bright.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.sky.background import NoiseMap

Sigmas = NDArray[np.float32]
Greys = NDArray[np.uint8]

SIDE = 63  # pixels
BELOW, ABOVE = -3.0, 40.0  # of the noise, from black to white
_LOW, _HIGH = float(np.arcsinh(BELOW)), float(np.arcsinh(ABOVE))


def square(values: NDArray[np.floating] | NoiseMap, x: int, y: int, side: int = SIDE) -> Sigmas:
    """side × side around a pixel; NaN beyond the border. side is odd."""
    half = side // 2
    cut = np.full((side, side), np.nan, np.float32)
    top, left = max(y - half, 0), max(x - half, 0)
    part = values[top : max(y + half + 1, 0), left : max(x + half + 1, 0)]
    cut[top - (y - half) :, left - (x - half) :][: part.shape[0], : part.shape[1]] = part
    return cut


def fitted(picture: NDArray[np.floating], side: int = SIDE) -> Sigmas:
    """A picture of any size brought to side × side: its middle, with NaN around what is smaller.

    The middle of an even length is the pixel after it. Pixels keep their size.
    """
    height, width = picture.shape
    return square(picture, width // 2, height // 2, side)


def in_noise(picture: NDArray[np.floating]) -> Sigmas:
    """A picture in units of its own noise, without its sky: for one of which neither is known.

    By the median and the median deviation from it of what has a number; a picture without noise
    becomes 0, one without a number stays NaN.
    """
    known = picture[np.isfinite(picture)]
    if not known.size:
        return np.full(picture.shape, np.nan, np.float32)
    middle = float(np.median(known))
    noise = 1.4826 * float(np.median(np.abs(known - middle)))
    if noise == 0:
        return np.where(np.isfinite(picture), 0, np.nan).astype(np.float32)
    return np.asarray((picture - middle) / noise, np.float32)


def stretched(sigmas: NDArray[np.floating]) -> Greys:
    """Greys of numbers in units of the noise; what has no number is black."""
    grey = (np.arcsinh(sigmas) - _LOW) / (_HIGH - _LOW)
    return (np.nan_to_num(grey, nan=0.0).clip(0, 1) * 255).astype(np.uint8)


def unstretched(greys: Greys) -> Sigmas:
    """The numbers that greys (…, height, width) were made of, between the limits of the stretch.

    A row or a column that is black from end to end lay beyond a border: NaN.
    """
    table = np.sinh((np.arange(256) + 0.5) / 255 * (_HIGH - _LOW) + _LOW).astype(np.float32)
    sigmas = table[greys]
    black = greys == 0
    beyond = black.all(axis=-1, keepdims=True) | black.all(axis=-2, keepdims=True)
    sigmas[np.broadcast_to(beyond, sigmas.shape)] = np.nan
    return sigmas
