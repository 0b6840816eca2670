"""Frames drawn by lot, in such a way that each stays drawn, or not, for ever."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def lots(sha256: str, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """A number from 0 up to, not with, 100 for each frame: it is in the sample of p % if below p.

    time_s: shape (n,), when each frame is shown, in seconds from the start; a microsecond apart is
    another frame. So a frame of a sample is in every larger one, equal files are sampled alike, and
    the sample of one file says nothing about that of another. Raises ValueError where `sha256` is
    not a digest in hexadecimal digits.

    SplitMix64 (Steele, Lea and Flood 2014, “Fast splittable pseudorandom number generators”,
    OOPSLA), which reaches any of its numbers at once: the one of this microsecond, from the start
    that the first 64 bits of the digest are.
    """
    start = np.uint64(int(sha256[:16], 16))
    moment = np.round(time_s * 1e6).astype(np.int64).astype(np.uint64)
    z = start + (moment + np.uint64(1)) * _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * (100 / 2**53)
