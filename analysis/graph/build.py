"""Timed items → nodes and weighted edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from analysis.graph.measures import lift, npmi, shrunk_lift

_EDGE_S = 1e-6  # what ends where a window begins is not in it


@dataclass(frozen=True, slots=True)
class Node:
    """Something that occurs. `key` is its own in the graph; `url` leads to it, "" for nowhere.

    windows, assets: in how many it occurs; known once the graph is built.
    """

    key: str
    kind: str
    name: str
    colour: str = ""
    url: str = ""
    windows: int = 0
    assets: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """Two nodes that occur together. windows: in how many, which is the edge's support.

    lift: as counted; shrunk: drawn towards 1 where that rests on little; npmi: from −1 to 1.
    """

    a: str
    b: str
    windows: int
    lift: float
    shrunk: float
    npmi: float


@dataclass(frozen=True, slots=True)
class Options:
    """What is counted, and what is worth drawing.

    A window of 30 s is about what one hears as one matter: a sentence, a replay, an advertisement.
    prior: so many windows of chance weigh against what is counted.
    """

    window_s: float = 30.0
    prior: float = 1.0
    least_windows: int = 2  # support below which an edge is left out
    least_lift: float = 1.0  # shrunk
    most_nodes: int = 120
    most_edges: int = 600


@dataclass(frozen=True, slots=True)
class Items:
    """When things occur, as columns: the number of a node, an asset, and seconds from its start.

    What has no length is in the window in which it is.
    """

    node: NDArray[np.int64]
    asset: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, float, float]]) -> Items:
        """From (node, asset, start_s, end_s) each."""
        columns = np.array(list(rows), np.float64).reshape(-1, 4).T
        return cls(*columns[:2].astype(np.int64), *columns[2:])

    def __len__(self) -> int:
        return len(self.node)

    def of_nodes(self, *numbers: int) -> Items:
        """Those of some nodes alone."""
        is_kept = np.isin(self.node, numbers)
        return Items(
            self.node[is_kept], self.asset[is_kept], self.start_s[is_kept], self.end_s[is_kept]
        )

    def windows(
        self, offsets: Mapping[int, tuple[int, int]], window_s: float, n_nodes: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each window and each node in it, once, as two columns sorted by window and node.

        offsets: by asset the number of its first window, and how many it has.
        """
        assets, place = np.unique(self.asset, return_inverse=True)
        spans = np.array([offsets[asset] for asset in assets.tolist()], np.int64).reshape(-1, 2)
        first_of, most = spans[place, 0], spans[place, 1] - 1
        first = np.clip(np.floor(self.start_s / window_s).astype(np.int64), 0, most)
        last = np.floor((self.end_s - _EDGE_S) / window_s).astype(np.int64)
        lengths = np.clip(last, first, most) - first + 1
        begins = np.repeat(first_of + first, lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        keys = np.unique((begins + within) * n_nodes + np.repeat(self.node, lengths))
        window, node = np.divmod(keys, max(n_nodes, 1))
        return window, node


@dataclass(frozen=True, slots=True)
class Graph:
    """What was counted, by `options`. Nodes and edges are the weightiest, each kind in its order.

    total: windows there are. n_nodes, n_edges: how many would be there without the limits.
    """

    nodes: list[Node]
    edges: list[Edge]
    options: Options
    total: int
    n_nodes: int
    n_edges: int
    by_key: dict[str, Node] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.by_key.update((node.key, node) for node in self.nodes)

    def neighbours(self, key: str) -> Iterator[tuple[Node, Edge]]:
        """What occurs with a node, the surest first."""
        for edge in self.edges:
            if key in (edge.a, edge.b):
                yield self.by_key[edge.b if edge.a == key else edge.a], edge


def build(
    nodes: Sequence[Node],
    items: Items,
    durations_s: Mapping[int, float],
    options: Options | None = None,
) -> Graph:
    """The graph of what occurs together. Deterministic: the same items make the same graph.

    nodes: those that `items` number, from 0. durations_s: of every asset that was looked through,
    also of those in which nothing was found; a picture, which has none, is one window.
    """
    options = options or Options()
    n_nodes = len(nodes)
    offsets, total = _offsets(durations_s, options.window_s)
    window, node = items.windows(offsets, options.window_s, n_nodes)
    n_windows = np.bincount(node, minlength=n_nodes)
    keys, both = _together(window, node, n_nodes)
    a, b = np.divmod(keys, max(n_nodes, 1))
    counts = both, n_windows[a], n_windows[b], total
    shrunk = shrunk_lift(*counts, options.prior)
    is_kept = (both >= options.least_windows) & (shrunk >= options.least_lift)
    pairs = _Pairs(*(c[is_kept] for c in (a, b, both, lift(*counts), shrunk, npmi(*counts))))
    kept, drawn = _weightiest(pairs, options)
    n_assets = _assets_of(items, n_nodes)
    shown = [
        replace(nodes[n], windows=int(n_windows[n]), assets=int(n_assets[n])) for n in sorted(kept)
    ]
    shown.sort(key=lambda one: (one.kind, -one.windows, one.name, one.key))
    edges = [pairs.edge(n, nodes) for n in drawn]
    n_connected = len(np.unique(np.concatenate([pairs.a, pairs.b])))
    return Graph(shown, edges, options, total, n_connected, len(pairs.a))


def together(
    items: Items, a: int, b: int, durations_s: Mapping[int, float], window_s: float
) -> list[tuple[int, float, float]]:
    """When two nodes are in one window: (asset, start_s, end_s) of each stretch of such windows."""
    offsets, _ = _offsets(durations_s, window_s)
    window, node = items.of_nodes(a, b).windows(offsets, window_s, max(a, b) + 1)
    shared = np.intersect1d(window[node == a], window[node == b])
    assets = sorted(offsets, key=lambda asset: offsets[asset])
    firsts = np.array([offsets[asset][0] for asset in assets], np.int64)
    found: list[tuple[int, float, float]] = []
    last = -2
    for number in shared.tolist():
        asset = assets[int(np.searchsorted(firsts, number, side="right")) - 1]
        at = number - offsets[asset][0]
        if number == last + 1 and found[-1][0] == asset:
            found[-1] = asset, found[-1][1], (at + 1) * window_s
        else:
            found.append((asset, at * window_s, (at + 1) * window_s))
        last = number
    return found


def _offsets(
    durations_s: Mapping[int, float], window_s: float
) -> tuple[dict[int, tuple[int, int]], int]:
    """By asset its first window and how many it has, and how many there are in all."""
    offsets, total = {}, 0
    for asset in sorted(durations_s):
        n = max(int(np.ceil((durations_s[asset] - _EDGE_S) / window_s)), 1)
        offsets[asset] = total, n
        total += n
    return offsets, total


def _assets_of(items: Items, n_nodes: int) -> NDArray[np.int64]:
    """In how many assets each node occurs."""
    if not len(items):
        return np.zeros(n_nodes, np.int64)
    pairs = np.unique(np.stack([items.node, items.asset], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=n_nodes)


def _together(
    window: NDArray[np.int64], node: NDArray[np.int64], n_nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often two nodes share a window: keys a · n_nodes + b with a < b, and counts.

    Those of one window lie side by side: each is compared with the next, then with the one after
    that, until no window is so full.
    """
    keys = [np.empty(0, np.int64)]
    for apart in range(1, len(window)):
        is_one = window[apart:] == window[:-apart]
        if not is_one.any():
            break
        keys.append(node[:-apart][is_one] * n_nodes + node[apart:][is_one])
    return np.unique(np.concatenate(keys), return_counts=True)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Edges as columns, a and b by their numbers."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    windows: NDArray[np.int64]
    lift: NDArray[np.float64]
    shrunk: NDArray[np.float64]
    npmi: NDArray[np.float64]

    def by_weight(self) -> NDArray[np.int64]:
        """The surest first: often together, and seldom apart."""
        return np.lexsort((self.b, self.a, -self.npmi * np.log1p(self.windows)))

    def edge(self, n: int, nodes: Sequence[Node]) -> Edge:
        figures = (round(float(column[n]), 4) for column in (self.lift, self.shrunk, self.npmi))
        return Edge(nodes[self.a[n]].key, nodes[self.b[n]].key, int(self.windows[n]), *figures)


def _weightiest(pairs: _Pairs, options: Options) -> tuple[set[int], list[int]]:
    """As much as can be read: the surest pairs by their place, and the nodes that they connect."""
    kept: set[int] = set()
    drawn: list[int] = []
    for place in pairs.by_weight().tolist():
        new = {int(pairs.a[place]), int(pairs.b[place])} - kept
        if len(drawn) == options.most_edges:
            break
        if len(kept) + len(new) <= options.most_nodes:
            kept |= new
            drawn.append(place)
    return kept, drawn
