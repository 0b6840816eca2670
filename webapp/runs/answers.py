"""What is known of an asset, project by project: a run for one hides no answer for another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from django.db.models import F, Max, QuerySet, Sum

from analysis.film.columns import Columns
from webapp.assets.models import Asset
from webapp.projects.models import Label, Project
from webapp.runs.found import Track
from webapp.runs.run import Run
from webapp.runs.segments import SegmentResult
from webapp.runs.standing import Standing


@dataclass(frozen=True, slots=True)
class Answer:
    """For one project: the last finished run with the brands it found, and what came after it.

    `later` goes on, or failed or was cancelled and nothing finished since."""

    run: Run | None
    brands: list[Label] = field(default_factory=list)  # most seen first
    later: Run | None = None
    standing: Standing | None = None  # of `later`

    @property
    def project(self) -> Project:
        return self.newest.project

    @property
    def newest(self) -> Run:
        run = self.later or self.run
        assert run is not None
        return run

    @property
    def shown(self) -> Run:
        """What to open for it: an answer rather than what will be one."""
        run = self.run or self.later
        assert run is not None
        return run

    @property
    def is_going_on(self) -> bool:
        return self.later is not None and not self.later.is_over


def answers_of(assets: Iterable[Asset]) -> dict[int, list[Answer]]:
    """By asset, those one expects first: with brands, then without, then such as are to come; the
    newest before older ones. A handful of queries however many assets there are."""
    newest = _newest(Run.objects.filter(asset__in=[asset.pk for asset in assets]))
    finished = _newest(Run.objects.finished().filter(asset__in=[asset.pk for asset in assets]))
    brands = brands_of(finished.values())
    found: dict[int, list[Answer]] = defaultdict(list)
    for key, last in newest.items():
        run = finished.get(key)
        later = None if run == last else last
        if run and later and later.status == Run.Status.CANCELLED:
            later = None  # somebody thought better of it
        standing = Standing.of(later) if later else None
        found[last.asset_id].append(
            Answer(run, brands.get(run.pk, []) if run else [], later, standing)
        )
    for answers in found.values():
        answers.sort(key=lambda a: (not a.brands, a.run is None, -a.newest.pk))
    return found


def _newest(runs: QuerySet[Run]) -> dict[tuple[int, int], Run]:
    """Of each asset for each project."""
    last = runs.order_by().values("asset", "project").annotate(last=Max("pk")).values("last")
    found = Run.objects.filter(pk__in=last).select_related("project").defer("inputs")
    return {(run.asset_id, run.project_id): run for run in found}


def brands_of(runs: Iterable[Run]) -> dict[int, list[Label]]:
    """The labels each run found above their thresholds, most seen first, by run."""
    keys = [run.pk for run in runs]
    seen = (
        Track.objects.filter(run__in=keys)
        .filter(confidence__gte=F("label__threshold"))
        .order_by()
        .values("run_id", "label_id")
        .annotate(seconds=Sum(F("end_s") - F("start_s")))
        .order_by("-seconds", "label_id")
    )
    pairs = [(row["run_id"], row["label_id"]) for row in seen] + _in_pictures(keys)
    labels = Label.objects.in_bulk({label for _, label in pairs})
    found = defaultdict(list)
    for run, label in pairs:
        found[run].append(labels[label])
    return found


def _in_pictures(runs: list[int]) -> list[tuple[int, int]]:
    """(run, label) of what runs found in pictures, surest first. Nothing is followed there, so no
    track tells of it."""
    results = SegmentResult.objects.filter(segment__run__in=runs)
    pictures = results.filter(segment__run__asset__kind=Asset.Kind.IMAGE)
    best: dict[tuple[int, int], float] = {}
    for run, columns in pictures.values_list("segment__run", "columns"):
        boxes = np.sort(Columns.unpack(columns).detections, order="confidence")
        best |= {(run, int(box["label"])): float(box["confidence"]) for box in boxes}
    labels = Label.objects.filter(pk__in={label for _, label in best})
    thresholds = dict(labels.values_list("pk", "threshold"))
    sure = [pair for pair, confidence in best.items() if confidence >= thresholds[pair[1]]]
    return sorted(sure, key=lambda pair: -best[pair])
