"""Look through a file once: what it holds, and when each of its frames is shown."""

from __future__ import annotations

import contextlib
from array import array
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from analysis.errors import RefusedMedia, UnreadableMedia
from analysis.media.decoding.decoder import Seen, decoded, ready, stamp_of
from analysis.media.decoding.geometry import Geometry, geometry_of
from analysis.media.decoding.joins import Joins, joins_of, on_one_clock
from analysis.media.decoding.line import Line
from analysis.media.decoding.opening import (
    demuxed,
    film,
    is_picture,
    open_media,
    origin,
    picture_tracks,
)
from analysis.media.decoding.pictures import picture_frame

ROW = np.dtype([("time_s", "<f8"), ("duration_s", "<f8"), ("is_key", "?")])
_REPORT_EVERY = 4096  # packets between two signs of life
_REORDERED = 17
_CHECKED = 24  # frames decoded to see whether the packets tell the truth about their times
_HDR_TRANSFERS = (16, 18)  # PQ and HLG, as H.273 numbers them
_MOST_SAID = 3  # jumps of the clock that are told one by one
_VP8_HIDDEN = 0x10  # the bit of a VP8 packet's first byte that is set when it is shown


@dataclass(slots=True)
class Scan:
    """What one pass over the packets found. times_s, durations_s, keys: of each frame, in file
    order; millions of them in a long film, so they are kept as numbers."""

    times_s: array[float] = field(default_factory=lambda: array("d"))
    durations_s: array[float] = field(default_factory=lambda: array("d"))
    keys: bytearray = field(default_factory=bytearray)
    sound_end_s: float = 0.0
    other_end_s: float = 0.0  # of picture tracks that are not looked at
    n_sound: int = 0
    n_unstamped: int = 0
    is_broken: bool = False
    error: str = ""


def examine(request: dict, payload: bytes, line: Line) -> None:
    """Answer with the facts of the file as fields, and its frame table as payload."""
    media = request["media"]
    container = open_media(media, request)
    track = request.get("track")
    facts = _headers(container, track)
    if is_picture(container):
        _examine_picture(media, container, request, facts, line)
        return
    stream = film(container, track)
    joins = joins_of(container, request, line)
    scan = _scan(container, stream, joins, request["limits"], line)
    header_s = container.duration / 1_000_000 if container.duration else 0.0
    container.close()

    rows = np.empty(0, ROW)
    warnings = [*_other_pictures(facts["pictures"]), *_said_of(joins)]
    if stream is not None:
        facts |= _look(media, request)
        rows = _trusted_rows(request, scan, joins, warnings, line)
    if stream is not None and not len(rows):
        raise UnreadableMedia("There is a picture track, but not one frame of it can be decoded.")
    if stream is None and not scan.n_sound:
        raise UnreadableMedia("There is neither picture nor sound in this file.")

    facts["kind"] = "video" if stream is not None else "audio"
    if facts["format"] in ("gif", "apng", "webp") and len(rows) == 1:
        facts["kind"] = "image"
    last = float(rows["time_s"][-1] + rows["duration_s"][-1]) if len(rows) else 0.0
    end_s = max(last, scan.sound_end_s)
    facts["duration_s"] = end_s
    facts["is_joined"] = bool(joins)
    there_s = max(end_s, scan.other_end_s)
    short = not joins and _promises_more(header_s, there_s, warnings)
    facts["is_partial"] = scan.is_broken or short
    facts["warnings"] = warnings
    line.send(facts, rows.view(np.uint8).data)


def _headers(container: InputContainer, track: int | None) -> dict[str, Any]:
    stream = film(container, track)
    facts: dict[str, Any] = {
        "format": container.format.name,
        "origin_s": float(origin(container)),
        "audio": [
            {
                "index": track.index,
                "codec": track.codec_context.codec.canonical_name,
                "sample_rate": track.codec_context.sample_rate or 0,
                "channels": track.codec_context.channels or 0,
                "language": track.language or "",
            }
            for track in container.streams.audio
            if track.codec_context is not None
        ],
        "pictures": [
            {
                "index": other.index,
                "codec": other.codec_context.codec.canonical_name,
                "width": other.codec_context.width,
                "height": other.codec_context.height,
                "is_used": stream is not None and other.index == stream.index,
            }
            for other in picture_tracks(container)
            if other.codec_context is not None
        ],
    }
    if stream is not None and stream.codec_context is not None:
        facts["video_codec"] = stream.codec_context.codec.canonical_name
        facts["pixel_format"] = stream.codec_context.pix_fmt or ""
    elif stream is not None:
        raise UnreadableMedia("The picture track is in a format that this machine cannot decode.")
    return facts


def _examine_picture(
    media: int, container: InputContainer, request: dict, facts: dict, line: Line
) -> None:
    stream, frame, geometry, warnings = picture_frame(media, container, request)
    facts["video_codec"] = stream.codec_context.codec.canonical_name
    facts |= _seen(geometry, frame)
    facts |= {"kind": "image", "duration_s": 0.0, "is_partial": frame.is_corrupt}
    facts["pictures"] = []  # a photograph's tiles are no tracks to choose from
    facts["warnings"] = warnings
    line.send(facts, np.array([(0.0, 0.0, True)], ROW).tobytes())


def _scan(
    container: InputContainer,
    stream: VideoStream | None,
    joins: Joins,
    limits: dict,
    line: Line,
) -> Scan:
    """Note the time of every packet of picture and sound; read no pixels."""
    scan = Scan()
    start = origin(container)
    clock = {s.index: float(s.time_base) for s in container.streams if s.time_base}
    picture = -1 if stream is None else stream.index
    is_vp8 = stream is not None and stream.codec_context.codec.canonical_name == "vp8"
    others = picture_tracks(container) if stream is not None else []
    tracks = [*container.streams.audio, *others]
    if not tracks:
        return scan
    sounds = {track.index for track in container.streams.audio}
    packets = on_one_clock(demuxed(container, tracks), joins, keep_damaged=False)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return scan
        except (av.error.FFmpegError, OSError) as e:
            scan.is_broken, scan.error = True, str(e)
            return scan
        if not packet.size or packet.is_discard:
            continue
        if (len(scan.keys) + scan.n_sound) % _REPORT_EVERY == 0:
            line.send({"alive": True})
        pts, base = stamp_of(packet), clock[packet.stream_index]
        if packet.stream_index != picture:
            end_s = 0.0 if pts is None else (pts + (packet.duration or 0)) * base - float(start)
            if packet.stream_index in sounds:
                scan.n_sound += 1
                scan.sound_end_s = max(scan.sound_end_s, end_s)
            else:
                scan.other_end_s = max(scan.other_end_s, end_s)
        elif pts is None:
            scan.n_unstamped += 1
        elif not (is_vp8 and not bytes(packet)[0] & _VP8_HIDDEN):
            time_s = float(pts * packet.time_base - start)
            scan.times_s.append(time_s)
            scan.durations_s.append((packet.duration or 0) * base)
            scan.keys.append(packet.is_keyframe)
            if len(scan.keys) > limits["max_frames"]:
                raise RefusedMedia(f"The film has more than {limits['max_frames']:,} frames.")


def _look(media: int, request: dict) -> dict[str, Any]:
    """What only decoding tells: how the first frame is displayed."""
    container = open_media(media, request)
    stream = film(container, request.get("track"))
    assert stream is not None
    ready(stream, request["limits"])
    with contextlib.closing(container):
        frames = list(islice(decoded(container, stream), 4))
        if not frames:
            return {}
        first = frames[0].frame
        facts = _seen(geometry_of(first, stream.sample_aspect_ratio, is_picture=False), first)
        return facts | {"is_interlaced": any(seen.frame.interlaced_frame for seen in frames)}


def _seen(geometry: Geometry, frame: av.VideoFrame) -> dict[str, Any]:
    width, height = geometry.displayed
    return {
        "width": width,
        "height": height,
        "coded_width": frame.width,
        "coded_height": frame.height,
        "rotation": 90 * geometry.quarter_turns,
        "sample_aspect": float(geometry.sample_aspect),
        "pixel_format": frame.format.name,
        "is_hdr": frame.color_trc in _HDR_TRANSFERS,
    }


def _trusted_rows(
    request: dict, scan: Scan, joins: Joins, warnings: list[str], line: Line
) -> NDArray[np.void]:
    """The frame table: from the packets where they tell the truth, else from decoding it all."""
    rows = _in_order(scan, warnings)
    container = open_media(request["media"], request)
    stream = film(container, request.get("track"))
    assert stream is not None
    ready(stream, request["limits"])
    with contextlib.closing(container):
        frames = decoded(container, stream, on_one_clock(demuxed(container, [stream]), joins))
        first = list(map(_row, islice(frames, _CHECKED)))
        if _agree(first, rows) and not scan.n_unstamped:
            return rows
        known = [row for row in first if row is not None]
        for seen in frames if first else ():
            row = _row(seen)
            known += [] if row is None else [row]
            if len(known) % 16 == 0:
                line.send({"alive": True})
    return _without_repeats(np.sort(np.array(known, ROW), order="time_s"))


def _agree(first: list[tuple[float, float, bool] | None], rows: NDArray[np.void]) -> bool:
    """Whether the first decoded frames are shown when the packets said."""
    times = [row[0] for row in first if row is not None]
    count = min(len(times), len(rows))
    same = np.allclose(times[:count], rows["time_s"][:count], atol=1e-6, rtol=0)
    return count > 0 and same and None not in first


def _row(seen: Seen) -> tuple[float, float, bool] | None:
    if np.isnan(seen.time_s):
        return None
    frame = seen.frame
    duration = float((frame.duration or 0) * (frame.time_base or 0))
    return seen.time_s, duration, bool(frame.key_frame)


def _in_order(scan: Scan, warnings: list[str]) -> NDArray[np.void]:
    """Rows sorted by time. What runs backwards in the file, or comes twice, is left out.

    Decoding order may run ahead of showing order by 16 frames at most (H.264, HEVC): a frame
    shown before one that came more than 16 packets earlier is the clock running backwards.
    """
    if not scan.keys:
        return np.empty(0, ROW)
    rows = np.empty(len(scan.keys), ROW)
    rows["time_s"], rows["duration_s"] = scan.times_s, scan.durations_s
    rows["is_key"] = np.frombuffer(scan.keys, bool)
    times = rows["time_s"]
    reached = np.maximum.accumulate(times)
    behind = np.zeros(len(times), bool)
    behind[_REORDERED:] = times[_REORDERED:] < reached[:-_REORDERED]
    if behind.any():
        at = float(reached[np.argmax(behind)])
        warnings.append(
            f"The film's clock runs backwards after {at:.3f} s; {int(behind.sum())} frames that "
            "would be shown at times already past are left out."
        )
        rows = rows[~behind]
    rows.sort(order="time_s")
    return _without_repeats(rows)


def _without_repeats(rows: NDArray[np.void]) -> NDArray[np.void]:
    is_new = np.diff(rows["time_s"], prepend=-np.inf) > 1e-7
    return rows if is_new.all() else rows[is_new]


def _other_pictures(pictures: list[dict[str, Any]]) -> list[str]:
    others = [p for p in pictures if not p["is_used"]]
    if not others or len(others) == len(pictures):
        return []
    sizes = ", ".join(f"track {p['index']}: {p['width']}×{p['height']}" for p in others)
    if len(others) == 1:
        return [f"There is another picture track in this file ({sizes}); it was not looked at."]
    return [
        f"There are {len(others)} other picture tracks in this file ({sizes}); they were not "
        "looked at."
    ]


def _said_of(joins: Joins) -> list[str]:
    """What a person should know of a clock that was put right."""
    said = []
    for at_s, leap_s in joins.breaks[:_MOST_SAID]:
        if leap_s < 0:
            said.append(
                f"The film's clock starts again after {at_s:,.1f} s: another recording follows. "
                "It is measured as going on from there."
            )
        else:
            said.append(
                f"The film's clock jumps ahead by {leap_s:,.1f} s after {at_s:,.1f} s: nothing was "
                "recorded there. The hole counts as no time; what follows is measured as going on."
            )
    if len(joins.breaks) > _MOST_SAID:
        said.append(f"Its clock jumps {len(joins.breaks) - _MOST_SAID} more times.")
    return said


def _promises_more(header_s: float, end_s: float, warnings: list[str]) -> bool:
    """Whether the header claims clearly more than the file holds."""
    if header_s <= end_s + max(1.0, 0.02 * end_s):
        return False
    warnings.append(
        f"The header promises {header_s:,.1f} s, but only {end_s:,.1f} s are in the file; "
        "it may have been cut short."
    )
    return True
