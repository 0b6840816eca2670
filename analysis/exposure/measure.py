"""How long, how large and how clearly each brand was seen: seconds and shares from boxes.

`docs/methodology.md` states every formula. In short: a frame answers for its cell of time, once
per brand however many of its boxes are there; overlaps are never added up; confidence decides
whether a box counts and nothing else.

Two kinds of figures stand side by side. *On screen* figures (`on_screen_s`, sizes, position,
zones, clarity, solus) describe every frame in which the brand was seen. *Reported* figures
(`reported_s`, episodes, shares of voice, prominence, money) rest on the episodes that the
methodology keeps.

Needs numpy only, and is quick enough to be asked again on each move of a slider.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.exposure.doubts import Doubts, doubtful_ends
from analysis.exposure.figures import (
    SIZE_BANDS,
    Cells,
    Doubt,
    Episode,
    Episodes,
    Figures,
    Timed,
    episodes_of,
    on_screen_figures,
    ratio,
    reported_alone,
    reported_figures,
)
from analysis.exposure.intervals import Interval, PerMinute, lanes, per_minute, presence
from analysis.exposure.mentions import COUNTED, FIELDS, UNHEARD, Words, mentioned
from analysis.exposure.methodologies import DEFAULT, METHODOLOGIES, MediaRate, Methodology, Weights
from analysis.exposure.sightings import (
    Boxes,
    Thresholds,
    boxes_of,
    counting,
    sightings_of,
    threshold_of,
)
from analysis.film.columns import Columns

__all__ = [
    "DEFAULT",
    "METHODOLOGIES",
    "SIZE_BANDS",
    "BrandExposure",
    "Doubt",
    "Episode",
    "Exposure",
    "Interval",
    "MediaRate",
    "Methodology",
    "PerMinute",
    "RankStability",
    "Standing",
    "Weights",
    "Words",
    "compare_methods",
    "lanes",
    "measure",
    "per_minute",
    "presence",
    "rank_stability",
]


@dataclass(frozen=True, slots=True)
class BrandExposure:
    """The figures of one brand. None says that there was nothing to take a figure from."""

    label: int
    is_hidden: bool
    frames: int  # analysed frames that show the brand; also counts for pictures

    on_screen_s: float  # every frame that shows it, once per frame
    bridged_s: float  # inside the gaps of kept episodes
    reported_s: float  # the headline: on screen in kept episodes, and their gaps if those count
    border_error_s: float  # at most this much, from starts and ends that fell between samples
    logo_s: float  # seconds × logos

    episodes: tuple[Episode, ...]  # those the methodology keeps
    count: int
    doubtful_ends: int | None  # beginnings and ends; None where no cut is known
    longest_s: float
    mean_episode_s: float | None
    first_s: float | None
    last_s: float | None

    mean_size_visible: float | None  # share of the frame, mean over its seconds on screen
    mean_size_overall: float | None  # the same, mean over the whole duration
    max_size: float
    size_bands: tuple[float, ...]  # seconds below 2.5 %, below 5 %, below 10 %, and from there
    position: float | None  # 1 in the centre, 0 in a corner; mean over its seconds on screen
    zones: tuple[tuple[float, ...], ...]  # seconds, 3 rows from the top × 3 columns
    clarity: float | None  # mean over the seconds where it was measured
    visibility: float | None  # share of the main box inside the frame, mean
    edge_touch_s: float
    solus_s: float  # on screen with no other brand of this exposure

    share_of_voice_time: float | None
    share_of_voice_area: float | None
    share_of_screen_time: float | None  # reported ÷ duration (of the window, where one is given)
    share_of_analysed_time: float | None  # reported ÷ what was analysed

    prominence: float | None  # 0 to 1, mean over kept episodes
    qe_s: float  # seconds × prominence
    # in words: analysis.exposure.mentions
    mentions: int | None
    said_s: float | None
    mentions_seen: int | None
    mention_lift: float | None
    written: int | None
    written_s: float | None
    seen_only: int | None
    said_only: int | None
    written_only: int | None
    together: int | None
    media_value: float | None
    media_value_adjusted: float | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """What `measure` found, with everything needed to print how it was found."""

    method: Methodology
    duration_s: float
    window: tuple[float, float]  # seconds; the whole asset unless one was asked for
    analysed_s: float  # time that analysed frames answer for, inside the window
    stride_s: float  # time between samples (median)
    widest_s: float  # the longest
    every_frame: bool  # no frame was left out between samples
    is_held: bool  # frames that hardly changed took over a result (adaptive sampling)
    any_s: float  # any brand on screen
    brands: tuple[BrandExposure, ...]  # in the order of the labels, also those never seen
    thresholds: Mapping[int, float]
    rate: MediaRate | None
    is_heard: bool  # somebody listened for the brands
    is_read: bool  # somebody read for them what is written on the picture
    n_boxes: int
    n_unclear_boxes: int  # whose clarity nobody measured

    @property
    def span_s(self) -> float:
        """Length of the window: what shares of screen time are shares of."""
        return self.window[1] - self.window[0]

    @property
    def doubtful_ends(self) -> int:
        """How many beginnings and ends of all brands the picture does not explain."""
        return sum(brand.doubtful_ends or 0 for brand in self.brands)

    @property
    def formula(self) -> str:
        """How money is made of seconds, with this exposure's numbers; "" with no rate."""
        if self.rate is None:
            return ""
        return self.rate.formula_with(self.method.mention_s if self.is_heard else 0.0)

    @property
    def clear_s(self) -> float:
        """Analysed time with no brand on screen."""
        return max(self.analysed_s - self.any_s, 0.0)

    @property
    def limits(self) -> tuple[str, ...]:
        """What the figures cannot say, as sentences to print beside them."""
        return tuple(_limits(self))


def measure(
    columns: Columns,
    *,
    duration_s: float,
    labels: Sequence[int],
    method: Methodology = METHODOLOGIES[DEFAULT],
    thresholds: Thresholds = 0.5,
    hidden: Collection[int] = (),
    window: tuple[float, float] | None = None,
    rate: MediaRate | None = None,
    words: Words = UNHEARD,
    cuts: Sequence[float] = (),
) -> Exposure:
    """Exposure of `labels` in the frames of `columns`, between the two times of `window`.

    `columns.frames` must be in time order with cells that do not overlap; cells are cut to the
    window, and to the duration. Hidden labels keep their row, empty, and are no company for the
    others. `words` says when each label is said and written: spoken mentions enter money, where the
    method credits them, and no time on screen. `cuts` says in
    seconds when each shot begins, in time order, so that doubtful beginnings and ends are told.

    A picture has `duration_s` 0: its seconds are 0, shares of time are None, and sizes,
    positions, clarity and shares of area are means over its frames.

    Raises ValueError for a duration or window that is no stretch of time, or a repeated label.
    """
    view = _view(columns, duration_s, list(labels), thresholds, hidden, window)
    return _measured(view, method, rate, words, cuts)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What is looked at: the same for every methodology."""

    frames: NDArray[np.void]
    cells: Cells
    boxes: Boxes
    duration_s: float
    window: tuple[float, float]
    labels: list[int]
    thresholds: Thresholds
    hidden: Collection[int]


def _view(
    columns: Columns,
    duration_s: float,
    labels: list[int],
    thresholds: Thresholds,
    hidden: Collection[int],
    window: tuple[float, float] | None,
) -> _View:
    window = _checked_window(duration_s, window)
    frames = columns.frames
    cells = Cells.cut(frames, window) if duration_s else Cells.of_picture(frames)
    boxes = boxes_of(columns, labels, thresholds, hidden, in_view=cells.weight > 0)
    return _View(frames, cells, boxes, duration_s, window, labels, thresholds, hidden)


def _measured(
    view: _View,
    method: Methodology,
    rate: MediaRate | None,
    words: Words,
    cuts: Sequence[float],
) -> Exposure:
    cells, labels, duration_s = view.cells, view.labels, view.duration_s
    boxes = view.boxes.take(counting(view.boxes, method))
    seen = sightings_of(boxes, dominant_only=method.dominant_only)
    timed = Timed.of(seen, cells)
    episodes = episodes_of(timed, method, is_picture=duration_s == 0)
    is_told = duration_s > 0 and len(cuts) > 0
    doubts = doubtful_ends(boxes, seen, episodes, cells, cuts) if is_told else None
    span_s, analysed_s = view.window[1] - view.window[0], float(cells.dwell_s.sum())
    figures = on_screen_figures(timed, len(labels), span_s)
    figures |= reported_figures(timed, episodes, method, len(labels))
    figures["share_of_screen_time"] = ratio(figures["reported_s"], span_s)
    figures["share_of_analysed_time"] = ratio(figures["reported_s"], analysed_s)
    figures |= _mentions(view, timed, words)
    figures |= _money(figures, method, rate)
    return Exposure(
        method=method,
        duration_s=duration_s,
        window=view.window,
        analysed_s=analysed_s,
        **_sampling(view.frames, is_picture=duration_s == 0),
        any_s=float(cells.dwell_s[_marked(seen.frame, len(view.frames))].sum()),
        brands=_brands(labels, view.hidden, figures, episodes, doubts),
        thresholds={label: threshold_of(view.thresholds, label) for label in labels},
        rate=rate,
        is_heard=words.said is not None,
        is_read=words.written is not None,
        n_boxes=len(boxes.frame),
        n_unclear_boxes=int(np.isnan(boxes.clarity).sum()),
    )


def _checked_window(duration_s: float, window: tuple[float, float] | None) -> tuple[float, float]:
    if not (isfinite(duration_s) and duration_s >= 0):
        raise ValueError(f"duration_s must be 0 or more, got {duration_s}")
    start_s, end_s = window or (0.0, duration_s)
    if not start_s <= end_s:
        raise ValueError(f"the window must not end before it starts, got {window}")
    return min(max(start_s, 0.0), duration_s), min(max(end_s, 0.0), duration_s)


def _sampling(frames: NDArray[np.void], *, is_picture: bool) -> dict[str, Any]:
    """How densely was looked, read off the cells.

    Where every frame is analysed, and only there, all cells begin with their frame; else they
    begin half-way from the sample before, but for one that follows a still. A cell that is longer
    than samples are apart was held, or the film stood still in it: then the next one begins with
    its frame.
    """
    dwell_s = frames["end_s"] - frames["start_s"]
    apart_s = 2 * (frames["time_s"] - frames["start_s"])[1:]
    if is_picture or not len(frames):
        return {"stride_s": 0.0, "widest_s": 0.0, "every_frame": False, "is_held": False}
    follows_a_still = apart_s == 0
    every_frame = len(apart_s) > 0 and bool(follows_a_still.all())
    apart_s = dwell_s if every_frame or not len(apart_s) else apart_s[~follows_a_still]
    widest_s = float(apart_s.max())
    return {
        "stride_s": float(np.median(apart_s)),
        "widest_s": widest_s,
        "every_frame": every_frame,
        "is_held": bool(((dwell_s[:-1] > 1.01 * widest_s) & ~follows_a_still).any()),
    }


def _marked(index: NDArray[np.intp], n: int) -> NDArray[np.bool_]:
    marks = np.zeros(n, bool)
    marks[index] = True
    return marks


def _mentions(view: _View, timed: Timed, words: Words) -> Figures:
    """What is said and written of each label that is not left out; NaN where nobody looked."""
    if words == UNHEARD:
        return dict.fromkeys(FIELDS, np.full(len(view.labels), np.nan))
    rows = []
    for brand, label in enumerate(view.labels):
        mine = slice(*np.searchsorted(timed.seen.brand, (brand, brand + 1)))
        seen = np.stack([timed.start_s[mine], timed.end_s[mine]], axis=1)
        told = UNHEARD if label in view.hidden else words
        rows.append(mentioned(label, told, seen, view.window))
    values = np.array(rows, np.float64).reshape(-1, len(FIELDS))
    return dict(zip(FIELDS, values.T, strict=True))


def _money(figures: Figures, method: Methodology, rate: MediaRate | None) -> Figures:
    """The equivalence of BrandExposure's seconds and mentions in advertising; NaN with no rate."""
    per_second = rate.cost_30_s / 30 if rate else np.nan
    spoken_s = np.nan_to_num(figures["mentions"]) * method.mention_s
    return {
        "media_value": (figures["reported_s"] + spoken_s) * per_second,
        "media_value_adjusted": (figures["qe_s"] + spoken_s) * per_second,
    }


def _brands(
    labels: Sequence[int],
    hidden: Collection[int],
    figures: Figures,
    episodes: Episodes,
    doubts: Doubts | None,
) -> tuple[BrandExposure, ...]:
    begins, ends = doubts or ({}, {})
    rows = {name: values.tolist() for name, values in figures.items()}
    brands = []
    for brand, label in enumerate(labels):
        kept = episodes.kept_of(brand, begins, ends)
        n_doubtful = sum(bool(e.doubtful_begin) + bool(e.doubtful_end) for e in kept)
        brands.append(
            BrandExposure(
                label=label,
                is_hidden=label in hidden,
                episodes=kept,
                doubtful_ends=None if doubts is None else n_doubtful,
                first_s=kept[0].start_s if kept else None,
                last_s=kept[-1].end_s if kept else None,
                **{name: _figure(name, values[brand]) for name, values in rows.items()},
            )
        )
    return tuple(brands)


def _figure(name: str, value: Any) -> Any:
    """As Python has it: counts of words are whole numbers, and NaN where nobody looked."""
    plain = _plain(value)
    return round(plain) if name in COUNTED and plain is not None else plain


def _plain(value: Any) -> Any:
    """None for NaN, tuples for lists."""
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    return None if isinstance(value, float) and isnan(value) else value


def _limits(exposure: Exposure) -> Iterator[str]:
    method = exposure.method
    yield f"{method.name}, version {method.version}: {method.note}"
    if not exposure.duration_s:
        yield "A picture has no duration: seconds are 0 and shares of time are left out."
    else:
        yield from _limits_of_time(exposure)
    if exposure.n_unclear_boxes and (method.min_clarity or method.weights.clarity):
        yield (
            f"Clarity was not measured for {exposure.n_unclear_boxes:,} of {exposure.n_boxes:,} "
            "boxes: they count, and their prominence rests on the other factors."
        )
    yield from _limits_of_words(exposure)
    if exposure.rate:
        yield f"Media value is an equivalence, not a worth: {exposure.formula}."


def _limits_of_words(exposure: Exposure) -> Iterator[str]:
    """What credits mentions says where nobody listened for any."""
    credit_s = exposure.method.mention_s
    if not credit_s or not exposure.duration_s:
        return
    if exposure.is_heard:
        yield f"A spoken mention is worth {_seconds(credit_s)} in money, and nothing on screen."
    else:
        yield "Nobody has listened to this file, so no spoken mention is counted."


def _limits_of_time(exposure: Exposure) -> Iterator[str]:
    method = exposure.method
    stride, widest = _seconds(exposure.stride_s), _seconds(exposure.widest_s)
    if exposure.every_frame:
        yield f"Every frame was analysed, one every {stride}: starts and ends are exact to a frame."
    elif exposure.stride_s:
        rarely = f", at times {widest}" if exposure.widest_s > 1.5 * exposure.stride_s else ""
        yield (
            f"One sample every {stride}{rarely}: a start or an end can be off by that much, and "
            "what is shorter can be missed."
        )
    if exposure.is_held:
        yield "A frame that hardly changed takes over what was found in the one before it."
    if exposure.analysed_s < exposure.span_s - 0.05:
        yield (
            f"{_seconds(exposure.analysed_s)} of {_seconds(exposure.span_s)} were analysed; shares "
            "of screen time count the rest as time without the brand."
        )
    if method.gap_s:
        counted = "counted" if method.bridge_counts else "not counted"
        yield f"Gaps up to {_seconds(method.gap_s)} are bridged and {counted}."
    if method.minimum_s:
        yield f"Exposures shorter than {_seconds(method.minimum_s)} on screen are not reported."


def _seconds(value: float) -> str:
    """At most three digits after the point, and none that say nothing."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + " s"


@dataclass(frozen=True, slots=True)
class BrandStanding:
    """What one methodology reports of one brand."""

    label: int
    is_hidden: bool
    reported_s: float
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The headline of one methodology: how it would have counted the same detections."""

    method: Methodology
    brands: tuple[BrandStanding, ...]  # in the order of the labels


def compare_methods(
    columns: Columns,
    *,
    duration_s: float,
    labels: Sequence[int],
    methods: Mapping[str, Methodology] = METHODOLOGIES,
    thresholds: Thresholds = 0.5,
    hidden: Collection[int] = (),
    window: tuple[float, float] | None = None,
) -> dict[str, Standing]:
    """The same detections under each methodology, by its key: the seconds and counts of `measure`.

    Raises what `measure` raises.
    """
    view = _view(columns, duration_s, list(labels), thresholds, hidden, window)
    shown = {  # most methodologies count the same boxes
        rule: _shown(view.boxes, method)
        for rule, method in {_rule(method): method for method in methods.values()}.items()
    }
    return {key: _standing(view, shown[_rule(method)], method) for key, method in methods.items()}


def _rule(method: Methodology) -> tuple[float, float, float]:
    """Which boxes it counts."""
    return method.min_size, method.min_visibility, method.min_clarity


def _shown(boxes: Boxes, method: Methodology) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Brand and frame of what the methodology counts, each pair once."""
    rows = np.flatnonzero(counting(boxes, method))
    brand, frame = boxes.brand[rows], boxes.frame[rows]
    is_new = np.append(True, (frame[1:] != frame[:-1]) | (brand[1:] != brand[:-1]))[: len(rows)]
    return brand[is_new], frame[is_new]


def _standing(
    view: _View, shown: tuple[NDArray[np.intp], NDArray[np.intp]], method: Methodology
) -> Standing:
    reported_s, count = reported_alone(
        *shown, view.cells, method, len(view.labels), is_picture=view.duration_s == 0
    )
    rows = zip(view.labels, reported_s.tolist(), count.tolist(), strict=True)
    return Standing(
        method,
        tuple(BrandStanding(label, label in view.hidden, *found) for label, *found in rows),
    )


@dataclass(frozen=True, slots=True)
class RankStability:
    """Whether the order of the brands depends on the methodology."""

    ranking: tuple[int, ...]  # labels by reported seconds under the default methodology
    flips: Mapping[str, tuple[tuple[int, int], ...]]  # per methodology, the pairs it turns round
    n_methods: int
    names: Mapping[str, str] = field(default_factory=dict)  # of the methodologies, by their keys

    @property
    def is_stable(self) -> bool:
        return not self.flips

    @property
    def sentence(self) -> str:
        if self.is_stable:
            return f"The rank of the brands is unchanged under all {self.n_methods} methodologies."
        names = ", ".join(self.names[key] for key in self.flips if key in self.names)
        return (
            f"The rank of the brands flips under {len(self.flips)} of {self.n_methods} "
            f"methodologies{': ' + names if names else ''}."
        )


def rank_stability(standings: Mapping[str, Standing], base: str = DEFAULT) -> RankStability:
    """Which methodologies put two brands in the other order than `base` does.

    A brand overtakes another only by more seconds; a tie is not a flip. Hidden brands are left
    out. Where `base` is not among `standings`, the first of them is the base.
    """
    base = base if base in standings else next(iter(standings))
    order = sorted(
        (brand for brand in standings[base].brands if not brand.is_hidden),
        key=lambda brand: -brand.reported_s,
    )
    pairs = [
        (ahead.label, behind.label)
        for place, ahead in enumerate(order)
        for behind in order[place + 1 :]
        if ahead.reported_s > behind.reported_s + 1e-6
    ]
    flips = {}
    for key, standing in standings.items():
        seconds = {brand.label: brand.reported_s for brand in standing.brands}
        turned = tuple((a, b) for a, b in pairs if seconds[b] > seconds[a] + 1e-6)
        if turned:
            flips[key] = turned
    names = {key: standing.method.name for key, standing in standings.items()}
    return RankStability(tuple(brand.label for brand in order), flips, len(standings), names)
