"""Assets in which a brand of a project is on screen for unusually long, or short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.exposure.unusual import LEAST, unusual
from webapp.projects.models import Project
from webapp.reports.season import Brand, newest, season
from webapp.runs.run import Run
from webapp.timeline.choices import Choices

MOST_ASSETS = 100  # the newest films; their figures are kept, and the first time they are made
__all__ = ["LEAST", "Anomaly", "Exposure", "exposure"]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A brand in one film, beside the others of the project."""

    brand: Brand
    label: int  # its number in that film
    run: Run
    seconds: float
    z: float
    low_s: float  # the middle four fifths of the others
    high_s: float
    share: float  # of the film's time
    is_by_length: bool  # its share of the film is as usual: the film is longer, or shorter

    @property
    def words(self) -> str:
        """ "Nike 312 s in Final, usually 40 to 95 s"."""
        usual = f"{self.low_s:,.0f} to {self.high_s:,.0f} s"
        if round(self.low_s) == round(self.high_s):
            usual = f"{self.low_s:,.0f} s"
        said = f"{self.brand.name} {self.seconds:,.0f} s in {self.run.asset.stem}, usually {usual}"
        return f"{said}; for the length of the film it is as usual" if self.is_by_length else said


@dataclass(frozen=True, slots=True)
class Exposure:
    runs: list[Run]  # films, by date
    brands: list[Brand]
    anomalies: list[Anomaly]  # of the newest films first
    n_assets: int  # that there are

    @property
    def is_enough(self) -> bool:
        return len(self.runs) >= LEAST


def exposure(project: Project) -> Exposure:
    finished = Run.objects.finished().filter(asset__removed=None, duration_s__gt=0)
    rows = newest(finished, project).select_related("asset", "project")
    rows = rows.prefetch_related("reports").order_by("-asset__created", "-pk")
    found = season(list(rows[:MOST_ASSETS]), Choices.read({}))
    anomalies = [one for brand in found.brands for one in _of(brand, found.runs)]
    anomalies.sort(key=lambda one: (one.run.asset.created, abs(one.z)), reverse=True)
    return Exposure(found.runs, found.brands, anomalies, rows.count())


def _of(brand: Brand, runs: Sequence[Run]) -> list[Anomaly]:
    looked = [(run, cell) for run, cell in zip(runs, brand.cells, strict=True) if cell is not None]
    seconds = [cell["reported_s"] for _, cell in looked]
    shares = [cell["reported_s"] / run.duration_s for run, cell in looked]
    far = {one.place for one in unusual(shares)}
    return [
        Anomaly(
            brand,
            looked[one.place][1]["label"],
            looked[one.place][0],
            one.value,
            one.z,
            one.low,
            one.high,
            shares[one.place],
            one.place not in far,
        )
        for one in unusual(seconds)
    ]
