"""How long people of a workspace take for a candidate of the sky."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from webapp.accounts.models import Workspace
from webapp.nights.deciding import CandidateDecision
from webapp.pacing import typical

ASSUMED_S = 6.0  # a candidate, until enough were timed
_LATEST = 400  # verdicts that are looked at
_BREAK_S = 120.0  # from one verdict to the next: more, and somebody was away


@dataclass(frozen=True, slots=True)
class CandidatePace:
    item_s: float
    is_measured: bool

    @classmethod
    def of(cls, workspace: Workspace) -> CandidatePace:
        """The median time from one verdict of a person to their next, or what is assumed while
        there are few. Verdicts are given one after the other, so that is what one takes."""
        rows = CandidateDecision.objects.filter(candidate__night__workspace=workspace)
        latest = rows.exclude(by=None).order_by("-pk").values_list("by", "at")[:_LATEST]
        return cls(*typical(_between(list(latest)), ASSUMED_S))

    def seconds(self, n: int) -> float:
        return self.item_s * n


def _between(latest_first: list[tuple[int, datetime]]) -> list[float]:
    """Seconds from a person's verdict to their next, without breaks."""
    after: dict[int, datetime] = {}
    found = []
    for by, at in latest_first:
        if by in after:
            found.append((after[by] - at).total_seconds())
        after[by] = at
    return [seconds for seconds in found if seconds <= _BREAK_S]
