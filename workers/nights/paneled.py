"""What was found panel by panel in an exposure too large to be held, as of one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from analysis.sky.panels import Panel
from analysis.sky.sources import Sources, concatenated
from analysis.sky.streaming import TWICE, once
from workers.nights.cutouts import MOST_CUT, Cutouts
from workers.nights.looking import SAME_PX
from workers.nights.trails import Trails, joined

Rows = NDArray[np.intp]


class Points(NamedTuple):
    """What the search found, and what only the network did."""

    found: Sources
    added: Sources


@dataclass(frozen=True)
class Looked:
    """What a picture has, in its own pixels. cutouts: of what was found, what was added and the
    trails, in that order. put_in: of a copy with made-up objects, where there was one. figures:
    columns of `NightExposure`. photometry: a zero point, or a sentence why there is none."""

    points: Points
    trails: Trails
    cutouts: Cutouts
    put_in: Points | None
    figures: dict[str, Any]
    photometry: tuple[dict[str, Any], str]


def together(
    panels: Sequence[Panel], looked: Sequence[Looked], most: int, most_trails: int, wcs: Any | None
) -> Looked:
    """All that panels have, in pixels of the whole picture; what two found at their border is
    there once. most, most_trails: points and trails that are kept. wcs: of the whole."""
    parts = [_moved(one, panel) for one, panel in zip(looked, panels, strict=True)]
    points, (rows, added_rows) = _once(panels, [one.points for one in parts], most)
    trails, pieces = joined([one.trails for one in parts], most_trails, wcs)
    found, added, long = _numbered(parts)
    numbers = np.concatenate([found[rows], added[added_rows], long[pieces]])
    copies = [one.put_in for one in parts if one.put_in is not None]
    return Looked(
        points=points,
        trails=trails,
        cutouts=_cut_out(parts, numbers, concatenated([*points, trails.sources])),
        put_in=_once(panels, copies, most)[0] if len(copies) == len(parts) else None,
        figures=_figures([one.figures for one in parts]),
        photometry=max((one.photometry for one in parts), key=lambda of: of[0].get("stars", 0)),
    )


def _moved(one: Looked, panel: Panel) -> Looked:
    """In pixels of the whole picture."""

    def moved(sources: Sources) -> Sources:
        return replace(sources, x=sources.x + panel.left, y=sources.y + panel.top)

    by = {"x0": panel.left, "x1": panel.left, "y0": panel.top, "y1": panel.top}
    ends = [
        {name: value + by.get(name, 0) for name, value in end.items()} for end in one.trails.ends
    ]
    return replace(
        one,
        points=Points(*map(moved, one.points)),
        trails=one.trails._replace(sources=moved(one.trails.sources), ends=ends),
        put_in=None if one.put_in is None else Points(*map(moved, one.put_in)),
    )


def _once(
    panels: Sequence[Panel], parts: Sequence[Points], most: int
) -> tuple[Points, tuple[Rows, Rows]]:
    """The points of all panels, the most significant first, and which rows of all lists they are:
    of what was found, and of what was added."""
    found, added = (concatenated(list(of)) for of in zip(*parts, strict=True))
    mine = list(zip(panels, parts, strict=True))
    owned = [panel.owns(one.found.x, one.found.y, TWICE) for panel, one in mine]
    rows = np.nonzero(np.concatenate(owned))[0]
    rows = rows[once(found.x[rows], found.y[rows], found.score[rows])][:most]
    owned = [panel.owns(one.added.x, one.added.y) for panel, one in mine]
    added_rows = np.nonzero(np.concatenate(owned))[0]
    if len(rows) and len(added_rows):
        tree = cKDTree(np.stack([found.x[rows], found.y[rows]], axis=1))
        away, _ = tree.query(np.stack([added.x[added_rows], added.y[added_rows]], axis=1))
        added_rows = added_rows[away > SAME_PX]
    return Points(found.take(rows), added.take(added_rows)), (rows, added_rows)


def _numbered(parts: Sequence[Looked]) -> tuple[Rows, Rows, Rows]:
    """The numbers that rows of all parts have, one part after the other: of what was found, of
    what was added and of the trails."""
    numbers: tuple[list[Rows], ...] = ([], [], [])
    first = 0
    for one in parts:
        for of, sources in zip(numbers, (*one.points, one.trails.sources), strict=True):
            of.append(np.arange(first, first + len(sources)))
            first += len(sources)
    found, added, trails = (np.concatenate(of) for of in numbers)
    return found, added, trails


def _cut_out(parts: Sequence[Looked], numbers: Rows, sources: Sources) -> Cutouts:
    """The cut-outs of the brightest of these sources, by the numbers that `_numbered` gave them."""
    firsts = np.cumsum([0] + [sum(map(len, (*one.points, one.trails.sources))) for one in parts])
    known = Cutouts(
        np.concatenate([one.cutouts.rows + n for one, n in zip(parts, firsts, strict=False)]),
        np.concatenate([one.cutouts.pictures for one in parts]),
    )
    places = [known.place_of(number) for number in numbers.tolist()]
    rows = np.array([n for n, place in enumerate(places) if place is not None], np.int32)
    order = np.argsort(-np.abs(sources.score[rows]), kind="stable")[:MOST_CUT]
    rows = np.sort(rows[order])
    return Cutouts(rows, known.pictures[[places[row] for row in rows.tolist()]])


def _figures(of: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of the whole: stars of all panels, how far they are off and how noisy it is in the worst of
    them, and of the rest what is usual."""

    def known(name: str) -> list[float]:
        return [one[name] for one in of if one[name] is not None]

    figures = of[0] | {"n_stars": sum(one["n_stars"] for one in of)}
    for name, chosen in (
        ("residual_px", max),
        ("noise_ratio", max),
        ("fwhm_px", np.median),
        ("zero_point", np.median),
    ):
        values = known(name)
        figures[name] = float(chosen(values)) if values else None
    return figures
