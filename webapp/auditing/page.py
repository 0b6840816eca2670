"""What the pages of an audit show: the brands with their figures, and how long answering takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from webapp.accounts.models import Workspace
from webapp.assets.links import media_link
from webapp.auditing.items import AuditItem
from webapp.auditing.populations import population_of
from webapp.auditing.readings import Reading, Standing, standings, to_halve
from webapp.pacing import usual
from webapp.projects.models import Label, Reference
from webapp.runs.run import Run
from webapp.timeline.labels import labels_of

ASSUMED_S = 3.0  # an answer, until enough were timed
MOST_PICTURES = 3  # of a logo, beside the frame


@dataclass(frozen=True, slots=True)
class Pace:
    """How long people of a workspace take for an answer."""

    answer_s: float
    is_measured: bool

    @classmethod
    def of(cls, workspace: Workspace) -> Pace:
        """The median of the latest answers, or what is assumed while there are few."""
        rows = AuditItem.objects.filter(
            audited__audit__run__asset__workspace=workspace, answered__isnull=False
        )
        return cls(*usual(rows.order_by("-answered"), ASSUMED_S))

    def seconds(self, n: int) -> float:
        return self.answer_s * n


@dataclass(frozen=True, slots=True)
class Row:
    """One brand. `model_s`: the seconds in which the detector sees it; `halving`: how many more
    answers would halve the interval, or None."""

    label: Label
    model_s: float
    n_frames: int
    standing: Standing | None
    halving: int | None
    halving_s: float  # what they take
    longest_s: float  # of all brands, for the drawing of the interval

    @property
    def reading(self) -> Reading | None:
        return self.standing.reading if self.standing else None

    @property
    def drawing(self) -> dict[str, str]:
        """Where the interval lies on a line from 0 to the longest, in per cent."""
        if self.reading is None or self.longest_s <= 0:
            return {}
        estimate = self.reading.estimate
        at = {
            "low": estimate.low_s,
            "high": estimate.high_s,
            "at": estimate.seconds,
            "model": estimate.model_s,
        }
        return {name: f"{100 * s / self.longest_s:.2f}" for name, s in at.items()}


def rows(run: Run, pace: Pace) -> list[Row]:
    """Most seen first, as everywhere."""
    known = {one.audited.label_id: one for one in standings(run)}
    populations = {
        label: population_of(run, label.pk, _threshold(label, known.get(label.pk)))
        for label in labels_of(run)
    }
    ends = [one.reading.estimate.high_s for one in known.values() if one.reading]
    longest_s = max([*ends, *(p.model_s for p in populations.values())], default=0.0)
    found = []
    for label, population in populations.items():
        standing = known.get(label.pk)
        halving = None
        if standing and standing.reading and not standing.is_open:
            halving = to_halve(run, standing.audited)
        found.append(
            Row(
                label=label,
                model_s=population.model_s,
                n_frames=population.n,
                standing=standing,
                halving=halving,
                halving_s=pace.seconds(halving or 0),
                longest_s=longest_s,
            )
        )
    return sorted(found, key=lambda row: -row.model_s)


def _threshold(label: Label, standing: Standing | None) -> float:
    """The one that held when its frames were drawn, else the label's own now."""
    return standing.audited.threshold if standing else label.threshold


def kept_as(run: Run, person: int) -> str:
    """Under which name a browser keeps this person's answers until they are sent."""
    return f"sightline.audit.{person}.{run.pk}"


def sent_to() -> dict[str, str]:
    """Where answers go and are taken back; 0 stands for the frame."""
    return {
        "answer": reverse("api-audit-item-answer", args=[0]),
        "undo": reverse("api-audit-item-undo", args=[0]),
    }


def for_scripts(run: Run, person: int) -> dict[str, Any]:
    """What the page that asks needs to know, for its JSON block."""
    width, height = run.asset.width or 16, run.asset.height or 9
    return {
        "urls": {
            "next": reverse("api-run-audit-next", args=[run.pk]),
            **sent_to(),
            "picture": reverse("run-frame-picture", args=[run.pk]),
            "analysis": reverse("run-frame-analysis", args=[run.pk]),
            "done": reverse("run-audit", args=[run.pk]),
        },
        "kept": kept_as(run, person),
        "size": [width, height],
        "tall": round(height / width, 4),
        "brands": [_brand(run, one) for one in standings(run)],
    }


def _brand(run: Run, standing: Standing) -> dict[str, Any]:
    label = standing.audited.label
    as_it_was = {number: name for name, number in run.label_ids().items()}
    return {
        "id": label.pk,
        "name": label.name,
        "colour": label.colour,
        "threshold": standing.audited.threshold,
        "found_as": as_it_was.get(label.pk, label.name),
        "pictures": [
            {"url": media_link(picture.file), "name": picture.name} for picture in _pictures(label)
        ],
        "done": standing.n_done,
        "of": standing.n_of,
    }


def _pictures(label: Label) -> list[Reference]:
    return list(label.references.logos()[:MOST_PICTURES])
