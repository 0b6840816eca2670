"""Who decided how much, how fast, and how far they agree with one another, week by week."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from statistics import median

from analysis.labelling.consensus import Said, agreement
from webapp.accounts.models import User
from webapp.review_figures.asked import Asked, Days, hour, monday
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem

MOST_COMPARED = 2_000  # items that several decided, the newest


@dataclass(slots=True)
class Week:
    """What a person did in a week, or in all of the time."""

    monday: date | None
    spent: list[float] = field(default_factory=list)
    mine: list[list[Said]] = field(default_factory=list)  # of frames that somebody else decided too
    theirs: list[list[Said]] = field(default_factory=list)
    n_confirmed: int = 0  # of what others disagreed about and somebody settled
    n_settled: int = 0

    @property
    def n(self) -> int:
        return len(self.spent)

    @property
    def median_s(self) -> float | None:
        """Of those that were timed."""
        timed = [seconds for seconds in self.spent if seconds > 0]
        return float(median(timed)) if timed else None

    @property
    def n_compared(self) -> int:
        return len(self.mine)

    @property
    def agreement(self) -> float | None:
        return agreement(self.mine, self.theirs) if self.mine else None


@dataclass(frozen=True, slots=True)
class Person:
    pk: int
    name: str
    all: Week
    weeks: list[Week]


def people(asked: Asked) -> list[Person]:
    """Who decided something in this time, most first."""
    weeks: dict[int, dict[date, Week]] = defaultdict(dict)
    whole: dict[int, Week] = {}
    rows = Decision.objects.standing().filter(item__project=asked.project, by__isnull=False)
    rows = rows.filter(created__gte=asked.since).order_by()
    days = Days()
    spent: dict[tuple[int, str], list[float]] = defaultdict(list)  # by person and hour
    for by, when, spent_s in rows.values_list("by", hour("created"), "spent_s"):
        spent[by, when].append(spent_s)
    for (by, when), seconds in spent.items():
        for one in _of(weeks, whole, by, monday(days[when])):
            one.spent += seconds
    several = _several(asked)
    for by, other, when, a, b in _pairs(several):
        for one in _of(weeks, whole, by, when):
            one.mine.append(a)
            one.theirs.append(b)
        for one in _of(weeks, whole, other, when):
            one.mine.append(b)
            one.theirs.append(a)
    for by, when, is_confirmed in _settled(several):
        for one in _of(weeks, whole, by, when):
            one.n_settled += 1
            one.n_confirmed += is_confirmed
    users = User.objects.in_bulk(list(whole))
    found = [
        Person(by, str(users[by]), one, sorted(weeks[by].values(), key=_when))
        for by, one in whole.items()
        if by in users
    ]
    return sorted(found, key=lambda person: (-person.all.n, person.name))


def _when(week: Week) -> date:
    return week.monday or date.min


def _of(
    weeks: dict[int, dict[date, Week]], whole: dict[int, Week], by: int, when: date
) -> tuple[Week, Week]:
    """The week of a person, and all of their time."""
    return weeks[by].setdefault(when, Week(when)), whole.setdefault(by, Week(None))


@dataclass(frozen=True, slots=True)
class _Told:
    by: int | None
    week: date
    said: list[Said]
    settles: bool


def _several(asked: Asked) -> list[list[_Told]]:
    """What was said of each of the newest items that several people decided."""
    items = ReviewItem.objects.frames().filter(project=asked.project, n_decided__gte=2)
    newest = list(items.order_by("-pk").values_list("pk", flat=True)[:MOST_COMPARED])
    rows = Decision.objects.standing().filter(item__in=newest, is_unsure=False)
    rows = rows.filter(created__gte=asked.since).order_by("item", "pk")
    by_item: dict[int, list[_Told]] = defaultdict(list)
    days = Days()
    columns = ("item", "by", hour("created"), "boxes", "settles")
    for item, by, when, boxes, settles in rows.values_list(*columns):
        said = [Said(box["label"], tuple(box["box"])) for box in boxes]
        by_item[item].append(_Told(by, monday(days[when]), said, settles))
    return list(by_item.values())


_Pair = tuple[int, int, date, list[Said], list[Said]]


def _pairs(several: list[list[_Told]]) -> list[_Pair]:
    """Every two people who decided one item without knowing of each other."""
    return [
        (a.by, b.by, b.week, a.said, b.said)
        for told in several
        for a, b in combinations([one for one in told if not one.settles], 2)
        if a.by is not None and b.by is not None
    ]


def _settled(several: list[list[_Told]]) -> list[tuple[int, date, bool]]:
    """Of those who were not of one mind, whether what was settled in the end is what they said."""
    found = []
    for told in several:
        answer = next((one for one in reversed(told) if one.settles), None)
        for one in told:
            if answer is not None and not one.settles and one.by is not None:
                found.append((one.by, answer.week, _same(one.said, answer.said)))
    return found


def _same(first: Sequence[Said], second: Sequence[Said]) -> bool:
    return agreement([first], [second]) == 1.0
