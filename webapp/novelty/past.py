"""A label looked for in what past analyses keep, without decoding anything again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.novelty.energy import Prototypes
from analysis.novelty.grouping import ALIKE as SURELY_ALIKE
from analysis.novelty.likeness import ALIKE, nearest
from analysis.novelty.regions import Floats
from webapp.novelty.groups import NewBrand
from webapp.novelty.known import KnownLooks
from webapp.novelty.moments import sight_json
from webapp.projects.models import Label
from webapp.runs.regions import RunRegions, regions_of
from webapp.runs.run import Run
from webapp.search.keeping import newest_runs

MOST_MOMENTS = 200

__all__ = ["ALIKE", "SURELY_ALIKE", "Past", "looks_of", "search_past"]


@dataclass(frozen=True, slots=True)
class Past:
    """moments: sights with “likeness”, “was”, the label they were detected as or None, and
    “is_another”, whether they count as that; the most alike first. without: analyses that keep no
    regions. problem: why nothing can be looked for."""

    moments: list[dict[str, Any]] = field(default_factory=list)
    n_runs: int = 0
    without: list[Run] = field(default_factory=list)
    problem: str = ""


def search_past(label: Label) -> Past:
    """Sights that look like the label in the newest analysis of each film of its project, but
    those that count as the label already. Nothing is counted by this."""
    runs = list(newest_runs().filter(project=label.project_id).select_related("asset"))
    looks = looks_of(label)
    kept = [(run, regions_of(run)) for run in runs]
    without = [run for run, found in kept if found is None]
    if not len(looks):
        return Past(
            n_runs=len(runs),
            without=without,
            problem=f"It is not known yet what {label.name} looks like: give it a logo picture, "
            "then look again for new brands.",
        )
    labels = Label.objects.filter(project=label.project_id).in_bulk()
    moments = [
        moment
        for run, found in kept
        if found is not None
        for moment in _moments(run, found, looks, label, labels)
    ]
    moments.sort(key=lambda one: (-one["likeness"], one["run"], one["time_s"]))
    return Past(moments[:MOST_MOMENTS], len(runs), without)


def looks_of(label: Label) -> Floats:
    """Of its pictures and examples, as they were embedded last, and of groups that are it."""
    row = KnownLooks.objects.filter(project=label.project_id).first()
    prototypes = row.read() if row else Prototypes.of({})
    own = [np.empty((0, prototypes.looks.shape[1]), np.float32)]
    if label.pk in prototypes.labels:
        own.append(prototypes.looks[prototypes.owners == prototypes.labels.index(label.pk)])
    groups = NewBrand.objects.filter(label=label)
    own += [one.read_look()[None] for one in groups]
    return np.concatenate(own)


def _moments(
    run: Run, found: RunRegions, looks: Floats, label: Label, labels: dict[int, Label]
) -> list[dict[str, Any]]:
    """One for each sight that is alike: its most alike region."""
    rows = found.regions.rows
    likeness, _ = nearest(found.regions.looks, looks)
    counts = (rows["label"] == label.pk) & (rows["confidence"] >= label.threshold)
    order = np.lexsort((-likeness, rows["sight"]))
    _, first = np.unique(rows["sight"][order], return_index=True)
    best = order[first]
    best = best[(likeness[best] >= ALIKE) & ~np.isin(rows["sight"][best], rows["sight"][counts])]
    moments = []
    for at in best.tolist():
        was, confidence = labels.get(int(rows["label"][at])), float(rows["confidence"][at])
        moments.append(
            sight_json(run, found, at)
            | {
                "likeness": round(float(likeness[at]), 3),
                "label": was.pk if was else None,
                "was": was.name if was else None,
                "confidence": round(confidence, 3),
                "is_another": was is not None and was != label and confidence >= was.threshold,
            }
        )
    return moments
