"""Where to draw the nodes: what occurs together often lies close.

Forces between points (Fruchterman & Reingold, “Graph drawing by force-directed placement”, 1991),
with a pull to the middle that keeps parts together which nothing connects. Nothing in it is random:
the same graph is drawn the same way, on every machine that rounds alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.graph.build import Graph

STEPS = 240
_GOLDEN = np.pi * (3 - np.sqrt(5))
_PULL = 0.6  # to the middle
_LEAST = 1e-3  # between two points, so that nothing is divided by 0


def layout(graph: Graph, steps: int = STEPS) -> dict[str, tuple[float, float]]:
    """By key x and y of each node, 0 to 1 each. Costs steps × nodes²."""
    keys = [node.key for node in graph.nodes]
    if not keys:
        return {}
    at = {key: number for number, key in enumerate(keys)}
    ends = np.array([(at[e.a], at[e.b]) for e in graph.edges], np.int64).reshape(-1, 2)
    weights = np.array([max(edge.npmi, 0.05) for edge in graph.edges])
    points = _settled(_spiral(len(keys)), ends, weights, steps)
    low, high = points.min(axis=0), points.max(axis=0)
    spread = np.where(high - low > _LEAST, high - low, 1.0)
    placed = np.where(high - low > _LEAST, (points - low) / spread, 0.5)
    return {
        key: (round(float(x), 4), round(float(y), 4))
        for key, (x, y) in zip(keys, placed, strict=True)
    }


def _spiral(n: int) -> NDArray[np.float64]:
    """Points spread evenly over a disc, as the seeds of a sunflower are."""
    number = np.arange(n)
    radius, angle = np.sqrt((number + 0.5) / n) / 2, number * _GOLDEN
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _settled(
    points: NDArray[np.float64], ends: NDArray[np.int64], weights: NDArray[np.float64], steps: int
) -> NDArray[np.float64]:
    """The points after so many steps, each shorter than the one before."""
    ideal = 1 / np.sqrt(len(points))
    for step in range(steps):
        between = points[:, None] - points[None]
        square = np.maximum((between**2).sum(axis=2), _LEAST**2)
        force = (between * (ideal**2 / square)[..., None]).sum(axis=1)
        along = points[ends[:, 0]] - points[ends[:, 1]]
        length = np.sqrt((along**2).sum(axis=1))
        drawn = along * (length * weights / ideal)[:, None]
        np.subtract.at(force, ends[:, 0], drawn)
        np.add.at(force, ends[:, 1], drawn)
        force -= points * _PULL
        size = np.maximum(np.sqrt((force**2).sum(axis=1)), _LEAST)
        reach = 0.1 * (1 - step / steps)
        points = points + force / size[:, None] * np.minimum(size, reach)[:, None]
    return points
