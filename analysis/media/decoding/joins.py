"""One clock for a file whose own clock starts again or jumps.

A transport stream carries times but nothing that ties them together: two recordings joined by
`cat`, or an encoder that was restarted, give one file whose times run twice, or leap by hours.
ffmpeg's program lets such a film go on from where it was (its `-dts_delta_threshold`), and so do
players; so does this. Each track is cut into parts where its decoding times run backwards, or leap
ahead by more than `LEAP_S`. Picture and sound of one recording are moved alike, so far that neither
begins before its own track has ended. A leap of a packet or two is damage, not a new part: these
packets have no time at all.

Matroska, MP4 and their like say how long each frame lasts; what they say is believed.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from analysis.errors import RefusedMedia
from analysis.media.decoding.line import Line
from analysis.media.decoding.opening import demuxed, film, open_media, origin

UNTIED = ("mpegts", "mpeg", "flv", "live_flv")  # formats whose clock may start again
LEAP_S = 10  # ahead, as in ffmpeg
_BACK_S = Fraction(1, 10)
_DAMAGE = 3  # packets: a leap that is over sooner is damage
_KEY_EVERY_S = 2.0
_MOST = 20_000  # parts
_UNKNOWN = -(1 << 63)
_REPORT_EVERY = 4096


@dataclass(slots=True)
class Joins:
    """What turns the times of a file into those of one clock that never runs backwards.

    parts: for each track, from which byte of the file on how many ticks are added to its times;
    None where they are damaged. breaks: when the picture goes on, seconds on that clock, and by
    how much the file's own clock leaps there. keys: bytes and times of key frames to seek to.
    All three are empty for a file whose clock simply runs on.
    """

    parts: dict[int, list[tuple[int, int | None]]] = field(default_factory=dict)
    breaks: list[tuple[float, float]] = field(default_factory=list)
    keys: list[tuple[int, float]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.parts)

    def added(self, track: int, byte: int) -> int | None:
        """Ticks to add to the times of a packet of `track` that starts at `byte`."""
        parts = self.parts.get(track)
        if not parts:
            return 0
        return parts[max(bisect_right(parts, byte, key=lambda part: part[0]) - 1, 0)][1]

    def to_json(self) -> dict[str, Any]:
        return {"parts": list(self.parts.items()), "breaks": self.breaks, "keys": self.keys}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Joins:
        parts = {track: [(at, ticks) for at, ticks in rows] for track, rows in data["parts"]}
        breaks = [(at, by) for at, by in data["breaks"]]
        return cls(parts, breaks, [(byte, time_s) for byte, time_s in data["keys"]])


def joins_of(container: InputContainer, request: dict, line: Line) -> Joins:
    """The joins of the file behind `container`: known from before, or found by reading it all.

    What is found is told to the caller, who passes it on with its next request.
    """
    if not any(name in UNTIED for name in container.format.name.split(",")):
        return Joins()
    if "joins" in request:
        return Joins.from_json(request["joins"])
    media = request["media"]
    position = os.lseek(media, 0, os.SEEK_CUR)  # `container` reads on from there
    again = open_media(media, request)
    tracks = _read_stamps(again, request, line)
    picture = film(again, request.get("track"))
    joins = _joins(tracks, None if picture is None else picture.index, origin(again))
    again.close()
    os.lseek(media, position, os.SEEK_SET)
    line.send({"joins": joins.to_json()})
    return joins


def on_one_clock(
    packets: Iterable[av.Packet], joins: Joins, *, keep_damaged: bool = True
) -> Iterator[av.Packet]:
    """The packets, each with its time on the one clock; damaged ones without, or left out."""
    if not joins:
        yield from packets
        return
    byte = 0
    for packet in packets:
        byte = packet.pos if packet.pos is not None and packet.pos >= 0 else byte
        ticks = joins.added(packet.stream_index, byte)
        if ticks is None:
            if not keep_damaged:
                continue
            packet.pts = packet.dts = None
        elif ticks:
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        yield packet


class _Stamps:
    """Times and places of one track's packets, in file order."""

    def __init__(self, base: Fraction) -> None:
        self.base = base
        self.columns = {name: array("q") for name in ("pts", "dts", "duration", "byte", "key")}

    def add(self, packet: av.Packet) -> None:
        columns = self.columns
        bytes_before = columns["byte"]
        at = packet.pos if packet.pos is not None and packet.pos >= 0 else -1
        pts = packet.dts if packet.pts is None else packet.pts
        dts = packet.pts if packet.dts is None else packet.dts
        columns["pts"].append(_UNKNOWN if pts is None else pts)
        columns["dts"].append(_UNKNOWN if dts is None else dts)
        columns["duration"].append(packet.duration or 0)
        columns["key"].append(packet.is_keyframe)
        bytes_before.append(at if at >= 0 else (bytes_before[-1] if bytes_before else 0))

    def of(self, name: str) -> NDArray[np.int64]:
        return np.frombuffer(self.columns[name], np.int64)


def _read_stamps(container: InputContainer, request: dict, line: Line) -> dict[int, _Stamps]:
    picture = film(container, request.get("track"))
    streams = [*container.streams.audio, *([] if picture is None else [picture])]
    tracks = {s.index: _Stamps(Fraction(s.time_base)) for s in streams if s.time_base}
    most = request["limits"]["max_frames"]
    packets = demuxed(container, [s for s in streams if s.index in tracks]) if tracks else iter(())
    number = 0
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError, OSError):
            return tracks
        if number % _REPORT_EVERY == 0:
            line.send({"alive": True})
        number += 1
        if packet.size:
            track = tracks[packet.stream_index]
            track.add(packet)
            if picture is not None and len(track.columns["pts"]) > 8 * most:
                raise RefusedMedia(f"The film has more than {most:,} frames.")


@dataclass(slots=True)
class _Part:
    """A stretch of one track whose clock runs on; seconds on the file's own clock."""

    first_byte: int
    last_byte: int
    first_s: Fraction
    end_s: Fraction
    moved_s: Fraction = Fraction(0)


def _joins(tracks: dict[int, _Stamps], picture: int | None, start: Fraction) -> Joins:
    numbers = {
        index: _part_numbers(track) for index, track in tracks.items() if len(track.of("dts"))
    }
    parts = {index: _parts(tracks[index], numbers[index]) for index in numbers}
    parts = {index: found for index, found in parts.items() if found}
    if all((number == 0).all() for number in numbers.values()) or not parts:
        return Joins()
    if max(len(found) for found in parts.values()) > _MOST:
        raise RefusedMedia("The film's clock jumps all the time: no frame has a time of its own.")
    main = picture if picture in parts else next(iter(parts))
    _move(parts, main, start)
    joins = Joins()
    for index, found in parts.items():
        joins.parts[index] = _runs(tracks[index], numbers[index], found)
    joins.breaks = [
        (float(now.first_s + now.moved_s - start), float(now.first_s - before.end_s))
        for before, now in zip(parts[main], parts[main][1:], strict=False)
    ]
    joins.keys = _keys(tracks[main], joins.parts[main], start) if main == picture else []
    return joins


def _part_numbers(track: _Stamps) -> NDArray[np.int64]:
    """For each packet the number of its part; -1 where its time is damaged or missing."""
    dts, pts = track.of("dts"), track.of("pts")
    numbers = np.full(len(dts), -1)
    known = np.flatnonzero((dts != _UNKNOWN) & (abs(pts - dts) < int(LEAP_S / track.base)))
    times = dts[known]
    least, most = -int(_BACK_S / track.base), int(LEAP_S / track.base)
    steps = np.diff(times)
    borders = np.flatnonzero((steps < least) | (steps > most)) + 1
    runs = [run for run in np.split(np.arange(len(known)), borders) if len(run)]
    number, last = -1, None
    for place, run in enumerate(runs):
        first = int(times[run[0]])
        goes_on = last is not None and least <= first - last <= most
        if len(run) < _DAMAGE and len(runs) > 1 and not goes_on:
            follows = int(times[runs[place + 1][0]]) if place + 1 < len(runs) else None
            if last is None or follows is None or least <= follows - last <= most:
                continue
        number += not goes_on
        numbers[known[run]] = number
        last = int(times[run[-1]])
    return numbers


def _parts(track: _Stamps, numbers: NDArray[np.int64]) -> list[_Part]:
    pts, duration, byte = track.of("pts"), track.of("duration"), track.of("byte")
    found = []
    for number in range(int(numbers.max()) + 1):
        [mine] = np.nonzero(numbers == number)
        last = mine[pts[mine].argmax()]
        gaps = np.diff(np.sort(pts[mine]))
        shown = int(duration[last]) or (int(np.median(gaps)) if len(gaps) else 0)
        found.append(
            _Part(
                first_byte=int(byte[mine[0]]),
                last_byte=int(byte[mine[-1]]),
                first_s=int(pts[mine].min()) * track.base,
                end_s=(int(pts[last]) + shown) * track.base,
            )
        )
    return found


def _move(parts: dict[int, list[_Part]], main: int, start: Fraction) -> None:
    """Decide by how much each part moves: those that belong together alike."""
    together: list[dict[int, _Part]] = [{main: part} for part in parts[main]]
    for index, found in parts.items():
        for part in found if index != main else ():
            beside = max(together, key=lambda group: _shared_bytes(group[main], part))
            if index not in beside and _is_one_clock(beside[main], part):
                beside[index] = part
    ends: dict[int, Fraction] = {}
    for number, group in enumerate(together):
        if number == 0:
            first = min(part.first_s for part in group.values())
            moved = start - first if first < start or first > start + 1 else Fraction(0)
        else:
            moved = max(ends[i] - part.first_s for i, part in group.items() if i in ends)
        for index, part in group.items():
            part.moved_s = moved
            ends[index] = part.end_s + moved
    placed = {id(part) for group in together for part in group.values()}
    for found in parts.values():
        end = None
        for part in found:
            if id(part) not in placed:  # a track of its own ways: it simply goes on
                part.moved_s = end - part.first_s if end is not None else Fraction(0)
            end = part.end_s + part.moved_s


def _shared_bytes(one: _Part, other: _Part) -> int:
    return min(one.last_byte, other.last_byte) - max(one.first_byte, other.first_byte)


def _is_one_clock(one: _Part, other: _Part) -> bool:
    return one.first_s < other.end_s + LEAP_S and other.first_s < one.end_s + LEAP_S


def _runs(
    track: _Stamps, numbers: NDArray[np.int64], parts: list[_Part]
) -> list[tuple[int, int | None]]:
    """From which byte on how many ticks are added."""
    changes = np.flatnonzero(np.diff(numbers, prepend=-2))
    byte, rows = track.of("byte"), []
    for at in changes.tolist():
        number = int(numbers[at])
        rows.append(
            (int(byte[at]), None if number < 0 else round(parts[number].moved_s / track.base))
        )
    return rows


def _keys(
    track: _Stamps, rows: list[tuple[int, int | None]], start: Fraction
) -> list[tuple[int, float]]:
    keys: list[tuple[int, float]] = []
    joins = Joins({0: rows})
    pts, byte = track.of("pts"), track.of("byte")
    for at in np.flatnonzero(track.of("key")).tolist():
        ticks = joins.added(0, int(byte[at]))
        if ticks is None or pts[at] == _UNKNOWN:
            continue
        time_s = float((int(pts[at]) + ticks) * track.base - start)
        if not keys or time_s - keys[-1][1] >= _KEY_EVERY_S:
            keys.append((int(byte[at]), time_s))
    return keys
