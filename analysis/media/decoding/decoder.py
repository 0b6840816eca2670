"""Packets in, frames out, each with the time at which it is shown."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from analysis.errors import RefusedMedia, UnreadableMedia
from analysis.media.decoding.opening import demuxed, origin
from analysis.media.frame_table import EVENLY_PACED

SAME_S = 1e-4  # two times closer than this are the same frame


@dataclass(slots=True)
class Faults:
    """What went wrong along the way."""

    n_errors: int = 0
    n_damaged: int = 0
    first_s: float | None = None
    ended_early: bool = False


@dataclass(slots=True)
class Seen:
    """A decoded frame, and when it is shown; NaN where the file does not say."""

    frame: av.VideoFrame
    time_s: float


class Clock:
    """Tells when a decoded frame is shown.

    Most containers say so, and the decoder hands it on. AVI and raw streams hold frames at an
    even pace without display times; there each frame that comes out takes the earliest time that
    went in and is not taken yet.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._start = origin(container)
        self._is_counted = container.format.name in EVENLY_PACED
        self._rate = stream.average_rate or Fraction(25)
        self._waiting: list[Fraction] = []
        self._n_sent = 0
        self._only_keys = str(stream.codec_context.skip_frame).upper().endswith("NONKEY")

    def sent(self, packet: av.Packet) -> None:
        if not self._is_counted or not packet.size:
            return
        if self._only_keys and not packet.is_keyframe:
            return
        stamp = stamp_of(packet)
        time = self._n_sent / self._rate if stamp is None else stamp * packet.time_base
        heapq.heappush(self._waiting, time)
        self._n_sent += 1

    def shown(self, frame: av.VideoFrame) -> float:
        """Seconds from the asset's start."""
        if self._is_counted:
            return float(heapq.heappop(self._waiting) - self._start) if self._waiting else np.nan
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is None or frame.time_base is None:
            return np.nan
        return float(stamp * frame.time_base - self._start)


def decoded(
    container: InputContainer,
    stream: VideoStream,
    packets: Iterable[av.Packet] | None = None,
    faults: Faults | None = None,
) -> Iterator[Seen]:
    """Frames in the order they are shown; damaged stretches are counted and passed over."""
    faults = faults if faults is not None else Faults()
    clock = Clock(container, stream)
    packets = iter(demuxed(container, [stream]) if packets is None else packets)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError):
            faults.ended_early = True
            packet = None
        if packet is not None:
            clock.sent(packet)
        for frame in _decode(stream, packet, faults):
            yield Seen(frame, clock.shown(frame))
        if packet is None:
            return


def _decode(stream: VideoStream, packet: av.Packet | None, faults: Faults) -> list[av.VideoFrame]:
    """What comes out for one packet; for None, what the decoder still holds."""
    try:
        return stream.decode(packet)
    except (EOFError, av.error.EOFError):  # already flushed
        return []
    except (av.error.FFmpegError, OSError):
        faults.n_errors += 1
        return []


def stamp_of(packet: av.Packet) -> int | None:
    """When the packet is shown, in its own unit; when it is decoded, if that is all it says.

    The display times of evenly paced containers are a guess of the demuxer's, so not used.
    """
    if packet.pts is None or packet.stream.container.format.name in EVENLY_PACED:
        return packet.dts
    return packet.pts


def ready(stream: VideoStream, limits: dict) -> None:
    """Prepare the decoder: threads, and no picture beyond the limits."""
    context = stream.codec_context
    if context is None:
        raise UnreadableMedia("The picture track is in a format that this machine cannot decode.")
    most = limits["max_video_side"]
    if max(context.width, context.height) > most:
        size = f"{context.width:,}×{context.height:,}"
        raise RefusedMedia(f"The picture is {size}; the limit for video is {most:,}×{most:,}.")
    context.options = {"max_pixels": str(most * most)}
    context.thread_type = "AUTO"
    context.thread_count = min(os.cpu_count() or 1, 8)
