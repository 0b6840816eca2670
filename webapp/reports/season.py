"""A season: any number of assets side by side, with totals, the trend and what changed.

One function makes the figures, so that the page, the files and the API cannot disagree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import OuterRef, QuerySet, Subquery

from analysis.exposure.columns import UNCHECKED
from analysis.exposure.exports import Origin, as_dict, brands_csv
from webapp.auditing.items import AuditItem
from webapp.projects.colours import told_apart
from webapp.projects.models import Project
from webapp.runs.results import revision
from webapp.runs.run import Run
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked

SCHEMA = "sightline.season/1"
KEPT_S = 7 * 24 * 3600  # figures of a finished run change with what is asked and nothing else

_TOLD = ("mentions", "said_s", "mentions_seen", "written", "written_s")  # add up where known

Figures = dict[str, Any]  # of a brand in a run: analysis.exposure.exports.as_dict


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand over all runs. `cells` has one entry a run; None where it was not looked for."""

    name: str
    colour: str
    cells: list[Figures | None]
    duration_s: float  # of what was looked through for it

    @property
    def looked(self) -> list[Figures]:
        return [cell for cell in self.cells if cell is not None]

    def _sum(self, key: str) -> float:
        return sum(cell[key] for cell in self.looked)

    @property
    def reported_s(self) -> float:
        return self._sum("reported_s")

    @property
    def totals(self) -> Figures:
        """What adds up; the sizes weigh by the seconds that they are of."""
        on_screen_s = self._sum("on_screen_s")
        sized = sum(c["on_screen_s"] * (c["mean_size_visible"] or 0) for c in self.looked)
        return {
            "on_screen_s": on_screen_s,
            "reported_s": self.reported_s,
            "border_error_s": self._sum("border_error_s"),
            "count": int(self._sum("count")),
            "share_of_screen_time": self.reported_s / self.duration_s if self.duration_s else None,
            "mean_size_visible": sized / on_screen_s if on_screen_s else None,
            "seen_in": sum(bool(cell["frames"]) for cell in self.looked),
            "looked_in": len(self.looked),
            "doubtful_ends": sum(cell["doubtful_ends"] or 0 for cell in self.looked),
            **{key: self._told(key) for key in _TOLD},
        }

    def _told(self, key: str) -> float | None:
        """None where nobody listened, or read, in any of them."""
        told = [cell[key] for cell in self.looked if cell[key] is not None]
        return sum(told) if told else None


@dataclass(frozen=True, slots=True)
class Season:
    runs: list[Run]  # by the date of their assets
    brands: list[Brand]  # most seen first
    choices: Choices
    checked: frozenset[int] = frozenset()  # the runs of which people said something

    @property
    def how_checked(self) -> str:
        """How far people checked the figures, in a sentence."""
        n, n_all = len(self.checked), len(self.runs)
        if not n:
            return f"Every figure is {UNCHECKED}."
        were = f"{'was' if n == 1 else 'were'} checked by people, at least in part"
        if n == n_all:
            return f"{'The analysis' if n == 1 else f'All {n} analyses'} {were}."
        return f"{n} of {n_all} analyses {were}; the figures of the others are {UNCHECKED}."

    def share_of_voice(self, brand: Brand) -> float | None:
        total = sum(other.reported_s for other in self.brands)
        return brand.reported_s / total if total else None

    def difference(self, before: Run, after: Run) -> list[dict[str, Any]]:
        """What changed from one run to the other, for brands that both looked for.

        `is_open`: the change is no larger than what sampling can do to both.
        """
        first, second = self.runs.index(before), self.runs.index(after)
        changes = []
        for brand in self.brands:
            a, b = brand.cells[first], brand.cells[second]
            if a is None or b is None:
                continue
            change_s = b["reported_s"] - a["reported_s"]
            border_s = a["border_error_s"] + b["border_error_s"]
            changes.append(
                {
                    "name": brand.name,
                    "colour": brand.colour,
                    "before": a,
                    "after": b,
                    "on_screen_s": b["on_screen_s"] - a["on_screen_s"],
                    "reported_s": change_s,
                    "count": b["count"] - a["count"],
                    "border_error_s": border_s,
                    "is_open": 0 < abs(change_s) <= border_s,
                }
            )
        return changes


def newest(finished: QuerySet[Run], project: Project) -> QuerySet[Run]:
    """Of each asset of a project the run that was asked for last, of those that are finished."""
    mine = finished.filter(project=project)
    last = mine.filter(asset=OuterRef("asset")).order_by("-pk").values("pk")[:1]
    return mine.filter(pk=Subquery(last))


def season(runs: Sequence[Run], choices: Choices) -> Season:
    """The figures of these runs, brand by brand. Brands of several projects meet by their name;
    where two of them have one colour, the one that is seen less gets another here.

    A label's number means something in one project only, and a time in one film, so neither what
    is left out nor a window is asked of a season.
    """
    choices = replace(choices, off=frozenset(), window=None)
    ordered = sorted(runs, key=lambda run: (run.asset.day, run.asset.created, run.pk))
    cells: dict[str, dict[int, Figures]] = {}
    colours: dict[str, str] = {}
    checked = _audited(ordered)
    for run in ordered:
        looked = Looked.at(run, choices)
        if looked.said or looked.told.verdicts:
            checked.add(run.pk)
        found = figures_of(looked)
        for label in looked.labels:
            colours.setdefault(label.name, label.colour)
            cells.setdefault(label.name, {})[run.pk] = found[label.pk]
    brands = [
        Brand(
            name=name,
            colour=colours[name],
            cells=[mine.get(run.pk) for run in ordered],
            duration_s=sum(run.duration_s for run in ordered if run.pk in mine),
        )
        for name, mine in cells.items()
    ]
    brands.sort(key=lambda brand: -brand.reported_s)
    colours = told_apart((brand.name, brand.colour) for brand in brands)
    told = [replace(brand, colour=colours[brand.name]) for brand in brands]
    return Season(ordered, told, choices, frozenset(checked))


def _audited(runs: Sequence[Run]) -> set[int]:
    """Those of which frames were drawn by lot and answered."""
    answered = AuditItem.objects.filter(audited__audit__run__in=runs).exclude(answer="")
    return set(answered.values_list("audited__audit__run", flat=True))


def figures_of(looked: Looked) -> dict[int, Figures]:
    """By label. Kept, so that a long season is not measured anew for each page."""
    method = looked.choices.methodology
    thresholds = sorted(looked.thresholds.items())
    asked = (looked.run.pk, revision(looked.run), method.key, method.version, thresholds)
    said = looked.said.key
    text = json.dumps([*asked, repr(looked.told.key), said, settings.VERSION, SCHEMA])
    key = f"season:{hashlib.sha256(text.encode()).hexdigest()}"
    found = cache.get(key)
    if found is None:
        brands = as_dict(looked.exposure(), dict.fromkeys(looked.label_ids, ""))["brands"]
        found = {b["label"]: {k: v for k, v in b.items() if k != "episodes"} for b in brands}
        cache.set(key, found, KEPT_S)
    return found


# --- to send on -----------------------------------------------------------------------------------


def as_json(found: Season, before: Run | None = None, after: Run | None = None) -> dict[str, Any]:
    """All of it, for JSON; with two runs also what changed from the one to the other."""
    method = found.choices.methodology
    whole: dict[str, Any] = {
        "schema": SCHEMA,
        "method": {"key": method.key, "name": method.name, "version": method.version},
        "threshold": found.choices.threshold,
        "checked": found.how_checked,
        "runs": [
            {
                **_origin(run)._asdict(),
                "run": run.pk,
                "asset": run.asset_id,
                "date": run.asset.created.isoformat(),
                "day": run.asset.day.isoformat(),
                "duration_s": run.duration_s,
            }
            for run in found.runs
        ],
        "brands": [
            {
                "name": brand.name,
                **brand.totals,
                "share_of_voice_time": found.share_of_voice(brand),
                "runs": [
                    {"run": run.pk, **(cell | {"name": brand.name})}
                    for run, cell in zip(found.runs, brand.cells, strict=True)
                    if cell is not None
                ],
            }
            for brand in found.brands
        ],
        "difference": None,
    }
    if before and after:
        changes = found.difference(before, after)
        kept = ("name", "on_screen_s", "reported_s", "count", "border_error_s", "is_open")
        rows = [{key: change[key] for key in kept} for change in changes]
        whole["difference"] = {"before": before.pk, "after": after.pk, "brands": rows}
    return whole


def as_csv(found: Season) -> str:
    """One row a brand and run, under one heading, each with where it comes from."""
    text = ""
    for run in found.runs:
        looked = Looked.at(run, found.choices)
        names = {label.pk: label.name for label in looked.labels}
        rows = brands_csv(looked.exposure(), names, _origin(run))
        text += rows.partition("\r\n")[2] if text else rows
    return text


def _origin(run: Run) -> Origin:
    """With the report that was issued of it last."""
    issued = next(iter(run.reports.all()), None)
    return Origin(run.asset.name, run.project.name, issued.title if issued else "", str(run.pk))
