"""Whether a later analysis says otherwise than an issued report, whose own numbers never change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.exposure.columns import clock
from analysis.exposure.measure import BrandExposure, measure
from webapp.reports.models import Report
from webapp.runs.run import Run
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked
from webapp.timeline.frames import shots_json

_ALIKE_S = 0.05  # reads the same


@dataclass(frozen=True, slots=True)
class Other:
    """One brand of which the two say different things; None: it was not looked for."""

    name: str
    issued_s: float | None
    later_s: float | None


@dataclass(frozen=True, slots=True)
class Later:
    run: Run
    brands: list[Other]

    @property
    def sentence(self) -> str:
        when = f"{self.run.created:%-d %B %Y}"
        told = "; ".join(_told(brand) for brand in self.brands)
        return f"A later analysis, of {when}, says {told}."


def _told(brand: Other) -> str:
    if brand.later_s is None:
        return f"nothing of {brand.name}, which it did not look for"
    here = "did not look for it" if brand.issued_s is None else f"says {clock(brand.issued_s)}"
    return f"{clock(brand.later_s)} for {brand.name}, where this report {here}"


def later_than(report: Report) -> Later | None:
    """The last finished analysis of the same file for the same project, where it says otherwise.

    It is asked as the report was: the same method, stretch, brands and confidences.
    """
    run = report.run()
    if run is None or not run.duration_s:
        return None
    since = Run.objects.finished().filter(asset=run.asset, project=run.project, pk__gt=run.pk)
    last = since.select_related("asset", "project").order_by("-pk").first()
    if last is None:
        return None
    issued = {brand["label"]: brand for brand in report.numbers["exposure"]["brands"]}
    found = {brand.label: brand for brand in _asked_alike(last, report, issued)}
    names = {brand["label"]: brand["name"] for brand in issued.values()}
    names |= {number: name for name, number in last.label_ids().items() if number not in names}
    brands = [
        other
        for label, name in names.items()
        if not (issued.get(label) or {}).get("is_hidden")
        and (other := _other(name, issued.get(label), found.get(label)))
    ]
    return Later(last, brands) if brands else None


def _asked_alike(run: Run, report: Report, issued: dict[int, Any]) -> tuple[BrandExposure, ...]:
    looked = Looked.at(run, Choices.read(report.settings))
    then = {label: brand["threshold"] for label, brand in issued.items()}
    measured = measure(
        looked.columns,
        duration_s=run.duration_s,
        labels=looked.label_ids,
        method=looked.choices.methodology,
        thresholds={label: then.get(label, own) for label, own in looked.thresholds.items()},
        hidden=looked.choices.off,
        window=looked.choices.window,
        cuts=shots_json(run),
    )
    return tuple(measured.brands)


def _other(name: str, issued: Any, found: BrandExposure | None) -> Other | None:
    """None where what beginnings and ends may be off by explains the difference."""
    issued_s = issued["reported_s"] if issued else None
    later_s = found.reported_s if found else None
    edges_s = (issued["border_error_s"] if issued else 0.0) + (found.border_error_s if found else 0)
    if abs((issued_s or 0.0) - (later_s or 0.0)) < max(edges_s, _ALIKE_S):
        return None
    return Other(name, issued_s, later_s)
