"""Decode the sound of a file to samples on the asset's clock: all of it, or a stretch."""

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

RATE = 16_000  # samples a second, where none other is asked for
_BLOCK = 160  # samples: 10 ms
_TOLERANCE_S = 0.1  # a clock that is off by less than this is not corrected
_PREROLL_S = 1  # decoded before a stretch: codecs need up to 80 ms to be themselves again
_SEEK_FROM_S = 5  # a stretch that begins before this is not worth a seek
_LAYOUTS = {"mixed": "mono", "stereo": "stereo", "apart": ""}  # "": as the track has them


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

    Sample n is heard n / rate seconds after `start_s`. What lies before a stretch is sought past
    where the file allows it, and decoded and left out where it does not.
    """
    rate = _rate(request)
    most = int(request["limits"]["max_sound_s"] * rate)
    first = round(request.get("start_s", 0.0) * rate)
    end_s = request.get("end_s")
    last = most + rate if end_s is None else round(end_s * rate)
    pieces = _from_start(request, line, most)
    if first > _SEEK_FROM_S * rate:
        pieces = _sought(request, line, most, first) or pieces
    for position, piece in pieces:
        wanted = piece[max(first - position, 0) : max(last - position, 0)]
        if len(wanted):
            yield wanted
        else:
            line.send({"alive": True})
        if position + len(piece) >= last:
            return


def _rate(request: dict) -> int:
    return request.get("rate", RATE)


def _converter(request: dict) -> Converter:
    return Converter(_rate(request), _LAYOUTS[request.get("channels", "mixed")])


def _from_start(request: dict, line: Line, most: int) -> Iterator[tuple[int, Samples]]:
    """Where each piece of the track is heard, in samples from the asset's start, and the piece."""
    container = open_media(request["media"], request)
    track = _track(container, request.get("sound_track"))
    start = origin(container)
    joins = joins_of(container, request, line)
    position, rate = 0, _rate(request)
    for due, heard in _converter(request).run(_frames(container, track, joins)):
        after = None if due is None else due - start
        for piece in _placed(heard, position, after, most, rate):
            yield position, piece
            position += len(piece)
            if position > most:
                raise RefusedMedia(f"The sound is longer than {most / rate / 3600:.0f} hours.")
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
    rate = _rate(request)
    wanted = Fraction(first, rate) + start - _PREROLL_S
    try:
        container.seek(int(wanted / track.time_base), stream=track, backward=True)
    except (av.error.FFmpegError, OSError):
        container.close()
        return None
    pieces = _converter(request).run(_frames(container, track, Joins()))
    due, heard = next(pieces, (None, None))
    if due is None or heard is None or (due - start) * rate > first:
        container.close()
        return None
    return _placed_on(pieces, heard, int((due - start) * rate), start, most, rate)


def _placed_on(
    pieces: Iterator[tuple[Fraction | None, Samples]],
    heard: Samples,
    position: int,
    start: Fraction,
    most: int,
    rate: int,
) -> Iterator[tuple[int, Samples]]:
    yield position, heard
    position += len(heard)
    for due, samples in pieces:
        after = None if due is None else due - start
        for piece in _placed(samples, position, after, most, rate):
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


class Converter:
    """Makes decoded sound samples of one rate and layout. `layout` "": that of the first frame."""

    def __init__(self, rate: int, layout: str) -> None:
        self.rate, self.layout = rate, layout

    def run(self, frames: Iterator[av.AudioFrame]) -> Iterator[tuple[Fraction | None, Samples]]:
        """Samples, and when they are heard where the file says, on the file's own clock.

        A track may change its rate or its channels midway, as broadcasts do between programmes.
        """
        shape: tuple[int, str, str] | None = None
        resampler: av.AudioResampler | None = None
        layout = self.layout
        for frame in frames:
            now = frame.sample_rate, frame.layout.name, frame.format.name
            layout = layout or frame.layout.name
            if resampler is None or now != shape:
                for samples in _converted(resampler, None):
                    yield None, _in_each_ear(samples, layout)
                shape = now
                # one channel in two would come out 3 dB softer
                asked = "mono" if frame.layout.nb_channels == 1 and layout == "stereo" else layout
                resampler = av.AudioResampler(format="flt", layout=asked, rate=self.rate)
            due = _due(frame)
            for samples in _converted(resampler, frame):
                yield due, _in_each_ear(samples, layout)
                due = None
        for samples in _converted(resampler, None):
            yield None, _in_each_ear(samples, layout)


def _in_each_ear(samples: Samples, layout: str) -> Samples:
    return np.repeat(samples, 2, axis=1) if samples.shape[1] < 2 and layout == "stereo" else samples


def _due(frame: av.AudioFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base


def _placed(
    piece: Samples, position: int, due: Fraction | None, most: int, rate: int
) -> Iterator[Samples]:
    """The piece moved to where the clock says: silence before it, or its start left out."""
    off = 0 if due is None else int(due * rate) - position
    if off > _TOLERANCE_S * rate or (position == 0 and off > 0):
        left = min(off, most + rate)
        while left > 0:  # a minute at a time: a clock that is wrong costs no memory
            yield np.zeros((min(left, 60 * rate), piece.shape[1]), np.float32)
            left -= 60 * rate
    elif off < -_TOLERANCE_S * rate or (position == 0 and off < 0):
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
