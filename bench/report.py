"""The table that every bench ends with, and its exit status."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"  # ../shared beside the checkout

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, ours beside the peer's. `bar` is None where the figure is only shown."""

    figure: str
    ours: Cell
    peer: Cell = None
    ratio: float | None = None
    bar: str | None = None
    holds: bool = True


@dataclass(slots=True)
class Report:
    """What a bench measured.

    >>> report = Report("reference", peer="plain SIFT")
    >>> report.row("brands named right", 0.61, 0.44, ratio=0.61 / 0.44, bar=">= 1.3 x", holds=True)
    >>> raise SystemExit(report.finish(options.json))
    """

    name: str
    peer: str = "peer"
    rows: list[Row] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)  # curves and settings, for the JSON only

    def row(
        self,
        figure: str,
        ours: Cell,
        peer: Cell = None,
        ratio: float | None = None,
        bar: str | None = None,
        holds: bool = True,
    ) -> None:
        """Add a figure. Without a `bar` it is shown and decides nothing."""
        self.rows.append(Row(figure, ours, peer, ratio, bar, bool(holds)))

    def finish(self, json_path: Path | str | None = None) -> int:
        """Print the table as the last lines, write the JSON file, return the exit status.

        0 only where there is a figure with a bar and every bar holds.
        """
        barred = [row for row in self.rows if row.bar is not None]
        status = 0 if barred and all(row.holds for row in barred) else 1
        print("\n".join(_table(self.name, self.peer, self.rows)), flush=True)
        if json_path:
            _write(json_path, self, status)
        return status


def arguments(description: str, argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The two options every bench has: `--quick` and `--json FILE`."""
    return options_of_all(description).parse_args(argv)


def options_of_all(description: str) -> argparse.ArgumentParser:
    """The same, for a bench that has more of them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a smaller run, within 3 minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    return parser


def skipped(reason: str) -> int:
    """Say plainly that nothing was measured, and why. Returns the exit status 0."""
    print(f"skipped: {reason}", flush=True)
    return 0


def _table(name: str, peer: str, rows: Sequence[Row]) -> list[str]:
    head = ("figure", "ours", peer, "ratio", "bar", "")
    body = [
        (
            row.figure,
            _shown(row.ours),
            _shown(row.peer),
            "" if row.ratio is None else f"{row.ratio:.2f} x",
            row.bar or "",
            "" if row.bar is None else ("holds" if row.holds else "MISSED"),
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in (head, *body)) for i in range(len(head))]
    lines = [_line(line, widths) for line in (head, *body)]
    return ["", f"bench.{name}", lines[0], "-" * len(lines[0]), *lines[1:]]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, numbers to the right."""
    aligned = [
        cell.rjust(width) if 1 <= i <= 3 else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned)


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _write(path: Path | str, report: Report, status: int) -> None:
    document = {
        "bench": report.name,
        "peer": report.peer,
        "holds": status == 0,
        "rows": [asdict(row) for row in report.rows],
        "python": sys.version.split()[0],
        "machine": platform.machine(),
        **report.extra,
    }
    text = json.dumps(document, indent=1, default=lambda value: value.item())
    Path(path).write_text(text + "\n", encoding="utf-8")
