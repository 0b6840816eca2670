"""What is said, written and seen in an asset at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from analysis.exposure.sightings import Prepared
from analysis.types import Box
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.transcript import shown, utterances
from webapp.projects.models import Label
from webapp.runs.results import columns_of
from webapp.runs.run import Run

_NEAR_S = 1.0  # of an analysed frame, from one that was encoded


@dataclass(frozen=True, slots=True)
class Seen:
    """A label in a box of a frame."""

    name: str
    box: Box


@dataclass(frozen=True, slots=True)
class Line:
    """A line of writing, as it reads: with what people corrected."""

    start_s: float
    end_s: float
    text: str


@dataclass
class Said:
    """Of one asset; each part is read when it is first asked for."""

    asset: Asset

    @cached_property
    def words(self) -> tuple[np.ndarray, list[str]]:
        """When each word is said (its middle, seconds), ascending, and the word."""
        found: list[tuple[float, str]] = []
        if (indexing := shown(self.asset, Indexing.Step.SPEECH)) is not None:
            for one in utterances(indexing):
                found += [((word.start_s + word.end_s) / 2, word.text) for word in one.words]
        found.sort(key=lambda one: one[0])
        return np.array([time_s for time_s, _ in found]), [text.strip() for _, text in found]

    def spoken(self, start_s: float, end_s: float) -> str:
        """The words of which most is said between two times."""
        times, words = self.words
        first, last = np.searchsorted(times, [start_s, end_s])
        return " ".join(words[first:last])

    @cached_property
    def regions(self) -> list[Line]:
        """What is written on it, by time."""
        indexing = shown(self.asset, Indexing.Step.TEXT)
        if indexing is None:
            return []
        rows: Any = indexing.text_regions.as_it_reads().order_by("start_s", "pk")
        read = rows.values_list("start_s", "end_s", "reads")
        return [Line(start_s, end_s, text) for start_s, end_s, text in read if text]

    @cached_property
    def _region_times(self) -> tuple[np.ndarray, np.ndarray]:
        return (
            np.array([one.start_s for one in self.regions]),
            np.array([one.end_s for one in self.regions]),
        )

    def written(self, time_s: float) -> list[str]:
        """The lines that stand on the picture at a time; on all of a picture that is no film."""
        if not self.regions:
            return []
        starts, ends = self._region_times
        there = np.flatnonzero((starts <= time_s + 1e-6) & (ends >= time_s - 1e-6))
        return [self.regions[at].text for at in there.tolist()]

    @cached_property
    def _columns(self) -> list[Prepared]:
        """What these found, looked up once and not for each frame."""
        return [columns_of(run) for run in self._runs]

    @cached_property
    def _runs(self) -> list[Run]:
        """The newest finished analysis of each project."""
        rows = Run.objects.finished().filter(asset=self.asset).order_by("project", "-pk")
        newest: dict[int, Run] = {}
        for run in rows:
            newest.setdefault(run.project_id, run)
        return list(newest.values())

    @cached_property
    def _labels(self) -> dict[int, tuple[str, float]]:
        rows = Label.objects.filter(project__in=[run.project_id for run in self._runs])
        return {
            pk: (name, least) for pk, name, least in rows.values_list("pk", "name", "threshold")
        }

    def seen(self, time_s: float) -> list[Seen]:
        """The labels that analyses found in the frame nearest to a time."""
        found = []
        for columns in self._columns:
            times = columns.frames["time_s"]
            if not len(times):
                continue
            at = int(np.abs(times - time_s).argmin())
            if abs(float(times[at]) - time_s) > _NEAR_S:
                continue
            first, last = np.searchsorted(columns.detections["frame"], [at, at + 1])
            for row in columns.detections[first:last]:
                name, least = self._labels.get(int(row["label"]), ("", 2.0))
                if float(row["confidence"]) >= least:
                    sides = (float(row[side]) for side in ("x1", "y1", "x2", "y2"))
                    found.append(Seen(name, Box(*sides)))
        return found


class Library:
    """`Said` of some assets, each made once; of those that were asked for last."""

    KEPT = 4

    def __init__(self, assets: Sequence[int]) -> None:
        self.assets = Asset.objects.in_bulk(list(set(assets)))
        self._said: dict[int, Said] = {}

    def __getitem__(self, asset: int) -> Said:
        said = self._said.pop(asset, None) or Said(self.assets[asset])
        self._said[asset] = said
        while len(self._said) > self.KEPT:
            self._said.pop(next(iter(self._said)))
        return said

    def __contains__(self, asset: int) -> bool:
        return asset in self.assets
