"""Whether some pixels are in another frame, and where: between looks a line is followed by them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.types import Box

Small = NDArray[np.uint8]  # brightness of a frame, at most WIDTH pixels wide
WIDTH = 640
_FLAT = 4.0  # grey levels of spread below which a patch shows nothing
_FOUND = 0.75  # correlation from which it is the same line, or what is left of it
# spreads that two patches differ by, in the part in which they differ most: measured on a clock,
# a digit that changed makes 0.58 and more, compressing 0.07; half a pixel of motion up to 0.9
_SAME, _SAME_MOVING = 0.45, 1.0
_REACH_PX = 4


def small(luma: NDArray[np.uint8]) -> Small:
    """The brightness of a frame as lines are followed in it."""
    height, width = luma.shape
    if width <= WIDTH:
        return luma.copy()
    size = WIDTH, max(round(height * WIDTH / width), 1)
    return cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def cut_out(frame: Small, box: Box) -> NDArray[np.uint8]:
    """The pixels of a box, two or more in each direction where the frame has them."""
    x1, y1, x2, y2 = _pixels(frame, box)
    return frame[y1:y2, x1:x2].copy()


def has_contrast(patch: NDArray[np.uint8]) -> bool:
    return patch.size > 0 and float(patch.std()) >= _FLAT


def find(patch: NDArray[np.uint8], frame: Small, box: Box) -> tuple[float, float] | None:
    """How far a patch has moved from `box` in a frame, as shares of it; None: it is not near."""
    if not has_contrast(patch):
        return None
    x1, y1, _, _ = _pixels(frame, box)
    height, width = patch.shape
    reach = max(_REACH_PX, height // 2)
    left, top = max(x1 - reach, 0), max(y1 - reach, 0)
    around = frame[top : y1 + height + reach, left : x1 + width + reach]
    if around.shape[0] < height or around.shape[1] < width:
        return None
    likeness = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(likeness)
    if best < _FOUND:
        return None
    return (left + x - x1) / frame.shape[1], (top + y - y1) / frame.shape[0]


def is_alike(
    patch: NDArray[np.uint8], other: NDArray[np.uint8], *, has_moved: bool = False
) -> bool:
    """Whether two patches show the same letters: a digit that changed makes them differ where it
    stands, however alike they are as a whole. `has_moved`: they lie apart, by parts of pixels too.
    """
    if patch.shape != other.shape or not (has_contrast(patch) and has_contrast(other)):
        return False
    one, two = (_normalised(p) for p in (patch, other))
    window = max(patch.shape[0] // 2, 2)
    differs = cv2.blur(np.abs(one - two), (window, window))
    return float(differs.max()) < (_SAME_MOVING if has_moved else _SAME)


def _normalised(patch: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = cv2.GaussianBlur(patch.astype(np.float32), (3, 3), 0)
    return ((values - values.mean()) / max(float(values.std()), 1e-6)).astype(np.float32)


def _pixels(frame: Small, box: Box) -> tuple[int, int, int, int]:
    height, width = frame.shape
    x1 = min(max(int(box.x1 * width), 0), max(width - 2, 0))
    y1 = min(max(int(box.y1 * height), 0), max(height - 2, 0))
    return x1, y1, max(round(box.x2 * width), x1 + 2), max(round(box.y2 * height), y1 + 2)
