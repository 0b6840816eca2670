"""Graphs out of timed items: counted window by window, the same whatever the order, read back."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.graph import Items, Node, Options, build, together
from analysis.graph.exports import as_csv, as_graphml, as_jsonld
from analysis.graph.layout import layout
from analysis.graph.measures import lift

DURATIONS = {7: 100.0, 8: 45.0, 9: 0.0}  # four windows of 30 s, two, and a picture
EVERYTHING = Options(least_windows=1, least_lift=0, most_nodes=10**6, most_edges=10**6)
NODES = [Node(f"brand:{n}", "brand", name) for n, name in enumerate(["A & B", "<C>", "=D", "“E”"])]

rows = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(sorted(DURATIONS)),
        st.floats(0, 100),
        st.floats(0, 40),
    ).map(lambda r: (r[0], r[1], r[2], r[2] + r[3])),
    max_size=40,
)


def counted(items, window_s: float = 30.0):
    """The windows of each node and of each pair, the slow way."""
    n_windows = {asset: max(int(np.ceil(d / window_s)), 1) for asset, d in DURATIONS.items()}
    within = defaultdict(set)
    for node, asset, start_s, end_s in items:
        last = n_windows[asset] - 1
        first = min(int(start_s // window_s), last)
        for window in range(first, last + 1):
            if window == first or window * window_s + 1e-6 < end_s:
                within[node].add((asset, window))
    return within, sum(n_windows.values())


@settings(max_examples=60)
@given(rows)
def test_windows_are_counted_as_by_hand(items):
    within, total = counted(items)
    graph = build(NODES, Items.of(items), DURATIONS, EVERYTHING)
    assert graph.total == total
    found = {(edge.a, edge.b): edge for edge in graph.edges}
    for a in range(4):
        for b in range(a + 1, 4):
            both = len(within[a] & within[b])
            edge = found.pop((f"brand:{a}", f"brand:{b}"), None)
            assert (edge.windows if edge else 0) == both
            if edge:
                expected = lift(both, len(within[a]), len(within[b]), total)
                assert edge.lift == pytest.approx(float(expected), abs=1e-4)
    assert not found


@settings(max_examples=30)
@given(rows, st.randoms())
def test_the_order_of_the_items_does_not_matter(items, random):
    mixed = list(items)
    random.shuffle(mixed)
    one, other = (build(NODES, Items.of(some), DURATIONS, EVERYTHING) for some in (items, mixed))
    assert one == other
    assert layout(one) == layout(other)


def test_what_ends_where_a_window_begins_is_not_in_it():
    items = Items.of([(0, 7, 0.0, 30.0), (1, 7, 30.0, 30.0), (2, 7, 30.0, 31.0)])
    graph = build(NODES, items, DURATIONS, EVERYTHING)
    assert [(edge.a, edge.b) for edge in graph.edges] == [("brand:1", "brand:2")]


def test_moments_of_an_edge_are_stretches_of_one_asset():
    items = Items.of([(0, 7, 5.0, 95.0), (1, 7, 31.0, 62.0), (0, 8, 0, 45), (1, 8, 40, 41)])
    assert together(items, 0, 1, DURATIONS, 30.0) == [(7, 30.0, 90.0), (8, 30.0, 60.0)]
    assert together(items, 0, 3, DURATIONS, 30.0) == []


def test_little_support_and_little_lift_are_left_out_and_limits_say_so():
    items = Items.of(
        [(0, 7, 0, 100), (1, 7, 0, 100), (2, 7, 0, 10), (3, 7, 0, 10), (2, 8, 0, 5), (3, 8, 0, 5)]
    )
    graph = build(NODES, items, DURATIONS, Options(least_windows=2, least_lift=1.2))
    assert [(edge.a, edge.b) for edge in graph.edges] == [
        ("brand:0", "brand:1"),
        ("brand:2", "brand:3"),
    ]
    small = build(NODES, items, DURATIONS, Options(least_windows=2, most_nodes=2))
    assert (len(small.nodes), len(small.edges), small.n_nodes, small.n_edges) == (2, 1, 4, 2)


def test_nothing_is_a_graph_too():
    graph = build([], Items.of([]), {}, Options())
    assert (graph.nodes, graph.edges, graph.total, layout(graph)) == ([], [], 0, {})
    assert networkx.parse_graphml(as_graphml(graph)).number_of_nodes() == 0


@pytest.fixture
def graph():
    items = [(n, 7, 0.0, 100.0) for n in range(3)] + [(3, 8, 0.0, 45.0), (0, 8, 31.0, 32.0)]
    return build(NODES, Items.of(items), DURATIONS, EVERYTHING)


def test_layout_is_within_the_square_and_no_two_lie_on_each_other(graph):
    places = layout(graph)
    assert places.keys() == {node.key for node in graph.nodes}
    points = np.array(list(places.values()))
    assert points.min() >= 0
    assert points.max() <= 1
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert apart[~np.eye(len(points), dtype=bool)].min() > 0.02


def test_graphml_is_read_back_by_networkx(graph):
    read = networkx.parse_graphml(as_graphml(graph))
    assert not read.is_directed()
    assert {(k, d["name"], d["windows"]) for k, d in read.nodes(data=True)} == {
        (node.key, node.name, node.windows) for node in graph.nodes
    }
    for edge in graph.edges:
        data = read.edges[edge.a, edge.b]
        assert (data["support"], data["lift"], data["npmi"]) == (edge.windows, edge.lift, edge.npmi)
    assert read.number_of_edges() == len(graph.edges)


def test_graphml_drops_what_xml_cannot_hold():
    nodes = [Node("a", "brand", "x\0\x1b\ud800y\ufffe"), Node("b", "topic", "z")]
    graph = build(nodes, Items.of([(0, 7, 0, 1), (1, 7, 0, 1)]), DURATIONS, EVERYTHING)
    read = networkx.parse_graphml(as_graphml(graph))
    assert read.nodes["a"]["name"] == "xy"


def test_jsonld_is_read_back_by_rdflib_without_fetching_anything(graph):
    rdflib = pytest.importorskip("rdflib")
    text = as_jsonld(graph)
    assert isinstance(json.loads(text)["@context"], dict)  # and no address to load it from
    read = rdflib.Graph().parse(data=text, format="json-ld")
    schema = rdflib.Namespace("https://schema.org/")
    names = {str(name) for name in read.objects(predicate=schema.name)}
    assert names == {node.name for node in graph.nodes}
    observations = set(read.subjects(rdflib.RDF.type, schema.Observation))
    assert len(observations) == len(graph.edges)
    assert all(len(set(read.objects(o, schema.observationAbout))) == 2 for o in observations)


def test_the_table_starts_no_formula(graph):
    table = list(csv.DictReader(io.StringIO(as_csv(graph))))
    assert len(table) == len(graph.edges)
    assert "'=D" in {row["a"] for row in table} | {row["b"] for row in table}
