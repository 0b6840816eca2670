"""How much a frame differs from the one before: what cuts are found by, and still pictures."""

from __future__ import annotations

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.media.decoding.decoder import SAME_S, Seen
from analysis.media.decoding.geometry import convert, plane
from analysis.media.opencv import resize

CHANGE = np.dtype([("time_s", "<f8"), ("score", "<f4")])
_SIGNATURE = (64, 36)  # cells that a frame is averaged to, for telling how much it changed
_BUSIEST = 16  # cells, 0.7 % of the picture: a small logo that appears changes so many


class Meter:
    """How much each frame differs from the one before, and from the one delivered last."""

    def __init__(self, request: dict) -> None:
        self._is_on = bool(request.get("changes")) or request.get("hold_below") is not None
        self._hold_below: float | None = request.get("hold_below")
        self._from_s: float = request.get("from_s", -np.inf)
        self._until_s: float = request.get("until_s", np.inf)
        self._signatures: list[tuple[Seen, NDArray[np.uint8]]] = []  # the last two
        self._delivered: NDArray[np.uint8] | None = None
        self._changes: list[tuple[float, float]] = []

    def see(self, seen: Seen) -> None:
        if not self._is_on:
            return
        now = signature(seen.frame)
        score = 0.0
        if self._signatures:
            before = self._signatures[-1][1]
            score = cv2.norm(now, before, cv2.NORM_L1) / (255 * now.size)
        if self._from_s < seen.time_s <= self._until_s + SAME_S:
            self._changes.append((seen.time_s, score))
        self._signatures = [*self._signatures[-1:], (seen, now)]

    def is_same(self, choice: Seen) -> bool:
        """Whether `choice` looks like the frame delivered last; if not, it is the last now."""
        if self._hold_below is None:
            return False
        now = next(sign for seen, sign in self._signatures if seen is choice)
        if self._delivered is not None and difference(now, self._delivered) <= self._hold_below:
            return True
        self._delivered = now
        return False

    def take(self) -> bytes:
        changes, self._changes = self._changes, []
        return np.array(changes, CHANGE).tobytes()


def signature(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The frame as a few thousand averaged cells: brightness, then the two colour planes."""
    if frame.format.name not in ("yuv420p", "yuvj420p", "nv12"):
        frame = convert(frame, _SIGNATURE[0] * 4, _SIGNATURE[1] * 4, "yuv420p")
    width, height = frame.width, frame.height
    cells = [_cells(plane(frame, 0, width, height), *_SIGNATURE)]
    if frame.format.name != "nv12" and min(width, height) > 1:
        half = (width + 1) // 2, (height + 1) // 2
        cells += [
            _cells(plane(frame, index, *half), _SIGNATURE[0] // 2, _SIGNATURE[1] // 2)
            for index in (1, 2)
        ]
    return np.concatenate(cells)


def difference(now: NDArray[np.uint8], before: NDArray[np.uint8]) -> float:
    """Change of the busiest cells, 0 to 1, so that a small logo counts in a still picture."""
    change = cv2.absdiff(now, before).ravel()
    return float(np.partition(change, -_BUSIEST)[-_BUSIEST:].mean()) / 255


def _cells(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Averages over a grid: 16 points a cell are as good as all of them, and far cheaper."""
    points = resize(pixels, (width * 4, height * 4), interpolation=cv2.INTER_LINEAR)
    return resize(points, (width, height), interpolation=cv2.INTER_AREA).ravel()
