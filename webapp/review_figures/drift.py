"""Label by label, what people said of the predictions of each model version, or month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from django.db.models import CharField, Count
from django.db.models.functions import Cast, Substr

from analysis.measuring.shares import Drawn, chance_of_difference
from webapp.projects.models import Label
from webapp.review_figures.asked import Asked
from webapp.review_figures.versions import versions_of
from webapp.reviewing.verdicts import Verdict

LEVEL = 0.05  # of all comparisons together (Bonferroni): one in twenty pages marks what is chance


@dataclass(frozen=True, slots=True)
class Cell:
    """One label in one model version or month."""

    confirmed: int = 0
    rejected: int = 0
    renamed: Counter[int] = field(default_factory=Counter)  # by the label that it is
    drawn: int = 0  # of this label, by people
    renamed_to: str = ""  # the one that it was most often
    change: int = 0  # against the column before, by more than chance: 1 better, -1 worse

    @property
    def n_renamed(self) -> int:
        return self.renamed.total()

    @property
    def n(self) -> int:
        """Predictions that people judged."""
        return self.confirmed + self.rejected + self.n_renamed

    @property
    def share(self) -> float | None:
        return self.confirmed / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Row:
    label: Label
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Drift:
    columns: list[str]
    rows: list[Row]
    n_compared: int  # how many pairs of columns the level is shared by


def drift(asked: Asked) -> Drift:
    """The labels of which somebody said something, in their order."""
    found, of = versions_of(asked)
    names = {pk: one.name for pk, one in of.items()}
    order = [one.name for one in found]
    cells: dict[tuple[int, str], Counter[tuple[str, int]]] = {}
    for pk, month, label, actually, is_drawn, n in _said(asked):
        if pk not in names:
            continue
        column = month if asked.by == "month" else names[pk]
        counts = cells.setdefault((label, column), Counter())
        counts[_kind(label, actually, is_drawn)] += n
    columns = [name for name in order if any(column == name for _, column in cells)]
    if asked.by == "month":
        columns = sorted({column for _, column in cells})
    labels = Label.objects.in_bulk([label for label, _ in cells])
    rows = [
        Row(label, [_cell(cells.get((label.pk, column), Counter()), labels) for column in columns])
        for label in sorted(labels.values(), key=lambda label: (label.position, label.pk))
    ]
    return _marked(columns, rows)


def _said(asked: Asked) -> Iterable[tuple[int, str, int, int | None, bool, int]]:
    rows = Verdict.objects.standing().filter(decisions__item__project=asked.project)
    rows = rows.filter(created__gte=asked.since).order_by()
    month = Substr(Cast("created", CharField()), 1, 7)
    columns = ("decisions__item__run", "month", "label", "actually", "is_drawn")
    said = rows.annotate(month=month).values_list(*columns).annotate(n=Count("pk"))
    return said.iterator()


def _kind(label: int, actually: int | None, is_drawn: bool) -> tuple[str, int]:
    if is_drawn:
        return "drawn", 0
    if actually is None:
        return "rejected", 0
    return ("confirmed", 0) if actually == label else ("renamed", actually)


def _cell(counts: Counter[tuple[str, int]], labels: dict[int, Label]) -> Cell:
    renamed = Counter({to: n for (kind, to), n in counts.items() if kind == "renamed"})
    most = renamed.most_common(1)
    known = labels.get(most[0][0]) or Label.objects.filter(pk=most[0][0]).first() if most else None
    return Cell(
        counts["confirmed", 0],
        counts["rejected", 0],
        renamed,
        counts["drawn", 0],
        known.name if known else "",
    )


def _marked(columns: list[str], rows: list[Row]) -> Drift:
    """Where the share confirmed is another than in the column before, by more than chance."""
    chances: dict[tuple[int, int], float] = {}
    for i, row in enumerate(rows):
        for k in range(1, len(columns)):
            before, here = row.cells[k - 1], row.cells[k]
            chance = chance_of_difference(
                Drawn(before.confirmed, before.n), Drawn(here.confirmed, here.n)
            )
            if chance is not None:
                chances[i, k] = chance
    for (i, k), chance in chances.items():
        if chance * len(chances) < LEVEL:
            cells = rows[i].cells
            is_better = (cells[k].share or 0) > (cells[k - 1].share or 0)
            cells[k] = replace(cells[k], change=1 if is_better else -1)
    return Drift(columns, rows, len(chances))
