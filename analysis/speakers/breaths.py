"""Where somebody speaks, to the tenth of a second, and the windows that a print is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.media.audio import RATE
from analysis.speakers.encoder import WINDOW_S
from analysis.speech.voice import OFF, ON, STEP_S

_PAUSE_S = 0.2  # parts two breaths
_SHORTEST_S = 0.2  # what is shorter is no voice
_PAD_S = 0.04  # soft first and last sounds
_PHRASE_S = 0.5  # a pause that no window reaches over
_HOP_S = 0.4  # between two windows
_LEAST_S = 0.5  # of sound for a print of its own

Spans = NDArray[np.float64]  # (n, 2), seconds


def breaths(voice: NDArray[np.float32], length_s: float) -> Spans:
    """Where a voice is, out of how likely one is in each 32 ms."""
    heard = _hysteresis(voice)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], heard.view(np.int8), [0]])))
    found: list[list[float]] = []
    for start_s, end_s in (edges.reshape(-1, 2) * STEP_S).tolist():
        if found and start_s - found[-1][1] < _PAUSE_S:
            found[-1][1] = end_s
        else:
            found.append([start_s, end_s])
    rows = [
        (max(start_s - _PAD_S, 0.0), min(end_s + _PAD_S, length_s))
        for start_s, end_s in found
        if end_s - start_s >= _SHORTEST_S
    ]
    return np.array(rows, np.float64).reshape(-1, 2)


def _hysteresis(voice: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Runs above OFF in which ON is reached."""
    high = np.concatenate([[0], (voice >= OFF).view(np.int8), [0]])
    heard = np.zeros(len(voice), np.bool_)
    for first, last in np.flatnonzero(np.diff(high)).reshape(-1, 2).tolist():
        heard[first:last] = voice[first:last].max() >= ON
    return heard


def phrases(found: Spans) -> Spans:
    """Breaths with short pauses between them as one."""
    rows: list[list[float]] = []
    for start_s, end_s in found.tolist():
        if rows and start_s - rows[-1][1] < _PHRASE_S:
            rows[-1][1] = end_s
        else:
            rows.append([start_s, end_s])
    return np.array(rows, np.float64).reshape(-1, 2)


def windows(phrase: NDArray[np.float64]) -> Spans:
    """What prints are made of in a phrase: 1.6 s every 0.4 s, the last one up to its end; a short
    phrase is one window. None of what is too short to know a voice by."""
    start_s, end_s = phrase.tolist()
    length_s = end_s - start_s
    if length_s < _LEAST_S:
        return np.empty((0, 2))
    if length_s <= WINDOW_S:
        return np.array([[start_s, end_s]])
    n = int(np.ceil((length_s - WINDOW_S) / _HOP_S)) + 1
    starts = np.linspace(start_s, end_s - WINDOW_S, n)
    return np.column_stack([starts, starts + WINDOW_S])


def samples_of(samples: NDArray[np.float32], span: NDArray[np.float64]) -> NDArray[np.float32]:
    """The part of samples at 16 kHz between two times."""
    first, last = (round(time_s * RATE) for time_s in span.tolist())
    return samples[first:last]
