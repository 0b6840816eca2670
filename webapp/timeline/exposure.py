"""The figures of a run as its page shows them: the table, the lanes, the minutes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from analysis.exposure.measure import (
    BrandExposure,
    Episode,
    Exposure,
    Interval,
    PerMinute,
    lanes,
    measure,
    per_minute,
)
from analysis.exposure.sightings import threshold_of
from analysis.film.columns import Columns
from analysis.text import Mention
from webapp.projects.models import Label
from webapp.reviewing.said import Said
from webapp.runs.run import Run
from webapp.timeline.choices import Choices
from webapp.timeline.corrected import corrected_columns
from webapp.timeline.frames import shots_json
from webapp.timeline.labels import labels_of, thresholds_of, without_a_look
from webapp.timeline.mentions import Told

MOST_BINS = 2000
SHORT_S = 180.0  # of what is shorter, a bar for each minute would say little
MOST_EPISODES = 200  # in the panel
MOST_LISTED = 250  # in the table; the exported file has them all


@dataclass(frozen=True)
class Looked:
    """A run together with what a person chose to see of it."""

    run: Run
    labels: Sequence[Label]
    choices: Choices
    told: Told  # what is said and written of the labels
    said: Said  # what people say of it, and that is counted here

    @classmethod
    def at(cls, run: Run, choices: Choices) -> Looked:
        labels = labels_of(run)
        said = Said()
        if not choices.model_only:
            said = Said.of(run.asset, [label.pk for label in labels])
        told = Told.of(run.asset, labels, as_found=choices.model_only)
        return cls(run, labels, choices, told, said)

    @cached_property
    def columns(self) -> Columns:
        """Read when they are asked for: figures that are kept need none."""
        return corrected_columns(self.run, self.said)

    def key(self) -> Hashable:
        """Changes with anything that the figures, or the names and colours beside them, rest on."""
        labels = ((label.pk, label.name, label.colour, label.threshold) for label in self.labels)
        return self.choices, tuple(labels), self.told.whole_key, self.said.key

    @property
    def label_ids(self) -> list[int]:
        return [label.pk for label in self.labels]

    @property
    def thresholds(self) -> dict[int, float]:
        found = thresholds_of(list(self.labels), self.choices.threshold)
        return {pk: threshold_of(found, pk) for pk in self.label_ids}

    def exposure(self) -> Exposure:
        return measure(
            self.columns,
            duration_s=self.run.duration_s,
            labels=self.label_ids,
            method=self.choices.methodology,
            thresholds=self.thresholds,
            hidden=self.choices.off,
            window=self.choices.window,
            words=self.told.words(),
            cuts=shots_json(self.run),
        )

    def minutes(self) -> PerMinute:
        return per_minute(
            self.columns,
            duration_s=self.run.duration_s,
            labels=self.label_ids,
            thresholds=self.thresholds,
            hidden=self.choices.off,
            bin_s=bin_s(self.run),
        )

    def lanes(self, start_s: float, end_s: float, bins: int) -> dict[int, list[Interval]]:
        return lanes(
            self.columns,
            labels=self.label_ids,
            thresholds=self.thresholds,
            hidden=self.choices.off,
            start_s=start_s,
            end_s=end_s,
            bins=bins,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One brand of the exposure table."""

    label: Label
    brand: BrandExposure
    is_open: bool
    was_looked_for: bool
    said: Sequence[Mention] = ()
    written: Sequence[Mention] = ()

    @property
    def is_told(self) -> bool:
        return bool(self.said or self.written)

    @property
    def is_seen(self) -> bool:
        return bool(self.brand.frames)

    @property
    def share_of_voice(self) -> float | None:
        """By time; of a picture, which has none, by area."""
        by_time = self.brand.share_of_voice_time
        return self.brand.share_of_voice_area if by_time is None else by_time

    @property
    def episodes(self) -> Sequence[Episode]:
        return self.brand.episodes[:MOST_EPISODES]

    @property
    def n_more(self) -> int:
        return max(len(self.brand.episodes) - MOST_EPISODES, 0)


def bin_s(run: Run) -> float:
    """How long a stretch each bar of the chart stands for."""
    return 10.0 if run.duration_s <= SHORT_S else 60.0


def rows(looked: Looked, exposure: Exposure, open_label: int | None) -> list[Row]:
    """Most seen first; brands that were not seen, or are left out, last."""
    blind = without_a_look(looked.run, list(looked.labels))
    found = []
    for label, brand in zip(looked.labels, exposure.brands, strict=True):
        is_open = label.pk == open_label
        told = _told(looked, label) if is_open else ()
        found.append(Row(label, brand, is_open, label not in blind, *told))
    return sorted(found, key=lambda r: (r.brand.is_hidden, not r.is_seen, -r.brand.reported_s))


def _told(looked: Looked, label: Label) -> tuple[list[Mention], list[Mention]]:
    """What is said and what is written of a label in the window, as much as the panel holds."""
    start_s, end_s = looked.choices.window or (-np.inf, np.inf)
    said, written = (
        [m for m in mentions if m.brand == label.pk and m.start_s < end_s and m.end_s > start_s]
        for mentions in (
            [one.mention for one in looked.told.said],
            [one.mention for one in looked.told.written],
        )
    )
    return said[:MOST_EPISODES], written[:MOST_EPISODES]


def listed(found: Sequence[Row]) -> list[tuple[Label, Episode]]:
    """The episodes of all rows in playing order, as many as a page can hold."""
    every = [(row.label, episode) for row in found for episode in row.brand.episodes]
    return sorted(every, key=lambda pair: pair[1].start_s)[:MOST_LISTED]


def lanes_json(looked: Looked, start_s: float, end_s: float, bins: int) -> dict[str, Any]:
    """What to draw between two times, as columns: a fifth of the size of objects."""
    found = looked.lanes(start_s, end_s, min(max(bins, 1), MOST_BINS))
    return {
        "from": start_s,
        "to": end_s,
        "rows": {label: _interval_columns(intervals) for label, intervals in found.items()},
    }


def _interval_columns(intervals: Sequence[Interval]) -> dict[str, list]:
    start_s, end_s, peak, weak, density = zip(*intervals, strict=True) if intervals else ([],) * 5
    return {
        "start": _rounded(start_s, 3),
        "end": _rounded(end_s, 3),
        "peak": _rounded(peak, 2),
        "weak": [int(is_weak) for is_weak in weak],
        "density": _rounded(density, 2),
    }


def minutes_json(minutes: PerMinute) -> dict[str, Any]:
    return {
        "edges": _rounded(minutes.edges, 3),
        "share": _rounded(minutes.share, 4),
        "overall": _rounded(minutes.overall, 4),
        "any": _rounded(minutes.any_share, 4),
        "analysed": _rounded(minutes.analysed, 4),
    }


def counts_json(exposure: Exposure) -> dict[int, int]:
    """How many times each brand was seen, for the names of the lanes."""
    return {brand.label: brand.count for brand in exposure.brands}


def _rounded(values: Any, digits: int) -> list:
    return np.round(np.asarray(values, float), digits).tolist()
