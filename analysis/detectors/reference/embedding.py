"""What a crop looks like in numbers: near for two pictures of one logo, far for others.

A small convolutional network that was taught on made-up scenes (`analysis.learning`;
`docs/second_look.md` says what it is and is not).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.network import Floats, Layer, of_another_kind, read_tensors
from analysis.media.opencv import cvt_color, resize, warp_affine

Pixels = NDArray[np.uint8]
Planes = tuple[Pixels, Pixels, Pixels]  # brightness, blueness, redness; colour may be half as large

SIDE = 48  # pixels of a crop, both ways, whatever the shape of what it shows
WEIGHTS = Path(__file__).with_name("embedding.safetensors")
_STRIDES = (2, 2, 1, 2, 1, 1, 2, 1)
_LAID_OUT = 5  # the layer that still knows what is where, in 6 × 6 cells
_FAINT = 4.0  # levels: a contrast below this is not made more of


class Seen(NamedTuple):
    """What n crops show, in rows of unit length."""

    gist: Floats  # (n, 128) wherever and however large it is in the crop
    layout: Floats  # (n, 3456) what is where: for crops that were laid over each other


class Embedding:
    """The network. See `read_embedding`.

    Raises KeyError, ValueError where the numbers are of another network.
    """

    def __init__(self, tensors: Mapping[str, Floats]) -> None:
        self._layers = [Layer.of(tensors, f"units.{i}") for i in range(len(_STRIDES))]
        head, self._bias = tensors["head.kernel"], tensors["head.bias"]
        channels, side = len(self._layers[-1].bias), SIDE // math.prod(_STRIDES)
        # Taught with channels first, run with channels last.
        head = head.reshape(len(self._bias), channels, side, side).transpose(2, 3, 1, 0)
        self._head = np.ascontiguousarray(head.reshape(-1, len(self._bias)))
        self(np.zeros((1, SIDE, SIDE, 3), np.uint8))  # whether its layers fit each other

    def __call__(self, crops: NDArray[np.uint8]) -> Seen:
        """What (n, 48, 48, 3) crops, Y, Cb, Cr, show."""
        x = prepared(crops)
        for number, (layer, stride) in enumerate(zip(self._layers, _STRIDES, strict=True)):
            x = layer.unit(x, stride)
            if number == _LAID_OUT:
                laid_out = (x - x.mean((1, 2), keepdims=True)).reshape(len(x), -1)
        out = x.reshape(len(x), -1) @ self._head + self._bias
        return Seen(_of_unit_length(out), _of_unit_length(laid_out))


def _of_unit_length(rows: Floats) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def prepared(crops: NDArray[np.uint8]) -> Floats:
    """(n, 48, 48, 3) without the mean of each channel, by the contrast of them all."""
    x = crops.astype(np.float32)
    x -= x.mean((1, 2), keepdims=True)
    return x / (np.sqrt((x * x).mean((1, 2, 3), keepdims=True)) + _FAINT)


@cache
def read_embedding(path: Path = WEIGHTS) -> Embedding:
    """The network in a safetensors file, read once.

    Raises UnusableModel where the file is missing, damaged or of another network.
    """
    tensors = read_tensors(path)
    try:
        return Embedding(tensors)
    except (KeyError, ValueError) as e:
        raise of_another_kind(path) from e


def crop_at(planes: Planes, corners: NDArray[np.float64]) -> Pixels:
    """(48, 48, 3) Y, Cb, Cr of a place of a frame.

    corners: (4, 2) pixels of the brightness, clockwise from the place's own top left; a place may
    be turned and slanted, and lie partly outside.
    """
    brightness = planes[0]
    return np.dstack(
        [_warped(plane, corners * (plane.shape[1] / brightness.shape[1])) for plane in planes]
    )


def crop_of(picture: Pixels) -> Pixels:
    """(48, 48, 3) Y, Cb, Cr of a whole BGR picture."""
    kind = cv2.INTER_AREA if min(picture.shape[:2]) > SIDE else cv2.INTER_LINEAR
    sized = resize(np.ascontiguousarray(picture[:, :, :3]), (SIDE, SIDE), interpolation=kind)
    return cvt_color(sized, cv2.COLOR_BGR2YCrCb)[:, :, [0, 2, 1]]


def _warped(plane: Pixels, corners: NDArray[np.float64]) -> Pixels:
    """A place of one plane. What is larger than a crop is averaged down before."""
    start, across, _, down = corners
    place = np.c_[(across - start) / SIDE, (down - start) / SIDE, start]
    shrink = float(np.linalg.norm(place[:, :2], axis=0).min())
    if shrink > 1.3:
        height, width = plane.shape
        x1, y1 = np.clip(np.floor(corners.min(0)) - 3, 0, (width, height)).astype(int).tolist()
        x2, y2 = np.clip(np.ceil(corners.max(0)) + 3, 0, (width, height)).astype(int).tolist()
        if x2 - x1 > 4 and y2 - y1 > 4:
            size = max(2, round((x2 - x1) / shrink)), max(2, round((y2 - y1) / shrink))
            plane = resize(plane[y1:y2, x1:x2], size, interpolation=cv2.INTER_AREA)
            scale = np.array([size[0] / (x2 - x1), size[1] / (y2 - y1)])
            place = np.c_[place[:, :2], place[:, 2] - (x1, y1)] * scale[:, None]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return warp_affine(plane, place, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
