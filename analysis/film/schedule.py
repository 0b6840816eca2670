"""Choose which frames are analysed, and what stretch of time each of them stands for.

Everything here is arithmetic on the frame table: the same table and options always give the same
samples, whichever worker asks and wherever the film is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.film.columns import FRAME
from analysis.media.frame_table import FrameTable

Mode = Literal["interval", "every", "key", "adaptive"]
_ROUNDING_S = 1e-6  # so that a frame at 0.6 s answers for 3 × 0.2 s, which is a hair more


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How densely a film is looked at.

    interval: the first frame at or after each multiple of `interval_s`, and every frame that is
    on screen for longer than that.
    every: all frames. key: frames that decoding can start at.
    adaptive: as interval, but a frame that differs from the last one analysed by no more than
    `change` (0 to 1, in its busiest cells) takes over that one's result.
    """

    mode: Mode = "interval"
    interval_s: float = 0.2
    change: float = 0.03

    def __post_init__(self) -> None:
        if self.mode not in ("interval", "every", "key", "adaptive"):
            raise ValueError(f"there is no sampling mode {self.mode!r}")
        if not self.interval_s > 0:
            raise ValueError(f"interval_s must be positive, got {self.interval_s}")
        if not 0 <= self.change <= 1:
            raise ValueError(f"change must be 0 to 1, got {self.change}")


def samples(table: FrameTable, options: SamplingOptions | None = None) -> NDArray[np.void]:
    """The frames to analyse, as rows (time_s, start_s, end_s) in time order, dtype FRAME.

    Every frame: the dwell of a frame lasts until the next one. Other modes: it reaches half-way
    to both neighbours, but a frame is shown until the next one comes: what stands still longer
    than the interval is never shared between two samples. The first starts with the first frame,
    the last ends with the film. The dwells tile the shown film without gap or overlap.
    """
    options = options or SamplingOptions()
    chosen = _chosen(table, options)
    times = table.times_s[chosen]
    rows = np.empty(len(times), FRAME)
    if not len(times):
        return rows
    rows["time_s"] = times
    rows["start_s"][0] = table.times_s[0]
    if options.mode == "every":
        rows["start_s"][1:] = times[1:]
    else:
        rows["start_s"][1:] = _borders(table, chosen, options.interval_s)
    rows["end_s"][:-1] = rows["start_s"][1:]
    rows["end_s"][-1] = max(table.end_s, times[-1])
    return rows


def _chosen(table: FrameTable, options: SamplingOptions) -> NDArray[np.int64]:
    """Positions of the frames to analyse."""
    if options.mode == "every":
        return np.arange(len(table))
    if options.mode == "key":
        keys = np.flatnonzero(table.is_key)
        return keys if len(keys) else np.arange(len(table))[:1]
    due = _first_of_each_interval(table.times_s, options.interval_s)
    return np.union1d(due, np.flatnonzero(_stands_still(table, options.interval_s)))


def _borders(
    table: FrameTable, chosen: NDArray[np.int64], interval_s: float
) -> NDArray[np.float64]:
    """Where the dwell of each sample ends and the next one's begins, for all but the last.

    Half-way between the two; but where a frame that was analysed, or one that stands still, is
    on screen at that moment, when the frame after it comes.
    """
    times = table.times_s
    half_way = (times[chosen[:-1]] + times[chosen[1:]]) / 2
    on_screen = np.searchsorted(times, half_way, "right") - 1
    is_whole = (on_screen == chosen[:-1]) | _stands_still(table, interval_s)[on_screen]
    return np.where(is_whole, times[np.minimum(on_screen + 1, len(times) - 1)], half_way)


def _stands_still(table: FrameTable, interval_s: float) -> NDArray[np.bool_]:
    """Which frames are on screen for longer than samples are apart."""
    shown_s = np.diff(np.append(table.times_s, max(table.end_s, *table.times_s[-1:], 0.0)))
    return shown_s > interval_s + _ROUNDING_S


def stretches(table: FrameTable, length_s: float = 60.0) -> list[tuple[float, float]]:
    """Cut the film at key frames into stretches of at least `length_s`, tiling [0, end_s).

    A remainder shorter than a quarter of `length_s` joins the stretch before it. A film without
    further key frames is one stretch.
    """
    borders = [0.0]
    for key in table.key_times_s.tolist():
        if key - borders[-1] >= length_s and table.end_s - key >= length_s / 4:
            borders.append(key)
    borders.append(table.end_s)
    return list(pairwise(borders))


def _first_of_each_interval(times: NDArray[np.float64], interval_s: float) -> NDArray[np.int64]:
    """Positions of the first frame at or after each multiple of the interval."""
    reached = np.floor((times + _ROUNDING_S) / interval_s)  # the last multiple at or before each
    return np.flatnonzero(reached > np.concatenate([[-1.0], reached[:-1]]))
