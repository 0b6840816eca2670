"""The boxes of a frame as an item keeps them, and what rides on them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.film.columns import Columns

_SIDES = ("x1", "y1", "x2", "y2")


class Predictions:
    """What a run found, frame by frame, with how long each track is shown."""

    def __init__(self, columns: Columns, thresholds: Mapping[int, float]) -> None:
        self.columns, self.thresholds = columns, thresholds
        frames, found = columns.frames, columns.detections
        self.dwell_s: NDArray[np.float64] = frames["end_s"] - frames["start_s"]
        self._starts = np.searchsorted(found["frame"], np.arange(len(frames) + 1))
        self._frame = np.ascontiguousarray(found["frame"])
        labels = np.array(sorted(thresholds), np.int64)
        floors = np.array([thresholds[label] for label in labels.tolist()] + [2.0], np.float32)
        place = np.searchsorted(labels, found["label"])
        is_known = np.isin(found["label"], labels)
        self._floor = floors[np.where(is_known, place, len(labels))]

    @cached_property
    def _by_track(self) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
        order = np.argsort(self.columns.detections["track"], kind="stable")
        return order, self.columns.detections["track"][order]

    def drawn(self, frame: int, matched: set[int]) -> list[dict[str, Any]]:
        """The boxes of a frame that count, and those that are why it was chosen (their rows)."""
        low, high = self._starts[frame], self._starts[frame + 1]
        return [
            self._box(row, row - int(low), row in matched)
            for row in range(int(low), int(high))
            if row in matched or self.columns.detections["confidence"][row] >= self._floor[row]
        ]

    def _box(self, row: int, place: int, is_matched: bool) -> dict[str, Any]:
        found = self.columns.detections[row]
        return {
            "id": f"b{place}",
            "label": int(found["label"]),
            "box": [round(float(found[side]), 6) for side in _SIDES],
            "confidence": round(float(found["confidence"]), 4),
            "is_weak": bool(found["confidence"] < self._floor[row]),
            "is_matched": is_matched,
            "track": self._track(int(found["track"])),
        }

    def _track(self, number: int) -> dict[str, Any] | None:
        if number < 0:
            return None
        order, numbers = self._by_track
        low, high = np.searchsorted(numbers, number), np.searchsorted(numbers, number + 1)
        frames = self._frame[order[low:high]]
        times = self.columns.frames["time_s"][frames]
        return {
            "start_s": round(float(times.min()), 6),
            "end_s": round(float(times.max()), 6),
            "n_frames": len(frames),
            "seconds": round(float(self.dwell_s[np.unique(frames)].sum()), 3),
        }


def doubt(confidence: float) -> float:
    """How unsure a box is: 1 at a confidence of a half, 0 where it is surely there or not
    (the variance of a coin, four times)."""
    return 4 * confidence * (1 - confidence)


def stake_s(boxes: list[dict[str, Any]], dwell_s: float) -> float:
    """The seconds of the report that a decision may change, each as far as it is in doubt: those
    of the tracks that are why the frame was chosen, or of the frame where nothing was found."""
    asked = [box for box in boxes if box["is_matched"]] or boxes
    if not asked:
        return dwell_s
    return sum(
        (box["track"]["seconds"] if box["track"] else dwell_s) * doubt(box["confidence"])
        for box in asked
    )


def seconds_of(boxes: list[dict[str, Any]], dwell_s: float) -> float:
    """The seconds that these boxes are shown, of whole tracks; at least those of the frame."""
    return max([dwell_s, *(box["track"]["seconds"] for box in boxes if box["track"])])
