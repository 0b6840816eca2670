"""The frames of a film that are encoded: about one a second, and one of each shot."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.encodings import Encodings
from analysis.crossmodal.pictures import Pixels
from analysis.crossmodal.types import PICTURE, Encoded, Encoder
from analysis.errors import Stopped
from analysis.film.columns import FRAME
from analysis.media.frames import Frame, FrameReader
from analysis.media.guard import Limits
from analysis.media.opencv import resize

EVERY_S = 1.0
LOOKS_S = 0.2  # between the frames that are looked at for cuts
NEAR = 640  # pixels: the longer side of what an encoder is given
_CUT = 24.0  # grey levels from one frame to the next, over all of it
_SMALL = (16, 9)
_AT_ONCE = 16  # pictures that are encoded together


class Watcher:
    """Sees the frames of one stretch in order, and encodes some of them.

    A frame is taken a second after the one before it. One that begins a shot is taken sooner, as
    long as there are no more than one for each second in all.
    """

    def __init__(self, encoder: Encoder[Pixels], every_s: float = EVERY_S) -> None:
        self._encoder, self._every_s = encoder, every_s - 1e-6
        self._times: list[float] = []
        self._pictures: list[Pixels] = []
        self._encoded: list[Encoded] = []
        self._before: NDArray[np.uint8] | None = None
        self._first_s = 0.0

    def __call__(self, frame: Frame) -> bool:
        """See a frame, whose pixels are not needed afterwards. True: it was taken."""
        small = resize(frame.luma, _SMALL, interpolation=cv2.INTER_AREA)
        before, self._before = self._before, small
        if not self._times:
            self._first_s = frame.time_s
        elif not self._is_due(frame.time_s, before, small):
            return False
        self._times.append(frame.time_s)
        self._pictures.append(frame.bgr(_size(frame)).copy())
        if len(self._pictures) >= _AT_ONCE:
            self._encode()
        return True

    def finish(self, start_s: float, end_s: float) -> Encodings:
        """What was made of the frames. Each stands for the time until the next one, the first from
        `start_s` on, the last until `end_s`."""
        self._encode()
        rows = np.empty(len(self._times), FRAME)
        rows["time_s"] = self._times
        if len(rows):
            rows["start_s"] = [min(start_s, self._times[0]), *self._times[1:]]
            rows["end_s"] = [*self._times[1:], max(end_s, self._times[-1])]
        return Encodings.of(PICTURE, self._encoder.engine, rows, self._encoded)

    def _is_due(
        self, time_s: float, before: NDArray[np.uint8] | None, small: NDArray[np.uint8]
    ) -> bool:
        if time_s >= self._times[-1] + self._every_s:
            return True
        is_affordable = len(self._times) <= (time_s - self._first_s) / self._every_s
        return is_affordable and before is not None and is_cut(before, small)

    def _encode(self) -> None:
        self._encoded += self._encoder(self._pictures)
        self._pictures = []


def watch_film(
    path: Path | str,
    encoder: Encoder[Pixels],
    times_s: NDArray[np.float64],
    span_s: tuple[float, float],
    *,
    progress: Callable[[float], None] = lambda time_s: None,
    should_stop: Callable[[], bool] = lambda: False,
    limits: Limits | None = None,
) -> tuple[Encodings, str]:
    """What an encoder makes of a stretch of film, and a sentence where some of it is damaged.

    times_s: of its frames, ascending. progress: told the time that it has come to. Raises
    UnreadableMedia, RefusedMedia, Stopped.
    """
    watcher = Watcher(encoder)
    wanted = _apart(times_s, LOOKS_S)
    with FrameReader(
        path, wanted, span_s=span_s, spare=True, should_stop=should_stop, limits=limits
    ) as frames:
        for frame in frames:
            if should_stop():
                raise Stopped
            if watcher(frame):
                progress(frame.time_s)
    return watcher.finish(*span_s), frames.problem or ""


def watch_picture(picture: Pixels, encoder: Encoder[Pixels]) -> Encodings:
    """What an encoder makes of a picture (h, w, 3) BGR, as a film of one frame at 0 s that lasts no
    time."""
    watcher = Watcher(encoder)
    watcher(Frame.from_bgr(picture))
    return watcher.finish(0.0, 0.0)


def is_cut(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> bool:
    """Whether two small frames that follow each other are of different shots."""
    return float(np.abs(before.astype(np.int16) - now).mean()) > _CUT


def _size(frame: Frame) -> tuple[int, int]:
    """Even, so that film is converted quickly; and the size that thumbnails are made from, so that
    it is converted once."""
    share = min(NEAR / max(frame.width, frame.height), 1.0)
    width, height = (max(2 * round(side * share / 2), 2) for side in (frame.width, frame.height))
    return width, height


def _apart(times_s: NDArray[np.float64], least_s: float) -> NDArray[np.float64]:
    """Those of them that are at least so far apart."""
    chosen, last = [], -math.inf
    for at in times_s.tolist():
        if at >= last + least_s - 1e-6:
            chosen.append(at)
            last = at
    return np.array(chosen)
