"""The sound of a clip, from the guarded decoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from analysis.cutting.clips import Clip
from analysis.errors import UnreadableMedia
from analysis.media.audio import sound_pieces

Samples = NDArray[np.float32]  # (n, 2), -1 to 1

SOUND_RATE = 48_000


def path_of(clip: Clip) -> Path:
    """Where the file of a clip is; ValueError where its source does not say."""
    if clip.source.path is None:
        raise ValueError(f"where is {clip.source.name}?")
    return clip.source.path


class ClipSound:
    """The sound of a clip piece by piece, in stereo; silence where there is none."""

    def __init__(
        self,
        clip: Clip,
        seconds: float,
        should_stop: Callable[[], bool],
        *,
        must: bool = False,
    ) -> None:
        """must: raise UnreadableMedia where it cannot be decoded, rather than be silent."""
        self._must = must
        self._rest: Samples = np.empty((0, 2), np.float32)
        self._pieces: Iterator[Samples] | None = None
        if clip.source.has_sound:
            self._pieces = sound_pieces(
                path_of(clip),
                start_s=clip.start_s,
                end_s=clip.start_s + seconds + 0.1,
                channels="stereo",
                rate=SOUND_RATE,
                should_stop=should_stop,
            )

    def take(self, n: int) -> Samples:
        """The next `n` samples."""
        while len(self._rest) < n and (piece := self._next()) is not None:
            self._rest = np.concatenate([self._rest, piece])
        taken, self._rest = self._rest[:n], self._rest[n:]
        if len(taken) < n:
            taken = np.concatenate([taken, np.zeros((n - len(taken), 2), np.float32)])
        return taken

    def _next(self) -> Samples | None:
        if self._pieces is None:
            return None
        try:
            return next(self._pieces, None)
        except UnreadableMedia:
            if self._must:
                raise
        self._pieces = None  # a picture without its sound is better than no film
        return None

    def close(self) -> None:
        if self._pieces is not None:
            self._pieces.close()  # type: ignore[attr-defined]  # a generator: its child ends
        self._pieces = None


def as_frame(samples: Samples, begins: int) -> av.AudioFrame:
    """Samples (n, 2) as encoders take them, `begins` samples after the start of what is written."""
    planes = np.ascontiguousarray(np.clip(samples, -1, 1).T)
    frame = av.AudioFrame.from_ndarray(planes, "fltp", "stereo")
    frame.sample_rate, frame.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
    frame.pts = begins
    return frame
