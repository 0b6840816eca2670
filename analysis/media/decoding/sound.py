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
from analysis.media.decoding.opening import demuxed, open_media, origin

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
    joins = joins_of(container, request, line)
    most = int(request["limits"]["max_sound_s"] * RATE)
    position = 0
    for due, heard in _resampled(_frames(container, track, joins)):
        for piece in _placed(heard, position, None if due is None else due - start, most):
            position += len(piece)
            if position > most:
                raise RefusedMedia(f"The sound is longer than {most / RATE / 3600:.0f} hours.")
            yield piece
    if not position:
        raise UnreadableMedia("There is a sound track, but nothing of it can be decoded.")


def _resampled(
    frames: Iterator[av.AudioFrame],
) -> Iterator[tuple[Fraction | None, NDArray[np.float32]]]:
    """One channel at 16 kHz, and when it is heard where the file says, on the file's own clock.

    A track may change its rate or its channels midway, as broadcasts do between programmes.
    """
    shape: tuple[int, str, str] | None = None
    resampler: av.AudioResampler | None = None
    for frame in frames:
        now = frame.sample_rate, frame.layout.name, frame.format.name
        if resampler is None or now != shape:
            for samples in _converted(resampler, None):
                yield None, samples
            shape = now
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        due = _due(frame)
        for samples in _converted(resampler, frame):
            yield due, samples
            due = None
    for samples in _converted(resampler, None):
        yield None, samples


def _due(frame: av.AudioFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base


def _placed(
    piece: NDArray[np.float32], position: int, due: Fraction | None, most: int
) -> Iterator[NDArray[np.float32]]:
    """The piece moved to where the clock says: silence before it, or its start left out."""
    off = 0 if due is None else int(due * RATE) - position
    if off > _TOLERANCE or (position == 0 and off > 0):
        left = min(off, most + RATE)
        while left > 0:  # a minute at a time: a clock that is wrong costs no memory
            yield np.zeros(min(left, 60 * RATE), np.float32)
            left -= 60 * RATE
    elif off < -_TOLERANCE or (position == 0 and off < 0):
        piece = piece[-off:]
    if len(piece):
        yield piece


def _frames(
    container: InputContainer, track: av.AudioStream, joins: Joins
) -> Iterator[av.AudioFrame]:
    """Decoded sound; damaged packets are passed over."""
    packets = on_one_clock(demuxed(container, [track]), joins)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError, OSError):
            return
        try:
            yield from track.decode(packet)
        except (av.error.FFmpegError, OSError):
            continue


def _converted(
    resampler: av.AudioResampler | None, frame: av.AudioFrame | None
) -> Iterator[NDArray[np.float32]]:
    """What comes out for one frame; for None, what is still held. Odd channels give nothing."""
    if resampler is None:
        return
    if frame is not None:
        frame.pts = None  # the resampler would insert or drop samples; `_placed` does that
    try:
        parts = resampler.resample(frame)
    except (ValueError, av.error.FFmpegError):
        return
    for part in parts:
        samples = cast(NDArray[np.float32], part.to_ndarray())  # of format flt, as asked for
        yield samples.reshape(-1)
