"""How far people who labelled the same picture agree, and what they say together.

Boxes of two people are the same thing when they have the same label and overlap by at least half
(intersection over union). A label of a whole picture is a box as large as the picture. Numpy only,
so that pages may ask too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import ious

SAME_IOU = 0.5
WHOLE = (0.0, 0.0, 1.0, 1.0)


class Said(NamedTuple):
    """One thing that a person says is on a picture; the box as xyxy fractions of it."""

    label: int
    box: tuple[float, float, float, float] = WHOLE
    is_occluded: bool = False
    track: int | None = None


class Merged(NamedTuple):
    """What several people say together: the mean of their boxes, and how many said it."""

    label: int
    box: tuple[float, float, float, float]
    is_occluded: bool
    track: int | None
    votes: int


def overlaps(first: Sequence[Said], second: Sequence[Said]) -> NDArray[np.float64]:
    """Intersection over union, (len(first), len(second)); 0 where the labels differ."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    iou = ious([said.box for said in first], [said.box for said in second])
    same = np.equal.outer([said.label for said in first], [said.label for said in second])
    return np.where(same, iou, 0.0)


def pairs(
    first: Sequence[Said], second: Sequence[Said], least: float = SAME_IOU
) -> list[tuple[int, int]]:
    """As many pairs as there can be of boxes that are the same thing, each box in one at most.

    Augmenting paths (Kuhn 1955), best overlaps tried first.
    """
    iou = overlaps(first, second)
    choices = [[int(j) for j in np.argsort(-row, kind="stable") if row[j] >= least] for row in iou]
    taken: dict[int, int] = {}  # position in second → in first
    for i in range(len(first)):
        _augment(i, choices, taken)
    return sorted((i, j) for j, i in taken.items())


def _augment(start: int, choices: list[list[int]], taken: dict[int, int]) -> None:
    """Find a partner for `start`, moving others on where that helps. A search without recursion."""
    came_from: dict[int, int] = {}  # position in second → the one in first that reached it
    waiting = [start]
    while waiting:
        i = waiting.pop()
        for j in choices[i]:
            if j in came_from:
                continue
            came_from[j] = i
            if j in taken:
                waiting.append(taken[j])
                continue
            while True:  # turn the path round
                i = came_from[j]
                freed = next((k for k, owner in taken.items() if owner == i), None)
                if freed is not None:
                    del taken[freed]
                taken[j] = i
                if i == start or freed is None:
                    return
                j = freed


def agreement(
    first: Sequence[Sequence[Said]], second: Sequence[Sequence[Said]], least: float = SAME_IOU
) -> float:
    """How far two people agree over the same frames (a picture is one frame), from 0 to 1.

    Twice the pairs over all boxes: the F1 score of one against the other (Dice 1945). Two who
    both say that nothing is there agree.
    """
    n_pairs = n_boxes = 0
    for a, b in zip(first, second, strict=True):
        n_boxes += len(a) + len(b)
        n_pairs += len(pairs(a, b, least))
    return 2 * n_pairs / n_boxes if n_boxes else 1.0


def merge(
    people: Sequence[Sequence[Said]], *, votes: int | None = None, least: float = SAME_IOU
) -> list[Merged]:
    """What at least `votes` of these people say is on a picture; by default more than half.

    Boxes of different people are joined by falling overlap, at most one of each person
    (agglomerative clustering); the merged box is the mean of its members, side by side. The order
    of the people makes no difference.
    """
    needed = len(people) // 2 + 1 if votes is None else votes
    clusters = _clusters(people, least)
    merged = [_mean([people[p][i] for p, i in members]) for members in clusters]
    kept = [one for one in merged if one.votes >= needed]
    return sorted(kept, key=lambda one: (one.label, one.box))


def _clusters(people: Sequence[Sequence[Said]], least: float) -> list[list[tuple[int, int]]]:
    """Groups of (person, position) that are the same thing."""
    links = []
    for p, first in enumerate(people):
        for q in range(p + 1, len(people)):
            iou = overlaps(first, people[q])
            for i, j in np.argwhere(iou >= least).tolist():
                ends = sorted([first[i].box, people[q][j].box])
                links.append((-float(iou[i, j]), ends, (p, i), (q, j)))
    group = {(p, i): [(p, i)] for p, said in enumerate(people) for i in range(len(said))}
    for _, _, a, b in sorted(links, key=lambda link: link[:2]):
        one, other = group[a], group[b]
        if one is other or {p for p, _ in one} & {p for p, _ in other}:
            continue
        one.extend(other)
        for member in other:
            group[member] = one
    return list({id(members): members for members in group.values()}.values())


def _mean(members: list[Said]) -> Merged:
    x1, y1, x2, y2 = (float(v) for v in np.mean(sorted(said.box for said in members), axis=0))
    tracks = [said.track for said in members if said.track is not None]
    n_occluded = sum(said.is_occluded for said in members)
    return Merged(
        label=members[0].label,
        box=(x1, y1, x2, y2),
        is_occluded=2 * n_occluded > len(members),
        track=min(tracks) if tracks else None,
        votes=len(members),
    )
