"""Copy a film whose clock jumps into a pipe, on one clock and otherwise as it is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import av
from av.container import InputContainer
from av.stream import Stream

from analysis.errors import UnreadableMedia
from analysis.media.decoding.joins import joins_of, on_one_clock
from analysis.media.decoding.line import Line
from analysis.media.decoding.opening import demuxed, film, open_media


def copy_on_one_clock(request: dict, payload: bytes, line: Line) -> None:
    """Write the picture track and the first sound track to `request["out"]`, a pipe, as NUT."""
    container = open_media(request["media"], request)
    joins = joins_of(container, request, line)
    tracks = [film(container, request.get("track")), container.streams.best("audio")]
    streams: list[Stream] = [track for track in tracks if track and track.codec_context]
    if not streams:
        raise UnreadableMedia("There is neither picture nor sound in this file.")
    with (
        contextlib.suppress(BrokenPipeError),  # the reader has ended, and knows why
        os.fdopen(request["out"], "wb") as pipe,
        av.open(pipe, "w", format="nut") as out,
    ):
        copies = {s.index: out.add_stream_from_template(s) for s in streams}
        last: dict[int, int] = {}
        for packet in on_one_clock(_packets(container, streams), joins, keep_damaged=False):
            index = packet.stream_index
            if not packet.size or packet.dts is None:
                continue
            packet.dts = max(packet.dts, last.get(index, packet.dts - 1) + 1)
            packet.pts = packet.dts if packet.pts is None else max(packet.pts, packet.dts)
            last[index] = packet.dts
            packet.stream = copies[index]
            with contextlib.suppress(av.error.ArgumentError):  # a time that cannot be told apart
                out.mux(packet)


def _packets(container: InputContainer, streams: list[Stream]) -> Iterator[av.Packet]:
    """Packets as far as the file can be read."""
    try:
        yield from demuxed(container, streams)
    except (av.error.FFmpegError, OSError):
        return
