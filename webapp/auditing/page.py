"""What the pages of an audit show: the brands with their figures, and how long answering takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from analysis.auditing import outwards
from webapp.accounts.models import Workspace
from webapp.assets.links import media_link
from webapp.assets.models import Rendition
from webapp.auditing.audits import AuditedLabel, What
from webapp.auditing.items import AuditItem
from webapp.auditing.populations import population_of
from webapp.auditing.readings import Reading, Standing, counts, readings, standings, to_halve
from webapp.leases import Status
from webapp.pacing import usual
from webapp.projects.models import Label, Reference
from webapp.runs.run import Run
from webapp.timeline.labels import labels_of

ASSUMED_S = 3.0  # an answer, until enough were timed
ASSUMED_OF_STRETCH_S = 7.0  # who has to watch it first
AROUND_S = 0.5  # more than what an exposure needs, shown before and after a stretch
MOST_PICTURES = 3  # of a logo, beside the frame


@dataclass(frozen=True, slots=True)
class Pace:
    """How long people of a workspace take for an answer."""

    answer_s: float
    is_measured: bool

    @classmethod
    def of(cls, workspace: Workspace, what: What = What.SECONDS) -> Pace:
        """The median of the latest answers, or what is assumed while there are few."""
        rows = AuditItem.objects.filter(
            audited__audit__run__asset__workspace=workspace,
            audited__what=what,
            answered__isnull=False,
        )
        assumed_s = ASSUMED_OF_STRETCH_S if what == What.TIMES else ASSUMED_S
        return cls(*usual(rows.order_by("-answered"), assumed_s))

    def seconds(self, n: int) -> float:
        return self.answer_s * n


@dataclass(frozen=True, slots=True)
class Times:
    """How often one brand was on screen. `model`: how often the detector says; `halving`: as of a
    Row, in stretches."""

    standing: Standing
    model: int
    halving: int | None
    halving_s: float

    @property
    def reading(self) -> Reading | None:
        return self.standing.reading

    @property
    def count(self) -> int | None:
        return round(self.reading.estimate.seconds) if self.reading else None

    @property
    def shown(self) -> tuple[int, int] | None:
        """The limits for people, in whole exposures, rounded outwards."""
        return whole(self.reading) if self.reading else None

    @property
    def rule(self) -> str:
        """What counts as one, in words."""
        return rule_of(self.standing.audited)


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
    times: Times | None

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
    times = {one.audited.label_id: one for one in standings(run, What.TIMES)}
    watching = Pace.of(run.asset.workspace, What.TIMES)
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
                times=_times(run, times[label.pk], watching) if label.pk in times else None,
            )
        )
    return sorted(found, key=lambda row: -row.model_s)


def _times(run: Run, standing: Standing, pace: Pace) -> Times:
    is_read = standing.reading and not standing.is_open
    halving = to_halve(run, standing.audited) if is_read else None
    model = round(standing.audited.population_in(run).model_s)
    return Times(standing, model, halving, pace.seconds(halving or 0))


@dataclass(frozen=True, slots=True)
class Noted:
    """What people found of one brand: its seconds, how often it was on screen, or both."""

    label: Label
    seconds: Reading | None
    audited: AuditedLabel | None
    times: Reading | None

    @property
    def count(self) -> int:
        return round(self.times.estimate.seconds) if self.times else 0

    @property
    def shown(self) -> tuple[int, int]:
        return whole(self.times) if self.times else (0, 0)

    @property
    def rule(self) -> str:
        return rule_of(self.audited) if self.audited else ""


def noted(run: Run) -> list[Noted]:
    """Of the brands that people checked, in the order of the labels."""
    if not AuditedLabel.objects.filter(audit__run=run).exists():
        return []
    seconds, times = readings(run), counts(run)
    return [
        Noted(label, seconds.get(label.pk), *times.get(label.pk, (None, None)))
        for label in labels_of(run)
        if label.pk in seconds or label.pk in times
    ]


def whole(reading: Reading) -> tuple[int, int]:
    """The limits of a number of exposures, which is whole, rounded outwards."""
    low, high = outwards(reading.estimate.low_s, reading.estimate.high_s, 1)
    return round(low), round(high)


def rule_of(audited: AuditedLabel) -> str:
    """What counts as one exposure, in words."""
    least = f"of {audited.minimum_s:g} s or more" if audited.minimum_s else "of any length"
    gaps = f", gaps up to {audited.gap_s:g} s bridged" if audited.gap_s else ""
    return f"{least}{gaps}"


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
        "brands": [_brand(run, one) for what in What for one in standings(run, what)],
        "film": _film(run),
        "duration": run.duration_s,
    }


def _film(run: Run) -> str:
    """What browsers play of it."""
    copy = run.asset.renditions.filter(recipe=Rendition.PROXY, status=Status.DONE).first()
    return media_link(copy.file if copy else run.asset.file)


def _brand(run: Run, standing: Standing) -> dict[str, Any]:
    label = standing.audited.label
    as_it_was = {number: name for name, number in run.label_ids().items()}
    return {
        "id": label.pk,
        "what": standing.audited.what,
        "around": _around(standing.audited),
        "rule": rule_of(standing.audited) if standing.audited.is_of_times else "",
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


def _around(audited: AuditedLabel) -> dict[str, float]:
    """How long a stretch is, in seconds, and what has to be seen before and after it to judge."""
    return {
        "length": audited.stretch_s,
        "before": (audited.gap_s or 0.0) + AROUND_S,
        "after": (audited.minimum_s or 0.0) + AROUND_S,
    }


def _pictures(label: Label) -> list[Reference]:
    return list(label.references.logos()[:MOST_PICTURES])
