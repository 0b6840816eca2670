"""The arithmetic of exposure: from sightings and cells of time to one array per figure.

Every array has one number per brand, or per sighting where that is said. NaN: nothing to take the
figure from. `docs/methodology.md` has the formulas; `analysis.exposure.measure` is the front door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.exposure.methodologies import Methodology
from analysis.exposure.sightings import Sightings

SIZE_BANDS = (0.025, 0.05, 0.1)  # of the frame; those that BrandMatrix reports
SAME_TIME_S = 1e-6  # times closer than this are equal: rounding, not video

Numbers = NDArray[np.float64]
Figures = dict[str, NDArray]


class Doubt(NamedTuple):
    """A beginning or end that the picture does not explain: `analysis.exposure.doubts`."""

    time_s: float  # of the analysed frame that shows the brand first, or last
    box: tuple[float, float, float, float]  # xyxy there, fractions of the frame
    confidence: float


class Episode(NamedTuple):
    """One exposure: a stretch in which the brand was seen, short gaps bridged."""

    start_s: float
    end_s: float
    on_screen_s: float  # without the gaps
    peak_confidence: float
    mean_size: float  # share of the frame while on screen
    mean_confidence: float
    doubtful_begin: Doubt | None = None
    doubtful_end: Doubt | None = None

    @property
    def doubtful(self) -> str:
        """Which of its two ends is doubtful, in words."""
        found = [
            word
            for word, doubt in (("begins", self.doubtful_begin), ("ends", self.doubtful_end))
            if doubt
        ]
        return " and ".join(found)

    @property
    def length_s(self) -> float:
        """From its start to its end, with every gap."""
        return self.end_s - self.start_s


_MEASURED = tuple(n for n in Episode._fields if n not in Episode._field_defaults)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The time each frame answers for, cut to a window. Shape (n_frames,)."""

    time_s: Numbers  # when the frame is shown
    start_s: Numbers
    end_s: Numbers
    dwell_s: Numbers
    weight: Numbers  # for means: the dwell; 1 for each frame of a picture

    @classmethod
    def cut(cls, frames: NDArray[np.void], window: tuple[float, float]) -> Cells:
        start_s, end_s = np.clip(frames["start_s"], *window), np.clip(frames["end_s"], *window)
        dwell_s = end_s - start_s
        return cls(frames["time_s"], start_s, end_s, dwell_s, dwell_s)

    @classmethod
    def of_picture(cls, frames: NDArray[np.void]) -> Cells:
        zeros = np.zeros(len(frames))
        return cls(zeros, zeros, zeros, zeros, np.ones(len(frames)))


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """Sightings with the time they stand for. All but `cells` have shape (n_sightings,)."""

    seen: Sightings
    cells: Cells
    start_s: Numbers
    end_s: Numbers
    dwell_s: Numbers
    weight: Numbers
    company: NDArray[np.intp]  # how many brands the frame shows, this one included
    centrality: Numbers  # 1 for a main box in the middle of the frame, 0 for one in a corner

    @classmethod
    def of(cls, seen: Sightings, cells: Cells) -> Timed:
        is_film = cells.weight is cells.dwell_s
        dwell_s = cells.dwell_s[seen.frame]
        return cls(
            seen=seen,
            cells=cells,
            start_s=cells.start_s[seen.frame],
            end_s=cells.end_s[seen.frame],
            dwell_s=dwell_s,
            weight=dwell_s if is_film else cells.weight[seen.frame],
            company=np.bincount(seen.frame, minlength=len(cells.start_s))[seen.frame],
            centrality=_centrality(seen),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """All episodes of all brands, ordered by brand, then time. Shape (n_episodes,)."""

    of: NDArray[np.intp]  # (n_sightings,): the episode of each sighting
    first: NDArray[np.intp]  # its first sighting, and its last
    last: NDArray[np.intp]
    brand: NDArray[np.intp]
    is_kept: NDArray[np.bool_]
    start_s: Numbers
    end_s: Numbers
    on_screen_s: Numbers
    bridged_s: Numbers  # analysed time in its gaps; what nobody looked at is never counted
    reported_s: Numbers  # what it adds to the headline when kept
    peak_confidence: Numbers
    mean_size: Numbers
    mean_confidence: Numbers

    def kept_of(
        self, brand: int, begins: Mapping[int, Doubt], ends: Mapping[int, Doubt]
    ) -> tuple[Episode, ...]:
        """The kept episodes of a brand, each with its own of the doubts, which are by row."""
        rows = np.flatnonzero(self.is_kept & (self.brand == brand)).tolist()
        values = (getattr(self, name)[rows].tolist() for name in _MEASURED)
        doubts = (map(begins.get, rows), map(ends.get, rows))
        return tuple(map(Episode._make, zip(*values, *doubts, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Sightings at most `gap_s` apart, gathered. Shape (n,) but for `of`."""

    of: NDArray[np.intp]  # (n_sightings,): the stretch of each sighting
    first: NDArray[np.intp]  # its first sighting, and its last
    last: NDArray[np.intp]
    on_screen_s: Numbers
    bridged_s: Numbers  # analysed time in its gaps; what nobody looked at is never counted
    reported_s: Numbers  # what it adds to the headline when kept
    is_kept: NDArray[np.bool_]

    @classmethod
    def of_sightings(
        cls,
        brand: NDArray[np.intp],
        frame: NDArray[np.intp],
        cells: Cells,
        method: Methodology,
        *,
        is_picture: bool = False,
    ) -> Stretches:
        """One for each run of sightings, which are ordered by brand, then time.

        What is held against the minimum is screen time, with the bridged gaps only where the
        method counts those. A picture lasts no time, so no minimum is asked of it.
        """
        of, first = _numbered(brand, cells.start_s[frame], cells.end_s[frame], method.gap_s)
        last = np.append(first[1:], len(of)) - 1 if len(first) else first
        on_screen_s = _sums(of, cells.dwell_s[frame], len(first))
        analysed_s = np.append(0.0, np.cumsum(cells.dwell_s))
        looked_at_s = analysed_s[frame[last] + 1] - analysed_s[frame[first]]
        bridged_s = np.maximum(looked_at_s - on_screen_s, 0.0)
        reported_s = on_screen_s + bridged_s if method.bridge_counts else on_screen_s
        is_kept = (reported_s >= method.minimum_s - SAME_TIME_S) | is_picture
        return cls(of, first, last, on_screen_s, bridged_s, reported_s, is_kept)


def episodes_of(timed: Timed, method: Methodology, *, is_picture: bool = False) -> Episodes:
    """The stretches of `timed` that `method` makes, with what they show."""
    seen, weight = timed.seen, timed.weight
    found = Stretches.of_sightings(
        seen.brand, seen.frame, timed.cells, method, is_picture=is_picture
    )
    first, n = found.first, len(found.first)
    total = _sums(found.of, weight, n)
    return Episodes(
        of=found.of,
        first=first,
        last=found.last,
        brand=seen.brand[first],
        is_kept=found.is_kept,
        start_s=timed.start_s[first],
        end_s=timed.end_s[found.last],
        on_screen_s=found.on_screen_s,
        bridged_s=found.bridged_s,
        reported_s=found.reported_s,
        peak_confidence=np.maximum.reduceat(seen.confidence, first) if n else total,
        mean_size=ratio(_sums(found.of, weight * seen.size, n), total),
        mean_confidence=ratio(_sums(found.of, weight * seen.confidence, n), total),
    )


def reported_alone(
    brand: NDArray[np.intp],
    frame: NDArray[np.intp],
    cells: Cells,
    method: Methodology,
    n_brands: int,
    *,
    is_picture: bool = False,
) -> tuple[Numbers, NDArray[np.intp]]:
    """Reported seconds and number of episodes of each brand, and nothing else of them.

    Just these two need no sizes, so they cost a tenth of all figures. `brand` and `frame` are
    ordered by brand, then time, and each pair stands once.
    """
    found = Stretches.of_sightings(brand, frame, cells, method, is_picture=is_picture)
    of_kept = brand[found.first[found.is_kept]]
    reported_s = _sums(of_kept, found.reported_s[found.is_kept], n_brands)
    return reported_s, np.bincount(of_kept, minlength=n_brands)


def _numbered(
    brand: NDArray[np.intp], start_s: Numbers, end_s: Numbers, gap_s: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The run that each sighting belongs to, and where each run begins."""
    if not len(brand):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    begins = start_s[1:] - end_s[:-1] > gap_s + SAME_TIME_S
    begins = np.append(True, begins | (brand[1:] != brand[:-1]))
    return np.cumsum(begins) - 1, np.flatnonzero(begins)


def on_screen_figures(timed: Timed, n_brands: int, span_s: float) -> Figures:
    """What every frame that shows the brand says of it, kept by the methodology or not."""
    seen, dwell_s, weight = timed.seen, timed.dwell_s, timed.weight
    sums, brand = _SumsByBrand(seen.brand, n_brands), seen.brand
    shown, total_size = sums(weight), sums(weight * seen.size)
    clarity, measured = _known(seen.clarity)
    max_size = np.zeros(n_brands)
    np.maximum.at(max_size, brand, seen.size)
    return {
        "frames": np.bincount(brand, minlength=n_brands),
        "border_error_s": _border_errors(timed, n_brands),
        "on_screen_s": sums(dwell_s),
        "logo_s": sums(dwell_s * seen.n_boxes),
        "mean_size_visible": ratio(total_size, shown),
        "mean_size_overall": ratio(total_size, span_s or timed.cells.weight.sum()),
        "max_size": max_size,
        "size_bands": _split(brand, _size_band(seen), dwell_s, n_brands, len(SIZE_BANDS) + 1),
        "position": ratio(sums(weight * timed.centrality), shown),
        "zones": _split(brand, _zone(seen), dwell_s, n_brands, 9).reshape(n_brands, 3, 3),
        "clarity": ratio(sums(weight * clarity), sums(weight * measured)),
        "visibility": ratio(sums(weight * seen.visibility), shown),
        "edge_touch_s": sums(dwell_s * seen.touches_edge),
        "solus_s": sums(dwell_s * (timed.company == 1)),
    }


def _border_errors(timed: Timed, n_brands: int) -> Numbers:
    """By how much all starts and ends of each brand can be off together, at most.

    A border lies between two samples, so it is off by no more than its distance to them. Where
    every frame is analysed, that is nothing: the frame before was on screen until then.
    """
    cells, frame = timed.cells, timed.seen.frame
    _, first = _numbered(timed.seen.brand, timed.start_s, timed.end_s, 0.0)
    if not len(first):
        return np.zeros(n_brands)
    begins, ends = frame[first], frame[np.append(first[1:], len(frame)) - 1]
    after = np.minimum(ends + 1, len(cells.time_s) - 1)
    at_start = cells.time_s[begins] - cells.start_s[begins]
    is_last = cells.start_s[after] - cells.end_s[ends] > SAME_TIME_S
    at_end = np.where(
        is_last | (after == ends),
        cells.time_s[ends] - cells.start_s[ends],  # nothing follows: as far as to its own start
        cells.time_s[after] - cells.end_s[ends],
    )
    return _sums(timed.seen.brand[first], np.maximum(at_start, 0) + np.maximum(at_end, 0), n_brands)


def reported_figures(
    timed: Timed, episodes: Episodes, method: Methodology, n_brands: int
) -> Figures:
    """What the episodes that the methodology keeps add up to."""
    kept, brand = episodes.is_kept, episodes.brand[episodes.is_kept]
    reported_s = _sums(brand, episodes.reported_s[kept], n_brands)
    count = np.bincount(brand, minlength=n_brands)
    longest_s = np.zeros(n_brands)
    np.maximum.at(longest_s, brand, episodes.reported_s[kept])

    sums = _SumsByBrand(timed.seen.brand, n_brands)
    weight = timed.weight * kept[episodes.of]
    area = sums(weight * timed.seen.size)
    quality, known = _known(prominence(timed, method))
    quality_sum = sums(weight * quality)
    return {
        "bridged_s": _sums(brand, episodes.bridged_s[kept], n_brands),
        "reported_s": reported_s,
        "count": count,
        "longest_s": longest_s,
        "mean_episode_s": ratio(reported_s, count),
        "share_of_voice_time": ratio(reported_s, reported_s.sum()),
        "share_of_voice_area": ratio(area, area.sum()),
        "prominence": ratio(quality_sum, sums(weight * known)),
        "qe_s": quality_sum if timed.cells.dwell_s.any() else np.zeros(n_brands),
    }


def prominence(timed: Timed, method: Methodology) -> Numbers:
    """Per sighting, the weighted mean of its factors, 0 to 1.

    Clarity that was not measured leaves the mean together with its weight; NaN where no factor
    with a weight is left. Confidence is no factor: it says whether, not how well.
    """
    weights = method.weights
    clarity, measured = _known(timed.seen.clarity)
    total = (
        weights.size * np.minimum(timed.seen.size / method.size_reference, 1.0)
        + weights.position * timed.centrality
        + weights.clarity * np.clip(clarity, 0.0, 1.0)
        + weights.solus / timed.company
    )
    return ratio(
        total, weights.size + weights.position + weights.clarity * measured + weights.solus
    )


def _centrality(seen: Sightings) -> Numbers:
    """Distances are in shares of width and height, so the shape of the frame does not matter."""
    square = (seen.centre_x - 0.5) ** 2 + (seen.centre_y - 0.5) ** 2
    return np.clip(1 - np.sqrt(square / 0.5), 0.0, 1.0)


def _known(values: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """The values with 0 for NaN, and where they are not NaN."""
    known = ~np.isnan(values)
    return np.where(known, values, 0.0), known


def ratio(part: Numbers, whole: NDArray[Any] | float) -> Numbers:
    """part ÷ whole, NaN where the whole is 0."""
    wholes = np.broadcast_to(whole, part.shape)
    return np.divide(part, wholes, out=np.full(part.shape, np.nan), where=wholes > 0)


def _size_band(seen: Sightings) -> NDArray[np.intp]:
    band = np.zeros(len(seen.size), np.intp)
    for edge in SIZE_BANDS:
        band += seen.size >= edge
    return band


def _zone(seen: Sightings) -> NDArray[np.intp]:
    """Ninth of the frame that holds the main box's centre, numbered row by row from the top."""
    column = np.minimum((seen.centre_x * 3).astype(np.intp), 2)
    return np.minimum((seen.centre_y * 3).astype(np.intp), 2) * 3 + column


class _SumsByBrand:
    """Adds up values of sightings per brand. They lie brand by brand, so no index is needed."""

    def __init__(self, brand: NDArray[np.intp], n_brands: int) -> None:
        self.first = np.flatnonzero(np.append(True, brand[1:] != brand[:-1])[: len(brand)])
        self.present = brand[self.first]
        self.n_brands = n_brands

    def __call__(self, values: Numbers) -> Numbers:
        totals = np.zeros(self.n_brands)
        if len(self.first):
            totals[self.present] = np.add.reduceat(values, self.first)
        return totals


def _sums(index: NDArray[np.intp], values: Numbers, n: int) -> Numbers:
    return np.bincount(index, values, n).astype(np.float64, copy=False)


def _split(
    brand: NDArray[np.intp], part: NDArray[np.intp], values: Numbers, n_brands: int, n_parts: int
) -> Numbers:
    """Sums per brand and part, shape (n_brands, n_parts)."""
    return _sums(brand * n_parts + part, values, n_brands * n_parts).reshape(n_brands, n_parts)
