"""How likely each candidate is real: by the version of the workspace that is in use, before anybody
taught by the score that Sightline comes with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.errors import UnusableModel
from analysis.sky.first import FIRST_CUT, first_score
from analysis.sky.realbogus import RealBogus
from analysis.sky.triplets import unstretched
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night
from webapp.nights.teaching import SkyTeaching
from workers.engine.originals import local_path
from workers.nights.cutouts import Cutouts
from workers.nights.storing import Found

_SUREST = 1e-6  # of one picture: a single one does not decide alone


class Scorer(NamedTuple):
    """What scores a night. cut: what is less likely real is looked at last. version: None for the
    score that Sightline comes with."""

    model: RealBogus
    cut: float
    version: SkyTeaching | None


def score(
    night: Night, found: Sequence[Found], tick: Callable[[], None], notes: list[str]
) -> SkyTeaching | None:
    """Write `real` and `is_unlikely` into what is found. Returns the version that did, or None
    where it was the score that Sightline comes with. What cannot be read is noted."""
    for one in found:
        one.about |= {"real": None, "is_unlikely": False}
    scorer = _scorer(night, notes)
    scores: dict[int, list[float]] = {}
    for exposure, rows in _by_exposure(found).items():
        tick()
        for n, chance in _scored(scorer.model, exposure, rows):
            scores.setdefault(n, []).append(chance)
    for n, chances in scores.items():
        real = together(chances)
        found[n].about |= {"real": real, "is_unlikely": real < scorer.cut}
    return scorer.version


def _scorer(night: Night, notes: list[str]) -> Scorer:
    version = SkyTeaching.objects.in_use(night.workspace_id)
    if version is None:
        return Scorer(first_score(), FIRST_CUT, None)
    try:
        model = RealBogus.load(local_path(version.file))
    except (UnusableModel, FileNotFoundError) as error:
        said = error.message if isinstance(error, UnusableModel) else "Its file is gone."
        notes.append(
            f"Candidates were scored by what Sightline comes with, and not by version {version.pk} "
            f"of what is real: {said}"
        )
        return Scorer(first_score(), FIRST_CUT, None)
    return Scorer(model, version.options["cut"], version)


def together(chances: Sequence[float]) -> float:
    """Of several pictures of one thing: the mean of their log odds."""
    safe = np.clip(np.asarray(chances, np.float64), _SUREST, 1 - _SUREST)
    return float(1 / (1 + np.exp(-np.log(safe / (1 - safe)).mean())))


def _by_exposure(found: Sequence[Found]) -> dict[NightExposure, list[tuple[int, int]]]:
    """Which detections of each exposure are of which candidate. Trails are no points."""
    rows: dict[NightExposure, list[tuple[int, int]]] = {}
    for n, one in enumerate(found):
        for exposure, row, _ in one.points if not one.about.get("is_trail") else ():
            rows.setdefault(exposure, []).append((row, n))
    return rows


def _scored(
    model: RealBogus, exposure: NightExposure, rows: list[tuple[int, int]]
) -> list[tuple[int, float]]:
    if not exposure.cuts:
        return []
    cutouts = Cutouts.unpacked(local_path(exposure.cuts).read_bytes())
    there = [(cutouts.place_of(row), n) for row, n in rows]
    there = [(place, n) for place, n in there if place is not None]
    places: Any = [place for place, _ in there]
    if not there:
        return []
    chances = model.score(unstretched(cutouts.pictures[places]))
    return [
        (n, float(chance))
        for (_, n), chance in zip(there, chances, strict=True)
        if np.isfinite(chance)
    ]
