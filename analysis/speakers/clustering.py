"""Voice prints → voices: which of them are of one person.

Average linkage (UPGMA) on the cosine: two groups of prints become one as long as the mean likeness
between them is above a threshold. What goes in are stretches of like windows that follow one
another, so that an hour is about a thousand of them. Two people who sound alike can become one
voice, and one person in two rooms two: pages let a person put that right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from analysis.speakers.types import MOST_SPEAKERS, SIZE, Prints, VoicePrints, unit

LIKE = 0.72  # mean likeness of two groups of one voice; set by `bench.speakers`
_NEXT = 0.75  # likeness of a window to the stretch that it goes on
_LONGEST = 8  # windows of a stretch: 4.4 s
_LEAST = 3  # windows of a voice that counts: 2.4 s
_TRIES = 20  # groups more than there are speakers, until as many of them count
_MOST = 1_500  # stretches that are compared with one another at once: 9 MB, and a copy

Numbers = NDArray[np.int64]


def voices_in(parts: Iterable[VoicePrints], *, speakers: int = 0, like: float = LIKE) -> Prints:
    """The print of each voice of a film, the one of most windows first: (voices, SIZE).

    speakers: how many there are, 0 to find out. A voice of a few windows is left out where there
    are others: it is often two voices at once, or a laugh.
    """
    sums, n_windows = _stretches(parts)
    if not len(sums):
        return sums
    means = unit(sums)
    for n in range(speakers, speakers + (_TRIES if speakers else 1)):
        groups = _groups(means, n, like)
        sizes = np.bincount(groups, n_windows).astype(np.int64)
        if (sizes >= _LEAST).sum() >= speakers:  # the others are a few windows each
            break
    counts = sizes >= min(_LEAST, int(sizes.max()))
    order = np.argsort(-sizes, kind="stable")
    order = order[counts[order]] if not speakers else order
    return unit(_sums(sums, groups)[order][: speakers or MOST_SPEAKERS])


def _stretches(parts: Iterable[VoicePrints]) -> tuple[Prints, Numbers]:
    """The sum of the prints of each stretch, and of how many windows it is."""
    sums: list[NDArray[np.float32]] = []
    sizes: list[int] = []
    for one, follows in _windows(parts):
        goes_on = follows and sizes[-1] < _LONGEST
        if goes_on and one @ sums[-1] / max(float(np.linalg.norm(sums[-1])), 1e-9) >= _NEXT:
            sums[-1] = sums[-1] + one
            sizes[-1] += 1
        else:
            sums.append(one.copy())
            sizes.append(1)
    if not sums:
        return np.empty((0, SIZE), np.float32), np.empty(0, np.int64)
    return np.stack(sums), np.array(sizes)


def _windows(parts: Iterable[VoicePrints]) -> Iterator[tuple[NDArray[np.float32], bool]]:
    """Each print, and whether its window overlaps with the one before."""
    before_s = float("-inf")
    for part in parts:
        for (start_s, end_s), one in zip(part.windows.tolist(), part.prints, strict=True):
            yield one, start_s < before_s
            before_s = end_s


def _sums(prints: Prints, groups: Numbers) -> Prints:
    sums = np.zeros((int(groups.max()) + 1, prints.shape[1]), np.float32)
    np.add.at(sums, groups, prints)
    return sums


def _groups(prints: Prints, speakers: int, like: float) -> Numbers:
    """The number of the group that each print is in. Many hours are grouped in parts first, and
    the groups of the parts with one another: by the mean likeness of their prints, as ever."""
    if len(prints) <= _MOST:
        return _linked(prints, speakers, like)
    inner, n = np.zeros(len(prints), np.int64), 0
    for at in range(0, len(prints), _MOST):
        part = _linked(prints[at : at + _MOST], 0, like)
        inner[at : at + _MOST] = part + n
        n += int(part.max()) + 1
    means: Prints = _sums(prints, inner) / np.bincount(inner).astype(np.float32)[:, None]
    return _linked(means, speakers, like)[inner]


def _linked(means: Prints, speakers: int, like: float) -> Numbers:
    """Groups by average linkage. means: of prints of length 1, so that the product of two is the
    mean likeness of the prints that they stand for."""
    from scipy.cluster.hierarchy import fcluster, linkage

    n = len(means)
    if n < 2:
        return np.zeros(n, np.int64)
    unlike = np.empty(n * (n - 1) // 2)
    at = 0
    for first in range(n - 1):
        row = 1 - means[first + 1 :] @ means[first]
        unlike[at : at + len(row)] = np.maximum(row, 0)
        at += len(row)
    tree = linkage(unlike, "average")
    if speakers:
        found = fcluster(tree, speakers, "maxclust")
    else:
        found = fcluster(tree, 1 - like, "distance")
    return found.astype(np.int64) - 1
