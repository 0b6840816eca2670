"""The sound of a file: samples to transcribe, and the outline to draw."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.media.guard import Child, Limits

RATE = 16_000  # samples a second
_PEAKS_A_SECOND = 100


def read_audio(
    path: Path | str,
    *,
    limits: Limits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """The first sound track, all channels mixed: float32 (n,), -1 to 1, at 16,000 Hz.

    Sample n is heard n / 16,000 seconds from the asset's start: late starts and gaps are silence.
    An hour takes 230 MB. Raises UnreadableMedia for a file without sound; Stopped.
    """
    return _collect("sound", path, limits, should_stop)


def waveform(
    path: Path | str,
    peaks: int = 1200,
    *,
    limits: Limits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """The outline of the sound: the loudest sample, 0 to 1, of each of `peaks` equal parts.

    Decodes as it goes; memory stays flat. Sound shorter than `peaks` × 10 ms is stretched.
    Raises as `read_audio` does.
    """
    fine = _collect("peaks", path, limits, should_stop)
    if len(fine) < peaks:
        return fine[np.arange(peaks) * len(fine) // peaks]
    return np.maximum.reduceat(fine, np.arange(peaks) * len(fine) // peaks)


def _collect(
    step: str, path: Path | str, limits: Limits | None, should_stop: Callable[[], bool]
) -> NDArray[np.float32]:
    parts: list[bytes] = []
    with Child(step, path, limits=limits, should_stop=should_stop, work_s=600) as child:
        while (message := child.receive()) is not None:
            parts.append(message.payload)
    return np.frombuffer(b"".join(parts), "<f4")


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
