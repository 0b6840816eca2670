"""What occurs together, at a prompt."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.graph.build import Graph, Options, build
from analysis.graph.exports import as_csv, as_graphml, as_jsonld
from analysis.graph.occurrences import COLUMNS, read_csv

_FORMATS: dict[str, Callable[[Graph], str]] = {
    "csv": as_csv,
    "graphml": as_graphml,
    "jsonld": as_jsonld,
}


def command(argv: Sequence[str]) -> int:
    """python -m analysis graph OCCURRENCES.csv: what occurs together more often than by chance.

    The table is the one that the site's graph exports as “What was counted”.
    """
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m analysis graph", description=command.__doc__)
    parser.add_argument("occurrences", type=Path, help=f"columns: {', '.join(COLUMNS)}")
    parser.add_argument("--format", choices=_FORMATS, default="csv")
    parser.add_argument("--kind", action="append", default=[], help="repeatable; all unless given")
    parser.add_argument("--window", type=float, default=usual.window_s, metavar="SECONDS")
    parser.add_argument("--support", type=int, default=usual.least_windows, help="windows")
    parser.add_argument("--lift", type=float, default=usual.least_lift, help="shrunk, at the least")
    wish = parser.parse_args(argv)
    if not wish.window > 0:
        parser.error("a window lasts more than 0 seconds")
    nodes, items, durations_s = read_csv(wish.occurrences)
    if wish.kind:
        items = items.of_nodes(*(n for n, node in enumerate(nodes) if node.kind in wish.kind))
    options = Options(wish.window, least_windows=wish.support, least_lift=wish.lift)
    print(_FORMATS[wish.format](build(nodes, items, durations_s, options)), end="")
    return 0
