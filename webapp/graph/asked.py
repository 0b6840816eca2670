"""What somebody asked to see of a graph. Read from the address, so a link keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from analysis.graph import Options
from webapp.ids import is_id
from webapp.timeline.choices import BadChoice, number

KINDS = {"brand": "Brands", "person": "People", "topic": "Topics", "asset": "Assets"}
DEFAULT_KINDS = frozenset({"brand", "person", "topic"})
MOST_SUPPORT = 100_000
MOST_LIFT = 1000.0
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """`brand`: only it and what occurs with it. `after`, `before`: when assets were uploaded."""

    kinds: frozenset[str] = DEFAULT_KINDS
    brand: int | None = None
    after: date | None = None
    before: date | None = None
    support: int = 2
    lift: float = 1.2

    @classmethod
    def read(cls, query: Mapping[str, str], kinds: list[str] | None = None) -> Asked:
        """Raises BadChoice, in a sentence. `kinds`: those that are ticked, None for the usual."""
        plain = cls()
        return cls(
            kinds=_kinds(kinds) if kinds else plain.kinds,
            brand=_brand(query.get("brand", "")),
            after=_day(query, "after"),
            before=_day(query, "before"),
            support=_support(query, plain.support),
            lift=_between(number(query, "lift"), plain.lift, MOST_LIFT, "lift"),
        )

    @property
    def options(self) -> Options:
        return Options(least_windows=self.support, least_lift=self.lift)

    @property
    def query(self) -> str:
        """As it stands in an address, without what is usual."""
        plain = Asked()
        said = [("kind", k) for k in KINDS if k in self.kinds] if self.kinds != plain.kinds else []
        said += [("brand", str(self.brand))] if self.brand else []
        said += [(n, f"{d}") for n, d in (("after", self.after), ("before", self.before)) if d]
        said += [("support", str(self.support))] if self.support != plain.support else []
        said += [("lift", f"{self.lift:g}")] if self.lift != plain.lift else []
        return urlencode(said)


def pair(query: Mapping[str, str]) -> tuple[str, str] | None:
    """The two ends of the edge that is asked for; None where none is. Raises BadChoice."""
    a, b = query.get("a", ""), query.get("b", "")
    if not a and not b:
        return None
    if not a or not b or a == b or max(len(a), len(b)) > LONGEST_KEY:
        raise BadChoice("“a” and “b” are the keys of two things of the graph.")
    return a, b


def _kinds(words: list[str]) -> frozenset[str]:
    unknown = [word for word in words if word not in KINDS]
    if unknown:
        raise BadChoice(f"“kind” is one of {', '.join(KINDS)}; this is “{unknown[0][:40]}”.")
    return frozenset(words)


def _brand(text: str) -> int | None:
    if text and not is_id(text):
        raise BadChoice("“brand” is the number of a label.")
    return int(text) if text else None


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        said = f"“{name}” is a day such as 2026-10-31; this is “{text[:40]}”."
        raise BadChoice(said) from error


def _support(query: Mapping[str, str], usual: int) -> int:
    value = _between(number(query, "support"), usual, MOST_SUPPORT, "support")
    if value != int(value) or value < 1:
        raise BadChoice("“support” is a whole number of windows, from 1 on.")
    return int(value)


def _between(value: float | None, usual: float, most: float, name: str) -> float:
    if value is not None and not 0 <= value <= most:
        raise BadChoice(f"“{name}” goes from 0 to {most:,.0f}.")
    return usual if value is None else value
