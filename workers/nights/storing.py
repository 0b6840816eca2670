"""Candidates as rows. What people decided stands, whatever is found when exposures are added."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import transaction

from webapp.nights.candidates import Candidate, CandidatePoint
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night

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
def store(night: Night, found: list[Found]) -> int:
    """Replace the candidates of a night by these; no number is given twice. Returns how
    many are new."""
    Night.objects.select_for_update().get(pk=night.pk)
    before = _detections_of(night)
    taken: set[int] = set()
    number = max((one.number for one in before), default=0)
    n_new = 0
    for one in found:
        row = _same(one, before, taken)
        if row is None:
            number, n_new = number + 1, n_new + 1
            row = Candidate(night=night, number=number)
        else:
            taken.add(row.pk)
            row.points.all().delete()
        counts = {
            "n_points": len(one.points),
            "n_by_network": sum(bool(about.get("is_by_network")) for _, _, about in one.points),
        }
        for name, value in (one.about | counts | {"is_gone": False}).items():
            setattr(row, name, value)
        row.save()
        CandidatePoint.objects.bulk_create(
            CandidatePoint(candidate=row, exposure=exposure, row=n, **about)
            for exposure, n, about in one.points
        )
    gone = night.candidates.filter(pk__in=[one.pk for one in before if one.pk not in taken])
    gone.exclude(verdict="").update(is_gone=True)
    gone.filter(verdict="").delete()
    return n_new


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
