"""Reference logo files → grey pictures of a working size, with what is see-through left out.

A picture is looked at in one plane of colour: in brightness, and where a logo is hardly lighter or
darker than its ground (green on blue), in blueness or redness too, drawn in grey.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import UnusableReference
from analysis.media.opencv import copy_make_border, cvt_color, dilate, lut, resize

Pixels = NDArray[np.uint8]
Source = Path | str | Pixels
Plane = Literal["brightness", "blueness", "redness"]

_SIDE = 192  # working size: the side of a square of the same area, pixels
_LONGEST = 480
_LARGEST_ENLARGEMENT = 4.0
_MARGIN = 0.08  # room around a see-through logo, where its outline meets the background
_SMALLEST = 12  # pixels: below this no logo can be told from another
_FAINT = 20.0  # grey levels: a spread of brightness below this may be too little
_COLOURFUL = 10.0  # levels: colour that is spread by less is noise and the edges of brightness
_ONE_COLOUR = 3.0  # grey levels: spread of the edge of a picture on a ground of its own
_SHARE = 0.6  # of the contrast of the better plane: a weaker one adds cost and little else
# Colour of real things fills half of its range: drawn with the contrast that brightness has.
_STRETCHED = np.clip((np.arange(256) - 128) * 2 + 128, 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A reference at its working size."""

    grey: Pixels  # (h, w)
    near_mask: Pixels | None  # (h, w) 255 on the logo and close around it; None: everywhere
    outline: tuple[float, float, float, float]  # the logo in it: x1, y1, x2, y2 in pixels
    plane: Plane = "brightness"


def read_reference(source: Source) -> Pixels:
    """The picture, uint8 (h, w, 3) BGR or (h, w, 4) BGRA, from a file or an array.

    Raises UnusableReference for an array of another kind; UnreadableMedia, RefusedMedia for files.
    """
    if isinstance(source, (str, Path)):
        from analysis.media.frames import read_picture

        image = read_picture(source, keep_alpha=True)
    else:
        image = source
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (3, 4):
        raise UnusableReference(
            f"A reference must be an 8-bit colour picture, not {image.dtype} {image.shape}."
        )
    return image


def pictures_of(image: Pixels) -> list[Picture]:
    """The pictures that stand for a reference: one, or more where it is see-through or colourful.

    A see-through logo is drawn on black and on white, because where its outline meets the
    background depends on the background. One whose contrast is in its colour is drawn in the
    planes that show it, beside its brightness.
    Raises UnusableReference where nothing is left to see.
    """
    logo = solid_part(image)
    if min(logo.shape[:2]) < _SMALLEST:
        height, width = logo.shape[:2]
        raise UnusableReference(
            f"This reference is too small: {width} × {height} pixels. "
            f"Use a picture of at least {_SMALLEST} pixels each way, better 100 or more."
        )
    if logo.shape[2] == 3:
        return _opaque(logo)
    return [_on_backdrop(logo, shade) for shade in (0, 255)]


def on_grounds(image: Pixels) -> list[Picture]:
    """A logo on a ground of one colour, as it hangs or stands on black and on white.

    A plain one shows little but its own outline, and its picture ends there. None for others.
    """
    logo = solid_part(image)
    if logo.shape[2] == 4:
        return []
    edge = np.concatenate([logo[0], logo[-1], logo[:, 0], logo[:, -1]])
    if edge.std(0).max() > _ONE_COLOUR:
        return []
    solid = np.full((*logo.shape[:2], 1), 255, np.uint8)
    return [_on_backdrop(np.dstack([logo, solid]), shade) for shade in (0, 255)]


def duplicates(references: Mapping[str, Sequence[Source]]) -> list[tuple[str, str]]:
    """Pairs of labels that share a reference picture, pixel for pixel, in order of the labels.

    Both labels are found wherever the picture is; a person should know that.
    """
    owners: dict[str, list[str]] = {}
    for label, sources in references.items():
        for source in sources:
            image = np.ascontiguousarray(read_reference(source))
            digest = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
            owners.setdefault(digest, []).append(label)
    pairs = {
        (a, b)
        for labels in owners.values()
        for i, a in enumerate(labels)
        for b in labels[i + 1 :]
        if a != b
    }
    return sorted(pairs)


def solid_part(image: Pixels) -> Pixels:
    """The picture cut to what is not see-through; BGR where nothing is."""
    if image.shape[2] == 3:
        return image
    solid = image[:, :, 3] >= 128
    if not solid.any():
        raise UnusableReference("This reference is see-through everywhere; there is no logo in it.")
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cut[:, :, :3] if (cut[:, :, 3] >= 250).mean() > 0.995 else cut


def _scale(width: int, height: int) -> float:
    wanted = _SIDE / math.sqrt(width * height)
    return min(wanted, _LARGEST_ENLARGEMENT, _LONGEST / max(width, height))


def _resized(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    scale = _scale(width, height)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return resize(image, size, interpolation=kind)


def stretched(chroma: Pixels) -> Pixels:
    """Blueness or redness, drawn in grey: 128 where there is no colour."""
    return lut(chroma, _STRETCHED)


def _opaque(logo: Pixels) -> list[Picture]:
    bgr = _resized(np.ascontiguousarray(logo))
    height, width = bgr.shape[:2]
    outline = (0.0, 0.0, float(width), float(height))
    brightness, red, blue = np.moveaxis(cvt_color(bgr, cv2.COLOR_BGR2YCrCb), 2, 0).copy()
    return [
        Picture(brightness, None, outline),
        *(
            Picture(stretched(chroma), None, outline, plane)
            for plane, chroma in _telling(brightness, blue, red)
        ),
    ]


def _telling(brightness: Pixels, blue: Pixels, red: Pixels) -> Iterator[tuple[Plane, Pixels]]:
    """The planes of colour that show a logo better than a brightness that hardly shows it."""
    faint, strongest = brightness.std(), max(blue.std(), red.std())
    if faint >= _FAINT or strongest < max(_COLOURFUL, faint):
        return
    if blue.std() > _SHARE * strongest:
        yield "blueness", blue
    if red.std() > _SHARE * strongest:
        yield "redness", red


def _on_backdrop(logo: Pixels, shade: int) -> Picture:
    """A see-through logo on a plain backdrop, with a margin."""
    alpha = logo[:, :, 3:].astype(np.float32) / 255
    drawn = logo[:, :, :3] * alpha + shade * (1 - alpha)
    bgr = _resized(np.round(drawn).astype(np.uint8))
    solid = _resized(np.ascontiguousarray(logo[:, :, 3]))
    height, width = solid.shape
    pad = round(_MARGIN * math.sqrt(width * height)) + 2
    sides = (pad, pad, pad, pad)
    bgr = copy_make_border(bgr, *sides, cv2.BORDER_CONSTANT, value=(shade, shade, shade))
    solid = copy_make_border(solid, *sides, cv2.BORDER_CONSTANT, value=0)
    near = dilate((solid >= 128).astype(np.uint8) * 255, np.ones((pad, pad), np.uint8))
    outline = (float(pad), float(pad), float(pad + width), float(pad + height))
    return Picture(cvt_color(bgr, cv2.COLOR_BGR2GRAY), near, outline)
