"""What is kept of a frame while the frames around it are compared with it.

A view is the frame at working size, in brightness and colour: an eighth of the memory of a frame
in high definition, and enough to tell whether a logo is still where it was.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.media.frames import Frame
from analysis.media.opencv import resize
from analysis.types import Box

Pixels = NDArray[np.uint8]
Map = NDArray[np.float64]  # (2, 3), of points in pixels

SIDE = 960  # pixels: the longer side of a view
_SMALL = 48  # pixels: the longer side of the picture by which cuts are seen
_AROUND = 7  # of its pixels: what lies so near to a change is looked at with it
_HARDLY = 0.5  # of a change: what is weaker is not part of it
_MOST = 0.6  # of a frame: more is looked at as a whole
_WHOLE = Box(0.0, 0.0, 1.0, 1.0)
_CAMERA = 320  # pixels: the longer side of the picture by which the camera's motion is measured
_POINTS = 150
_FEWEST = 12  # points that must agree on how the camera moved


class View:
    """A frame at working size.

    planes: brightness (h, w) as coded, and blueness and redness at half of that.
    """

    __slots__ = ("_camera", "height", "planes", "small", "time_s", "width")

    def __init__(self, frame: Frame) -> None:
        self.time_s = frame.time_s
        scale = min(1.0, SIDE / max(frame.width, frame.height))
        self.width = max(2, round(frame.width * scale / 2) * 2)
        self.height = max(2, round(frame.height * scale / 2) * 2)
        luma, half = frame.luma, (self.width // 2, self.height // 2)
        blue, red = frame.chroma
        self.planes: tuple[Pixels, Pixels, Pixels] = (
            _sized(luma, (self.width, self.height)),
            _sized(blue, half),
            _sized(red, half),
        )
        self._camera: Pixels | None = None
        small = _fitting(self.width, self.height, _SMALL)
        self.small = resize(self.planes[0], small, interpolation=cv2.INTER_AREA)

    @property
    def n_bytes(self) -> int:
        return sum(plane.nbytes for plane in self.planes)

    def is_as_large_as(self, other: View) -> bool:
        """Whether pixels of one are pixels of the other."""
        return (self.width, self.height) == (other.width, other.height)

    @property
    def camera(self) -> Pixels:
        """The brightness by which the camera's motion is measured."""
        if self._camera is None:
            size = _fitting(self.width, self.height, _CAMERA)
            self._camera = resize(self.planes[0], size, interpolation=cv2.INTER_AREA)
        return self._camera

    def difference(self, other: View) -> float:
        """How much two views differ, 0 to 1, mean over a very small picture of each."""
        if self.small.shape != other.small.shape:
            return 1.0
        return float(cv2.norm(self.small, other.small, cv2.NORM_L1)) / (255 * self.small.size)

    def stirred(self, looked: Pixels, changed: float) -> tuple[Box, ...]:
        """The parts in which something came or went, with what lies around them.

        looked: what `small` showed where it was looked at last.
        changed: how much a part has to differ where it does most, 0 to 1.
        """
        if self.small.shape != looked.shape:
            return (_WHOLE,)
        apart = cv2.blur(cv2.absdiff(self.small, looked), (3, 3))
        if float(apart.max()) <= 255 * changed:
            return ()
        has_changed = (apart > 255 * _HARDLY * changed).astype(np.uint8)
        around = cv2.dilate(has_changed, np.ones((_AROUND, _AROUND), np.uint8))
        _, numbers, boxes, _ = cv2.connectedComponentsWithStats(around)
        high, wide = self.small.shape
        parts = [
            Box(x / wide, y / high, (x + w) / wide, (y + h) / high)
            for number, (x, y, w, h, _) in enumerate(boxes.tolist())
            if number and float(apart[numbers == number].max()) > 255 * changed
        ]
        return tuple(parts) if sum(p.area for p in parts) < _MOST else (_WHOLE,)

    def cells(self, part: Box) -> tuple[slice, slice]:
        """Rows and columns of `small` in a part."""
        high, wide = self.small.shape
        rows = slice(round(part.y1 * high), round(part.y2 * high))
        return rows, slice(round(part.x1 * wide), round(part.x2 * wide))


def _fitting(width: int, height: int, longest: int) -> tuple[int, int]:
    scale = longest / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _sized(plane: Pixels, size: tuple[int, int]) -> Pixels:
    """A copy of the plane at this size."""
    if plane.shape[::-1] == size:
        return plane.copy()
    return resize(plane, size, interpolation=cv2.INTER_AREA)


def camera_motion(before: View, after: View) -> Map | None:
    """Where the scene went from one view to the next: pixels of a view → pixels of the other.

    Corners of the scene are followed by their optical flow (Lucas and Kanade 1981, in pyramids)
    and most of them agree on one shift, turn and scale (RANSAC). None where they do not: a cut.
    """
    a, b = before.camera, after.camera
    if a.shape != b.shape:
        return None
    points = cv2.goodFeaturesToTrack(a, _POINTS, 0.01, 6)
    if points is None or len(points) < _FEWEST:
        return np.eye(2, 3) if before.difference(after) < 0.02 else None
    flow = cv2.calcOpticalFlowPyrLK(a, b, points, np.empty_like(points), winSize=(15, 15))
    moved, found = flow[0], flow[1].ravel() == 1
    if found.sum() < _FEWEST:
        return None
    motion, agree = cv2.estimateAffinePartial2D(
        points[found], moved[found], method=cv2.RANSAC, ransacReprojThreshold=1.0
    )
    if motion is None or agree.sum() < max(_FEWEST, 0.3 * len(points)):
        return None
    scale = before.width / a.shape[1]
    return np.c_[motion[:, :2], motion[:, 2] * scale]
