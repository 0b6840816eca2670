"""A graph for other programs: GraphML, JSON-LD, and tables."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from analysis.exposure.exports import safe_cell
from analysis.graph.build import Graph, Node

_GRAPHML = "http://graphml.graphdrawing.org/xmlns"
# name of the attribute, of what, its type
_ATTRIBUTES = [
    *(("kind", "node", "string"), ("name", "node", "string"), ("url", "node", "string")),
    *(("windows", "node", "int"), ("assets", "node", "int")),
    *(("support", "edge", "int"), ("lift", "edge", "double"), ("shrunk_lift", "edge", "double")),
    *(("npmi", "edge", "double"), ("weight", "edge", "double")),
]
_TYPES = {"brand": "Brand", "person": "Person", "topic": "DefinedTerm", "asset": "MediaObject"}
_OWN = "urn:sightline:graph:"
# All of it is in the file: who reads it fetches nothing.
_CONTEXT = {
    "name": "https://schema.org/name",
    "url": {"@id": "https://schema.org/url", "@type": "@id"},
    "observationAbout": {"@id": "https://schema.org/observationAbout", "@type": "@id"},
    "measurementTechnique": "https://schema.org/measurementTechnique",
    **{kind: f"https://schema.org/{kind}" for kind in (*_TYPES.values(), "Thing", "Observation")},
    **{
        name: f"{_OWN}{name}"
        for name in ("windows", "assets", "support", "lift", "shrunkLift", "npmi", "windowSeconds")
    },
}


def as_graphml(graph: Graph) -> str:
    """GraphML 1.0, undirected, with the shrunk lift as weight."""
    root = ET.Element("graphml", xmlns=_GRAPHML)
    for name, of, type_ in _ATTRIBUTES:
        about = {"id": f"{of}_{name}", "for": of, "attr.name": name, "attr.type": type_}
        ET.SubElement(root, "key", about)
    body = ET.SubElement(root, "graph", {"id": "G", "edgedefault": "undirected"})
    for node in graph.nodes:
        values = {
            name: getattr(node, name) for name in ("kind", "name", "url", "windows", "assets")
        }
        _data(ET.SubElement(body, "node", {"id": _plain(node.key)}), "node", values)
    for edge in graph.edges:
        ends = {"source": _plain(edge.a), "target": _plain(edge.b)}
        values = {"support": edge.windows, "lift": edge.lift, "shrunk_lift": edge.shrunk}
        values |= {"npmi": edge.npmi, "weight": edge.shrunk}
        _data(ET.SubElement(body, "edge", ends), "edge", values)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _data(parent: ET.Element, of: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        ET.SubElement(parent, "data", {"key": f"{of}_{name}"}).text = _plain(str(value))


def _plain(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(
        c
        for c in text
        if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
    )


def as_jsonld(graph: Graph) -> str:
    """JSON-LD 1.1 in terms of schema.org: each edge an Observation about two things."""
    things = [_thing(node) for node in graph.nodes]
    edges = [
        {
            "@type": "Observation",
            "observationAbout": [_iri(edge.a), _iri(edge.b)],
            "measurementTechnique": "co-occurrence in windows",
            "windowSeconds": graph.options.window_s,
            "support": edge.windows,
            "lift": edge.lift,
            "shrunkLift": edge.shrunk,
            "npmi": edge.npmi,
        }
        for edge in graph.edges
    ]
    told = {"@context": _CONTEXT, "@graph": [*things, *edges]}
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _thing(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {
        "@id": _iri(node.key),
        "@type": _TYPES.get(node.kind, "Thing"),
        "name": node.name,
        "windows": node.windows,
        "assets": node.assets,
    }
    return told | ({"url": node.url} if node.url else {})


def _iri(key: str) -> str:
    return _OWN + quote(key, safe=":")


def as_csv(graph: Graph) -> str:
    """A line for each edge. What would start a formula in a spreadsheet is quoted."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["a", "a_kind", "b", "b_kind", "support_windows", "lift", "shrunk_lift", "npmi"])
    for edge in graph.edges:
        a, b = graph.by_key[edge.a], graph.by_key[edge.b]
        ends = [safe_cell(a.name), a.kind, safe_cell(b.name), b.kind]
        table.writerow([*ends, edge.windows, edge.lift, edge.shrunk, edge.npmi])
    return file.getvalue()
