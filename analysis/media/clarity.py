"""How clearly a logo is seen: 0 for a smear, 1 for a crisp print.

The variance of the Laplacian is the usual measure of focus (Pech-Pacheco et al., 2000), but on
a crop as it comes it mostly measures size: the same logo, further away, has steeper edges per
pixel. So every crop is first brought to one height. A logo that is smaller than that height is
blurred by being enlarged, and rightly so: that is what a viewer sees of it.

How strongly the eye answers to contrast levels off and has no end (Naka and Rushton, 1966; Albrecht
and Hamilton, 1982), and so does clarity: of two sharp logos the sharper is always the clearer.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.types import Box

HEIGHT = 48  # pixels that every crop is brought to
MAX_WIDTH = 6 * HEIGHT
MIN_SIDE = 4  # pixels; in less, nothing can be judged
SIGMA = 0.8  # pixels of smoothing: compression's grain, and how a resize falls, count less
# The variance that counts as 0, and by how much more is half clear. Five invented brands' logos,
# crisp and in good contrast, have 250 to 580 at any height from 48 to 240 pixels, 110 to 150 when
# enlarged from 20; blurred by a twelfth of their height they have under 10. Of 622 photographed
# logos two thirds have more than 250 and a tenth more than 1,000, so no largest variance is set.
LO, HALF = 5.0, 171.5


def clarity(luma: NDArray[np.uint8], box: Box) -> float:
    """Clarity of what lies in a box: v / (v + HALF), v the variance of the Laplacian above LO.

    Args:
        luma: brightness of the frame, uint8 (height, width).
        box: fractions of the frame; the part outside is left away.

    Contrast counts: a pale logo is less clear than a bold one. A crop without contrast, or
    under 4 pixels a side, has a clarity of 0.
    """
    crop = _crop(luma, box)
    if min(crop.shape) < MIN_SIDE:
        return 0.0
    width = min(max(round(crop.shape[1] * HEIGHT / crop.shape[0]), MIN_SIDE), MAX_WIDTH)
    kind = cv2.INTER_AREA if crop.shape[0] > HEIGHT else cv2.INTER_LINEAR
    sized = cv2.resize(crop, (width, HEIGHT), interpolation=kind).astype(np.float32)
    smooth = cv2.GaussianBlur(sized, (0, 0), SIGMA, borderType=cv2.BORDER_REPLICATE)
    edges = cv2.Laplacian(smooth, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE)
    variance = float(cv2.meanStdDev(edges)[1][0, 0]) ** 2
    above = max(variance - LO, 0.0)
    return above / (above + HALF)


def _crop(luma: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The pixels that a box touches."""
    height, width = luma.shape
    x1, y1, x2, y2 = box.clipped()
    rows = slice(math.floor(y1 * height), math.ceil(y2 * height))
    columns = slice(math.floor(x1 * width), math.ceil(x2 * width))
    return luma[rows, columns]
