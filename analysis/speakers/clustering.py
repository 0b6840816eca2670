"""Voice prints → voices: which of them are of one person.

Average linkage (UPGMA) on the cosine: two groups of prints become one as long as the mean likeness
between them is above a threshold. What goes in are stretches of like windows that follow one
another, so that an hour is some hundred of them. Two people who sound alike can become one voice,
and one person in two rooms two: pages let a person put that right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.speakers.types import MOST_SPEAKERS, Prints, unit

LIKE = 0.72  # mean likeness of two groups of one voice; set by `bench.speakers`
_NEXT = 0.75  # likeness of a window to the stretch that it goes on
_LONGEST = 8  # windows of a stretch: 4.4 s
_LEAST = 3  # windows of a voice that counts: 2.4 s
_TRIES = 20  # groups more than there are speakers, until as many of them count
_MOST = 6_000  # stretches that are compared with one another, at once

Numbers = NDArray[np.int64]


def voices_in(
    prints: Prints, follows: NDArray[np.bool_], *, speakers: int = 0, like: float = LIKE
) -> Prints:
    """The print of each voice, the one of most windows first: (voices, SIZE).

    follows (n,): whether a window overlaps with the one before. speakers: how many there are, 0 to
    find out. A voice of a few windows is left out where there are others: it is often two voices
    at once, or a laugh.
    """
    if not len(prints):
        return prints
    stretches = _stretches(prints, follows)
    means = unit(_sums(prints, stretches))
    for n in range(speakers, speakers + (_TRIES if speakers else 1)):
        groups = _groups(means, n, like)[stretches]
        sizes = np.bincount(groups)
        if (sizes >= _LEAST).sum() >= speakers:  # the others are a few windows each
            break
    counts = sizes >= min(_LEAST, int(sizes.max()))
    order = np.argsort(-sizes, kind="stable")
    order = order[counts[order]] if not speakers else order
    return unit(_sums(prints, groups)[order][: speakers or MOST_SPEAKERS])


def _stretches(prints: Prints, follows: NDArray[np.bool_]) -> Numbers:
    """The number of the stretch that each window is in."""
    numbers = np.zeros(len(prints), np.int64)
    total, n = prints[0].copy(), 1
    for at in range(1, len(prints)):
        goes_on = follows[at] and n < _LONGEST
        if goes_on and prints[at] @ total / max(float(np.linalg.norm(total)), 1e-9) >= _NEXT:
            total, n = total + prints[at], n + 1
            numbers[at] = numbers[at - 1]
        else:
            total, n = prints[at].copy(), 1
            numbers[at] = numbers[at - 1] + 1
    return numbers


def _sums(prints: Prints, groups: Numbers) -> Prints:
    sums = np.zeros((int(groups.max()) + 1, prints.shape[1]), np.float32)
    np.add.at(sums, groups, prints)
    return sums


def _groups(prints: Prints, speakers: int, like: float) -> Numbers:
    """The number of the group that each print is in. Many hours are grouped in parts first, and
    the groups of the parts with one another."""
    if len(prints) <= _MOST:
        return _linked(prints, speakers, like)
    inner, n = np.zeros(len(prints), np.int64), 0
    for at in range(0, len(prints), _MOST):
        part = _linked(prints[at : at + _MOST], 0, like)
        inner[at : at + _MOST] = part + n
        n += int(part.max()) + 1
    return _linked(unit(_sums(prints, inner)), speakers, like)[inner]


def _linked(prints: Prints, speakers: int, like: float) -> Numbers:
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(prints) < 2:
        return np.zeros(len(prints), np.int64)
    tree = linkage(prints.astype(np.float64), "average", metric="cosine")
    tree[:, 2] = np.maximum(tree[:, 2], 0)
    if speakers:
        found = fcluster(tree, speakers, "maxclust")
    else:
        found = fcluster(tree, 1 - like, "distance")
    return found.astype(np.int64) - 1
