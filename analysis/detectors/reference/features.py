"""Reference pictures and frames → local features, and the index that pairs them.

The features are RootSIFT (Lowe 2004; Arandjelović and Zisserman 2012). Every reference is indexed
twice, as it is and with dark and light exchanged, because a logo is often printed in white on a
colour. The exchange needs no second look at the picture: turning every gradient round turns the
keypoint's own direction by half a turn, which only reorders the 4 × 4 cells of its descriptor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.appearance import Look, look_of
from analysis.detectors.reference.pictures import (
    Picture,
    Pixels,
    Plane,
    on_grounds,
    pictures_of,
)
from analysis.media.opencv import gaussian_blur, resize

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

_EXCHANGED = np.arange(128).reshape(4, 4, 8)[::-1, ::-1].ravel()
_ROWS = 128  # frame features multiplied at a time: bounds the memory, and no larger is faster
_PLAIN = 60  # features: what has fewer is known by its outline too
_CONTRAST = 0.03  # a little below OpenCV's 0.04: logos on shirts and glass are faint


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """n keypoints in pixels, and their descriptors of unit length."""

    xy: Floats  # (n, 2)
    size: Floats  # (n,)
    angle: Floats  # (n,) radians
    descriptors: Floats  # (n, 128)

    def __len__(self) -> int:
        return len(self.xy)

    @classmethod
    def of(cls, some: Sequence[Features]) -> Features:
        """All of them together."""
        columns = ([getattr(f, c.name) for f in some] for c in fields(cls))
        return cls(*map(np.concatenate, columns))

    def moved(self, x: int, y: int) -> Features:
        """The same features of a larger picture, in which this one begins at (x, y)."""
        return replace(self, xy=self.xy + np.array([x, y], np.float32))

    def exchanged(self) -> Features:
        """The same features in the negative of the picture."""
        angle = self.angle + np.float32(math.pi)
        return Features(self.xy, self.size, angle, self.descriptors[:, _EXCHANGED])


def find_features(grey: NDArray[np.uint8], limit: int, mask: NDArray | None = None) -> Features:
    """The `limit` strongest RootSIFT features of a grey picture, inside `mask`."""
    # Only the strongest are described; those outside a mask would be among them.
    sift = cv2.SIFT.create(limit if mask is None else 0, 3, _CONTRAST)
    keypoints, descriptors = sift.detectAndCompute(grey, mask)
    if descriptors is None or not keypoints:
        none = np.zeros(0, np.float32)
        return Features(np.zeros((0, 2), np.float32), none, none, np.zeros((0, 128), np.float32))
    table = np.array([(*k.pt, k.size, math.radians(k.angle), k.response) for k in keypoints])
    order = np.argsort(-table[:, 4], kind="stable")[:limit]
    table = table[order].astype(np.float32)
    total = np.maximum(descriptors[order].sum(1, keepdims=True), 1e-7)
    root = np.sqrt(descriptors[order] / total).astype(np.float32)
    return Features(table[:, :2], table[:, 2], table[:, 3], root)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One reference picture at its working size."""

    label: int
    outline: tuple[float, float, float, float]  # the logo in the picture: x1, y1, x2, y2 in pixels
    features: Features
    look: Look
    plane: Plane = "brightness"

    @property
    def size(self) -> Floats:
        x1, y1, x2, y2 = self.outline
        return np.array([x2 - x1, y2 - y1], np.float32)

    @property
    def unit(self) -> float:
        """Its size as one number, pixels: the side of a square of the same area."""
        return math.sqrt(float(self.size.prod()))

    @property
    def centre(self) -> Floats:
        x1, y1, x2, y2 = self.outline
        return np.array([(x1 + x2) / 2, (y1 + y2) / 2], np.float32)

    @property
    def corners(self) -> Floats:
        x1, y1, x2, y2 = self.outline
        return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float32)


def make_reference(label: int, picture: Picture, limit: int) -> Reference:
    """The features and the look of a reference picture."""
    features = find_features(picture.grey, limit, picture.near_mask)
    return Reference(label, picture.outline, features, look_of(picture), picture.plane)


def references_of(label: int, image: Pixels, limit: int) -> list[Reference]:
    """Those that stand for a picture; a plain logo with its outline against dark and light too."""
    made = [make_reference(label, picture, limit) for picture in pictures_of(image)]
    if max(len(reference.features) for reference in made) >= _PLAIN:
        return made
    return made + [make_reference(label, picture, limit) for picture in on_grounds(image)]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """For each of n frame features and b blocks: the nearest feature of the block."""

    nearest: Ints  # (n, b) position in the block
    distance: Floats  # (n, b)
    rival: Floats  # (n, b) distance to the nearest feature of any other label


class Index:
    """The features of every reference, in blocks of equal length: two for each reference.

    Block 2i is reference i as it is, block 2i + 1 its negative.
    """

    def __init__(self, references: Sequence[Reference], background: Floats) -> None:
        self.references = references
        self.length = max([1, *(len(r.features) for r in references)])
        shape = (2 * len(references), self.length)
        self.xy = np.zeros((*shape, 2), np.float32)
        self.size = np.ones(shape, np.float32)
        self.angle = np.zeros(shape, np.float32)
        self.descriptors = np.zeros((*shape, 128), np.float32)
        for i, reference in enumerate(references):
            self._fill(2 * i, reference.features)
            self._fill(2 * i + 1, reference.features.exchanged())
        self.labels = np.repeat([r.label for r in references], 2)
        self.centre = np.repeat(np.array([r.centre for r in references], np.float32), 2, axis=0)
        self.unit = np.repeat(np.array([r.unit for r in references], np.float32), 2)
        self._columns = np.ascontiguousarray(self.descriptors.reshape(-1, 128).T)
        self._background = np.ascontiguousarray(background.T)
        # Not every label need have a reference here: those that have, in order, and whose is which.
        self._known, self._own = np.unique(self.labels, return_inverse=True)
        self._is_kin = self._find_kin()

    def _fill(self, block: int, features: Features) -> None:
        n = len(features)
        self.xy[block, :n] = features.xy
        self.size[block, :n] = features.size
        self.angle[block, :n] = features.angle
        self.descriptors[block, :n] = features.descriptors

    def pair(self, features: Features) -> Pairs:
        """Each frame feature's nearest in every block, and how near the nearest rival is."""
        n, blocks = len(features), len(self.labels)
        nearest = np.empty((n, blocks), np.intp)
        likeness = np.empty((n, blocks), np.float32)
        common = np.empty(n, np.float32)
        for start in range(0, n, _ROWS):
            rows = slice(start, min(start + _ROWS, n))
            some = features.descriptors[rows]
            product = (some @ self._columns).reshape(len(some), blocks, self.length)
            place = product.argmax(2)
            nearest[rows] = place
            likeness[rows] = np.take_along_axis(product, place[:, :, None], 2)[:, :, 0]
            common[rows] = (some @ self._background).max(1)
        rival = self._rivals(likeness, common)[:, self._own]
        return Pairs(nearest, _distance(likeness), _distance(rival))

    def _rivals(self, likeness: Floats, common: Floats) -> Floats:
        """(n, labels): the greatest likeness to another label, or to what is common anywhere."""
        starts = np.searchsorted(self._own, np.arange(len(self._known)))
        by_label = np.maximum.reduceat(likeness, starts, axis=1)
        rivals = np.empty_like(by_label)
        for label in range(by_label.shape[1]):
            others = by_label[:, ~self._is_kin[label]]
            rivals[:, label] = np.maximum(others.max(1, initial=0.0), common)
        return rivals

    def _find_kin(self) -> NDArray[np.bool_]:
        """(labels, labels): True where two labels share so much that both may be found at once.

        The same picture may stand for two labels, and a new logo often contains the old one;
        such labels must not silence each other.
        """
        kin = np.eye(len(self._known), dtype=bool)
        own = [
            np.concatenate([r.features.descriptors for r in self.references if r.label == label])
            for label in self._known
        ]
        for a in range(len(own)):
            some = own[a][:: max(1, len(own[a]) // 100)]
            for b in range(len(own)):
                if a != b and len(some) and len(own[b]):
                    share = ((some @ own[b].T).max(1) > 0.97).mean()
                    kin[a, b] = kin[b, a] = bool(kin[a, b] or share > 0.25)
        return kin


def _distance(likeness: Floats) -> Floats:
    return np.sqrt(np.maximum(2 - 2 * likeness, 1e-6))


@cache
def common_features(limit: int = 1500) -> Floats:
    """(n, 128): descriptors of what is found anywhere, drawn rather than photographed.

    Letters, corners, bars, discs and cloudy noise. A frame feature that resembles these says
    little about a logo. This is what stands in for other labels where there is only one.
    """
    random = np.random.default_rng(27)
    sheet = np.full((640, 640), 128, np.uint8)
    for size in (5, 10, 20, 40):
        cloud = resize(random.normal(0, 22, (size, size)), (640, 640))
        sheet = np.clip(sheet + cloud, 0, 255).astype(np.uint8)
    for _ in range(90):
        _draw_something(sheet, random)
    return find_features(gaussian_blur(sheet, (0, 0), 0.8), limit).descriptors


def _draw_something(sheet: NDArray[np.uint8], random: np.random.Generator) -> None:
    x, y = (int(v) for v in random.integers(0, 640, 2))
    r, shade = int(random.integers(4, 60)), int(random.integers(0, 256))
    match int(random.integers(0, 4)):
        case 0:
            text = "".join(chr(c) for c in random.integers(65, 123, 6))
            font = int(random.integers(0, 8))
            cv2.putText(sheet, text, (x, y), font, r / 25 + 0.3, shade, 1 + r // 12, cv2.LINE_AA)
        case 1:
            cv2.circle(sheet, (x, y), r, shade, int(random.choice([-1, 2, 5])), cv2.LINE_AA)
        case 2:
            corners = random.normal((x, y), r, (4, 2)).astype(np.int32)
            cv2.fillConvexPoly(sheet, cv2.convexHull(corners), shade, cv2.LINE_AA)
        case _:
            cv2.rectangle(sheet, (x, y), (x + r, y + 2 * r), shade, int(random.choice([-1, 3])))
