"""How much an unknown region looks like a logo, and not like a blur, an edge or a face.

Proposals are dense patches of edges (`proposals`), which hair, clouds and window frames are too. A
logo is drawn: few flat tones with steep borders between them, in strong contrast. That is measured
on the small picture that a run keeps of each region, and weighed, together with what the learnt
embedding makes of it, by a logistic regression (`bench.new_brands` fits and measures it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.network import of_another_kind, read_tensors
from analysis.media.opencv import cvt_color, gaussian_blur, resize
from analysis.novelty.keeping import TILE
from analysis.novelty.regions import SIZE, Floats

Pixels = NDArray[np.uint8]

WEIGHTS = Path(__file__).with_name("logo_like.safetensors")
MEASURES = 7
_SOFT = 1.0  # pixels of smoothing: the grain of a packed picture is not its detail
_LEVELS = 10.0  # grey levels: a contrast below this is not made more of
_RING = 10  # pixels of a small picture: what lies along its border
_LOOK = 8.0  # of unit length in 128 numbers: so one of them counts like a measure


@dataclass(frozen=True, slots=True, eq=False)
class LogoLike:
    """The regression: weights of what is seen, and the value from which on it is like a logo."""

    mean: Floats  # (MEASURES + 128,)
    scale: Floats
    weights: Floats
    bias: float
    floor: float

    def __call__(self, tiles: Sequence[Pixels], looks: Floats) -> Floats:
        """How far each is above what a logo hardly falls below; less than 0 is doubtful.

        tiles: (96, 96, 3) BGR, see `keeping.Kept`. looks: (n, 128), rows of unit length.
        Shape (n,).
        """
        seen = (described(tiles, looks) - self.mean) * self.scale
        return (seen @ self.weights + self.bias - self.floor).astype(np.float32)


def described(tiles: Sequence[Pixels], looks: Floats) -> Floats:
    """What is weighed: the measures of each small picture beside its look. (n, MEASURES + 128)."""
    if not len(tiles):
        return np.empty((0, MEASURES + SIZE), np.float32)
    return np.concatenate([np.stack([measures(tile) for tile in tiles]), looks * _LOOK], axis=1)


@cache
def logo_like(path: Path = WEIGHTS) -> LogoLike:
    """The regression in a file, read once. Raises UnusableModel where it is missing or damaged."""
    tensors = read_tensors(path)
    try:
        mean, scale, weights = (tensors[name] for name in ("mean", "scale", "weights"))
        bias, floor = (float(tensors[name][0]) for name in ("bias", "floor"))
    except (KeyError, IndexError) as e:
        raise of_another_kind(path) from e
    if any(column.shape != (MEASURES + SIZE,) for column in (mean, scale, weights)):
        raise of_another_kind(path)
    return LogoLike(mean, scale, weights, bias, floor)


def measures(tile: Pixels) -> Floats:
    """Contrast, steepness, flatness, detail, middle, two tones and colour of a small picture.

    tile: uint8 (h, w, 3) BGR, brought to 96 × 96. Shape (7,), each near one.
    """
    if tile.shape[:2] != (TILE, TILE):
        tile = resize(tile, (TILE, TILE), interpolation=cv2.INTER_AREA)
    coded = cvt_color(np.ascontiguousarray(tile), cv2.COLOR_BGR2YCrCb).astype(np.float32)
    soft = gaussian_blur(np.ascontiguousarray(coded[:, :, 0]), (0, 0), _SOFT)
    low, high = np.percentile(soft, [5, 95])
    contrast = float(high - low)
    slope = _slope(soft)
    steep = float(np.percentile(slope, 97)) / (contrast + _LEVELS)
    is_flat = slope < 0.02 * (contrast + _LEVELS)
    chroma = np.hypot(coded[:, :, 1] - 128, coded[:, :, 2] - 128)
    return np.array(
        [
            contrast / 100,
            np.log(steep + 0.01),
            is_flat.mean(),
            _detail(soft, slope),
            _middle(slope),
            _two_tones(soft),
            np.percentile(chroma, 90) / 50,
        ],
        np.float32,
    )


def _slope(soft: Floats) -> Floats:
    """Grey levels from pixel to pixel, whatever the direction."""
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1) / 8
    return np.hypot(across, down)


def _detail(soft: Floats, slope: Floats) -> float:
    """How much of the change is from pixel to pixel: little of a blur."""
    bends = np.abs(cv2.Laplacian(soft, cv2.CV_32F))
    return float(np.log((bends.var() + 1) / (slope.var() + 1)))


def _middle(slope: Floats) -> float:
    """How much more changes in the middle than along the border: a logo is not cut off by it."""
    is_inside = np.zeros(slope.shape, bool)
    is_inside[_RING:-_RING, _RING:-_RING] = True
    return float(np.log((slope[is_inside].mean() + 0.5) / (slope[~is_inside].mean() + 0.5)))


def _two_tones(soft: Floats) -> float:
    """The share of the variance that two tones explain (Otsu 1979)."""
    least, _ = cv2.threshold(soft.astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    light, dark = soft[soft > least], soft[soft <= least]
    if not len(light) or not len(dark):
        return 0.0
    within = len(light) * light.var() + len(dark) * dark.var()
    return float(1 - within / (soft.size * soft.var() + 1e-3))
