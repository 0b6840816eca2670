"""Subtraction and detection part by part, for pictures whose maps are too much to hold at once.

Each part is judged with some pixels around it. What is found at a border is found by both parts:
the more significant of the two is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from analysis.sky.detection import APART, MISFIT, THRESHOLD, Detections, detect
from analysis.sky.matching import Method, prepared
from analysis.sky.pairs import Pair
from analysis.sky.subtraction import TILE, Difference, Part, parts

Numbers = NDArray[np.float64]

MARGIN = 8  # pixels around a part: what a detection is judged by, and where it may be found twice
TWICE = 1.5  # pixels beyond its own that a part lists: the same peak of two filters is as near


def search(
    pair: Pair,
    method: Method = "zogy",
    threshold: float = THRESHOLD,
    *,
    also_gone: bool = True,
    misfit: float = MISFIT,
    trails: Sequence[float] = (),
    tile: int = TILE,
    device: str = "cpu",
    step: Callable[[float], None] | None = None,
    each: Callable[[Part], None] | None = None,
    during: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> Detections:
    """What `detect` finds in what `subtract_pair` makes of the pair, without holding all of that.

    Arguments as of both. each: is given every part of the difference, to cut out of it or to keep
    it. during: entered with "subtract" and "detect" while a part is. Raises as both do.
    """
    margin = 2 * MARGIN if trails else MARGIN  # as far as a trail reaches from its middle
    found = []
    with during("subtract"):
        made = prepared(pair, method, device=device)
        every = parts(**made, tile=tile, device=device, step=step, margin=margin)
        part = next(every, None)
    while part is not None:
        with during("detect"):
            found.append(
                found_in(part, threshold, also_gone=also_gone, misfit=misfit, trails=trails)
            )
            if each is not None:
                each(part)
        with during("subtract"):
            part = next(every, None)
    return merged(found)


class ScoreMap:
    """The score of a whole difference, kept part by part: `each=kept.take`."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.score: NDArray[np.float32] = np.zeros(shape, np.float32)
        self.bad: NDArray[np.bool_] = np.ones(shape, np.bool_)

    def take(self, part: Part) -> None:
        """What no other part answers for."""
        self.score[part.own] = part.score[part.inner]
        self.bad[part.own] = part.bad[part.inner]


def merged(lists: list[Detections]) -> Detections:
    """One list of several, the most significant first, and of what is the same place once."""
    columns = {
        field.name: np.concatenate([getattr(one, field.name) for one in lists])
        for field in fields(Detections)
    }
    together = Detections(**columns)
    return _rows(together, once(together.x, together.y, together.score))


def once(x: Numbers, y: Numbers, score: Numbers) -> NDArray[np.intp]:
    """Rows of what was listed by several parts, the most significant first, and of what is the
    same place and as bright or as dark only that. All of shape (n,)."""
    order = np.argsort(-np.abs(score), kind="stable")
    kept = np.ones(len(order), np.bool_)
    near = cKDTree(np.stack([x, y], axis=1)[order]).query_pairs(APART)
    for first, second in sorted(tuple(sorted(pair)) for pair in near):
        same_sign = score[order[first]] * score[order[second]] > 0
        if kept[first] and same_sign:
            kept[second] = False
    return order[kept]


def found_in(
    part: Part,
    threshold: float,
    *,
    also_gone: bool,
    misfit: float,
    trails: Sequence[float] = (),
) -> Detections:
    """What a part answers for, and a little beyond, in places of the picture."""
    shape = part.score.shape
    look = part.look._replace(rows=slice(0, shape[0]), columns=slice(0, shape[1]))
    alone = Difference(part.difference, part.score, part.flux_error, part.bad, (look,))
    points = detect(alone, threshold, also_gone=also_gone, misfit=misfit, trails=trails)
    points = replace(points, x=points.x + part.columns.start, y=points.y + part.rows.start)
    rows, columns = part.own
    inside = (points.y > rows.start - TWICE) & (points.y < rows.stop - 1 + TWICE)
    inside &= (points.x > columns.start - TWICE) & (points.x < columns.stop - 1 + TWICE)
    return _rows(points, np.nonzero(inside)[0])


def _rows(points: Detections, rows: NDArray[np.intp]) -> Detections:
    return Detections(*(getattr(points, field.name)[rows] for field in fields(Detections)))
