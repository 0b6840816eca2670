"""Decode the frames asked for, into the ring of slots that the caller lent."""

from __future__ import annotations

import heapq
import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream
from numpy.typing import NDArray

from analysis.errors import RefusedMedia, UnreadableMedia
from analysis.media.decoding.geometry import (
    EXIF_TURNS,
    Geometry,
    convert,
    displayed,
    fill,
    geometry_of,
    plane,
)
from analysis.media.decoding.line import Line
from analysis.media.decoding.opening import film, is_picture, open_media, origin
from analysis.media.frame_table import EVENLY_PACED
from analysis.media.opencv import resize

CHANGE = np.dtype([("time_s", "<f8"), ("score", "<f4")])
_SEEKS_BADLY = ("mpeg",)  # guesses the times of the packets it finds after a seek
_SAME_S = 1e-4  # two times closer than this are the same frame
_HOP_S = 3.0  # a wanted frame further ahead than this is reached by seeking
_REPORT_EVERY = 16  # decoded frames between two signs of life
_LOOK_BACK_S = (0.0, 2.0, 15.0, 120.0)
_SIGNATURE = (64, 36)  # cells that a frame is averaged to, for telling how much it changed
_ORIENTATION = 274  # the EXIF tag
_BUSIEST = 16  # cells, 0.7 % of the picture: a small logo that appears changes so many


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
    packets = iter(container.demux(stream) if packets is None else packets)
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


# ---- frames of a film --------------------------------------------------------------------------


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
        self.ring: Ring | None = None
        self.n_decoded = 0
        self._hopped_for = -1
        self._open()
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
            if self.next >= len(self.wanted) and seen.time_s >= until - _SAME_S:
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
            trusted = max(trusted, seen.time_s + _SAME_S)  # never back over what was shown

    def _stamped(self, packets: Iterable[av.Packet], trusted: float) -> Iterator[Seen]:
        last = -np.inf
        for seen in decoded(self.container, self.stream, packets, self.faults):
            time_s = seen.time_s
            if np.isnan(time_s) or time_s < trusted - _SAME_S or time_s <= last:
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
            key = next((p for p in packets if p.is_keyframe and stamp_of(p) is not None), None)
            if key is not None and self._shown(key) <= time_s + _SAME_S:
                return self._shown(key), chain([key], packets)
        return self._walk(time_s)

    def _packets_at(self, target: float) -> Iterator[av.Packet]:
        assert self.stream.time_base is not None  # every demuxer sets it
        stamp = int((Fraction(target) + self.start) / self.stream.time_base)
        try:
            self.container.seek(stamp, stream=self.stream)
        except (av.error.FFmpegError, OSError):
            return iter(())
        return _forgiving(self.container.demux(self.stream))

    def _walk(self, time_s: float) -> tuple[float, Iterator[av.Packet]]:
        """As `_seek`, by reading (not decoding) everything from the start: always right."""
        self.container.close()
        self._open()
        packets = _forgiving(self.container.demux(self.stream))
        held: list[av.Packet] = []
        trusted = -np.inf
        for number, packet in enumerate(packets):
            if number % 4096 == 0:
                self.line.send({"alive": True})
            if stamp_of(packet) is None and packet.size:  # a raw stream: nothing to go by
                return trusted, chain(held, [packet], packets)
            if packet.is_keyframe:
                shown = self._shown(packet)
                if shown > time_s + _SAME_S:
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
        stream = film(self.container)
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
        if self.ring is None:
            self.ring = Ring(self.request, self.line, self._geometry(seen.frame))
        self.meter.see(seen)
        if self.n_decoded % _REPORT_EVERY == 0:
            self.line.send({"at_s": seen.time_s}, self.meter.take())
        if self.request.get("shown"):
            self._settle_shown(seen)
        else:
            self._settle_nearest(seen)

    def _settle_nearest(self, seen: Seen) -> None:
        while self.next < len(self.wanted) and self.wanted[self.next] <= seen.time_s + _SAME_S:
            wanted = self.wanted[self.next]
            is_here = abs(seen.time_s - wanted) <= _SAME_S
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
        while self.next < len(self.wanted) and self.wanted[self.next] < seen.time_s - _SAME_S:
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
        if self.meter.is_same(choice):
            self.held.append(index)
            return
        assert self.ring is not None
        slot = self.ring.put(choice.frame)
        fields = {"slot": slot, "index": index, "time_s": time_s, "held": self.held}
        self.held = []
        self.line.send(fields, self.meter.take())

    def _geometry(self, frame: av.VideoFrame) -> Geometry:
        aspect = self.stream.sample_aspect_ratio
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
    """The slots, in memory shared with the caller, that frames are written to in turn."""

    def __init__(self, request: dict, line: Line, geometry: Geometry) -> None:
        self._line, self._geometry = line, geometry
        self._n_slots: int = request["n_slots"]
        self._n_put = 0
        line.send({"layout": geometry.layout()})
        line.wait_for_slot()  # the caller sizes the memory before it grants the first slot
        self._is_waited = True
        self._memory = mmap.mmap(request["ring"], geometry.slot_bytes * self._n_slots)
        self._pixels = np.frombuffer(self._memory, np.uint8)

    def put(self, frame: av.VideoFrame) -> int:
        if not self._is_waited:
            self._line.wait_for_slot()
        self._is_waited = False
        slot = self._n_put % self._n_slots
        self._n_put += 1
        size = self._geometry.slot_bytes
        fill(self._pixels[slot * size : (slot + 1) * size], frame, self._geometry)
        return slot


class Meter:
    """How much each frame differs from the one before, and from the one delivered last."""

    def __init__(self, request: dict) -> None:
        self._is_on = bool(request.get("changes")) or request.get("hold_below") is not None
        self._hold_below: float | None = request.get("hold_below")
        self._from_s: float = request.get("from_s", -np.inf)
        self._until_s: float = request.get("until_s", np.inf)
        self._signatures: list[tuple[Seen, NDArray[np.uint8]]] = []  # the last two
        self._delivered: NDArray[np.uint8] | None = None
        self._changes: list[tuple[float, float]] = []

    def see(self, seen: Seen) -> None:
        if not self._is_on:
            return
        now = signature(seen.frame)
        score = 0.0
        if self._signatures:
            before = self._signatures[-1][1]
            score = cv2.norm(now, before, cv2.NORM_L1) / (255 * now.size)
        if self._from_s < seen.time_s <= self._until_s + _SAME_S:
            self._changes.append((seen.time_s, score))
        self._signatures = [*self._signatures[-1:], (seen, now)]

    def is_same(self, choice: Seen) -> bool:
        """Whether `choice` looks like the frame delivered last; if not, it is the last now."""
        if self._hold_below is None:
            return False
        now = next(sign for seen, sign in self._signatures if seen is choice)
        if self._delivered is not None and difference(now, self._delivered) <= self._hold_below:
            return True
        self._delivered = now
        return False

    def take(self) -> bytes:
        changes, self._changes = self._changes, []
        return np.array(changes, CHANGE).tobytes()


def signature(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The frame as a few thousand averaged cells: brightness, then the two colour planes."""
    if frame.format.name not in ("yuv420p", "yuvj420p", "nv12"):
        frame = convert(frame, _SIGNATURE[0] * 4, _SIGNATURE[1] * 4, "yuv420p")
    width, height = frame.width, frame.height
    cells = [_cells(plane(frame, 0, width, height), *_SIGNATURE)]
    if frame.format.name != "nv12" and min(width, height) > 1:
        half = (width + 1) // 2, (height + 1) // 2
        cells += [
            _cells(plane(frame, index, *half), _SIGNATURE[0] // 2, _SIGNATURE[1] // 2)
            for index in (1, 2)
        ]
    return np.concatenate(cells)


def difference(now: NDArray[np.uint8], before: NDArray[np.uint8]) -> float:
    """Change of the busiest cells, 0 to 1, so that a small logo counts in a still picture."""
    change = cv2.absdiff(now, before).ravel()
    return float(np.partition(change, -_BUSIEST)[-_BUSIEST:].mean()) / 255


def _cells(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Averages over a grid: 16 points a cell are as good as all of them, and far cheaper."""
    points = resize(pixels, (width * 4, height * 4), interpolation=cv2.INTER_LINEAR)
    return resize(points, (width, height), interpolation=cv2.INTER_AREA).ravel()


# ---- pictures ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture file states before any pixel is decoded; zeros where PIL cannot tell."""

    width: int = 0
    height: int = 0
    n_pages: int = 1
    orientation: int = 1  # EXIF: 1 to 8


def picture_frame(
    media: int, container: InputContainer, request: dict
) -> tuple[VideoStream, av.VideoFrame, Geometry, list[str]]:
    """The one frame of a picture file, how to display it, and what to warn about.

    Raises RefusedMedia for a picture beyond the limits before a pixel of it is decoded.
    """
    stream = film(container)
    header = _picture_header(media)
    _check_picture(header.width, header.height, request["limits"])
    if stream is None or stream.codec_context is None:
        raise UnreadableMedia("This picture is in a format that this machine cannot decode.")
    context = stream.codec_context
    _check_picture(context.width, context.height, request["limits"])
    context.options = {"max_pixels": str(request["limits"]["max_picture_pixels"])}
    seen = next(decoded(container, stream), None)
    frame = seen.frame if seen else _moving_webp(media)
    if frame is None:
        raise UnreadableMedia("This picture is damaged: it cannot be decoded.")
    geometry = geometry_of(frame, None, is_picture=True)
    if header.orientation in EXIF_TURNS:
        turns, mirrored = EXIF_TURNS[header.orientation]
        geometry = replace(geometry, quarter_turns=turns, is_mirrored=mirrored)
    n_pages = header.n_pages
    warnings = [f"Only the first of {n_pages} pages is used."] if n_pages > 1 else []
    return stream, frame, geometry, warnings


def read_picture(request: dict, payload: bytes, line: Line) -> None:
    """Answer with one picture as displayed: BGR, or BGRA where it has see-through parts."""
    media = request["media"]
    container = open_media(media, request)
    if is_picture(container):
        _, frame, geometry, _ = picture_frame(media, container, request)
    else:  # a film: its first frame
        stream = film(container)
        if stream is None:
            raise UnreadableMedia("There is no picture in this file: it holds sound only.")
        ready(stream, request["limits"])
        first = next(decoded(container, stream), None)
        if first is None:
            raise UnreadableMedia("Not one frame of this film can be decoded.")
        frame = first.frame
        geometry = geometry_of(frame, stream.sample_aspect_ratio, is_picture=False)
    has_alpha = _is_palette(frame) or any(part.is_alpha for part in frame.format.components)
    image = displayed(frame, geometry, "bgra" if has_alpha else "bgr24")
    line.send({"shape": list(image.shape)}, np.ascontiguousarray(image).tobytes())


def _is_palette(frame: av.VideoFrame) -> bool:
    """Palettes may hold a see-through colour; the format does not say."""
    return frame.format.name == "pal8"


def _picture_header(media: int) -> PictureHeader:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # only the header is read; our own limit follows
    position = os.lseek(media, 0, os.SEEK_CUR)  # the demuxer reads on from there
    os.lseek(media, 0, os.SEEK_SET)
    try:
        with open(media, "rb", closefd=False) as file, Image.open(file) as picture:
            pages = getattr(picture, "n_frames", 1) if picture.format in ("TIFF", "WEBP") else 1
            may_be_turned = picture.format in ("JPEG", "MPO", "TIFF", "WEBP")
            # Of a PNG, PIL would decode every pixel to look for EXIF behind them.
            orientation = picture.getexif().get(_ORIENTATION, 1) if may_be_turned else 1
            return PictureHeader(*picture.size, pages, orientation)
    except Exception:
        return PictureHeader()  # PIL knows fewer formats than ffmpeg
    finally:
        os.lseek(media, position, os.SEEK_SET)


def _moving_webp(media: int) -> av.VideoFrame | None:
    """The first frame of a WebP that moves, which PIL decodes and ffmpeg does not."""
    from PIL import Image

    os.lseek(media, 0, os.SEEK_SET)
    try:
        with open(media, "rb", closefd=False) as file:
            picture = Image.open(file, formats=["WEBP"]).convert("RGB")
            return av.VideoFrame.from_ndarray(np.array(picture), "rgb24")
    except Exception:
        return None


def _check_picture(width: int, height: int, limits: dict) -> None:
    side, pixels = limits["max_picture_side"], limits["max_picture_pixels"]
    if max(width, height) > side or width * height > pixels:
        raise RefusedMedia(
            f"The picture is {width:,}×{height:,} pixels; the limit is {side:,} on a side and "
            f"{pixels // 1_000_000} megapixels."
        )
