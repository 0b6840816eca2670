"""The graph that was asked for, where each node is drawn, and the moments of an edge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis.graph import Edge, Graph, Items, Node, Options, build, occurrences, together
from analysis.graph.exports import as_csv, as_graphml, as_jsonld
from analysis.graph.layout import layout
from webapp.assets.models import Asset
from webapp.assets.tiles import Tile, Tiles
from webapp.graph.asked import KINDS, Asked
from webapp.graph.gathering import HOW, Gathered, gather
from webapp.graph.scope import Scope
from webapp.timeline.choices import BadChoice
from webapp.timeline.recent import Recent

MOST_MOMENTS = 60
_TOLD_OF = ("seen", "said", "written", "speaks")
_BEFORE_S = 1.0  # a moment is played from a little before the later of the two

_built: Recent[tuple[Graph, dict[str, tuple[float, float]]]] = Recent(size=16)


@dataclass(frozen=True, slots=True)
class Row:
    """An edge with its ends, for a table."""

    a: Node
    b: Node
    edge: Edge


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph as it was asked for. `places`: by key x and y, from 0 to 1."""

    scope: Scope
    asked: Asked
    gathered: Gathered
    graph: Graph
    places: dict[str, tuple[float, float]]

    @classmethod
    def of(cls, scope: Scope, asked: Asked) -> Drawn:
        gathered = gather(scope, asked.after, asked.before)
        key = gathered.key, asked
        graph, places = _built.get(key, lambda: _build(gathered, asked))
        return cls(scope, asked, gathered, graph, places)

    @property
    def n_assets(self) -> int:
        return len(self.gathered.durations_s)

    @property
    def kinds(self) -> list[tuple[str, str, int]]:
        """(kind, title, how many are drawn), for the legend."""
        kinds = [node.kind for node in self.graph.nodes]
        return [(kind, title, kinds.count(kind)) for kind, title in KINDS.items()]

    def rows(self) -> list[Row]:
        nodes = self.graph.by_key
        return [Row(nodes[edge.a], nodes[edge.b], edge) for edge in self.graph.edges]

    def as_json(self) -> dict[str, Any]:
        at = {node.key: number for number, node in enumerate(self.graph.nodes)}
        return {
            "nodes": [
                {
                    **{name: getattr(node, name) for name in _TOLD},
                    "x": self.places[node.key][0],
                    "y": self.places[node.key][1],
                }
                for node in self.graph.nodes
            ],
            "edges": [
                [at[e.a], at[e.b], e.windows, e.lift, e.shrunk, e.npmi] for e in self.graph.edges
            ],
        }


_TOLD = ("key", "kind", "name", "colour", "url", "windows", "assets")


def _build(gathered: Gathered, asked: Asked) -> tuple[Graph, dict[str, tuple[float, float]]]:
    items, durations_s = gathered.items, gathered.durations_s
    some = items.of_nodes(*(n for n, one in enumerate(gathered.nodes) if one.kind in asked.kinds))
    options = asked.options
    if asked.brand is not None:
        node = gathered.brands.get(asked.brand)
        number = _number(gathered, node.key) if node else -1
        some = _beside(some, number, durations_s, options)
    graph = build(gathered.nodes, some, durations_s, options)
    return graph, layout(graph)


def _number(gathered: Gathered, key: str) -> int:
    return gathered.numbers.get(key, -1)


def _beside(items: Items, number: int, durations_s: dict[int, float], options: Options) -> Items:
    """The items of a node and of what shares an edge with it, by the whole of what is counted."""
    numbered = [Node(str(n), "", "") for n in range(int(items.node.max(initial=-1)) + 1)]
    wide = replace(options, most_nodes=len(numbered) + 1, most_edges=10**9)
    edges = build(numbered, items, durations_s, wide).edges
    near = {int(end) for e in edges if str(number) in (e.a, e.b) for end in (e.a, e.b)}
    return items.of_nodes(*near)


# --- the moments of an edge ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meeting:
    """A stretch of an asset in which two things occur. `hows`: how each of them does."""

    asset: Asset
    start_s: float
    end_s: float
    at_s: float
    hows: tuple[list[str], list[str]]
    tile: Tile | None


@dataclass(frozen=True, slots=True)
class Meetings:
    a: Node
    b: Node
    edge: Edge | None  # None where the filters leave it out
    shown: list[Meeting]
    count: int


def meetings(drawn: Drawn, a: str, b: str) -> Meetings:
    """Where an edge was counted, asset by asset. Raises BadChoice for what the graph has not."""
    gathered = drawn.gathered
    numbers = _number(gathered, a), _number(gathered, b)
    if min(numbers) < 0:
        raise BadChoice("This graph has no such thing any more. Open it again.")
    window_s = drawn.asked.options.window_s
    spans = together(gathered.items, *numbers, gathered.durations_s, window_s)
    some = spans[:MOST_MOMENTS]
    assets = Asset.objects.in_bulk({asset for asset, _, _ in some})
    tiles = Tiles.of(assets.values())
    found = [
        _meeting(gathered, assets[asset], start_s, end_s, numbers, tiles)
        for asset, start_s, end_s in some
        if asset in assets
    ]
    first, second = (gathered.nodes[n] for n in numbers)
    ends = {a, b}
    edge = next((e for e in drawn.graph.edges if {e.a, e.b} == ends), None)
    by_key = drawn.graph.by_key
    return Meetings(by_key.get(a, first), by_key.get(b, second), edge, found, len(spans))


def _meeting(
    gathered: Gathered,
    asset: Asset,
    start_s: float,
    end_s: float,
    numbers: Sequence[int],
    tiles: Tiles,
) -> Meeting:
    begins, hows = [], []
    for number in numbers:
        first, how = _occurs(gathered, number, asset.pk, start_s, end_s)
        begins.append(first)
        hows.append(how)
    at_s = max(*begins, 0.0)
    until_s = min(end_s, asset.duration_s) if asset.duration_s else 0.0
    play_s = max(at_s - _BEFORE_S, 0.0)
    return Meeting(asset, start_s, until_s, play_s, (hows[0], hows[1]), tiles.at(asset.pk, at_s))


def _occurs(
    gathered: Gathered, number: int, asset: int, start_s: float, end_s: float
) -> tuple[float, list[str]]:
    """When a node first occurs in a stretch, and how it does there."""
    items = gathered.items
    is_here = (items.node == number) & (items.asset == asset)
    is_here &= (items.start_s < end_s) & (items.end_s >= start_s)
    places = np.flatnonzero(is_here)
    first = float(items.start_s[places].min(initial=end_s))
    return max(first, start_s), _in_words(gathered.how[place] for place in places)


def _in_words(hows: Iterable[int]) -> list[str]:
    return [HOW[how] for how in sorted(set(hows)) if HOW[how] in _TOLD_OF]


# --- files --------------------------------------------------------------------------------------


def _counted(drawn: Drawn) -> str:
    gathered = drawn.gathered
    return occurrences.as_csv(gathered.nodes, gathered.items, gathered.durations_s)


# By kind: a title, how the name of the file ends, its type, and how it is written.
FILES: dict[str, tuple[str, str, str, Callable[[Drawn], str]]] = {
    "graphml": (
        *("GraphML", "graph.graphml", "application/graphml+xml"),
        lambda drawn: as_graphml(drawn.graph),
    ),
    "jsonld": (
        *("JSON-LD", "graph.jsonld", "application/ld+json"),
        lambda drawn: as_jsonld(drawn.graph),
    ),
    "csv": ("Pairs (CSV)", "graph.csv", "text/csv", lambda drawn: as_csv(drawn.graph)),
    "counted": ("What was counted (CSV)", "occurrences.csv", "text/csv", _counted),
}
