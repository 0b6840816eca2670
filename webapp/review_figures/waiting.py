"""How old what waits is, and what came in beside what was decided."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone

from webapp.review_figures.asked import Asked, Days, hour
from webapp.review_queue.items import ReviewItem, ReviewItemQuerySet, State
from webapp.runs.run import Run

MOST_STEPS = 106  # days or weeks that are shown, the last ones


@dataclass(frozen=True, slots=True)
class Flow:
    """A day, or a week from its Monday on."""

    day: date
    came: int
    decided: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits now, whenever it came."""

    n: int
    disputed: int
    oldest: datetime | None
    middle: datetime | None  # half of them came before
    over_a_day: int
    over_a_week: int
    flow: list[Flow]

    @property
    def came(self) -> int:
        return sum(step.came for step in self.flow)

    @property
    def decided(self) -> int:
        return sum(step.decided for step in self.flow)


def waiting(asked: Asked) -> Waiting:
    rows = _there(asked).waiting()
    now = timezone.now()
    sums = rows.aggregate(
        n=Count("pk"),
        disputed=Count("pk", filter=Q(state=State.DISPUTED)),
        oldest=Min("created"),
        over_a_day=Count("pk", filter=Q(created__lt=now - timedelta(days=1))),
        over_a_week=Count("pk", filter=Q(created__lt=now - timedelta(days=7))),
    )
    in_turn = rows.order_by("created").values_list("created", flat=True)
    middle = in_turn[sums["n"] // 2 : sums["n"] // 2 + 1].first() if sums["n"] else None
    return Waiting(**sums, middle=middle, flow=_flow(asked))


def _there(asked: Asked) -> ReviewItemQuerySet:
    """As `there()` has it, without joining a run and an asset to each of a hundred thousand."""
    runs = Run.everything.filter(project=asked.project)
    gone = runs.exclude(removed=None, asset__removed=None)
    return ReviewItem.objects.filter(project=asked.project).exclude(run__in=gone.order_by())


def _flow(asked: Asked) -> list[Flow]:
    rows = _there(asked)
    came = _steps(asked, rows, "created")
    decided = _steps(asked, rows.filter(state=State.DONE), "done")
    known = [*came, *decided]
    if not known:
        return []
    step = timedelta(days=1 if asked.is_daily else 7)
    last = asked.step_of(timezone.localdate())
    first = max(min(known), last - (MOST_STEPS - 1) * step)
    n = (last - first) // step + 1
    days = [first + i * step for i in range(n)]
    return [Flow(day, came[day], decided[day]) for day in days]


def _steps(asked: Asked, rows: ReviewItemQuerySet, column: str) -> Counter[date]:
    """How many by day or week."""
    of = rows.filter(**{f"{column}__gte": asked.since}).order_by()
    found, days = Counter[date](), Days()
    for when, n in of.annotate(when=hour(column)).values_list("when").annotate(n=Count("pk")):
        found[asked.step_of(days[when])] += n
    return found
