"""How the picture moved between two looks: what stands still meanwhile was put over it.

Corners (Shi and Tomasi 1994) are followed by their optical flow (Lucas and Kanade 1981, in
pyramids), and most of them agree on one shift, turn and scale, found by RANSAC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.reading.patches import Small
from analysis.types import Box

_CORNERS = 150
_LEAST = 16  # corners that can tell anything
_AGREE = 0.5  # of those that were followed
_CUT = 0.3  # fewer of the corners are found again: it is another picture
_ERROR = 20  # grey levels that a corner may look otherwise
_AROUND = 0.5  # of a line's height that is left out around it


@dataclass(frozen=True, slots=True)
class Motion:
    """is_cut: it is another picture. matrix: the 2×3 by which places moved, in shares of the
    frame's width; None where nobody can tell."""

    is_cut: bool
    matrix: NDArray[np.float64] | None
    aspect: float  # height ÷ width

    def shift_at(self, box: Box) -> tuple[float, float] | None:
        """How far the picture moved there, in shares of the frame's width and height."""
        if self.matrix is None:
            return None
        x, y = box.centre
        moved = self.matrix @ np.array([x, y * self.aspect, 1.0])
        return float(moved[0] - x), float(moved[1] / self.aspect - y)


def motion(before: Small, after: Small, lines: Iterable[Box]) -> Motion:
    """From one frame to another; `lines`: where writing is, which does not count."""
    height, width = before.shape
    aspect = height / width
    corners = _corners(before, lines)
    if before.shape != after.shape or len(corners) < _LEAST:
        return Motion(before.shape != after.shape, None, aspect)
    flow = _flow(before, after, corners, np.zeros(2, np.float32))
    if flow.n_agree < _AGREE * len(corners):  # it may have moved farther than flow can follow
        by_shift = _flow(before, after, corners, _shift(before, after))
        flow = max(flow, by_shift, key=lambda one: one.n_agree)
    if flow.n_found < _CUT * len(corners):
        return Motion(True, None, aspect)
    if flow.matrix is None or flow.n_agree < max(_AGREE * flow.n_found, _LEAST):
        return Motion(False, None, aspect)
    shares = np.array(flow.matrix, np.float64)
    shares[:, 2] /= width
    return Motion(False, shares, aspect)


class _Flow(NamedTuple):
    """How many corners were found again, and by which motion how many of them agree."""

    n_found: int
    n_agree: int
    matrix: Any


def _flow(
    before: Small, after: Small, corners: NDArray[np.float32], shift: NDArray[np.float32]
) -> _Flow:
    """Looked for around a shift of them all, in pixels."""
    there, status, error = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        corners,
        corners + shift,
        winSize=(15, 15),
        maxLevel=3,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    found = (status.ravel() == 1) & (error.ravel() < _ERROR)
    n_found = int(found.sum())
    if n_found < _LEAST:
        return _Flow(n_found, 0, None)
    one, two = corners[found].reshape(-1, 2), there[found].reshape(-1, 2)
    matrix, inliers = cv2.estimateAffinePartial2D(one, two, ransacReprojThreshold=1.5)
    return _Flow(n_found, 0 if matrix is None else int(inliers.sum()), matrix)


def _shift(before: Small, after: Small) -> NDArray[np.float32]:
    """The shift of the whole by phase correlation (Kuglin and Hines 1975), however far."""
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    shift, _ = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    return np.array(shift, np.float32)


def _corners(frame: Small, lines: Iterable[Box]) -> NDArray[np.float32]:
    height, width = frame.shape
    mask = np.full(frame.shape, 255, np.uint8)
    for box in lines:
        extra = _AROUND * box.height
        x1, x2 = int((box.x1 - extra) * width), int((box.x2 + extra) * width) + 1
        y1, y2 = int((box.y1 - extra) * height), int((box.y2 + extra) * height) + 1
        mask[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)] = 0
    corners = cv2.goodFeaturesToTrack(frame, _CORNERS, 0.02, 8, mask=mask)
    return np.empty((0, 1, 2), np.float32) if corners is None else corners.astype(np.float32)
