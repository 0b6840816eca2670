"""Read a stretch of film: frame by frame it is seen whether anything changed, and read if so."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import Stopped
from analysis.media.frames import Frame, FrameReader, read_picture
from analysis.media.guard import Limits
from analysis.reading import patches
from analysis.reading.following import Follower, Line
from analysis.reading.motion import Motion, motion
from analysis.reading.patches import Small
from analysis.reading.reader import Reader, apart
from analysis.reading.types import ReadFilm, ReadingOptions, TextBox, TextItem
from analysis.types import Box

_CHANGED = 11.0  # grey levels, in the window that changed most: above what compressing leaves
_WINDOW = 5  # pixels of the small frame
_CUT = 24.0  # grey levels from one frame to the next, over all of it
_CUT_AFTER_S = 0.1  # the last look, at least
_KEPT = 64  # frames that a look may be traced back through


def read_film(
    path: Path | str,
    reader: Reader,
    times_s: NDArray[np.float64],
    end_s: float,
    options: ReadingOptions | None = None,
    *,
    progress: Callable[[float], None] = lambda time_s: None,
    should_stop: Callable[[], bool] = lambda: False,
    limits: Limits | None = None,
    track: int | None = None,
) -> ReadFilm:
    """What is written in a stretch of film, and when.

    Args:
        times_s: of all its frames, ascending: those of the frame table from the stretch's start.
        end_s: when the last of them stops being shown.
        progress: told the time that it has come to, with each look.

    It is looked at whenever something changed since the last time, but no more often than every
    `interval_s`, and again after a cut. Raises UnreadableMedia, RefusedMedia, Stopped.
    """
    options = options or ReadingOptions()
    reading = _Reading(reader, options.interval_s)
    span_s = (float(times_s[0]), end_s) if len(times_s) else (0.0, 0.0)
    with FrameReader(
        path, times_s, span_s=span_s, should_stop=should_stop, limits=limits, track=track
    ) as frames:
        for frame in frames:
            if should_stop():
                raise Stopped
            if reading.see(frame):
                progress(frame.time_s)
    items = reading.follower.end(end_s)
    return ReadFilm(tuple(items), reading.n_read + reading.n_spared, reading.n_read, frames.problem)


def read_picture_file(
    path: Path | str, reader: Reader, *, limits: Limits | None = None
) -> ReadFilm:
    """What is written in a picture, as a film of one frame at 0 s that lasts no time."""
    bgr = read_picture(path, limits=limits)
    found = reader.read_picture(bgr[..., ::-1])
    items = tuple(TextItem(one.text, 0.0, 0.0, one.box, one.confidence) for one in found)
    return ReadFilm(items, 1, 1)


class _Reading:
    """How far the reading of a stretch is."""

    def __init__(self, reader: Reader, interval_s: float) -> None:
        self._reader = reader
        self._interval_s = interval_s - 1e-6
        self.follower = Follower()
        self.n_read = self.n_spared = 0
        self._recent: deque[tuple[float, Small]] = deque(maxlen=_KEPT)
        self._last: tuple[float, Small] | None = None  # that was read
        self._due_s = 0.0  # when looking is worth while again

    def see(self, frame: Frame) -> bool:
        """The next frame. True where it was looked at."""
        now = patches.small(frame.luma)
        before = self._recent[-1][1] if self._recent else None
        self._recent.append((frame.time_s, now))
        if self._last is not None and not self._is_time(frame.time_s, before, now):
            return False
        if self._last is not None and not _changed(self._last[1], now):
            if frame.time_s >= self._due_s:  # a look that was spared
                self.n_spared += 1
                self._due_s = frame.time_s + self._interval_s
                self.follower.stays(frame.time_s)
                return True
            return False
        self._read(frame, now)
        return True

    def _is_time(self, time_s: float, before: Small | None, now: Small) -> bool:
        assert self._last is not None
        since_s = time_s - self._last[0]
        if since_s >= self._interval_s:
            return True
        return since_s >= _CUT_AFTER_S and before is not None and _is_cut(before, now)

    def _read(self, frame: Frame, now: Small) -> None:
        moved: Motion | None = None
        lines = self.follower.lines
        if self._last is not None and lines:
            moved = motion(self._last[1], now, [line.box for line in lines])
        found = _read_frame(self._reader, frame.bgr(), now, lines)
        since_s = self._last[0] if self._last else frame.time_s
        looks = [(time_s, one) for time_s, one in self._recent if time_s >= since_s]
        self.follower.look(looks, found, moved)
        self.n_read += 1
        self._last = frame.time_s, now
        self._due_s = frame.time_s + self._interval_s


def _read_frame(
    reader: Reader, bgr: NDArray[np.uint8], now: Small, lines: list[Line]
) -> list[TextBox]:
    """Recognise what is not known: a line whose pixels stay says what it said."""
    quads = reader.find(bgr)
    size = np.array((bgr.shape[1], bgr.shape[0]), np.float32)
    low, high = quads.min(axis=1, initial=np.inf) / size, quads.max(axis=1, initial=0) / size
    known: dict[int, TextBox] = {}
    for n, box in enumerate(Box(*a, *b) for a, b in zip(low.tolist(), high.tolist(), strict=True)):
        for line in lines:
            if (said := line.known(now, box)) is not None and _lies_in(said.box, box):
                known[n] = said
                break
    others = [n for n in range(len(quads)) if n not in known]
    recognised = dict(zip(others, reader.recognise(bgr, quads[others]), strict=True))
    found = [known.get(n) or recognised.get(n) for n in range(len(quads))]
    return apart([one for one in found if one is not None])


def _lies_in(letters: Box, box: Box) -> bool:
    """Whether a detector's box, which has a margin, is that of these letters and no others."""
    width = min(letters.x2, box.x2) - max(letters.x1, box.x1)
    return width > 0.8 * letters.width and letters.width > 0.6 * box.width


def _changed(before: Small, now: Small) -> bool:
    """Whether anything as large as a letter is otherwise."""
    if before.shape != now.shape:
        return True
    differs = cv2.blur(cv2.absdiff(before, now), (_WINDOW, _WINDOW))
    return float(differs.max()) > _CHANGED


def _is_cut(before: Small, now: Small) -> bool:
    return before.shape != now.shape or cv2.norm(before, now, cv2.NORM_L1) > _CUT * now.size
