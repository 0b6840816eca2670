"""What people corrected on the page of a film or in its report, as pictures to learn from.

Of a box that was judged or drawn it is the frame that was looked at; of a stretch of time, the
frame in its middle. The picture says what counts there now: what was found, as people corrected it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import models
from django.db.models import Exists, OuterRef

from analysis.exposure.corrections import corrected
from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.reviewing.corrections import Correction
from webapp.reviewing.said import Said
from webapp.reviewing.verdicts import Verdict
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.search.keeping import newest_runs

_SIDES = ("x1", "y1", "x2", "y2")


class CorrectedFrame(models.Model):
    """A frame that a picture of a dataset says as people corrected it. `said`: which corrections
    it was by then, so that a later one is brought in too."""

    WORKSPACE = "asset__workspace"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="corrected_frames")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    time_s = models.FloatField()
    said = models.CharField(max_length=60)
    sample = models.ForeignKey(Sample, models.SET_NULL, null=True, related_name="+")
    version = models.PositiveIntegerField(default=0)  # of the picture, since it says so
    before = models.JSONField(null=True)  # Sample.said; None: the picture came with it
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "asset", "time_s"], name="one_corrected_frame_a_dataset"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset} at {self.time_s:.2f} s in {self.dataset}"


@dataclass(slots=True)
class Frame:
    """One frame with what was said of it: the newest by `by`."""

    asset: int
    time_s: float
    numbers: list[str] = field(default_factory=list)
    at: datetime | None = None
    by: User | None = None

    def add(self, kind: str, one: Verdict | Correction) -> None:
        self.numbers.append(f"{kind}{one.pk}")
        if self.at is None or one.created >= self.at:
            self.at, self.by = one.created, one.by

    @property
    def said(self) -> str:
        """Changes with what is said of it; numbers only grow."""
        return f"{len(self.numbers)} {self.numbers[0]} {self.numbers[-1]}"


def corrected_frames(dataset: Dataset, asset: Asset | None = None) -> Iterator[Frame]:
    """Those that people corrected for the dataset's project outside the review queue and that its
    pictures do not say yet, by asset and time."""
    known = {
        (row.asset_id, row.time_s): row.said
        for row in CorrectedFrame.objects.filter(dataset=dataset)
    }
    for frame in _frames(dataset, asset):
        if known.get((frame.asset, frame.time_s)) != frame.said:
            yield frame


def _frames(dataset: Dataset, asset: Asset | None) -> list[Frame]:
    answered = newest_runs().filter(project=dataset.project_id, asset=OuterRef("asset"))
    found: dict[tuple[int, float], Frame] = {}
    for kind, some in _standing(dataset):
        some = some.filter(Exists(answered))
        if asset is not None:
            some = some.filter(asset=asset)
        for one in some.select_related("by").order_by("pk"):
            key = _frame_of(one)
            found.setdefault(key, Frame(*key)).add(kind, one)
    return [found[key] for key in sorted(found)]


def _standing(dataset: Dataset) -> list[tuple[str, Any]]:
    """What people said of the project's labels outside the queue and did not take back."""
    verdicts = Verdict.objects.standing().filter(decisions=None)
    kinds: list[tuple[str, Any]] = [("v", verdicts), ("c", Correction.objects.standing())]
    return [(kind, some.filter(label__project=dataset.project_id)) for kind, some in kinds]


def _frame_of(one: Verdict | Correction) -> tuple[int, float]:
    """The asset and the time that stand for it: of a stretch, its middle."""
    middle_s = one.time_s if isinstance(one, Verdict) else (one.start_s + one.end_s) / 2
    return one.asset_id, round(middle_s, 3)


def uncorrected(dataset: Dataset) -> list[CorrectedFrame]:
    """Those of which everything was taken back that was said of them."""
    rows = list(dataset.corrected_frames.all())
    if not rows:
        return []
    stands = {_frame_of(one) for _, some in _standing(dataset) for one in some}
    return [row for row in rows if (row.asset_id, round(row.time_s, 3)) not in stands]


def is_corrected(projects: models.QuerySet) -> models.QuerySet:
    """Those of these projects in which somebody corrected something outside the queue."""
    verdicts = Verdict.objects.standing().filter(decisions=None, label__project=OuterRef("pk"))
    stretches = Correction.objects.standing().filter(label__project=OuterRef("pk"))
    return projects.filter(Exists(verdicts) | Exists(stretches))


def boxes_in(dataset: Dataset, frames: list[Frame]) -> dict[int, list[dict[str, Any]]]:
    """What counts in these frames of one asset now, by their place in the list: boxes of at least
    the confidence of their label. Without those that the newest analysis did not look at, or that
    are of another picture track than players show."""
    if not frames:
        return {}
    mine = newest_runs().filter(project=dataset.project_id, asset=frames[0].asset)
    run: Run | None = mine.select_related("asset").first()
    if run is None or run.options.get("track") is not None:
        return {}
    least = dict(dataset.project.labels.values_list("pk", "threshold"))
    said = Said.of(run.asset, list(least)).in_order()
    columns = corrected(columns_of(run), said)
    rows, at = columns.frames, columns.detections
    placed: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for place, frame in enumerate(frames):
        number = int(np.searchsorted(rows["start_s"], frame.time_s + 1e-6, "right")) - 1
        if number < 0 or frame.time_s > rows["end_s"][number] + 1e-6:
            continue
        low, high = np.searchsorted(at["frame"], [number, number + 1])
        placed[place] = [
            {"label": int(row["label"]), "box": [float(row[side]) for side in _SIDES]}
            for row in at[low:high]
            if row["confidence"] >= np.float32(least.get(int(row["label"]), 2.0))
        ]
    return placed
