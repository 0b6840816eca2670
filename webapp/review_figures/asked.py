"""Of which project and time the figures are asked, and how times are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import CharField
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from webapp.projects.models import Project

PERIODS = {
    "30": "The last 30 days",
    "90": "The last 90 days",
    "365": "The last year",
    "all": "All time",
}
USUAL = "90"
BY = {"version": "Model versions", "month": "Months"}
_DAILY = ("30", "90")  # longer ones are shown week by week


@dataclass(frozen=True, slots=True)
class Asked:
    project: Project
    period: str = USUAL
    by: str = "version"  # how the labels are compared

    @classmethod
    def read(cls, project: Project, query: Mapping[str, str]) -> Asked:
        """Nonsense is no choice."""
        period, by = query.get("period", ""), query.get("by", "")
        return cls(
            project,
            period if period in PERIODS else USUAL,
            by if by in BY else "version",
        )

    @property
    def since(self) -> datetime:
        if self.period == "all":
            return datetime(2000, 1, 1, tzinfo=UTC)
        return timezone.now() - timedelta(days=int(self.period))

    @property
    def is_daily(self) -> bool:
        return self.period in _DAILY

    def step_of(self, day: date) -> date:
        """The day, or the Monday of its week."""
        return day if self.is_daily else monday(day)


def hour(column: str) -> Substr:
    """The hour of a time, as "2026-11-29 20" in UTC: groups of these are told apart by the database
    itself, where Django's Trunc calls Python for each row of SQLite."""
    return Substr(Cast(column, CharField()), 1, 13)


class Days(dict[str, date]):
    """The day of each such hour where the reader is, worked out once."""

    def __init__(self) -> None:
        super().__init__()
        self._zone = timezone.get_current_timezone()

    def __missing__(self, hour: str) -> date:
        day, of = date.fromisoformat(hour[:10]), time(int(hour[11:]), tzinfo=UTC)
        self[hour] = found = datetime.combine(day, of).astimezone(self._zone).date()
        return found


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
