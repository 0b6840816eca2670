"""Decode the frames asked for, into the ring of slots that the caller lent."""

from __future__ import annotations

import gc
import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain

import av
import numpy as np
from av.stream import Discard

from analysis.errors import RefusedMedia, UnreadableMedia
from analysis.media.decoding.change import Meter
from analysis.media.decoding.decoder import SAME_S, Faults, Seen, decoded, ready, stamp_of
from analysis.media.decoding.geometry import Geometry, fill, geometry_of
from analysis.media.decoding.joins import joins_of, on_one_clock
from analysis.media.decoding.line import Line
from analysis.media.decoding.opening import demuxed, film, is_picture, open_media, origin
from analysis.media.frame_table import EVENLY_PACED

_SEEKS_BADLY = ("mpeg",)  # guesses the times of the packets it finds after a seek
_HOP_S = 3.0  # a wanted frame further ahead than this is reached by seeking
_LET_GO_EVERY = 4  # delivered frames between two times that those before are let go
_REPORT_EVERY = 16  # decoded frames between two signs of life
_LOOK_BACK_S = (0.0, 2.0, 15.0, 120.0)


def read_frames(request: dict, payload: bytes, line: Line) -> None:
    """Deliver one displayed frame for each wanted time (payload: float64 seconds, ascending)."""
    Reading(request, np.frombuffer(payload, "<f8").tolist(), line).run()


class Reading:
    """One pass over a stretch of film, from the key frame before the first wanted time."""

    def __init__(self, request: dict, wanted: list[float], line: Line) -> None:
        self.request, self.wanted, self.line = request, wanted, line
        self.next = 0  # position in `wanted`
        self.previous: Seen | None = None
        self.used_s = -np.inf  # time of the frame delivered last
        self.gap_s = 0.04
        self.faults = Faults()
        self.missing: list[int] = []
        self.held: list[int] = []
        self.meter = Meter(request)
        self.ring = Ring(request, line)
        self._told: Geometry | None = None
        self.n_decoded = self.n_delivered = 0
        self._hopped_for = -1
        self._open()
        self.joins = joins_of(self.container, request, line)
        self._can_seek = self.container.format.name not in _SEEKS_BADLY
        self.start = origin(self.container)

    def run(self) -> None:
        first = min(self.wanted[0] if self.wanted else 0.0, self.request.get("from_s", np.inf))
        until = max(self.wanted[-1] if self.wanted else 0.0, self.request.get("until_s", -np.inf))
        try:
            self._deliver(first, until)
        except _Misplaced:  # start again, the slow and certain way
            self.line.send({"restart": True})
            self._can_seek, self.previous, self.meter = False, None, Meter(self.request)
            self._deliver(first, until)
        if not self.n_decoded:
            raise UnreadableMedia("Not one frame of this film can be decoded.")
        self.line.send(self._summary(), self.meter.take())

    def _deliver(self, first: float, until: float) -> None:
        for seen in self._frames_from(first):
            self._look(seen)
            if self.next >= len(self.wanted) and seen.time_s >= until - SAME_S:
                return
            self.previous = seen
        self._take_what_is_left()

    def _frames_from(self, time_s: float) -> Iterator[Seen]:
        """Decoded frames from the key frame at or before `time_s` on; hops over long gaps."""
        trusted, packets = self._seek(time_s)
        while True:
            for seen in self._stamped(packets, trusted):
                yield seen
                if self._should_hop(seen.time_s):
                    break
            else:
                return
            self._hopped_for = self.next
            trusted, packets = self._seek(self.wanted[self.next])
            trusted = max(trusted, seen.time_s + SAME_S)  # never back over what was shown

    def _stamped(self, packets: Iterable[av.Packet], trusted: float) -> Iterator[Seen]:
        last = -np.inf
        for seen in decoded(self.container, self.stream, packets, self.faults):
            time_s = seen.time_s
            if np.isnan(time_s) or time_s < trusted - SAME_S or time_s <= last:
                continue
            if np.isfinite(last):
                self.gap_s = 0.9 * self.gap_s + 0.1 * min(time_s - last, 1.0)
            last = time_s
            if seen.frame.is_corrupt:
                self.faults.n_damaged += 1
                self.faults.first_s = self.faults.first_s or time_s
            yield seen

    def _should_hop(self, time_s: float) -> bool:
        if not self.request.get("hop") or self.next >= len(self.wanted):
            return False
        if self._hopped_for == self.next:  # that key frame was the nearest there is
            return False
        return self.wanted[self.next] - time_s > _HOP_S

    def _seek(self, time_s: float) -> tuple[float, Iterator[av.Packet]]:
        """Go to a key frame at or before `time_s`: its time, and the packets from there on.

        Demuxers differ in where a seek lands; what counts is the key packet then found. Frames
        shown before that key frame may lean on pictures not decoded, hence the time.
        """
        for back in _LOOK_BACK_S:
            target = time_s - back
            if target <= 0.5 or not self._can_seek:
                break
            packets = self._packets_at(target)
            if packets is None:
                break
            key = next((p for p in packets if p.is_keyframe and stamp_of(p) is not None), None)
            if key is not None and self._shown(key) <= time_s + SAME_S:
                return self._shown(key), chain([key], packets)
        return self._walk(time_s)

    def _packets_at(self, target: float) -> Iterator[av.Packet] | None:
        """What comes after a seek to `target`; None where it leads to the beginning anyway."""
        try:
            if self.joins:  # the file's own times lead astray: only bytes are sure
                before = bisect_right(self.joins.keys, target, key=lambda key: key[1])
                if not before:
                    return None
                byte = self.joins.keys[before - 1][0]
                self.container.seek(byte, unsupported_byte_offset=True)
            else:
                assert self.stream.time_base is not None  # every demuxer sets it
                stamp = int((Fraction(target) + self.start) / self.stream.time_base)
                self.container.seek(stamp, stream=self.stream)
        except (av.error.FFmpegError, OSError):
            return iter(())
        return self._packets()

    def _packets(self) -> Iterator[av.Packet]:
        packets = on_one_clock(_forgiving(demuxed(self.container, [self.stream])), self.joins)
        is_counted = self.container.format.name in EVENLY_PACED  # by what comes out
        return self._sparing(packets) if self.request.get("spare") and not is_counted else packets

    def _sparing(self, packets: Iterator[av.Packet]) -> Iterator[av.Packet]:
        """The same; the decoder leaves out what is not wanted where no other frame leans on it."""
        context = self.stream.codec_context
        for packet in packets:
            is_free = stamp_of(packet) is not None and not self._is_wanted(self._shown(packet))
            context.skip_frame = "NONREF" if is_free else "DEFAULT"
            yield packet
        context.skip_frame = "DEFAULT"

    def _is_wanted(self, time_s: float) -> bool:
        at = bisect_left(self.wanted, time_s - 0.001)
        return at < len(self.wanted) and self.wanted[at] <= time_s + 0.001

    def _walk(self, time_s: float) -> tuple[float, Iterator[av.Packet]]:
        """As `_seek`, by reading (not decoding) everything from the start: always right."""
        self.container.close()
        self._open()
        packets = self._packets()
        held: list[av.Packet] = []
        trusted = -np.inf
        for number, packet in enumerate(packets):
            if number % 4096 == 0:
                self.line.send({"alive": True})
            if stamp_of(packet) is None and packet.size and not self.joins:
                return trusted, chain(held, [packet], packets)  # a raw stream: nothing to go by
            if packet.is_keyframe and stamp_of(packet) is not None:
                shown = self._shown(packet)
                if shown > time_s + SAME_S:
                    return trusted, chain(held, [packet], packets)
                held, trusted = [], shown if held else trusted
            held.append(packet)
        return trusted, iter(held)

    def _shown(self, packet: av.Packet) -> float:
        stamp = stamp_of(packet)
        assert stamp is not None
        return float(stamp * packet.time_base - self.start)

    def _open(self) -> None:
        self.container = open_media(self.request["media"], self.request)
        stream = film(self.container, self.request.get("track"))
        if stream is None:
            raise UnreadableMedia("There is no picture in this file: it holds sound only.")
        self.stream = stream
        ready(stream, self.request["limits"])
        if self.request.get("keys_only"):
            stream.codec_context.skip_frame = "NONKEY"
        for other in self.container.streams:
            if other.index != stream.index:
                other.discard = (
                    Discard.all
                )  # not even read from the disk where the format allows it

    def _look(self, seen: Seen) -> None:
        """Measure a decoded frame, and deliver it or the one before for each time it settles."""
        self.n_decoded += 1
        self.meter.see(seen)
        if self.n_decoded % _REPORT_EVERY == 0:
            self.line.send({"at_s": seen.time_s}, self.meter.take())
        if self.request.get("shown"):
            self._settle_shown(seen)
        else:
            self._settle_nearest(seen)

    def _settle_nearest(self, seen: Seen) -> None:
        while self.next < len(self.wanted) and self.wanted[self.next] <= seen.time_s + SAME_S:
            wanted = self.wanted[self.next]
            is_here = abs(seen.time_s - wanted) <= SAME_S
            choice = seen if is_here else self._nearer(seen, wanted)
            if not is_here and self.used_s < 0 and self._can_seek and wanted > 0.5:
                raise _Misplaced
            self._settle(choice, wanted)

    def _nearer(self, seen: Seen | None, wanted: float) -> Seen | None:
        """The unused frame nearest to `wanted` within half a frame gap: the table was off."""
        candidates = [c for c in (self.previous, seen) if c and c.time_s > self.used_s]
        best = min(candidates, key=lambda c: abs(c.time_s - wanted), default=None)
        return best if best and abs(best.time_s - wanted) <= self.gap_s / 2 else None

    def _settle_shown(self, seen: Seen) -> None:
        while self.next < len(self.wanted) and self.wanted[self.next] < seen.time_s - SAME_S:
            choice = self.previous or seen
            self._settle(choice, choice.time_s)

    def _take_what_is_left(self) -> None:
        """The film has ended: times still wanted get its last frame if that is theirs."""
        while self.next < len(self.wanted):
            last = self.previous
            if self.request.get("shown"):
                self._settle(last, last.time_s if last else 0.0)
            else:
                self._settle(self._nearer(None, self.wanted[self.next]), self.wanted[self.next])

    def _settle(self, choice: Seen | None, time_s: float) -> None:
        index = self.next
        self.next += 1
        if choice is None:
            self.missing.append(index)
            return
        self.used_s = choice.time_s
        geometry = self._geometry(choice.frame)
        if self.meter.is_same(choice) and geometry == self._told:
            self.held.append(index)
            return
        slot = self.ring.put(choice.frame, geometry)
        fields = {"slot": slot, "index": index, "time_s": time_s, "held": self.held}
        if geometry != self._told:  # the first frame, or the picture changed its size or turned
            fields["layout"], self._told = geometry.layout(), geometry
        self.held = []
        self.line.send(fields, self.meter.take())
        self._let_go()

    def _let_go(self) -> None:
        """Give back the memory of frames that nobody needs any more.

        PyAV's frames and what lies beside their pixels refer to each other once that was asked for,
        so that only a collection frees them; by itself it would come after a hundred frames.
        """
        self.n_delivered += 1
        if self.n_delivered % _LET_GO_EVERY == 0:
            gc.collect()

    def _geometry(self, frame: av.VideoFrame) -> Geometry:
        most = self.request["limits"]["max_video_side"]
        if max(frame.width, frame.height) > most:
            raise RefusedMedia(
                f"The picture becomes {frame.width:,}×{frame.height:,}; the limit for video is "
                f"{most:,}×{most:,}."
            )
        aspect = self.stream.sample_aspect_ratio
        if self._told and (frame.width, frame.height) != self._told.coded:
            aspect = self.stream.codec_context.sample_aspect_ratio  # the header's was the first's
        return geometry_of(frame, aspect, is_picture=is_picture(self.container))

    def _summary(self) -> dict:
        missing = self.missing
        return {
            "end": True,
            "held": self.held,
            "missing": missing,
            "n_errors": self.faults.n_errors,
            "n_damaged": self.faults.n_damaged,
            "first_s": self.wanted[missing[0]] if missing else self.faults.first_s,
            "ended_early": self.faults.ended_early,
        }


class _Misplaced(Exception):
    """The first frame after a seek is not at the time it was promised for."""


def _forgiving(packets: Iterator[av.Packet]) -> Iterator[av.Packet]:
    """Packets up to the point where the file can be read no further."""
    try:
        yield from packets
    except (av.error.FFmpegError, OSError):
        return


class Ring:
    """The slots, in memory shared with the caller, that frames are written to in turn.

    A picture larger than a slot asks the caller for a new ring behind the old one, whose frames
    stay readable. The caller frees slots in the order they were filled, and there are never more
    free than one ring has: so a slot's turn comes only after its last frame was given back.
    """

    def __init__(self, request: dict, line: Line) -> None:
        self._line, self._file = line, request["ring"]
        self._n_slots: int = request["n_slots"]
        self._n_put = 0
        self._slot_bytes = 0
        self._end = 0  # of the memory, in bytes

    def put(self, frame: av.VideoFrame, geometry: Geometry) -> int:
        if geometry.slot_bytes > self._slot_bytes:
            self._grow(geometry.slot_bytes)
        self._line.wait_for_slot()
        slot = self._n_put % self._n_slots
        self._n_put += 1
        at = slot * self._slot_bytes
        fill(self._pixels[at : at + geometry.slot_bytes], frame, geometry)
        return slot

    def _grow(self, needed: int) -> None:
        """Twice as large at least: a film that grows all the time asks a few times only."""
        self._slot_bytes = needed if not self._slot_bytes else max(needed, 2 * self._slot_bytes)
        start, page = self._end, mmap.ALLOCATIONGRANULARITY
        length = -(-self._slot_bytes * self._n_slots // page) * page
        self._end = start + length
        self._line.send({"memory": [start, length], "slot_bytes": self._slot_bytes})
        self._line.wait_for_memory()
        self._memory = mmap.mmap(self._file, length, offset=start)
        self._pixels = np.frombuffer(self._memory, np.uint8)
        self._n_put = 0
