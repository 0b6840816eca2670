"""When things occur as a table: what a graph is made of, so that it can be made again."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.exposure.exports import safe_cell
from analysis.graph.build import Items, Node

COLUMNS = ("asset", "duration_s", "kind", "name", "start_s", "end_s")


def as_csv(nodes: Sequence[Node], items: Items, durations_s: Mapping[int, float]) -> str:
    """A line for each time that something occurs, in seconds from the start of its asset.

    An asset in which nothing occurs is known by its own line, of kind asset.
    """
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(COLUMNS)
    columns = items.node, items.asset, items.start_s, items.end_s
    for number, asset, start_s, end_s in zip(*(c.tolist() for c in columns), strict=True):
        node = nodes[number]
        times = f"{start_s:.3f}", f"{end_s:.3f}"
        table.writerow(
            [asset, f"{durations_s[asset]:.3f}", node.kind, safe_cell(node.name), *times]
        )
    return file.getvalue()


def read_csv(path: Path) -> tuple[list[Node], Items, dict[int, float]]:
    """The nodes, items and durations of such a table. Raises AnalysisError with the line."""
    nodes: dict[str, Node] = {}
    numbers: dict[str, int] = {}
    assets: dict[str, int] = {}
    rows: list[tuple[int, int, float, float]] = []
    durations_s: dict[int, float] = {}
    try:
        lines = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise AnalysisError(f"{path.name} cannot be read as a table.", permanent=True) from e
    if lines and (missing := [name for name in COLUMNS if name not in lines[0]]):
        raise AnalysisError(f"{path.name} has no column {missing[0]}.", permanent=True)
    for line, row in enumerate(lines, 2):
        duration_s, start_s, end_s = _times(row, path.name, line)
        asset = assets.setdefault(row["asset"], len(assets))
        durations_s[asset] = duration_s
        key = row["asset"] if row["kind"] == "asset" else row["name"].casefold()
        key = f"{row['kind']}:{key}"
        nodes.setdefault(key, Node(key, row["kind"], row["name"]))
        rows.append((numbers.setdefault(key, len(numbers)), asset, start_s, end_s))
    return list(nodes.values()), Items.of(rows), durations_s


def _times(row: Mapping[str, str | None], file: str, line: int) -> tuple[float, float, float]:
    names = ("duration_s", "start_s", "end_s")
    try:
        duration_s, start_s, end_s = (float(row[name] or "") for name in names)
    except ValueError as e:
        raise AnalysisError(f"{file}, line {line}: a time is no number.", permanent=True) from e
    if not all(map(isfinite, (duration_s, start_s, end_s))) or not 0 <= start_s <= end_s:
        raise AnalysisError(f"{file}, line {line}: a time begins before it ends.", permanent=True)
    if not row["asset"] or not row["kind"] or not row["name"]:
        raise AnalysisError(f"{file}, line {line}: say what occurs, and where.", permanent=True)
    return duration_s, start_s, end_s
