"""“Predict next”: carries a box over the frames of a clip while somebody watches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError, Stopped
from analysis.labelling.propagation import Lost, carry
from analysis.media.frames import FrameReader
from analysis.types import Box
from webapp.labelling.predictions import Prediction
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.engine.piece import piece

_BACKWARDS_AT_ONCE = 24  # frames held in memory: films are decoded forwards only
_BEAT_S = 0.3


@piece(Prediction, beat_s=_BEAT_S)
def predict(prediction: Prediction, beat: Heartbeat) -> dict[str, Any]:
    """Carry the box until the count is reached, it is lost, or nobody wants it any more."""
    boxes: dict[str, list[float]] = {}
    try:
        if not prediction.is_wanted():
            raise Stopped
        why = _carry(prediction, boxes, beat)
    except Stopped:
        if prediction.is_wanted():
            raise
        why = "cancelled"
    return {"boxes": boxes, "stopped_because": why}


def _carry(prediction: Prediction, boxes: dict[str, list[float]], beat: Heartbeat) -> str:
    """Fill `boxes` by frame; why it ended early, "" when it did not."""
    numbers = _numbers(prediction)
    pictures = _pictures(prediction, numbers, beat)
    try:
        for number, one in zip(numbers[1:], carry(pictures, Box(*prediction.box)), strict=False):
            boxes[str(number)] = [*(round(side, 6) for side in one.box), one.score]
            beat.note(boxes=dict(boxes))
            if beat.should_stop():
                raise Stopped
    except Lost as lost:
        return str(lost)
    return "" if len(boxes) == len(numbers) - 1 else "the film cannot be read further"


def _numbers(prediction: Prediction) -> list[int]:
    """The frame of the box and those to carry it to, in order."""
    step, first = prediction.direction, prediction.frame
    last = len(prediction.work.item.times_s) - 1
    numbers = [first + step * i for i in range(prediction.count + 1)]
    return [number for number in numbers if 0 <= number <= last]


def _pictures(
    prediction: Prediction, numbers: list[int], beat: Heartbeat
) -> Iterator[NDArray[np.uint8]]:
    """The brightness of each frame. Ends at the first that cannot be decoded."""
    item = prediction.work.item
    if item.asset is None:
        raise AnalysisError("The video was deleted.", permanent=True)
    path = local_path(item.asset.file)
    if prediction.direction > 0:
        yield from _read(path, [item.times_s[n] for n in numbers], beat)
        return
    for start in range(0, len(numbers), _BACKWARDS_AT_ONCE):
        some = numbers[start : start + _BACKWARDS_AT_ONCE]
        read = list(_read(path, [item.times_s[n] for n in reversed(some)], beat))
        if len(read) < len(some):
            return
        yield from reversed(read)


def _read(path: Any, times: list[float], beat: Heartbeat) -> Iterator[NDArray[np.uint8]]:
    with FrameReader(path, times, should_stop=beat.should_stop, hop=True) as reader:
        for time_s, frame in zip(times, reader, strict=False):
            if abs(frame.time_s - time_s) > 1e-3:
                return
            yield frame.luma.copy()
