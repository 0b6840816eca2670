"""Stretches of a film as an edit list: CMX 3600 EDL and OpenTimelineIO, exact to the frame.

Times are counted in frames as exact fractions. Broadcast rates are n × 1000 ÷ 1001, which 29.97
and 23.976 only round; drop-frame timecode (SMPTE ST 12-1) leaves out numbers, never frames, so
that an hour of timecode is an hour. A film of variable rate has no frame numbers of its own: it is
counted at its mean rate, and the list says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

_BROADCAST = (24, 30, 48, 60, 120)  # which × 1000 ÷ 1001 are rates as well
_DROPS = {30: 2, 60: 4}  # numbers left out each minute but the tenth
_SAME = Fraction(1, 1000)  # of a frame: what a time in floats is off by
_RECORD_H = 1  # the programme that is made begins at one o'clock, as broadcasters have it
MOST_EVENTS = 999  # an EDL numbers them with three digits


@dataclass(frozen=True, slots=True)
class Stretch:
    """From and to, seconds from the start of the film, and what it shows."""

    start_s: float
    end_s: float
    title: str


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames a second, exactly. `is_variable`: the mean of a film whose frames last unlike long."""

    exact: Fraction
    is_variable: bool = False

    @classmethod
    def of(cls, frames_a_second: float, *, is_variable: bool = False) -> Rate:
        """The rate that a measured one stands for.

        >>> Rate.of(29.9697).exact, Rate.of(25.0001).exact
        (Fraction(30000, 1001), Fraction(25, 1))
        """
        if not frames_a_second > 0:
            raise ValueError("a film has frames: its rate is above 0")
        known = [Fraction(n) for n in range(1, 241)]
        known += [Fraction(n * 1000, 1001) for n in _BROADCAST]
        nearest = min(known, key=lambda rate: abs(rate - Fraction(frames_a_second)))
        is_known = abs(float(nearest) - frames_a_second) < 2e-4 * frames_a_second
        exact = nearest if is_known else Fraction(frames_a_second).limit_denominator(1001)
        return cls(exact, is_variable)

    @property
    def nominal(self) -> int:
        """How many numbers a second of timecode has."""
        return ceil(self.exact)

    @property
    def drops(self) -> bool:
        return self.exact.denominator == 1001 and self.nominal in _DROPS

    def frames(self, stretch: Stretch) -> tuple[int, int]:
        """Its first frame and the one after its last: every frame of which it shows a part."""
        first = floor(Fraction(stretch.start_s) * self.exact + _SAME)
        end = ceil(Fraction(stretch.end_s) * self.exact - _SAME)
        return first, max(end, first + 1)


def timecode(frame: int, rate: Rate) -> str:
    """hh:mm:ss:ff of a frame counted from 0; with ; before the frames where numbers are dropped.

    >>> timecode(1800, Rate.of(30000 / 1001)), timecode(17982, Rate.of(30000 / 1001))
    ('00:01:00;02', '00:10:00;00')
    """
    if frame < 0:
        raise ValueError("frames are counted from 0")
    a_second, mark = rate.nominal, ":"
    if rate.drops:
        frame, mark = frame + _left_out(frame, a_second), ";"
    seconds, frames = divmod(frame, a_second)
    minutes, s = divmod(seconds, 60)
    hours, m = divmod(minutes, 60)
    return f"{hours % 24:02}:{m:02}:{s:02}{mark}{frames:02}"


def _left_out(frame: int, a_second: int) -> int:
    """How many numbers were left out before this frame."""
    drop = _DROPS[a_second]
    ten_minutes = a_second * 600 - drop * 9
    a_minute = a_second * 60 - drop
    tens, rest = divmod(frame, ten_minutes)
    in_ten = 0 if rest < a_second * 60 else (rest - a_second * 60) // a_minute + 1
    return drop * (9 * tens + in_ten)


def edl(title: str, clip: str, stretches: Sequence[Stretch], rate: Rate) -> str:
    """A CMX 3600 list: one cut each, in the order given, laid end to end from one o'clock.

    `clip`: the name of the file. Source times count from its first frame. Raises ValueError for
    more than an EDL can number.
    """
    if len(stretches) > MOST_EVENTS:
        raise ValueError(
            f"An EDL numbers {MOST_EVENTS} events at most; these are {len(stretches)}."
        )
    lines = [f"TITLE: {_plain(title)[:70]}"]
    lines += [f"FCM: {'DROP FRAME' if rate.drops else 'NON-DROP FRAME'}", ""]
    for number, stretch, (first, end), record in _laid(stretches, rate):
        times = (first, end, record, record + end - first)
        codes = " ".join(timecode(frame, rate) for frame in times)
        lines += [f"{number:03}  AX       V     C        {codes}"]
        lines += [f"* FROM CLIP NAME: {_plain(clip)}", f"* COMMENT: {_plain(stretch.title)}"]
        if number == 1:  # before the first event some programs read no comment
            lines += [f"* COMMENT: {note}" for note in _notes(rate)]
    return "\r\n".join(lines) + "\r\n"


def otio(title: str, clip: str, stretches: Sequence[Stretch], rate: Rate, n_frames: int) -> str:
    """The same as OpenTimelineIO's JSON (schema Timeline.1), rates as floats as it has them."""
    value = float(rate.exact)

    def time(frame: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": value, "value": float(frame)}

    def span(first: int, end: int) -> dict[str, Any]:
        what = {"OTIO_SCHEMA": "TimeRange.1"}
        return {**what, "start_time": time(first), "duration": time(end - first)}

    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "target_url": clip,
        "available_range": span(0, max(n_frames, 1)),
    }
    clips = [
        {
            "OTIO_SCHEMA": "Clip.2",
            "name": stretch.title,
            "source_range": span(*frames),
            "media_references": {"DEFAULT_MEDIA": media},
            "active_media_reference_key": "DEFAULT_MEDIA",
        }
        for _, stretch, frames, _ in _laid(stretches, rate)
    ]
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": clips}
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": title,
        "global_start_time": time(_record_start(rate)),
        "metadata": {"sightline": {"notes": list(_notes(rate))}},
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]},
    }
    return json.dumps(timeline, indent=1, ensure_ascii=False) + "\n"


def _laid(
    stretches: Sequence[Stretch], rate: Rate
) -> Iterator[tuple[int, Stretch, tuple[int, int], int]]:
    """Each with its number, its frames in the film, and the frame it begins at in what is made."""
    record = _record_start(rate)
    for number, stretch in enumerate(stretches, start=1):
        first, end = rate.frames(stretch)
        yield number, stretch, (first, end), record
        record += end - first


def _record_start(rate: Rate) -> int:
    """The frame that one o'clock is."""
    a_second = rate.nominal
    dropped = _DROPS[a_second] * 54 * _RECORD_H if rate.drops else 0
    return a_second * 3600 * _RECORD_H - dropped


def _notes(rate: Rate) -> Iterator[str]:
    yield "SOURCE TIMES COUNT FROM THE FIRST FRAME OF THE FILE"
    if rate.is_variable:
        yield f"THE FILE HAS A VARIABLE FRAME RATE: COUNTED AT ITS MEAN OF {float(rate.exact):.3f}"


def _plain(text: str) -> str:
    """One line of letters that every editor reads."""
    ascii_only = text.encode("ascii", "replace").decode().replace("?", "_")
    return re.sub(r"\s+", " ", ascii_only).strip()
