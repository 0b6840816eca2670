"""How long people of a workspace take for an item, and how far the queue is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.db.models import Count, Q
from django.utils import timezone

from webapp.accounts.models import User, Workspace
from webapp.pacing import usual
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem, State

Kind = ReviewItem.Kind
# An item, until enough were timed: who listens hears it to its end.
ASSUMED_S: dict[str, float] = {Kind.FRAME: 4.0, Kind.MENTION: 6.0, Kind.WORDS: 8.0}
LEAST_S = 0.5  # no kind of item takes less


@dataclass(frozen=True, slots=True)
class Pace:
    item_s: float
    is_measured: bool

    @classmethod
    def of(cls, workspace: Workspace, kind: str = "") -> Pace:
        """The median of the latest decisions, of a kind or of all that people decide about, or
        what is assumed while there are few."""
        rows = Decision.objects.filter(item__workspace=workspace)
        rows = rows.filter(item__kind=kind) if kind else rows
        return cls(*usual(rows.order_by("-pk"), ASSUMED_S[kind or Kind.FRAME]))

    @classmethod
    def by_kind(cls, workspace: Workspace) -> dict[str, Pace]:
        return {kind: cls.of(workspace, kind) for kind in Kind.values}

    def seconds(self, n: int) -> float:
        return self.item_s * n


def weigh(items: Iterable[ReviewItem], workspace: Workspace) -> None:
    """Say of each how much of the report a second of a person's work on it settles."""
    took = Pace.by_kind(workspace)
    for item in items:
        item.worth = round(item.stake_s / max(took[item.kind].item_s, LEAST_S), 6)


@dataclass(frozen=True, slots=True)
class Person:
    """What one person decided lately."""

    user: User
    n: int
    median_s: float


def people(workspace: Workspace) -> list[Person]:
    """Who decided today, most first."""
    since = timezone.now() - timedelta(days=1)
    rows = Decision.objects.standing().filter(item__workspace=workspace, created__gte=since)
    spent: dict[int, list[float]] = {}
    for by, seconds in rows.exclude(by=None).values_list("by", "spent_s"):
        spent.setdefault(by, []).append(seconds)
    users = User.objects.in_bulk(list(spent))
    found = [Person(users[by], len(s), float(median(s))) for by, s in spent.items() if by in users]
    return sorted(found, key=lambda person: -person.n)


def standing(workspace: Workspace) -> dict[str, int]:
    """How many items wait, are disputed, and are done."""
    rows = ReviewItem.objects.there().filter(workspace=workspace)
    return rows.aggregate(
        waiting=Count("pk", filter=Q(is_waiting=True)),
        disputed=Count("pk", filter=Q(state=State.DISPUTED)),
        done=Count("pk", filter=Q(state=State.DONE)),
    )
