"""Who and what occurs together: a graph out of what is seen, said and written, and when.

>>> nodes = [Node("brand:1", "brand", "Kestrel"), Node("person:vera", "person", "Vera")]
>>> items = Items.of([(0, 7, 3.0, 9.0), (1, 7, 5.0, 6.0)])
>>> graph = build(nodes, items, {7: 120.0}, Options(least_windows=1))
>>> [(edge.a, edge.b, edge.windows, edge.lift) for edge in graph.edges]
[('brand:1', 'person:vera', 1, 4.0)]

A film is cut into windows of equal length; two things occur together where both are in one. How
much more often than by chance they are is an edge's lift (`measures`). `layout` places the nodes,
`exports` writes GraphML, JSON-LD and CSV. Needs numpy and nothing else.
"""

from analysis.graph.build import Edge, Graph, Items, Node, Options, build, together

__all__ = ["Edge", "Graph", "Items", "Node", "Options", "build", "together"]
