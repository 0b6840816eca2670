"""What a candidate would change in past films, brand by brand, and at which moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from webapp.assets.models import Asset
from webapp.improving.comparisons import Comparison
from webapp.improving.rounds import Round
from webapp.projects.models import Label
from webapp.runs.run import Run
from webapp.timeline.again import Change, between
from webapp.timeline.choices import Choices

MOST_MOMENTS = 40  # of a brand, on the page
_LITTLE_S = 0.05  # by which seconds differ that are the same
# Without corrections: what people said of a film would hide what the versions differ in.
AS_FOUND = Choices(model_only=True)


@dataclass(frozen=True, slots=True)
class Moment:
    """Where one version sees a brand and the other does not, or for longer."""

    asset: Asset
    run: Run  # in which it is seen
    kind: str  # new, moved, gone
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class InAsset:
    """One brand in one asset, in seconds as reported; of a picture, in how many frames."""

    comparison: Comparison
    before_s: float
    after_s: float
    before_frames: int
    after_frames: int

    @property
    def asset(self) -> Asset:
        return self.comparison.asset

    @property
    def change_s(self) -> float:
        return self.after_s - self.before_s


@dataclass(slots=True)
class Brand:
    """One brand over all assets. Projects that call it the same count together."""

    name: str
    colour: str
    assets: list[InAsset] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)

    @property
    def before_s(self) -> float:
        return sum(one.before_s for one in self.assets)

    @property
    def after_s(self) -> float:
        return sum(one.after_s for one in self.assets)

    @property
    def change_s(self) -> float:
        return self.after_s - self.before_s

    @property
    def is_changed(self) -> bool:
        return bool(self.moments) or any(
            abs(one.change_s) > _LITTLE_S or one.before_frames != one.after_frames
            for one in self.assets
        )

    @property
    def shown(self) -> list[Moment]:
        return self.moments[:MOST_MOMENTS]

    @property
    def n_more(self) -> int:
        return max(len(self.moments) - MOST_MOMENTS, 0)


@dataclass(frozen=True, slots=True)
class Difference:
    """`brands`: those that changed, most first; `same`: the others. `failed` say why an asset could
    not be compared."""

    brands: Sequence[Brand]
    same: Sequence[Brand]
    n_assets: int
    failed: Sequence[tuple[Asset, str]]


def difference(row: Round) -> Difference:
    """What is known by now, of the assets that both versions have seen."""
    brands: dict[str, Brand] = {}
    failed: list[tuple[Asset, str]] = []
    n = 0
    rows = row.comparisons.filter(asset__removed=None, project__removed=None)
    for one in rows.select_related("asset", *_RUNS):
        if why := _why_not(one):
            failed.append((one.asset, why))
        elif one.is_over:
            n += 1
            _add(one, brands)
    changed = [brand for brand in brands.values() if brand.is_changed]
    same = [brand for brand in brands.values() if not brand.is_changed]
    changed.sort(key=lambda brand: -abs(brand.change_s))
    return Difference(changed, same, n, failed)


_RUNS = tuple(f"{end}__{of}" for end in ("before", "after") for of in ("asset", "project"))


def _why_not(one: Comparison) -> str:
    """Why an asset cannot be compared; "" where it is, or will be."""
    if one.problem:
        return one.problem
    if one.after is None:
        return "The analysis with the new version was deleted."
    for run in one.runs():
        if run.is_over and run.status != Run.Status.SUCCEEDED:
            return run.error or "The analysis was cancelled."
    return ""


def _add(one: Comparison, brands: dict[str, Brand]) -> None:
    assert one.after is not None
    for change in between(one.before, one.after, AS_FOUND):
        brand = brands.setdefault(change.label.name.casefold(), _brand(change.label))
        brand.assets.append(
            InAsset(
                one,
                change.before_s,
                change.after_s,
                change.before.frames if change.before else 0,
                change.after.frames,
            )
        )
        brand.moments.extend(_moments(one, change))


def _brand(label: Label) -> Brand:
    return Brand(label.name, label.colour)


def _moments(one: Comparison, change: Change) -> list[Moment]:
    """In playing order."""
    seen = (("new", one.after, change.new), ("moved", one.after, change.other))
    found = [
        Moment(one.asset, run, kind, episode.start_s, episode.end_s)
        for kind, run, episodes in (*seen, ("gone", one.before, change.gone))
        if run is not None
        for episode in episodes
    ]
    return sorted(found, key=lambda moment: moment.start_s)
