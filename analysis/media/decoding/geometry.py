"""From a decoded frame to its pixels as displayed: upright, square, 8 bits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.sidedata.sidedata import SideData
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
_I420 = ("yuv420p", "yuvj420p")
_BT709 = 1
_FULL = 2
# EXIF orientation -> quarter turns clockwise, and whether left and right are swapped after that
EXIF_TURNS = {
    1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True),
    5: (1, True), 6: (1, False), 7: (3, True), 8: (3, False),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Geometry:
    """How to turn the coded frames of one stream into displayed ones."""

    coded_width: int
    coded_height: int
    sample_aspect: Fraction
    quarter_turns: int  # clockwise
    is_mirrored: bool  # left and right swapped after turning
    is_planar: bool  # slots hold Y, U and V at 4:2:0; otherwise BGR
    is_full_range: bool
    is_bt709: bool

    @property
    def coded(self) -> tuple[int, int]:
        return self.coded_width, self.coded_height

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height with square pixels, before turning. Grows one side, shrinks none."""
        aspect = self.sample_aspect
        if aspect > 1:
            return round(self.coded_width * aspect), self.coded_height
        return self.coded_width, round(self.coded_height / aspect)

    @property
    def displayed(self) -> tuple[int, int]:
        width, height = self.upright
        return (height, width) if self.quarter_turns % 2 else (width, height)

    @property
    def slot_bytes(self) -> int:
        width, height = self.displayed
        return width * height * 3 // 2 if self.is_planar else width * height * 3

    def layout(self) -> dict[str, Any]:
        """What the reader of the slots must know."""
        width, height = self.displayed
        return {
            "width": width,
            "height": height,
            "n_bytes": self.slot_bytes,
            "is_planar": self.is_planar,
            "is_full_range": self.is_full_range,
            "is_bt709": self.is_bt709,
        }


def geometry_of(frame: av.VideoFrame, aspect: Fraction | None, *, is_picture: bool) -> Geometry:
    """The geometry of `frame`, whose stream says that its pixels have the shape `aspect`."""
    turns, mirrored = _orientation(frame)
    aspect = aspect if aspect and Fraction(1, 10) < aspect < 10 and not is_picture else Fraction(1)
    parts = frame.format.components
    subsampled = len(parts) >= 3 and not frame.format.is_rgb and parts[1].width < frame.width
    geometry = Geometry(
        coded_width=frame.width,
        coded_height=frame.height,
        sample_aspect=aspect,
        quarter_turns=turns,
        is_mirrored=mirrored,
        is_planar=subsampled and not is_picture,
        is_full_range=_is_full_range(frame),
        is_bt709=_is_bt709(frame),
    )
    if all(side % 2 == 0 for side in geometry.displayed):
        return geometry
    return replace(geometry, is_planar=False)


def fill(slot: Pixels, frame: av.VideoFrame, geometry: Geometry) -> None:
    """Write `frame`, as displayed, into `slot` (flat, `geometry.slot_bytes` long)."""
    if not geometry.is_planar:
        slot[:] = displayed(frame, geometry, "bgr24").reshape(-1)
        return
    width, height = geometry.upright
    if frame.format.name not in _I420 or (frame.width, frame.height) != (width, height):
        frame = convert(frame, width, height, "yuv420p")
    at = 0
    for index, (w, h) in enumerate(
        ((width, height), (width // 2, height // 2), (width // 2, height // 2))
    ):
        pixels = turn(plane(frame, index, w, h), geometry)
        slot[at : at + w * h].reshape(pixels.shape)[:] = pixels
        at += w * h


def displayed(frame: av.VideoFrame, geometry: Geometry, to: str) -> Pixels:
    """The picture that `frame` shows, (height, width, channels); `to` is "bgr24" or "bgra"."""
    pixels = convert(frame, *geometry.upright, to).to_ndarray()
    return turn(cast(Pixels, pixels), geometry)  # the stub names the numbers of every format


def plane(frame: av.VideoFrame, index: int, width: int, height: int) -> Pixels:
    """One 8-bit plane without its padding, not copied."""
    source = frame.planes[index]
    padded = np.frombuffer(memoryview(source), np.uint8).reshape(-1, source.line_size)
    return padded[:height, :width]


def turn(pixels: Pixels, geometry: Geometry) -> Pixels:
    if geometry.quarter_turns:
        pixels = np.rot90(pixels, -geometry.quarter_turns)
    return pixels[:, ::-1] if geometry.is_mirrored else pixels


def convert(frame: av.VideoFrame, width: int, height: int, to: str) -> av.VideoFrame:
    """`frame` at another size and pixel format; the range of its values stays as it is."""
    source_range = _FULL if _is_full_range(frame) else 1
    return frame.reformat(
        width=width,
        height=height,
        format=to,
        src_colorspace="ITU709" if _is_bt709(frame) else "ITU601",
        src_color_range=source_range,
        dst_color_range=source_range if to == "yuv420p" else _FULL,
        interpolation="BILINEAR",
    )


def _is_full_range(frame: av.VideoFrame) -> bool:
    return frame.color_range == _FULL or frame.format.name.startswith("yuvj")


def _is_bt709(frame: av.VideoFrame) -> bool:
    """What the frame says; where it says nothing, high definition is BT.709 as in browsers."""
    return frame.colorspace == _BT709 or (frame.colorspace == 2 and frame.height >= 720)


def _orientation(frame: av.VideoFrame) -> tuple[int, bool]:
    """Quarter turns clockwise, then whether left and right are swapped."""
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV stops at kinds of side data it has no name for, EXIF among them
        return round(-frame.rotation / 90) % 4, False
    if not isinstance(data, SideData):
        return 0, False
    a, b, _, c, d, *_ = np.frombuffer(bytes(data), "<i4")[:9].tolist()
    mirrored = a * d - b * c < 0
    if mirrored:  # undo the swap: what is left is a plain turn
        a, c = -a, -c
    degrees = math.degrees(math.atan2(b, a))
    return round(degrees / 90) % 4, mirrored
