"""A graph out of a table at a prompt: the same as the site's, and a sentence for what is wrong."""

from __future__ import annotations

import csv
import io

import networkx
import pytest

from analysis.__main__ import main
from analysis.graph import Items, Node, Options, build
from analysis.graph.exports import as_csv as pairs_csv
from analysis.graph.occurrences import COLUMNS, as_csv, read_csv

NODES = [Node("brand:1", "brand", "Kestrel"), Node("person:vera", "person", "Vera, V.")]
NODES += [Node("asset:7", "asset", "a film"), Node("asset:8", "asset", "a film")]
DURATIONS = {7: 100.0, 8: 45.0}
ITEMS = Items.of([(0, 7, 1, 9), (1, 7, 5, 65), (0, 7, 40, 41), (2, 7, 0, 100), (3, 8, 0, 45)])


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "counted.csv"
    path.write_text(as_csv(NODES, ITEMS, DURATIONS), "utf-8")
    return path


def told(capsys, *argv) -> list[dict[str, str]]:
    assert main(["graph", *map(str, argv)]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_what_was_counted_makes_the_same_graph_again(table, capsys):
    _, _, durations_s = read_csv(table)
    assert sorted(durations_s.values()) == [45.0, 100.0]  # the film in which nothing is, too
    graph = build(NODES, ITEMS, DURATIONS, Options(least_windows=1, least_lift=0))
    there = list(csv.DictReader(io.StringIO(pairs_csv(graph))))
    assert told(capsys, table, "--support", 1, "--lift", 0) == there
    only = told(capsys, table, "--support", 1, "--lift", 0, "--kind", "brand", "--kind", "person")
    assert [(row["a"], row["b"], row["support_windows"]) for row in only] == [
        ("Kestrel", "Vera, V.", "2")
    ]


def test_other_formats_and_windows(table, capsys):
    assert main(["graph", str(table), "--format", "graphml", "--support", "1"]) == 0
    read = networkx.parse_graphml(capsys.readouterr().out)
    assert read.number_of_edges() >= 1
    assert told(capsys, table, "--window", 5, "--support", 1, "--lift", 0, "--kind", "brand") == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("asset,kind\n1,brand\n", "has no column duration_s"),
        (",".join(COLUMNS) + "\n1,60,brand,A,x,2\n", "line 2: a time is no number"),
        (",".join(COLUMNS) + "\n1,60,brand,A,5,2\n", "line 2: a time begins before it ends"),
        (",".join(COLUMNS) + "\n1,60,brand,,0,2\n", "line 2: say what occurs"),
        (",".join(COLUMNS) + "\n1,60,brand\n", "line 2: a time is no number"),
        (",".join(COLUMNS) + "\n1,nan,brand,A,0,2\n", "line 2: a time begins"),
        ("\udcff", "cannot be read"),
    ],
)
def test_what_is_no_such_table_is_refused_in_a_sentence(tmp_path, capsys, text, why):
    path = tmp_path / "bad.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert main(["graph", str(path)]) == 1
    assert why in capsys.readouterr().err


def test_an_empty_table_has_no_pairs(tmp_path, capsys):
    path = tmp_path / "empty.csv"
    path.write_text(",".join(COLUMNS) + "\n")
    assert told(capsys, path) == []
    assert main(["graph", str(tmp_path / "nowhere.csv")]) == 1
