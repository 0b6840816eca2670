"""When each brand is on screen: intervals for the timeline, and seconds per minute for charts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.exposure.figures import SAME_TIME_S, Numbers
from analysis.exposure.sightings import Boxes, Thresholds, boxes_of, threshold_of
from analysis.film.columns import Columns


class Interval(NamedTuple):
    """A stretch of one lane of the timeline."""

    start_s: float
    end_s: float
    peak_confidence: float
    weak: bool  # nothing in it reaches the label's threshold
    density: float  # share of it at this strength: 1 unless intervals were merged


@dataclass(frozen=True, slots=True, eq=False)
class PerMinute:
    """Screen time by bins of equal length; the last bin may be shorter."""

    edges: Numbers  # (n_bins + 1,) seconds
    share: Numbers  # (n_labels, n_bins): on screen, as a share of the bin
    overall: Numbers  # (n_labels,): on screen, as a share of the duration
    any_share: Numbers  # (n_bins,): any of the brands on screen
    analysed: Numbers  # (n_bins,): share of the bin that analysed frames answer for

    @property
    def seconds(self) -> Numbers:
        """(n_labels, n_bins): seconds on screen."""
        return self.share * np.diff(self.edges)


def presence(columns: Columns, label: int, threshold: float) -> Numbers:
    """Stretches in which `label` is on screen, shape (n, 2): start and end in seconds.

    Neighbouring cells are joined; gaps are left as they are.
    """
    frame, _ = _shown(boxes_of(columns, [label], threshold))
    start_s, end_s = columns.frames["start_s"][frame], columns.frames["end_s"][frame]
    first = _run_starts(start_s, end_s)
    last = np.append(first[1:], len(frame))[: len(first)] - 1
    return np.column_stack([start_s[first], end_s[last]])


def per_minute(
    columns: Columns,
    *,
    duration_s: float,
    labels: Sequence[int],
    thresholds: Thresholds = 0.5,
    hidden: Collection[int] = (),
    bin_s: float = 60.0,
) -> PerMinute:
    """Screen time of each label in each stretch of `bin_s` seconds.

    Cells are split at the borders of the bins, so that the seconds add up to the whole. No
    methodology is applied: it counts every frame that shows the brand.
    A picture (`duration_s` 0) has no bins. Raises ValueError for a bin of no length.
    """
    if not (isfinite(bin_s) and bin_s > 0):
        raise ValueError("bin_s must be above 0")
    n_bins = int(np.ceil(max(duration_s, 0.0) / bin_s - SAME_TIME_S))
    edges = np.append(np.arange(n_bins) * bin_s, duration_s)
    widths = np.diff(edges)
    start_s = np.clip(columns.frames["start_s"], 0, duration_s)
    end_s = np.clip(columns.frames["end_s"], 0, duration_s)

    def seconds(frames: NDArray[np.intp] | slice) -> Numbers:
        return _seconds_between(edges, start_s[frames], end_s[frames])

    boxes = boxes_of(columns, labels, thresholds, hidden)
    of_labels = [seconds(_shown(of_label)[0]) for of_label in _by_brand(boxes, len(labels))]
    table = np.array(of_labels).reshape(len(labels), n_bins)
    return PerMinute(
        edges=edges,
        share=table / widths,
        overall=table.sum(axis=1) / duration_s if n_bins else np.zeros(len(labels)),
        any_share=seconds(np.flatnonzero(np.bincount(boxes.frame))) / widths,
        analysed=seconds(slice(None)) / widths,
    )


def lanes(
    columns: Columns,
    *,
    labels: Sequence[int],
    thresholds: Thresholds = 0.5,
    hidden: Collection[int] = (),
    start_s: float,
    end_s: float,
    bins: int,
) -> dict[int, list[Interval]]:
    """What to draw on the timeline between two times: at most `bins` intervals per label.

    Detections below the threshold come back too, marked weak. Where a label has more intervals
    than `bins`, touching ones become one whatever their strength, then the smallest gaps are
    closed until the rest fits; such an interval is weak when all of it is, and says how dense it
    is. Hidden labels get an empty lane. Raises ValueError for an empty stretch, or no bins.
    """
    if not end_s > start_s or bins < 1:
        raise ValueError("a lane needs a stretch of time and at least one bin")
    frames = columns.frames
    in_view = (frames["end_s"] > start_s) & (frames["start_s"] < end_s)
    boxes = boxes_of(columns, labels, 0.0, hidden, in_view)
    result = {}
    for label, of_label in zip(labels, _by_brand(boxes, len(labels)), strict=True):
        frame, peak = _shown(of_label)
        cells = _LaneCells(
            start_s=np.maximum(frames["start_s"][frame], start_s),
            end_s=np.minimum(frames["end_s"][frame], end_s),
            peak=peak,
            weak=peak < np.float32(threshold_of(thresholds, label)),
        )
        result[label] = _merged(cells, bins)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _LaneCells:
    """The cells in view that show one label, in time order."""

    start_s: Numbers
    end_s: Numbers
    peak: Numbers
    weak: NDArray[np.bool_]


def _by_brand(boxes: Boxes, n_brands: int) -> Iterator[Boxes]:
    """The boxes of each brand in turn; they lie brand by brand."""
    borders = np.searchsorted(boxes.brand, np.arange(n_brands + 1))
    for begin, end in pairwise(borders.tolist()):
        yield boxes.rows(slice(begin, end))


def _shown(boxes: Boxes) -> tuple[NDArray[np.intp], Numbers]:
    """Frames that show the one brand of `boxes`, and the confidence of the surest box in each."""
    first = np.flatnonzero(np.diff(boxes.frame, prepend=-1))
    peak = np.maximum.reduceat(boxes.confidence, first) if len(first) else np.empty(0)
    return boxes.frame[first], peak


def _run_starts(start_s: Numbers, end_s: Numbers) -> NDArray[np.intp]:
    """Where the cells stop touching the one before."""
    if not len(start_s):
        return np.empty(0, np.intp)
    return np.flatnonzero(np.append(True, start_s[1:] - end_s[:-1] > SAME_TIME_S))


def _seconds_between(edges: Numbers, start_s: Numbers, end_s: Numbers) -> Numbers:
    """Seconds of the cells in each bin; cells are in time order and do not overlap."""
    if not len(start_s):
        return np.zeros(len(edges) - 1)
    before = np.concatenate([[0.0], np.cumsum(end_s - start_s)])
    cell = np.searchsorted(start_s, edges, side="right") - 1
    inside = np.minimum(edges, end_s[cell]) - start_s[cell]
    return np.diff(np.where(cell >= 0, before[cell] + inside, 0.0))


def _merged(cells: _LaneCells, bins: int) -> list[Interval]:
    """Touching cells of the same strength as one interval; more is merged to stay in `bins`."""
    if not len(cells.start_s):
        return []
    gap_s = cells.start_s[1:] - cells.end_s[:-1]
    turns = cells.weak[1:] != cells.weak[:-1]
    breaks = np.flatnonzero((gap_s > SAME_TIME_S) | turns)
    if len(breaks) >= bins:
        breaks = np.flatnonzero(gap_s > SAME_TIME_S)
    if len(breaks) >= bins:
        widest = np.argsort(-gap_s[breaks], kind="stable")[: bins - 1]
        breaks = np.sort(breaks[widest])
    return _intervals(cells, np.append(0, breaks + 1))


def _intervals(cells: _LaneCells, first: NDArray[np.intp]) -> list[Interval]:
    """Cells from each of `first` to the next as one interval."""
    last = np.append(first[1:], len(cells.start_s)) - 1
    start_s, end_s = cells.start_s[first], cells.end_s[last]
    weak = np.logical_and.reduceat(cells.weak, first)
    counts = cells.weak == np.repeat(weak, np.diff(first, append=len(cells.weak)))
    shown_s = np.add.reduceat((cells.end_s - cells.start_s) * counts, first)
    density = np.divide(shown_s, end_s - start_s, out=np.ones(len(first)), where=end_s > start_s)
    peak = np.maximum.reduceat(cells.peak, first)
    values = (start_s, end_s, peak, weak, np.minimum(density, 1.0))
    return list(map(Interval._make, zip(*(v.tolist() for v in values), strict=True)))
