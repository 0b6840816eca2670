"""Decode the sound of a file to one channel of 16 kHz samples on the asset's clock."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from analysis.errors import RefusedMedia, UnreadableMedia
from analysis.media.decoding.joins import Joins, joins_of, on_one_clock
from analysis.media.decoding.line import Line
from analysis.media.decoding.opening import open_media, origin

RATE = 16_000
_BLOCK = 160  # samples: 10 ms
_TOLERANCE = RATE // 10  # a clock that is off by less than 0.1 s is not corrected


def read_sound(request: dict, payload: bytes, line: Line) -> None:
    """Send the samples (float32, -1 to 1) in pieces, in order."""
    for samples in _samples(request, line):
        line.send({}, samples.astype("<f4").tobytes())


def read_peaks(request: dict, payload: bytes, line: Line) -> None:
    """Send the loudest sample of each 10 ms (float32, 0 to 1) in pieces, in order."""
    rest = np.empty(0, np.float32)
    for samples in _samples(request, line):
        samples = np.concatenate([rest, samples])
        whole = len(samples) // _BLOCK * _BLOCK
        rest = samples[whole:]
        if whole:
            peaks = np.abs(samples[:whole]).reshape(-1, _BLOCK).max(axis=1)
            line.send({}, np.minimum(peaks, 1).astype("<f4").tobytes())
    if len(rest):
        line.send({}, np.minimum(np.abs(rest).max(keepdims=True), 1).astype("<f4").tobytes())


def _samples(request: dict, line: Line) -> Iterator[NDArray[np.float32]]:
    """Pieces of the first sound track; silence where it has none, so that sample n is at n/RATE."""
    container = open_media(request["media"], request)
    track = container.streams.best("audio")
    if track is None:
        raise UnreadableMedia("There is no sound in this file.")
    assert isinstance(track, av.AudioStream)
    if track.codec_context is None:
        raise UnreadableMedia("The sound is in a format that this machine cannot decode.")
    start = origin(container)
    most = int(request["limits"]["max_sound_s"] * RATE)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    position = 0
    joins = joins_of(container, request, line)
    for frame in _frames(container, track, joins):
        due = _due(frame, start)
        for piece in _resampled(resampler, frame):
            piece, position = _placed(piece, position, due)
            due = None
            if position > most:
                raise RefusedMedia(f"The sound is longer than {most / RATE / 3600:.0f} hours.")
            if len(piece):
                yield piece
    for piece in _resampled(resampler, None):
        yield piece
        position += len(piece)
    if not position:
        raise UnreadableMedia("There is a sound track, but nothing of it can be decoded.")


def _due(frame: av.AudioFrame, start: Fraction) -> Fraction | None:
    """When the frame is heard, seconds from the asset's start; None where the file does not say."""
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base - start


def _placed(
    piece: NDArray[np.float32], position: int, due: Fraction | None
) -> tuple[NDArray[np.float32], int]:
    """The piece moved to where the clock says: silence before it, or its start left out."""
    if due is not None:
        off = int(due * RATE) - position
        if off > _TOLERANCE or (position == 0 and off > 0):
            silence = np.zeros(min(off, 24 * 3600 * RATE), np.float32)
            piece = np.concatenate([silence, piece])
        elif off < -_TOLERANCE or (position == 0 and off < 0):
            piece = piece[-off:]
    return piece, position + len(piece)


def _frames(
    container: InputContainer, track: av.AudioStream, joins: Joins
) -> Iterator[av.AudioFrame]:
    """Decoded sound; damaged packets are passed over."""
    packets = on_one_clock(container.demux(track), joins)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError, OSError):
            return
        try:
            yield from track.decode(packet)
        except (av.error.FFmpegError, OSError):
            continue


def _resampled(
    resampler: av.AudioResampler, frame: av.AudioFrame | None
) -> Iterator[NDArray[np.float32]]:
    if frame is not None:
        frame.pts = None  # the resampler would insert or drop samples; `_placed` does that
    for part in resampler.resample(frame):
        samples = cast(NDArray[np.float32], part.to_ndarray())  # of format flt, as asked for
        yield samples.reshape(-1)
