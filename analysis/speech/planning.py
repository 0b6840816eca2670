"""Cut a film's sound into segments at pauses, so that no word is cut in two."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.errors import NoSound
from analysis.media.audio import RATE, sound_pieces
from analysis.speech.voice import FAINT, STEP, voice_in

TARGET_S = 120.0  # four of Whisper's windows: decoded together, and little to lose in a crash
_EITHER_SIDE = 8  # the pause is sought within an eighth of the length around the border
_AT_LEAST_S = 8.0


def plan_speech(
    source: Path | str,
    *,
    track: int = 0,
    target_s: float = TARGET_S,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[tuple[float, float]]:
    """Segments (start, end) in seconds that cover a sound track, about `target_s` long each.

    Each border lies in the longest pause near it; where nobody pauses, where the voice is weakest.
    Empty for a file without sound. Decodes once through, at some hundred times the speed of sound,
    in flat memory. Raises UnreadableMedia for a damaged file, or a track it does not have; Stopped.
    """
    if target_s < 10:
        raise ValueError("a segment must be at least 10 seconds long")
    target = round(target_s * RATE)
    reach = round(min(max(target_s / _EITHER_SIDE, _AT_LEAST_S), target_s / 3) * RATE)
    start = position = 0
    kept: list[NDArray[np.float32]] = []  # from `start + target - reach` on
    borders: list[int] = []
    try:
        for piece in sound_pieces(source, track=track, should_stop=should_stop):
            from_ = start + target - reach
            kept.append(piece[max(from_ - position, 0) :, 0])
            position += len(piece)
            if position >= start + target + reach:
                around = np.concatenate(kept)
                start = from_ + _pause_in(around[: 2 * reach], reach)
                borders.append(start)
                kept = []
    except NoSound:
        return []
    if borders and position - borders[-1] < target / 3:
        borders.pop()
    edges = [0, *borders, position]
    return [(a / RATE, b / RATE) for a, b in pairwise(edges)]


def _pause_in(samples: NDArray[np.float32], wanted: int) -> int:
    """The sample to cut at: the middle of the longest pause, the nearest to `wanted` of several."""
    voice = voice_in(samples)
    quiet = np.concatenate([[0], (voice < FAINT).view(np.int8), [0]])
    pauses = np.flatnonzero(np.diff(quiet)).reshape(-1, 2)
    if not len(pauses):
        return int(voice.argmin()) * STEP + STEP // 2
    middles = pauses.mean(axis=1) * STEP
    lengths = np.minimum(pauses[:, 1] - pauses[:, 0], 1.0 * RATE / STEP)  # a second is enough
    best = np.lexsort((abs(middles - wanted), -lengths))[0]
    first, last = (pauses[best] * STEP).tolist()
    if last - first > 2 * RATE:  # in a long silence, as near to the border as may be
        return int(np.clip(wanted, first + RATE // 2, last - RATE // 2))
    return int(middles[best])
