"""Which part of a box a detector goes by: cover parts of it, and see how sure it still is.

Occlusion (Zeiler & Fergus 2014, “Visualizing and understanding convolutional networks”), half of
the cells covered at a time as in RISE (Petsiuk, Das & Saenko 2018): a logo is known by more than
one part, so covering a single one changes nothing. Which half is no accident but a screening
design (Plackett & Burman 1946), folded over (Box & Wilson 1951): with 64 or 128 questions the
effect of each cell is told apart from those of all others, and from what two of them do together.
A cover is a blur and no grey square, which would be a new edge (Fong & Vedaldi 2017). The detector
is asked as it is, so this works for every kind alike.
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

CELLS = 6  # along the longer side of what is looked at
AROUND = 0.25  # of the box's sides, looked at on each side of it as well
_SEED = 5
_SAME_IOU = 0.3  # a covered logo is often found in a smaller box

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """effects: (rows, columns), how much surer the detector is with that cell in view, −1 to 1,
    half of the others being covered: above 0 speaks for the label, below 0 against it. area: what
    the cells lie over, xyxy fractions of the frame. confidence: with nothing covered."""

    effects: NDArray[np.float64]
    area: Box
    confidence: float

    @property
    def outside_share(self) -> float:
        """How much of what speaks for the label lies in the cells at the border of the area, 0 to
        1: what a detector learned of a logo's surroundings, and not of the logo."""
        gains = np.maximum(self.effects, 0)
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
    """Cover half of the cells of a box and its surroundings, again and again, and ask each time.

    image: uint8 (height, width, 3) BGR, the frame as displayed. box: xyxy fractions of it. cells:
    across the longer side, 6 at most. tick: told the share that is done, and may raise to stop.
    Raises ValueError where the box has no area in the picture.
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
    base = _confidence(detector, image, box, label, area)
    effect = np.zeros(rows * columns)
    design = _design(rows * columns)
    for n, in_view in enumerate(design):
        tick(n / len(design))
        covered = image.copy()
        for cell in np.flatnonzero(in_view < 0):
            row, column = divmod(int(cell), columns)
            part = slice(down[row], down[row + 1]), slice(across[column], across[column + 1])
            covered[part] = blurred[part]
        effect += in_view * _confidence(detector, covered, box, label, area)
    tick(1.0)
    return Heat(2 * effect.reshape(rows, columns) / len(design), area, base)


def _design(n: int) -> NDArray[np.int64]:
    """(questions, n): 1 where a cell is in view, −1 where it is covered; each half of the time, and
    with any other cell as often as against it."""
    matrix = np.ones((1, 1), np.int64)
    while len(matrix) <= n:  # Sylvester's
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    columns = np.random.default_rng(_SEED).permutation(np.arange(1, len(matrix)))[:n]
    return np.vstack([matrix[:, columns], -matrix[:, columns]])


def _area(box: Box) -> Box:
    x, y = AROUND * box.width, AROUND * box.height
    return Box(box.x1 - x, box.y1 - y, box.x2 + x, box.y2 + y).clipped()


def _grid(height: int, width: int, cells: int) -> tuple[int, int]:
    """Rows and columns of cells that are about square, no smaller than two pixels."""
    side = max(max(height, width) / min(cells, CELLS), 2.0)
    return max(round(height / side), 2), max(round(width / side), 2)


def _blurred(image: Pixels, longest: int) -> Pixels:
    """Without anything that could be read in a part of that size."""
    sigma = max(longest / 6, 2.0)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _confidence(detector: Detector, image: Pixels, box: Box, label: str, area: Box) -> float:
    """How sure the detector is of the label in about that box; 0 where it does not find it."""
    frame = Frame.from_bgr(image)
    frame.where = (area,)  # a detector that can looks nowhere else
    (found,) = detector.detect([frame])
    mine = [one for one in found if one.label == label]
    if not mine:
        return 0.0
    near = ious([box], [one.box for one in mine])[0] >= _SAME_IOU
    sure = [one.confidence for one, is_near in zip(mine, near, strict=True) if is_near]
    return max(sure, default=0.0)
