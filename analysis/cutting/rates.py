"""Frames a second and timecode, in exact fractions.

Broadcast rates are n × 1000 ÷ 1001, which 29.97 and 23.976 only round; drop-frame timecode
(SMPTE ST 12-1) leaves out numbers, never frames, so that an hour of timecode is an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

_BROADCAST = (24, 30, 48, 60, 120)  # which × 1000 ÷ 1001 are rates as well
_DROPS = {30: 2, 60: 4}  # numbers left out each minute but the tenth
_SAME = Fraction(1, 1000)  # of a frame: what a time in floats is off by
_ROUNDED_S = 1.1e-3  # by this much a container may round when a frame is shown
_FASTEST = Fraction(60)  # of a film that is made of others


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
        nearest = min(_known(), key=lambda rate: abs(rate - Fraction(frames_a_second)))
        is_known = abs(float(nearest) - frames_a_second) < 2e-4 * frames_a_second
        exact = nearest if is_known else Fraction(frames_a_second).limit_denominator(1001)
        return cls(exact, is_variable)

    @classmethod
    def measured(cls, times_s: NDArray[np.float64], *, is_variable: bool = False) -> Rate:
        """The rate of frames shown at these times, float64 (n,) ascending seconds.

        Exactly the rate in use whose frames are where these are, to the millisecond that
        containers round to; else the mean. Raises ValueError for fewer than two frames.
        """
        if len(times_s) < 2:
            raise ValueError("one frame has no rate")
        after = times_s - times_s[0]
        mean = (len(times_s) - 1) / float(after[-1])
        known = sorted(_known(), key=lambda rate: abs(float(rate) - mean))
        count = np.arange(len(times_s))
        for rate in () if is_variable else known[:3]:
            if float(np.abs(after - count / float(rate)).max()) <= _ROUNDED_S:
                return cls(rate)
        return cls.of(mean, is_variable=is_variable)

    @property
    def nominal(self) -> int:
        """How many numbers a second of timecode has."""
        return ceil(self.exact)

    @property
    def drops(self) -> bool:
        return self.exact.denominator == 1001 and self.nominal in _DROPS

    def frames(self, start_s: float, end_s: float) -> tuple[int, int]:
        """The first frame of a stretch and the one after its last: every frame of which it shows
        a part, where frame n begins n ÷ rate seconds after the start."""
        first = floor(Fraction(start_s) * self.exact + _SAME)
        end = ceil(Fraction(end_s) * self.exact - _SAME)
        return first, max(end, first + 1)

    def count(self, seconds: float) -> int:
        """How many whole frames are nearest to so many seconds, one at least."""
        return max(round(Fraction(seconds) * self.exact), 1)

    def at(self, hours: int) -> int:
        """The frame whose timecode is so many whole hours."""
        dropped = _DROPS[self.nominal] * 54 * hours if self.drops else 0
        return self.nominal * 3600 * hours - dropped


def common_rate(rates: Iterable[tuple[Rate, float]]) -> Rate:
    """The one rate for a film made of others, from their rates and for how many seconds each.

    That of most of its seconds where frames come evenly, 60 at the most. A film of variable rate
    counts with the next rate in use that is no slower than its mean, so that few frames are lost.
    25 where there is no picture at all.
    """
    seconds: dict[Fraction, float] = {}
    for rate, length_s in rates:
        exact = min(_even(rate), _FASTEST)
        seconds[exact] = seconds.get(exact, 0.0) + length_s
    if not seconds:
        return Rate(Fraction(25))
    return Rate(max(seconds, key=lambda exact: (seconds[exact], exact)))


def _even(rate: Rate) -> Fraction:
    if not rate.is_variable:
        return rate.exact
    usual = [Fraction(n) for n in (24, 25, 30, 50, 60)]
    return next((n for n in usual if n * Fraction(1001, 1000) >= rate.exact), _FASTEST)


def _known() -> list[Fraction]:
    whole = [Fraction(n) for n in range(1, 241)]
    return whole + [Fraction(n * 1000, 1001) for n in _BROADCAST]


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
