"""Where in a picture that lies which is asked for, by the codes that both share."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.crossmodal.space import SharedCode
from analysis.crossmodal.types import Place
from analysis.types import Box

_OF_THE_BEST = 0.5  # strength from which a cell beside the best belongs to it
_TOUCH = 1e-4


def where_shared(shared: Iterable[SharedCode], *, of_query: bool = False) -> dict[Place, float]:
    """How much each place of the item (or of the query) has of all that is shared; they add up to
    what the codes weigh together. shared: as `Space.explain` gives it."""
    total: dict[Place, float] = {}
    for code in shared:
        places = code.in_query if of_query else code.in_item
        whole = sum(strength for _, strength in places) or 1.0
        for place, strength in places:
            total[place] = total.get(place, 0.0) + code.weight * strength / whole
    return total


def strongest_box(where: dict[Place, float]) -> Box | None:
    """Around the cell that has most and those beside it, one next to the other, that have half as
    much: from cells to a box, as a threshold of class activation maps gives one (Zhou et al. 2016,
    "Learning Deep Features for Discriminative Localization"). None where there are no cells."""
    cells = {place.box: strength for place, strength in where.items() if place.box is not None}
    if not cells:
        return None
    best = max(cells, key=lambda box: cells[box])
    left = {box for box, strength in cells.items() if strength >= _OF_THE_BEST * cells[best]}
    joined, edge = {best}, [best]
    while edge:
        one = edge.pop()
        beside = {other for other in left - joined if _is_beside(one, other)}
        joined |= beside
        edge += beside
    return Box(
        min(box.x1 for box in joined),
        min(box.y1 for box in joined),
        max(box.x2 for box in joined),
        max(box.y2 for box in joined),
    )


def _is_beside(one: Box, other: Box) -> bool:
    """Whether they share an edge, not only a corner."""
    across = min(one.x2, other.x2) - max(one.x1, other.x1)
    down = min(one.y2, other.y2) - max(one.y1, other.y1)
    return min(across, down) >= -_TOUCH and max(across, down) > _TOUCH
