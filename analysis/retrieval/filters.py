"""What narrows a search beside its words: brand, speaker, project, collection, source, dates,
length, score."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from analysis.retrieval.lexing import Lexeme

SOURCES = ("said", "written", "seen", "comment")
FILTERS = ("brand", "speaker", "project", "collection", "in", "after", "before", "longer", "score")
_LONGEST_S = 1e7
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(s|sec|m|min|h)?$|(\d+):(\d\d)(?::(\d\d))?$")
_UNITS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, None: 1.0}


@dataclass(frozen=True, slots=True)
class Filters:
    """brands: all of them have to be near; speakers: what any of them says; projects, collections,
    sources: any of them, every one where none is named; after, before: the days between which an
    asset came, both included; longer_s: of the asset, seconds; score: the least confidence, 0 to 1.
    """

    brands: tuple[str, ...] = ()
    not_brands: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    after: date | None = None
    before: date | None = None
    longer_s: float | None = None
    score: float | None = None

    def __str__(self) -> str:
        said = [f'brand:"{name}"' for name in self.brands]
        said += [f'-brand:"{name}"' for name in self.not_brands]
        said += [f'speaker:"{name}"' for name in self.speakers]
        said += [f'project:"{name}"' for name in self.projects]
        said += [f'collection:"{name}"' for name in self.collections]
        said += [f"in:{name}" for name in self.sources]
        said += [f"after:{self.after}"] if self.after else []
        said += [f"before:{self.before}"] if self.before else []
        said += [f"longer:{self.longer_s:g}s"] if self.longer_s is not None else []
        said += [f"score:{self.score:g}"] if self.score is not None else []
        return " ".join(said)


def filters_of(found: Sequence[Lexeme], notes: list[str]) -> Filters:
    """The filters that were named; what cannot be read is left out, with a note."""
    filters = Filters()
    for one in found:
        value = one.text.strip()
        if one.is_not and one.name != "brand":
            notes.append(f"{one.name}: cannot be turned round with “-”; it is left out.")
            continue
        name = "-brand" if one.is_not else one.name
        changed = _READ[name](filters, value) if value else None
        if changed is None:
            notes.append(f"{one.name}:{value} is left out: {_HINTS[one.name]}.")
        filters = changed or filters
    return filters


def _brand(filters: Filters, value: str) -> Filters | None:
    return replace(filters, brands=_with(filters.brands, value))


def _not_brand(filters: Filters, value: str) -> Filters | None:
    return replace(filters, not_brands=_with(filters.not_brands, value))


def _speaker(filters: Filters, value: str) -> Filters | None:
    return replace(filters, speakers=_with(filters.speakers, value))


def _project(filters: Filters, value: str) -> Filters | None:
    return replace(filters, projects=_with(filters.projects, value))


def _collection(filters: Filters, value: str) -> Filters | None:
    return replace(filters, collections=_with(filters.collections, value))


def _with(names: tuple[str, ...], value: str) -> tuple[str, ...]:
    return names if value in names else (*names, value)


def _source(filters: Filters, value: str) -> Filters | None:
    wanted = value.lower().split("|")
    if not set(wanted) <= set(SOURCES):
        return None
    named = {*filters.sources, *wanted}
    return replace(filters, sources=tuple(s for s in SOURCES if s in named))


def _after(filters: Filters, value: str) -> Filters | None:
    day = _day(value, last=False)
    return replace(filters, after=day) if day else None


def _before(filters: Filters, value: str) -> Filters | None:
    day = _day(value, last=True)
    return replace(filters, before=day) if day else None


def _day(value: str, *, last: bool) -> date | None:
    """A day; of a month or a year the first, or with `last` the day before it as well begins."""
    found = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", value)
    if not found:
        return None
    year, month, day = (int(part) if part else 0 for part in found.groups())
    try:
        if day:
            return date(year, month, day)
        if not last:
            return date(year, month or 1, 1)
        month = month or 12
        first = date(year, month, 1)
        following = date(year + month // 12, month % 12 + 1, 1) if year < 9999 else first
        return date.fromordinal(following.toordinal() - 1)
    except ValueError:
        return None


def _longer(filters: Filters, value: str) -> Filters | None:
    found = _LENGTH.match(value.lower())
    if not found:
        return None
    number, unit, *clock = found.groups()
    if number:
        seconds = float(number) * _UNITS[unit]
    else:
        parts = [int(part) for part in clock if part is not None]
        seconds = sum(part * 60.0**n for n, part in enumerate(reversed(parts)))
    return replace(filters, longer_s=seconds) if seconds <= _LONGEST_S else None


def _score(filters: Filters, value: str) -> Filters | None:
    try:
        score = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        return None
    return replace(filters, score=score) if 0 <= score <= 1 else None


_READ: dict[str, Callable[[Filters, str], Filters | None]] = {
    "brand": _brand,
    "-brand": _not_brand,
    "speaker": _speaker,
    "project": _project,
    "collection": _collection,
    "in": _source,
    "after": _after,
    "before": _before,
    "longer": _longer,
    "score": _score,
}
_HINTS = {
    "brand": "say the name of one",
    "speaker": "say the name of one",
    "project": "say the name of one",
    "collection": "say the name of one",
    "in": "it is said, written, seen or comment",
    "after": "write a day as 2026-01-31, a month or a year",
    "before": "write a day as 2026-01-31, a month or a year",
    "longer": "write a length as 90s, 10m, 2h or 1:30:00",
    "score": "it is from 0 to 1, or in percent",
}
