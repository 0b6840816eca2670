"""How far people agree who labelled the same pictures, and how much a review changed.

`against` compares what somebody drew with what was accepted of it; `alpha` is the agreement of
several people beyond what chance would give. Numpy only, so that pages may ask too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from analysis.labelling.consensus import Said, overlaps, pairs


@dataclass(frozen=True, slots=True)
class Against:
    """Boxes drawn beside boxes accepted. `iou_sum` is over the pairs.

    n_drawn, n_accepted: boxes of all frames; n_pairs: of the same label, overlapping by half.
    """

    n_drawn: int
    n_accepted: int
    n_pairs: int
    iou_sum: float

    @property
    def mean_iou(self) -> float | None:
        """Mean overlap of the pairs, 0.5 to 1; None without one."""
        return self.iou_sum / self.n_pairs if self.n_pairs else None


def against(drawn: Sequence[Sequence[Said]], accepted: Sequence[Sequence[Said]]) -> Against:
    """What was drawn beside what was accepted, frame by frame; a picture is one frame.

    Boxes are paired as `analysis.labelling.consensus.pairs` does: same label, intersection over
    union of at least a half, each in one pair at most. Raises ValueError for unequal lengths.
    """
    n_drawn = n_accepted = n_pairs = 0
    iou_sum = 0.0
    for before, after in zip(drawn, accepted, strict=True):
        found = pairs(before, after)
        iou = overlaps(before, after)
        n_drawn, n_accepted = n_drawn + len(before), n_accepted + len(after)
        n_pairs += len(found)
        iou_sum += sum(float(iou[i, j]) for i, j in found)
    return Against(n_drawn, n_accepted, n_pairs, iou_sum)


def alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha for nominal data: 1 is perfect agreement, 0 what chance would give.

    units: for each thing that was judged, what each person said it is. Things with fewer than two
    judgements say nothing. None: nothing was judged twice. Where everybody always says the same
    one thing there is no disagreement to expect; that is 1.

    Source: Krippendorff, “Computing Krippendorff's Alpha-Reliability” (2011), by the matrix of
    coincidences: alpha = 1 - (n - 1) * sum(o_ck, c != k) / sum(n_c * n_k, c != k).
    """
    disagreed = 0.0
    said: Counter[Hashable] = Counter()
    for unit in units:
        m = len(unit)
        if m < 2:
            continue
        counts = Counter(unit)
        said.update(counts)
        disagreed += sum(n * (m - n) for n in counts.values()) / (m - 1)
    n = said.total()
    if not n:
        return None
    expected = sum(count * (n - count) for count in said.values())
    return 1 - (n - 1) * disagreed / expected if expected else 1.0


def units(people: Sequence[Sequence[Said]]) -> list[list[int | None]]:
    """The things on one picture that these people marked, and what each says of it.

    Boxes are one thing where they overlap by half, whatever their labels; who drew none says None.
    Nothing on it for anybody: one thing of which all say None, so that agreement counts. Boxes are
    joined to the thing they overlap most, in the order of the people.
    """
    things: list[dict[int, Said]] = []
    for person, said in enumerate(people):
        for box in said:
            best = _best(box, things, person)
            if best is None:
                things.append({person: box})
            else:
                best[person] = box
    if not things:
        return [[None] * len(people)]
    return [[t[p].label if p in t else None for p in range(len(people))] for t in things]


def _best(box: Said, things: list[dict[int, Said]], person: int) -> dict[int, Said] | None:
    """The thing without a box of this person that overlaps most with the box, by half at least."""
    free = [thing for thing in things if person not in thing]
    found, most = None, 0.5
    for thing in free:
        same = [Said(0, one.box) for one in thing.values()]
        iou = float(overlaps([Said(0, box.box)], same).max())
        if iou >= most:
            found, most = thing, iou
    return found
