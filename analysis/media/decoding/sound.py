"""Decode the sound of a file to 16 kHz samples on the asset's clock: all of it, or a stretch."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from analysis.errors import NoSound, RefusedMedia, UnreadableMedia
from analysis.media.decoding.joins import Joins, joins_of, on_one_clock
from analysis.media.decoding.line import Line
from analysis.media.decoding.opening import demuxed, open_media, origin

Samples = NDArray[np.float32]  # (n, channels)

RATE = 16_000
_BLOCK = 160  # samples: 10 ms
_TOLERANCE = RATE // 10  # a clock that is off by less than 0.1 s is not corrected
_PREROLL_S = 1  # decoded before a stretch: codecs need up to 80 ms to be themselves again
_SEEK_FROM = 5 * RATE  # a stretch that begins before this is not worth a seek


def read_sound(request: dict, payload: bytes, line: Line) -> None:
    """Send the samples (float32, -1 to 1) in pieces, in order; channels interleaved."""
    for samples in _samples(request, line):
        line.send({"channels": samples.shape[1]}, samples.astype("<f4").tobytes())


def read_peaks(request: dict, payload: bytes, line: Line) -> None:
    """Send the loudest sample of each 10 ms (float32, 0 to 1) in pieces, in order."""
    rest = np.empty(0, np.float32)
    for samples in _samples(request, line):
        samples = np.concatenate([rest, samples[:, 0]])
        whole = len(samples) // _BLOCK * _BLOCK
        rest = samples[whole:]
        if whole:
            peaks = np.abs(samples[:whole]).reshape(-1, _BLOCK).max(axis=1)
            line.send({}, np.minimum(peaks, 1).astype("<f4").tobytes())
    if len(rest):
        line.send({}, np.minimum(np.abs(rest).max(keepdims=True), 1).astype("<f4").tobytes())


def _samples(request: dict, line: Line) -> Iterator[Samples]:
    """Pieces (n, channels) of a sound track from `start_s` to `end_s`; silence where it has none.

    Sample n is heard n / RATE seconds after `start_s`. What lies before a stretch is sought past
    where the file allows it, and decoded and left out where it does not.
    """
    most = int(request["limits"]["max_sound_s"] * RATE)
    first = round(request.get("start_s", 0.0) * RATE)
    end_s = request.get("end_s")
    last = most + RATE if end_s is None else round(end_s * RATE)
    pieces = _from_start(request, line, most)
    if first > _SEEK_FROM:
        pieces = _sought(request, line, most, first) or pieces
    for position, piece in pieces:
        wanted = piece[max(first - position, 0) : max(last - position, 0)]
        if len(wanted):
            yield wanted
        else:
            line.send({"alive": True})
        if position + len(piece) >= last:
            return


def _from_start(request: dict, line: Line, most: int) -> Iterator[tuple[int, Samples]]:
    """Where each piece of the track is heard, in samples from the asset's start, and the piece."""
    container = open_media(request["media"], request)
    track = _track(container, request.get("sound_track"))
    start = origin(container)
    joins = joins_of(container, request, line)
    position = 0
    apart = request.get("channels") == "apart"
    for due, heard in _resampled(_frames(container, track, joins), apart):
        for piece in _placed(heard, position, None if due is None else due - start, most):
            yield position, piece
            position += len(piece)
            if position > most:
                raise RefusedMedia(f"The sound is longer than {most / RATE / 3600:.0f} hours.")
    if not position:
        raise UnreadableMedia("There is a sound track, but nothing of it can be decoded.")


def _sought(
    request: dict, line: Line, most: int, first: int
) -> Iterator[tuple[int, Samples]] | None:
    """As `_from_start`, from shortly before sample `first` on; None where a seek does not get
    there: the file's clock starts again midway, or it has no times to seek by."""
    container = open_media(request["media"], request)
    track = _track(container, request.get("sound_track"))
    start = origin(container)
    if joins_of(container, request, line) or not track.time_base:
        container.close()
        return None
    wanted = Fraction(first, RATE) + start - _PREROLL_S
    try:
        container.seek(int(wanted / track.time_base), stream=track, backward=True)
    except (av.error.FFmpegError, OSError):
        container.close()
        return None
    apart = request.get("channels") == "apart"
    pieces = _resampled(_frames(container, track, Joins()), apart)
    due, heard = next(pieces, (None, None))
    if due is None or heard is None or (due - start) * RATE > first:
        container.close()
        return None
    return _placed_on(pieces, heard, int((due - start) * RATE), start, most)


def _placed_on(
    pieces: Iterator[tuple[Fraction | None, Samples]],
    heard: Samples,
    position: int,
    start: Fraction,
    most: int,
) -> Iterator[tuple[int, Samples]]:
    yield position, heard
    position += len(heard)
    for due, samples in pieces:
        for piece in _placed(samples, position, None if due is None else due - start, most):
            yield position, piece
            position += len(piece)
            if position > most:
                return


def _track(container: InputContainer, number: int | None) -> av.AudioStream:
    """The sound track `number`, counted from 0; by default the one that players play."""
    tracks = container.streams.audio
    if not tracks:
        raise NoSound("There is no sound in this file.")
    if number is not None and number >= len(tracks):
        counted = "1 sound track" if len(tracks) == 1 else f"{len(tracks)} sound tracks"
        raise UnreadableMedia(f"This file has {counted}; there is no number {number + 1}.")
    track = container.streams.best("audio") if number is None else tracks[number]
    assert isinstance(track, av.AudioStream)
    if track.codec_context is None:
        raise UnreadableMedia("The sound is in a format that this machine cannot decode.")
    return track


def _resampled(
    frames: Iterator[av.AudioFrame], apart: bool
) -> Iterator[tuple[Fraction | None, Samples]]:
    """Samples at 16 kHz, and when they are heard where the file says, on the file's own clock.

    One channel, or those of the first frame. A track may change its rate or its channels midway,
    as broadcasts do between programmes.
    """
    shape: tuple[int, str, str] | None = None
    resampler: av.AudioResampler | None = None
    layout = "" if apart else "mono"
    for frame in frames:
        now = frame.sample_rate, frame.layout.name, frame.format.name
        layout = layout or frame.layout.name
        if resampler is None or now != shape:
            for samples in _converted(resampler, None):
                yield None, samples
            shape = now
            resampler = av.AudioResampler(format="flt", layout=layout, rate=RATE)
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


def _placed(piece: Samples, position: int, due: Fraction | None, most: int) -> Iterator[Samples]:
    """The piece moved to where the clock says: silence before it, or its start left out."""
    off = 0 if due is None else int(due * RATE) - position
    if off > _TOLERANCE or (position == 0 and off > 0):
        left = min(off, most + RATE)
        while left > 0:  # a minute at a time: a clock that is wrong costs no memory
            yield np.zeros((min(left, 60 * RATE), piece.shape[1]), np.float32)
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
) -> Iterator[Samples]:
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
        yield samples.reshape(-1, len(part.layout.channels))
