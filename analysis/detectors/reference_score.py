"""What speaks for a sighting of a reference, and how much it counts: a confidence of 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference_appearance import colour_likeness, likeness
from analysis.detectors.reference_features import Features, Index, Pairs
from analysis.detectors.reference_geometry import (
    Agreement,
    Hypothesis,
    Place,
    scale_of,
)


class View(NamedTuple):
    """A frame at working size."""

    grey: NDArray[np.uint8]  # (h, w)
    bgr: NDArray[np.uint8]  # (h, w, 3)


class Evidence(NamedTuple):
    """What was measured of one sighting."""

    votes: float  # log: frame features that point to it
    support: float  # the same, each weighted by how telling it is
    blocks: float  # log: references of the label that agree
    telling: float  # agreeing pairs, each weighted by how telling it is
    strong: float  # log: pairs that pass Lowe's ratio of 0.8
    agreeing: float  # log: pairs where the place predicts them
    explained: float  # share of the frame's features inside the outline that agree
    recall: float  # share of the reference's features that were found again
    cover: float  # share of the reference between the agreeing features
    looks: float  # likeness of the edges
    colour: float  # likeness of the colours
    stretch: float  # log: how unevenly it is scaled
    turn: float  # 1 - cosine of the turn
    small: float  # log2 of how much smaller than 48 pixels it is; 0 where larger
    outside: float  # share of its rectangle that is outside the frame
    is_negative: float


def measure(
    index: Index,
    features: Features,
    pairs: Pairs,
    view: View,
    hypothesis: Hypothesis,
    place: Place,
    found: Agreement,
) -> Evidence:
    """The evidence for a reference at `place`."""
    block = hypothesis.block
    reference = index.references[block // 2]
    distance = np.sqrt(np.maximum(2 - 2 * found.likeness, 1e-6))
    ratio = distance / pairs.rival[found.frame, block]
    stretch = np.linalg.svd(place[:, :2], compute_uv=False)
    inside = _count_inside(features, place, reference.outline)
    size = scale_of(place) * reference.unit
    turn = math.atan2(place[1, 0] - place[0, 1], place[0, 0] + place[1, 1])
    n = len(found.frame)
    return Evidence(
        votes=math.log1p(hypothesis.votes),
        support=math.log1p(hypothesis.support),
        blocks=math.log(hypothesis.blocks),
        telling=math.log1p(float(np.clip((1 - ratio) / 0.3, 0, 1).sum())),
        strong=math.log1p(float((ratio < 0.8).sum())),
        agreeing=math.log1p(n),
        explained=n / max(5, inside),
        recall=n / max(5, len(reference.features)),
        cover=_cover(index.xy[block, found.inner], reference.unit),
        looks=likeness(reference.look, view.grey, place, bool(block % 2)),
        colour=colour_likeness(reference.look, view.bgr, place),
        stretch=math.log(stretch[0] / max(stretch[1], 1e-6)),
        turn=1 - math.cos(turn),
        small=max(0.0, math.log2(48 / max(size, 1.0))),
        outside=_outside(reference.corners @ place[:, :2].T + place[:, 2], view.grey.shape),
        is_negative=float(block % 2),
    )


def _count_inside(
    features: Features, place: Place, outline: tuple[float, float, float, float]
) -> int:
    back = np.linalg.inv(np.vstack([place, (0, 0, 1)]))
    xy = features.xy @ back[:2, :2].T + back[:2, 2]
    return int(((xy >= outline[:2]) & (xy <= outline[2:])).all(1).sum())


def _outside(corners: NDArray[np.float64], shape: Sequence[int]) -> float:
    low, high = corners.min(0), corners.max(0)
    inside = np.clip(high, 0, shape[1::-1]) - np.clip(low, 0, shape[1::-1])
    return 1 - float(inside.prod()) / max(float((high - low).prod()), 1e-9)


def _cover(points: NDArray[np.float32], unit: float) -> float:
    if len(points) < 3:
        return 0.0
    return float(cv2.contourArea(cv2.convexHull(points))) / unit**2


_WEIGHTS = Evidence(0.0, 0.0, 0.0, 1.6, 0.8, 0.0, 0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
_BIAS = -5.5


def confidence(evidence: Evidence) -> float:
    """0 to 1."""
    total = _BIAS + sum(w * e for w, e in zip(_WEIGHTS, evidence, strict=True))
    return 1 / (1 + math.exp(-min(max(total, -30.0), 30.0)))
