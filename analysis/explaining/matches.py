"""Points of a logo picture that are found again in a frame.

The same features, pairs and places by which `detectors.reference` finds a logo (RootSIFT,
Arandjelović & Zisserman 2012; votes for one place, Lowe 2004), kept so that they can be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.features import (
    Features,
    Index,
    common_features,
    find_features,
    make_reference,
)
from analysis.detectors.reference.geometry import find_hypotheses, fit
from analysis.detectors.reference.pictures import pictures_of
from analysis.types import Box

FEWEST = 3  # points that lie where one place predicts them: fewer happen anywhere
_AROUND = 0.15
_SIDE = 640  # pixels, the longer one, of what is looked at
_FEATURES = 900
_PER_LABEL = 3

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """points: (n, 4), x and y in the logo picture and x and y in the frame, fractions of each.
    Best first."""

    picture: int  # its position among those given
    points: NDArray[np.float64]


def matched_points(pictures: Sequence[Pixels], image: Pixels, box: Box) -> list[Matched]:
    """Of each logo picture the points that agree on one place in a box of a frame, most first.

    pictures: uint8 (h, w, 3) BGR or (h, w, 4) BGRA, cut to the logo. image: uint8 (h, w, 3) BGR.
    Pictures with fewer than three such points are left out. Raises UnusableReference for a picture
    in which there is nothing to find.
    """
    grey, origin, scale = _part(image, box)
    features = find_features(grey, _FEATURES)
    found = []
    for number, picture in enumerate(pictures):
        best = max((_agreeing(one, features) for one in _drawn(picture)), key=len)
        if len(best) >= FEWEST:
            height, width = image.shape[:2]
            in_frame = (best[:, 2:] / scale + origin) / (width, height)
            found.append(Matched(number, np.hstack([best[:, :2], in_frame])))
    return sorted(found, key=lambda one: -len(one.points))


def _part(image: Pixels, box: Box) -> tuple[Pixels, NDArray[np.float64], float]:
    """What is in the box and close around it in grey, where it begins, and how it was enlarged."""
    height, width = image.shape[:2]
    x, y = _AROUND * box.width, _AROUND * box.height
    near = Box(box.x1 - x, box.y1 - y, box.x2 + x, box.y2 + y).clipped()
    x1, y1 = int(near.x1 * width), int(near.y1 * height)
    x2, y2 = max(round(near.x2 * width), x1 + 1), max(round(near.y2 * height), y1 + 1)
    part = cv2.cvtColor(np.ascontiguousarray(image[y1:y2, x1:x2]), cv2.COLOR_BGR2GRAY)
    scale = min(_SIDE / max(part.shape), 4.0)
    size = max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1)
    kind = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    resized = np.asarray(cv2.resize(part, size, interpolation=kind), np.uint8)
    return resized, np.array([x1, y1], np.float64), scale


def _drawn(picture: Pixels) -> list[Index]:
    """The picture as the reference detector has it, in brightness: on black and on white where it
    can be seen through."""
    drawn = [one for one in pictures_of(picture) if one.plane == "brightness"]
    made = [make_reference(0, one, _FEATURES) for one in drawn or pictures_of(picture)]
    return [Index([one], common_features()) for one in made]


def _agreeing(index: Index, features: Features) -> NDArray[np.float64]:
    """(n, 4): fractions of the logo, and pixels of what was looked at."""
    none = np.empty((0, 4))
    if not len(features):
        return none
    pairs = index.pair(features)
    best = none
    for hypothesis in find_hypotheses(index, features, pairs, _PER_LABEL):
        _, agreement = fit(index, features, hypothesis)
        if len(agreement.frame) > len(best):
            x1, y1, x2, y2 = index.references[0].outline
            inner = index.xy[hypothesis.block, agreement.inner].astype(np.float64)
            logo = (inner - (x1, y1)) / (max(x2 - x1, 1.0), max(y2 - y1, 1.0))
            best = np.hstack([np.clip(logo, 0, 1), features.xy[agreement.frame]])
    return best
