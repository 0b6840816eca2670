"""Candidates as rows. What people decided stands, whatever is found when exposures are added."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import transaction

from analysis.errors import Stopped
from webapp.nights.candidates import Candidate, CandidatePoint
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night

# What a candidate of before may have, and what it is found to be now has not.
_UNSAID: dict[str, Any] = {"rate": None, "angle": None, "residual": None, "chance": None}
_UNSAID |= {"known_as": "", "known_apart": None}
_SAME = 0.5  # of a decided candidate's detections that a new one has to have, to be it


def known_number(value: Any) -> float | None:
    """As a column holds it: what is no number is not known."""
    return float(value) if np.isfinite(value) else None


@dataclass
class Found:
    """A candidate as it is found. about: columns of `Candidate`, and points of `CandidatePoint`."""

    about: dict[str, Any]
    points: list[tuple[NightExposure, int, dict[str, Any]]] = field(default_factory=list)

    @property
    def detections(self) -> set[tuple[int, int]]:
        return {(exposure.pk, row) for exposure, row, _ in self.points}


@transaction.atomic
def store(night: Night, found: list[Found]) -> list[Candidate]:
    """Replace the candidates of a night by these; no number is given twice. Returns those that are
    new. People go on deciding meanwhile: only what is found is written. Raises Stopped where the
    night is not this worker's any more."""
    if not night.is_mine_to_store():
        raise Stopped
    before = _detections_of(night)
    taken: set[int] = set()
    number = max((one.number for one in before), default=0)
    new = []
    for one in found:
        about = _columns(one)
        row = _same(one, before, taken)
        if row is None:
            number += 1
            row = Candidate.objects.create(night=night, number=number, **about)
            new.append(row)
        else:
            taken.add(row.pk)
            Candidate.objects.filter(pk=row.pk).update(**about)
            row.points.all().delete()
        CandidatePoint.objects.bulk_create(
            CandidatePoint(candidate=row, exposure=exposure, row=n, **about)
            for exposure, n, about in one.points
        )
    _let_go(night, [one.pk for one in before if one.pk not in taken])
    return new


def _columns(one: Found) -> dict[str, Any]:
    n_by_network = sum(bool(about.get("is_by_network")) for _, _, about in one.points)
    counts = {"n_points": len(one.points), "n_by_network": n_by_network}
    return _UNSAID | one.about | counts | {"is_gone": False}


def _let_go(night: Night, candidates: list[int]) -> None:
    """Those that are not found any more. The lock is waited for by who decides, or waits for them:
    nothing that was decided is deleted."""
    gone = night.candidates.filter(pk__in=candidates)
    held = gone.select_for_update().order_by("pk").values_list("pk", "verdict")
    undecided = [pk for pk, verdict in held if not verdict]
    gone.filter(pk__in=undecided).delete()
    gone.update(is_gone=True)


def _detections_of(night: Night) -> dict[Candidate, set[tuple[int, int]]]:
    found: dict[Candidate, set[tuple[int, int]]] = {}
    points = CandidatePoint.objects.filter(candidate__night=night).select_related("candidate")
    for candidate in night.candidates.all():
        found[candidate] = set()
    for point in points:
        found[point.candidate].add((point.exposure_id, point.row))
    return found


def _same(
    one: Found, before: dict[Candidate, set[tuple[int, int]]], taken: set[int]
) -> Candidate | None:
    """The candidate of before that this is, by the detections that both have."""
    ours = one.detections
    best, most = None, 0.0
    for candidate, theirs in before.items():
        if candidate.pk in taken or not theirs:
            continue
        share = len(ours & theirs) / min(len(theirs), len(ours))
        if share >= _SAME and share > most:
            best, most = candidate, share
    return best
