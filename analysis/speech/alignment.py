"""When each token of a text was said, from where the decoder looked when it wrote it.

The way of openai-whisper's `timing` (MIT): attention of the heads that follow the sound,
normalised, smoothed, and a path through it by dynamic time warping. Here the text is aligned on
features that are encoded already, and the path is found a row at a time in NumPy, without compiling
anything.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRAME_S = 0.02  # of the encoder's output


def starts(attention: NDArray[np.float32], smoothing: int = 7) -> NDArray[np.int64]:
    """For each token the frame at which it begins, from attention (heads, tokens, frames).

    The attention is softmax over the frames. Begins never run backwards.
    """
    mean = attention.mean(axis=1, keepdims=True)
    spread = attention.std(axis=1, keepdims=True)
    standard = (attention - mean) / np.maximum(spread, 1e-6)
    return _path(-_median(standard, smoothing).mean(axis=0).astype(np.float64))


def _median(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """The median of `width` neighbours along the last axis, mirrored at its ends."""
    half = min(width // 2, values.shape[-1] - 1)
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(half, half)], "reflect")
    beside = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=-1)
    return np.partition(beside, half, axis=-1)[..., half]


def _path(cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """The cheapest way from the first token and frame to the last ones, steps of one in either or
    both: the first frame of each row of cost (tokens, frames).

    A row's best costs depend on each other only through min(a[j], best[j-1]) + cost[j]; less the
    running sum of costs that is a running minimum, which NumPy has.
    """
    tokens, frames = cost.shape
    best = np.concatenate([[0.0], np.full(frames, np.inf)])
    came = np.zeros((tokens, frames), np.int8)  # 0 along the row, 1 from above, 2 aslant
    for row in range(tokens):
        aslant, above = best[:-1], best[1:]
        entered = np.minimum(aslant, above)
        summed = np.cumsum(cost[row])
        before = np.concatenate([[0.0], summed[:-1]])
        along = np.minimum.accumulate(entered - before) + summed
        enters = along >= entered + cost[row]
        came[row] = np.where(enters, np.where(aslant <= above, 2, 1), 0)
        best = np.concatenate([[np.inf], along])
    first = np.zeros(tokens, np.int64)
    row, frame = tokens - 1, frames - 1
    while row >= 0:
        step = came[row, frame]
        if step == 0 and frame > 0:
            frame -= 1
            continue
        first[row] = frame
        row -= 1
        frame = max(frame - (step == 2), 0)
    return first
