"""Unknown regions that look alike, put together: each group may be a brand that nobody named yet.

Leader clustering in one pass (Hartigan 1975, “Clustering Algorithms”, chapter 3): a sight joins the
most alike group where it is alike enough, and begins one of its own where it is not; at the end
groups whose means are alike become one. The same regions in the same order give the same groups.
However many sights there are, memory holds their looks and `most` leaders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.novelty.regions import Floats, unit

ALIKE = 0.82  # likeness of two sights of one thing: others of the demo's brands reach 0.79
MOST_LEADERS = 2000
_AT_ONCE = 2048  # sights that are compared with all leaders together

Spans = NDArray[np.float64]  # (n, 2): start and end, seconds


class Group(NamedTuple):
    """Sights that look alike."""

    sights: NDArray[np.intp]  # positions of what was given, the most typical first
    look: Floats  # (128,) their mean, of unit length
    n_files: int
    seconds: float  # on screen, of all files; what lies over each other counts once


def group(
    looks: Floats,
    files: Sequence[int] | NDArray,
    spans: Spans,
    *,
    alike: float = ALIKE,
    most: int = MOST_LEADERS,
) -> list[Group]:
    """Groups of alike sights: those of most files first, then those longest on screen.

    looks: (n, 128), one for each sight, rows of unit length. files: the number of the file of each.
    spans: (n, 2), when each is seen, in seconds of its file. most: leaders that are held; further
    sights that are like none of them are left out, so put first what matters.
    """
    looks = np.asarray(looks, np.float32)
    files, spans = np.asarray(files), np.asarray(spans, np.float64).reshape(-1, 2)
    of = _merged(looks, _led(looks, alike, most), alike)
    order = np.argsort(of, kind="stable")
    order = order[of[order] >= 0]
    found = []
    for members in np.split(order, np.flatnonzero(np.diff(of[order])) + 1):
        if not len(members):
            continue
        mean = unit(looks[members].mean(axis=0, keepdims=True))[0]
        typical = members[np.argsort(-(looks[members] @ mean), kind="stable")]
        seconds = shown_s(files[members], spans[members])
        found.append(Group(typical, mean, len(np.unique(files[members])), seconds))
    return sorted(
        found, key=lambda g: (-g.n_files, -g.seconds, -len(g.sights), int(g.sights.min()))
    )


def one_a_sight(looks: Floats, sights: NDArray) -> tuple[Floats, NDArray[np.intp]]:
    """The mean look of each sight, and the position of the first region of each.

    looks: (n, 128). sights: (n,), the number of the sight of each region.
    """
    _, first, of = np.unique(sights, return_index=True, return_inverse=True)
    order = np.argsort(first)  # in the order in which they come
    place = np.empty(len(first), np.intp)
    place[order] = np.arange(len(first))
    sums = np.zeros((len(first), looks.shape[1]), np.float32)
    np.add.at(sums, place[of], looks)
    return unit(sums), first[order]


def shown_s(files: NDArray, spans: Spans) -> float:
    """How long some of these spans is on screen, file by file."""
    total = 0.0
    for file in np.unique(files):
        end = -np.inf
        for start_s, end_s in sorted(spans[files == file].tolist()):
            total += max(0.0, end_s - max(start_s, end))
            end = max(end, end_s)
    return total


def _led(looks: Floats, alike: float, most: int) -> NDArray[np.intp]:
    """The leader of each sight, by its number; -1 where it is like none and there are too many."""
    leaders = np.empty((most, looks.shape[1]), np.float32)
    n = 0
    of = np.full(len(looks), -1, np.intp)
    for start in range(0, len(looks), _AT_ONCE):
        some = looks[start : start + _AT_ONCE]
        best = np.full(len(some), -2.0, np.float32)
        which = np.full(len(some), -1, np.intp)
        if n:
            likeness = some @ leaders[:n].T
            which = likeness.argmax(axis=1)
            best = likeness[np.arange(len(some)), which]
        is_free = best < alike
        of[start : start + len(some)] = np.where(is_free, -1, which)
        waiting = np.flatnonzero(is_free)
        while len(waiting) and n < most:  # the first of them leads all that are like it
            leaders[n] = some[waiting[0]]
            joins = some[waiting] @ leaders[n] >= alike
            joins[0] = True
            of[start + waiting[joins]] = n
            waiting = waiting[~joins]
            n += 1
    return of


def _merged(looks: Floats, of: NDArray[np.intp], alike: float) -> NDArray[np.intp]:
    """The same, where groups whose means are alike have one number: the lowest."""
    n = int(of.max(initial=-1)) + 1
    if n < 2:
        return of
    sums = np.zeros((n, looks.shape[1]), np.float32)
    np.add.at(sums, of[of >= 0], looks[of >= 0])
    means = unit(sums)
    number = np.arange(n)
    for start in range(0, n, _AT_ONCE):
        near = np.argwhere(means[start : start + _AT_ONCE] @ means.T >= alike)
        for a, b in near.tolist():
            one, other = _root(number, a + start), _root(number, b)
            number[max(one, other)] = min(one, other)
    roots = np.array([_root(number, at) for at in range(n)])
    return np.where(of >= 0, roots[np.maximum(of, 0)], -1)


def _root(number: NDArray[np.intp], at: int) -> int:
    while number[at] != at:
        at = int(number[at])
    return at
