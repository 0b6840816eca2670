"""Which part of a box a detector goes by: cover it, and see how much less sure it is.

Occlusion sensitivity (Zeiler & Fergus 2014, “Visualizing and understanding convolutional
networks”), with a blur in place of a grey square: a blurred part is a weaker clue and not a new
edge (Fong & Vedaldi 2017). It asks the detector as it is, so it works for every kind alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.boxes import ious
from analysis.detectors import Detector
from analysis.media.frames import Frame
from analysis.types import Box

CELLS = 7  # across and down the longer side of the part that is looked at
AROUND = 0.25  # of the box's sides, looked at on each side of it as well
_SAME_IOU = 0.3  # a covered logo is often found in a smaller box

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """drops: (rows, columns), how much confidence is lost where that cell is covered, −1 to 1;
    above 0 speaks for the label, below 0 against it. area: what the cells lie over, xyxy fractions
    of the frame. confidence: with nothing covered."""

    drops: NDArray[np.float64]
    area: Box
    confidence: float

    @property
    def outside_share(self) -> float:
        """How much of what speaks for the label lies in the cells at the border of the area, 0 to
        1: what a detector learned of a logo's surroundings, and not of the logo."""
        gains = np.maximum(self.drops, 0)
        inner = gains[1:-1, 1:-1].sum() if min(gains.shape) > 2 else gains.sum()
        return float(1 - inner / gains.sum()) if gains.sum() > 0 else 0.0


def occlusion(
    detector: Detector,
    image: Pixels,
    box: Box,
    label: str,
    *,
    cells: int = CELLS,
    tick: Callable[[float], None] = lambda share: None,
) -> Heat:
    """Cover each cell of a box and its surroundings in turn, and ask the detector again.

    image: uint8 (height, width, 3) BGR, the frame as displayed. box: xyxy fractions of it. A cover
    is two cells wide and high and goes on cell by cell; a cell's drop is the mean of the covers
    over it. tick: told the share that is done, and may raise to stop. Raises ValueError where the
    box has no area in the picture.
    """
    area = _area(box)
    height, width = image.shape[:2]
    x1, y1 = round(area.x1 * width), round(area.y1 * height)
    x2, y2 = round(area.x2 * width), round(area.y2 * height)
    if x2 - x1 < 2 or y2 - y1 < 2:
        raise ValueError("the box has no area in the picture")
    rows, columns = _grid(y2 - y1, x2 - x1, cells)
    blurred = _blurred(image, max(x2 - x1, y2 - y1))
    down = np.linspace(y1, y2, rows + 1).round().astype(int)
    across = np.linspace(x1, x2, columns + 1).round().astype(int)
    base = _confidence(detector, image, box, label)
    lost, covers = np.zeros((rows, columns)), np.zeros((rows, columns))
    places = [(r, c) for r in range(-1, rows) for c in range(-1, columns)]
    for n, (r, c) in enumerate(places):
        tick(n / len(places))
        cells_over = slice(max(r, 0), r + 2), slice(max(c, 0), c + 2)
        top, bottom = down[max(r, 0)], down[min(r + 2, rows)]
        left, right = across[max(c, 0)], across[min(c + 2, columns)]
        covered = image.copy()
        covered[top:bottom, left:right] = blurred[top:bottom, left:right]
        lost[cells_over] += base - _confidence(detector, covered, box, label)
        covers[cells_over] += 1
    tick(1.0)
    return Heat(lost / covers, area, base)


def _area(box: Box) -> Box:
    x, y = AROUND * box.width, AROUND * box.height
    return Box(box.x1 - x, box.y1 - y, box.x2 + x, box.y2 + y).clipped()


def _grid(height: int, width: int, cells: int) -> tuple[int, int]:
    """Rows and columns of cells that are about square, no smaller than two pixels."""
    side = max(max(height, width) / cells, 2.0)
    return max(round(height / side), 2), max(round(width / side), 2)


def _blurred(image: Pixels, longest: int) -> Pixels:
    """Without anything that could be read in a part of that size."""
    sigma = max(longest / 6, 2.0)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _confidence(detector: Detector, image: Pixels, box: Box, label: str) -> float:
    """How sure the detector is of the label in about that box; 0 where it does not find it."""
    (found,) = detector.detect([Frame.from_bgr(image)])
    mine = [one for one in found if one.label == label]
    if not mine:
        return 0.0
    near = ious([box], [one.box for one in mine])[0] >= _SAME_IOU
    return max(
        (one.confidence for one, is_near in zip(mine, near, strict=True) if is_near), default=0.0
    )
