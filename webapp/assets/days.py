"""The day on which a film was shown, as people say it or as its file's name does.

It is a day of the calendar where it was shown, so no time zone ever moves it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, timedelta

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.assets.models import Asset

FIRST = date(1930, 1, 1)  # before there was television
MOST_ROWS = 10_000
days_changed = Signal()  # assets: the numbers of the films whose day is another now

_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_. ]?)(\d\d)\2(\d\d)(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})([-_.])(\d{1,2})\2((?:19|20)\d\d)(?!\d)")


def day_in(name: str) -> date | None:
    """The day that a file's name says; None where it says none, or several.

    2026-08-14, 20260814 and 14.08.2026 are understood. 08/09 first is never guessed: of a day and a
    month that could be either, the day comes first, as with points.

    >>> day_in("cup 2026-08-14 final.mp4")
    datetime.date(2026, 8, 14)
    """
    found = {day for day in _days_of(name) if day is not None and day >= FIRST}
    return found.pop() if len(found) == 1 else None


def _days_of(name: str) -> Iterator[date | None]:
    for year, _, month, day in _YEAR_FIRST.findall(name):
        yield _day(year, month, day)
    for day, _, month, year in _DAY_FIRST.findall(name):
        yield _day(year, month, day)


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def read_day(text: str) -> date | None:
    """A day as a form or a file says it; "" is none. Raises Refused."""
    text = text.strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused(f"“{text[:40]}” is no day: write it as 2026-08-14.") from None
    _refuse_nonsense(day)
    return day


def _refuse_nonsense(day: date) -> None:
    # where the sun rises first it is tomorrow already
    if day > timezone.now().astimezone(UTC).date() + timedelta(days=1):
        raise Refused(f"{day:%-d %B %Y} is still to come: nothing was shown on it yet.")
    if day < FIRST:
        raise Refused(f"{day.isoformat()} is before {FIRST.year}.")


def read_csv(text: str) -> dict[str, date | None]:
    """By file name, the days of a table with the columns file and day. Raises Refused, with the
    row that it is about."""
    found: dict[str, date | None] = {}
    sample = text.lstrip("\ufeff")
    delimiter = ";" if sample.partition("\n")[0].count(";") else ","
    for number, row in enumerate(csv.reader(io.StringIO(sample), delimiter=delimiter), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and [c.casefold() for c in cells[:2]] == ["file", "day"]):
            continue
        if len(cells) < 2:
            raise Refused(f"Row {number} has one column: it takes the file's name and the day.")
        if len(found) >= MOST_ROWS:
            raise Refused(f"At most {MOST_ROWS:,} rows at once.")
        try:
            day = read_day(cells[1])
        except Refused as refused:
            raise Refused(f"Row {number}: {refused}") from None
        if cells[0] in found and found[cells[0]] != day:
            raise Refused(f"Row {number}: {cells[0][:80]} has another day above.")
        found[cells[0]] = day
    return found


@transaction.atomic
def set_days(workspace: Workspace, days: Mapping[int, date | None], *, by: User | None) -> int:
    """Say when these films were shown; None: not known. Returns how many days are others now.

    What is no film of the workspace is passed over. Raises Refused.
    """
    for day in days.values():
        if day is not None:
            _refuse_nonsense(day)
    films = Asset.objects.filter(workspace=workspace, kind=Asset.Kind.VIDEO, pk__in=list(days))
    changed = [film for film in films if film.shown_on != days[film.pk]]
    for film in changed:
        before, film.shown_on = film.shown_on, days[film.pk]
        about = {"before": str(before or ""), "now": str(film.shown_on or "")}
        Event.record(workspace, by, "said when it was shown", film.name, **about)
    Asset.objects.bulk_update(changed, ["shown_on"], batch_size=500)
    if changed:
        days_changed.send(Asset, assets=[film.pk for film in changed])
    return len(changed)
