"""The sound of a file: samples to transcribe, and the outline to draw."""

from __future__ import annotations

import argparse
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.media.guard import Child, Limits

RATE = 16_000  # samples a second
_PEAKS_A_SECOND = 100


def read_audio(
    path: Path | str,
    *,
    track: int | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """A sound track, all channels mixed: float32 (n,), -1 to 1, at 16,000 Hz.

    Sample n is heard n / 16,000 seconds after `start_s`, which is in seconds from the asset's
    start: late starts and gaps are silence. Shorter than asked for, or empty, where the sound ends
    before `end_s`. An hour takes 230 MB. track: from 0, as `probe` lists them; by default the one
    that players play. Raises NoSound, UnreadableMedia for a track it does not have, Stopped.
    """
    pieces = sound_pieces(
        path, track=track, start_s=start_s, end_s=end_s, limits=limits, should_stop=should_stop
    )
    parts = [piece[:, 0] for piece in pieces]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def read_channels(
    path: Path | str,
    *,
    track: int | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    limits: Limits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """As `read_audio`, with the track's channels apart: float32 (n, channels)."""
    pieces = sound_pieces(
        path,
        track=track,
        start_s=start_s,
        end_s=end_s,
        channels="apart",
        limits=limits,
        should_stop=should_stop,
    )
    parts = list(pieces)
    return np.concatenate(parts) if parts else np.empty((0, 1), np.float32)


def sound_pieces(
    path: Path | str,
    *,
    track: int | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    channels: Literal["mixed", "stereo", "apart"] = "mixed",
    rate: int = RATE,
    limits: Limits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[NDArray[np.float32]]:
    """The samples of `read_audio` piece by piece: float32 (n, channels), any n above 0.

    channels: mixed into one, into two, or as the track has them. rate: samples a second. Decodes
    as it goes, from this call on; memory stays flat, however long the sound is.
    """
    request: dict[str, Any] = {"sound_track": track, "start_s": start_s, "end_s": end_s}
    request |= {"channels": channels, "rate": rate}
    return _received(
        Child("sound", path, request, limits=limits, should_stop=should_stop, work_s=600)
    )


def _received(child: Child) -> Iterator[NDArray[np.float32]]:
    with child:
        while (message := child.receive()) is not None:
            samples = np.frombuffer(message.payload, "<f4")
            yield samples.reshape(-1, message.fields["channels"])


def waveform(
    path: Path | str,
    peaks: int = 1200,
    *,
    limits: Limits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """The outline of the sound: the loudest sample, 0 to 1, of each of `peaks` equal parts.

    Decodes as it goes; an hour takes 1.5 MB. Sound shorter than `peaks` × 10 ms is stretched.
    Raises as `read_audio` does.
    """
    kept = array("f")
    with Child("peaks", path, limits=limits, should_stop=should_stop, work_s=600) as child:
        while (message := child.receive()) is not None:
            kept.frombytes(message.payload)
    fine = np.frombuffer(kept, "<f4")
    if len(fine) < peaks:
        return fine[np.arange(peaks) * len(fine) // peaks]
    return np.maximum.reduceat(fine, np.arange(peaks) * len(fine) // peaks)


def command(argv: Sequence[str]) -> int:
    """python -m analysis waveform FILE: the outline of its sound, drawn in the terminal."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis waveform", description=command.__doc__
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--peaks", type=int, default=80)
    options = parser.parse_args(argv)
    blocks = " ▁▂▃▄▅▆▇█"
    print("".join(blocks[round(8 * float(p))] for p in waveform(options.file, options.peaks)))
    return 0
