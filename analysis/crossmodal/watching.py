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

    A frame is taken a second after the one before it. Of a shot that is over by then its first
    frame is taken, as long as there are no more than two for each second in all.
    """

    def __init__(self, encoder: Encoder[Pixels], every_s: float = EVERY_S) -> None:
        self._encoder, self._every_s = encoder, every_s - 1e-6
        self._times: list[float] = []
        self._pictures: list[Pixels] = []
        self._encoded: list[Encoded] = []
        self._cuts: list[float] = []
        self._before: NDArray[np.uint8] | None = None
        self._unseen: tuple[float, Pixels] | None = None  # the first frame of a shot so far unseen

    def __call__(self, frame: Frame) -> bool:
        """See a frame, whose pixels are not needed afterwards. True: it was taken."""
        small = resize(frame.luma, _SMALL, interpolation=cv2.INTER_AREA)
        before, self._before = self._before, small
        is_new = before is None or is_cut(before, small)
        if is_new:
            self._take_unseen()
            self._cuts.append(frame.time_s)
        is_due = not self._times or frame.time_s >= self._times[-1] + self._every_s
        if is_due:
            self._unseen = None
            self._take(frame.time_s, _picture(frame))
        elif is_new:
            self._unseen = frame.time_s, _picture(frame)
        return is_due

    def finish(self, start_s: float, end_s: float) -> Encodings:
        """What was made of the frames. Each stands for the time until the next one, or until the
        shot of the next one begins; the first from `start_s` on, the last until `end_s`."""
        self._take_unseen()
        self._encode()
        rows = np.empty(len(self._times), FRAME)
        rows["time_s"] = self._times
        if len(rows):
            borders = self._borders()
            rows["start_s"] = [min(start_s, self._times[0]), *borders]
            rows["end_s"] = [*borders, max(end_s, self._times[-1])]
        return Encodings.of(PICTURE, self._encoder.engine, rows, self._encoded)

    def _take_unseen(self) -> None:
        if self._unseen is None:
            return
        time_s, picture = self._unseen
        self._unseen = None
        if len(self._times) <= 2 * (time_s - self._times[0]) / self._every_s:
            self._take(time_s, picture)

    def _take(self, time_s: float, picture: Pixels) -> None:
        self._times.append(time_s)
        self._pictures.append(picture)
        if len(self._pictures) >= _AT_ONCE:
            self._encode()

    def _borders(self) -> list[float]:
        """Between each two of the frames."""
        began = np.searchsorted(self._cuts, self._times, "right") - 1
        shots = np.array(self._cuts)[began]
        return [
            float(shot) if shot > before else time_s
            for before, time_s, shot in zip(self._times, self._times[1:], shots[1:], strict=False)
        ]

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


def _picture(frame: Frame) -> Pixels:
    """What an encoder is given: at the size that thumbnails are made from, so that the frame is
    converted once."""
    share = min(NEAR / max(frame.width, frame.height), 1.0)
    width, height = (max(2 * round(side * share / 2), 2) for side in (frame.width, frame.height))
    return frame.bgr((width, height)).copy()


def _apart(times_s: NDArray[np.float64], least_s: float) -> NDArray[np.float64]:
    """Those of them that are at least so far apart."""
    chosen, last = [], -math.inf
    for at in times_s.tolist():
        if at >= last + least_s - 1e-6:
            chosen.append(at)
            last = at
    return np.array(chosen)
