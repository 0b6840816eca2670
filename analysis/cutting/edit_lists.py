"""A cut as an edit list: CMX 3600 EDL, OpenTimelineIO and CSV, exact to the frame.

An EDL has one rate: a source of another one is counted at the list's, as programs do that conform
it, and the list says so. OpenTimelineIO has each source at its own. A film of variable rate has no
frame numbers of its own: an EDL counts it at the list's rate too, by when its frames are shown,
OpenTimelineIO at its mean.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from analysis.cutting.clips import Clip
from analysis.cutting.rates import Rate, common_rate, timecode

_RECORD_H = 1  # the programme that is made begins at one o'clock, as broadcasters have it
MOST_EVENTS = 999  # an EDL numbers them with three digits
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_COLUMNS = (
    *("cut", "number", "title", "file", "start_s", "end_s", "seconds"),
    *("first_frame", "frames", "rate", "in_cut", "in_cut_s"),
)


def rate_of(clips: Sequence[Clip]) -> Rate:
    """The rate of a list of these clips: theirs where they have one, else the commonest. A mean of
    a variable one is none: timecode counts whole frames a second, and 20.17 are not."""
    rates = [(clip.source.rate, clip.seconds) for clip in clips if clip.source.rate]
    alike = {rate for rate, _ in rates}
    is_one = len(alike) == 1 and not any(rate.is_variable for rate in alike)
    return alike.pop() if is_one else common_rate(rates)


def edl(title: str, clips: Sequence[Clip], rate: Rate | None = None) -> str:
    """A CMX 3600 list: one event each, in the order given, laid end to end from one o'clock.

    Source times count from the first frame of each file. Raises ValueError for more than an EDL
    can number.
    """
    if len(clips) > MOST_EVENTS:
        raise ValueError(f"An EDL numbers {MOST_EVENTS} events at most; these are {len(clips)}.")
    rate = rate or rate_of(clips)
    lines = [f"TITLE: {_plain(title)[:70]}"]
    lines += [f"FCM: {'DROP FRAME' if rate.drops else 'NON-DROP FRAME'}", ""]
    notes = list(_notes(clips, rate))
    for number, clip, (first, end), record in _laid(clips, rate):
        times = (first, end, record, record + end - first)
        codes = " ".join(timecode(frame, rate) for frame in times)
        lines += [f"{number:03}  AX       {'V' if clip.source.rate else 'A'}     C        {codes}"]
        lines += [f"* FROM CLIP NAME: {_plain(clip.source.name)}"]
        lines += [f"* COMMENT: {_plain(clip.title)}"]
        if number == 1:  # before the first event some programs read no comment
            lines += [f"* COMMENT: {note}" for note in notes]
    return "\r\n".join(lines) + "\r\n"


def otio(title: str, clips: Sequence[Clip], rate: Rate | None = None) -> str:
    """The same as OpenTimelineIO's JSON (schema Timeline.1), rates as floats as it has them.

    Each clip is counted in its source's own rate.
    """
    rate = rate or rate_of(clips)
    is_sound = bool(clips) and not any(clip.source.rate for clip in clips)
    track = {
        "OTIO_SCHEMA": "Track.1",
        "name": "A1" if is_sound else "V1",
        "kind": "Audio" if is_sound else "Video",
        "children": [_otio_clip(clip, rate) for clip in clips],
    }
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": title,
        "global_start_time": _time(rate.at(_RECORD_H), rate),
        "metadata": {"sightline": {"notes": list(_notes(clips, rate, one_rate=False))}},
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]},
    }
    return json.dumps(timeline, indent=1, ensure_ascii=False) + "\n"


def clips_csv(title: str, clips: Sequence[Clip], rate: Rate | None = None) -> str:
    """One row for each clip, with its times in its file and in the cut. For Excel encode it as
    "utf-8-sig"."""
    rate = rate or rate_of(clips)
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow(_COLUMNS)
    for number, clip, (first, end), record in _laid(clips, rate):
        own = clip.source.rate or rate
        if clip.source.rate:
            first, end = clip.frames()
        begins = record - rate.at(_RECORD_H)
        times = (f"{clip.start_s:.3f}", f"{clip.end_s:.3f}", f"{clip.seconds:.3f}")
        frames = (first, end - first, f"{float(own.exact):.3f}")
        made = (timecode(record, rate), f"{float(begins / rate.exact):.3f}")
        cells = (number, _cell(clip.title), _cell(clip.source.name))
        out.writerow((_cell(title), *cells, *times, *frames, *made))
    return text.getvalue()


def _otio_clip(clip: Clip, rate: Rate) -> dict[str, Any]:
    own = clip.source.rate or rate
    frames = clip.frames() if clip.source.rate else rate.frames(clip.start_s, clip.end_s)
    n_frames = clip.source.n_frames or own.count(clip.source.duration_s)
    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": clip.source.name,
        "available_range": _range(0, max(n_frames, 1), own),
    }
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": clip.title,
        "source_range": _range(*frames, own),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _time(frame: int, rate: Rate) -> dict[str, Any]:
    value = float(rate.exact)
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": value, "value": float(frame)}


def _range(first: int, end: int, rate: Rate) -> dict[str, Any]:
    times = {"start_time": _time(first, rate), "duration": _time(end - first, rate)}
    return {"OTIO_SCHEMA": "TimeRange.1", **times}


def _laid(clips: Sequence[Clip], rate: Rate) -> Iterator[tuple[int, Clip, tuple[int, int], int]]:
    """Each with its number, its frames at the list's rate, and the frame at which it begins."""
    record = rate.at(_RECORD_H)
    for number, clip in enumerate(clips, start=1):
        is_own = clip.source.rate is not None and clip.source.rate.exact == rate.exact
        first, end = clip.frames() if is_own else rate.frames(clip.start_s, clip.end_s)
        yield number, clip, (first, end), record
        record += end - first


def _notes(clips: Sequence[Clip], rate: Rate, *, one_rate: bool = True) -> Iterator[str]:
    yield "SOURCE TIMES COUNT FROM THE FIRST FRAME OF THE FILE"
    sources = {clip.source.name: clip.source.rate for clip in clips if clip.source.rate}
    is_only = len(sources) == 1
    for name, own in sources.items():
        what = "THE FILE" if is_only else _plain(name)
        its, lists = float(own.exact), float(rate.exact)
        counted = f"COUNTED AT {lists:.3f} AS THE LIST"
        if own.is_variable:
            mean = f"COUNTED AT ITS MEAN OF {its:.3f}"
            yield f"{what} HAS A VARIABLE FRAME RATE: {counted if one_rate else mean}"
        elif one_rate and own.exact != rate.exact:
            yield f"{what} HAS {its:.3f} FRAMES A SECOND: {counted}"


def _plain(text: str) -> str:
    """One line of letters that every editor reads."""
    ascii_only = text.encode("ascii", "replace").decode().replace("?", "_")
    return re.sub(r"\s+", " ", ascii_only).strip()


def _cell(text: str) -> str:
    """Text that a spreadsheet shows and does not calculate."""
    is_formula = text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
    return f"'{text}" if is_formula else text
