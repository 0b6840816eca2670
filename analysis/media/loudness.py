"""Where the sound stands out from what is around it: louder, or as a crowd that claps.

The level is judged against the median of the minute before and after, of what is no silence, so
that a quiet talk has its loud moments and a loud match has no more than its own. Many hands are
noise: their spectrum is flat, where voices and music have peaks (spectral flatness; Johnston 1988).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from analysis.media.audio import RATE, sound_pieces

Kind = Literal["loud", "applause"]
_BLOCK = RATE // 2  # samples
_FRAMES = 10  # spectra of a block
_BAND_HZ = (300, 7000)
_AROUND = 120  # blocks on each side: a minute
_SILENT_DB = -50.0
_LOUDER_DB = 8.0
_FLAT = 0.35  # from 0, a tone, to 1, white noise
_FLATTER = 1.8  # times as flat as what is around it
_LEAST = {"loud": 2, "applause": 3}  # blocks
_GAP = 2  # blocks between two that are one


@dataclass(frozen=True, slots=True)
class Standout:
    """start_s, end_s: to half a second. above_db: its loudest half second over what is around."""

    kind: Kind
    start_s: float
    end_s: float
    above_db: float


def standouts(
    path: Path | str,
    *,
    track: int | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Standout]:
    """The moments of a file's sound that stand out, by time; applause is not told as loud again.

    progress hears how many seconds were listened to. Memory stays flat. Raises as `read_audio`.
    """
    pieces = sound_pieces(path, track=track, should_stop=should_stop)
    return standouts_of(_told(pieces, progress))


def standouts_of(pieces: Iterable[NDArray[np.float32]]) -> list[Standout]:
    """The same of samples: float32 (n,) or (n, 1) each, -1 to 1, 16,000 a second."""
    measured = [_measure(block) for block in _blocks(pieces)]
    if not measured:
        return []
    levels, flatness = (np.array(column) for column in zip(*measured, strict=True))
    is_heard = levels > _SILENT_DB
    usual = _around(levels, is_heard)
    above = levels - usual
    is_flat = is_heard & (flatness > _FLAT) & (flatness > _FLATTER * _around(flatness, is_heard))
    claps = list(_stretches(is_flat, _LEAST["applause"]))
    is_clapped = np.zeros(len(levels), bool)
    for start, end in claps:
        is_clapped[start:end] = True
    loud = _stretches(is_heard & (above > _LOUDER_DB) & ~is_clapped, _LEAST["loud"])
    found = [_standout("applause", *one, above) for one in claps]
    found += [_standout("loud", *one, above) for one in loud]
    return sorted(found, key=lambda one: one.start_s)


def _told(
    pieces: Iterable[NDArray[np.float32]], progress: Callable[[float], None]
) -> Iterator[NDArray[np.float32]]:
    heard = 0
    for piece in pieces:
        yield piece
        heard += len(piece)
        progress(heard / RATE)


def _blocks(pieces: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Half seconds; what is left over at the end is too short to stand out."""
    kept: NDArray[np.float32] = np.empty(0, np.float32)
    for piece in pieces:
        kept = np.concatenate([kept, piece.reshape(-1)])
        n = len(kept) // _BLOCK
        yield from kept[: n * _BLOCK].reshape(n, _BLOCK)
        kept = kept[n * _BLOCK :]


def _measure(block: NDArray[np.float32]) -> tuple[float, float]:
    """The level in dB of full scale, and how flat the mean spectrum is."""
    level = 10 * np.log10(float(np.mean(np.square(block, dtype=np.float64))) + 1e-10)
    frames = block.reshape(_FRAMES, -1) * np.hanning(_BLOCK // _FRAMES)
    power = np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0) + 1e-12
    low, high = (round(hz * (_BLOCK // _FRAMES) / RATE) for hz in _BAND_HZ)
    band = power[low:high]
    return level, float(np.exp(np.mean(np.log(band))) / np.mean(band))


def _around(values: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The median of those that count, of the minute before and after each."""
    known = np.where(counts, values, np.nan)
    if not counts.any():
        return values.copy()
    padded = np.pad(known, _AROUND, constant_values=np.nan)
    windows = sliding_window_view(padded, 2 * _AROUND + 1)
    whole = float(np.nanmedian(known))
    medians = [_median(windows[at : at + 2000]) for at in range(0, len(values), 2000)]
    return np.nan_to_num(np.concatenate(medians), nan=whole)


def _median(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    has_any = ~np.isnan(windows).all(axis=1)
    found = np.full(len(windows), np.nan)
    found[has_any] = np.nanmedian(windows[has_any], axis=1)
    return found


def _stretches(marks: NDArray[np.bool_], least: int) -> Iterator[tuple[int, int]]:
    """Where so many marks follow one another, over short gaps."""
    at = np.flatnonzero(marks)
    if not len(at):
        return
    for run in np.split(at, np.flatnonzero(np.diff(at) > _GAP) + 1):
        if len(run) >= least:
            yield int(run[0]), int(run[-1]) + 1


def _standout(kind: Kind, start: int, end: int, above: NDArray[np.float64]) -> Standout:
    seconds = _BLOCK / RATE
    return Standout(kind, start * seconds, end * seconds, round(float(above[start:end].max()), 1))
