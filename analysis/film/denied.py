"""What people said that it is not, in frames that are looked at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.detectors import Detector, HasArtwork, HasNotThis
from analysis.film import patches
from analysis.film.resemblance import DENIED, is_rather
from analysis.film.views import View
from analysis.media.frames import Frame
from analysis.types import Detection


def weighed(detector: Detector, frame: Frame, detections: Sequence[Detection]) -> list[Detection]:
    """The same detections, most confident first; hardly sure of those that rather show a *not
    this* picture of their label."""
    if not isinstance(detector, HasNotThis) or not any(map(detector.not_this, _labels(detections))):
        return list(detections)
    view = View(frame)
    found = [
        replace(d, confidence=d.confidence * DENIED) if _is_denied(detector, view, d) else d
        for d in detections
    ]
    return sorted(found, key=lambda d: -d.confidence)


def _labels(detections: Sequence[Detection]) -> set[str]:
    return {d.label for d in detections}


def _is_denied(detector: HasNotThis, view: View, detection: Detection) -> bool:
    not_this = detector.not_this(detection.label)
    if not not_this:
        return False
    corners = corners_of(detection, view)
    size = patches.canvas_size(corners)
    canvas = patches.draw(view, patches.place_of(corners, size), size)
    own = detector.artwork(detection.label) if isinstance(detector, HasArtwork) else ()
    return is_rather(not_this, own, canvas)


def corners_of(detection: Detection, view: View) -> NDArray[np.float64]:
    """(3, 2): its top left, top right and bottom left, pixels of the view."""
    (x1, y1, x2, y2), outline = detection.box, detection.outline
    points = [outline[0], outline[1], outline[3]] if outline else [(x1, y1), (x2, y1), (x1, y2)]
    return np.array(points) * (view.width, view.height)
