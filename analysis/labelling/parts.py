"""Tracks that several people drew in parts of one film, joined where the parts meet.

Parts overlap by some frames. Two tracks are one thing when they have the same label and overlap in
those frames: mean intersection over union of at least a half over the shared frames where either
is there, a frame without the other counting nothing. Pairs are taken greedily by falling overlap,
each track in one at most (the greedy matching of Bernardin and Stiefelhagen, “Evaluating Multiple
Object Tracking Performance”, 2008). Where another pair is nearly as good, or a track has no
partner, nothing is guessed: it is a `Doubt` for a person. Numpy only, so that pages may ask too.

A track that is nowhere in the shared frames cannot be told from two: give more overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis.boxes import ious
from analysis.labelling.interpolation import Box

SAME_IOU = 0.5
MARGIN = 0.1  # of mean overlap: two pairs closer than that cannot be told apart

Name = tuple[int, str]  # the position of a part, and the name of a track in it


@dataclass(frozen=True, slots=True)
class Track:
    """A thing in a part: its box on each frame of the part where it is there."""

    label: int
    boxes: Mapping[int, Box]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a film: the times of its frames in seconds, rising, and what was drawn."""

    times_s: Sequence[float]
    tracks: Mapping[str, Track]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a person has to say: whether `one` and `other` are one thing; without `other`, whether
    `one` is right, which only one of two parts has. `time_s`: a shared frame where it is seen."""

    one: Name
    other: Name | None
    time_s: float


@dataclass(slots=True)
class Joined:
    """`numbers`: what each track is called in the whole film, from 1; joined ones share theirs."""

    numbers: dict[Name, int] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)


def join(
    parts: Sequence[Part], decided: Mapping[tuple[Name, Name | None], bool] | None = None
) -> Joined:
    """Join the tracks of parts that follow each other in time.

    decided: what people said of a doubt, (one, other) → whether they are the same; (one, None) →
    it is right as it is. Parts without shared frames have nothing to join.
    """
    decided = decided or {}
    leader: dict[Name, Name] = {
        (i, name): (i, name) for i, part in enumerate(parts) for name in part.tracks
    }
    joined = Joined()
    for i in range(len(parts) - 1):
        for one, other in _meet(parts, i, decided, joined.doubts):
            leader[_first(leader, other)] = _first(leader, one)
    for name in leader:  # in the order of the parts and of their tracks
        first = _first(leader, name)
        joined.numbers[name] = joined.numbers.get(first) or len(set(joined.numbers.values())) + 1
    return joined


def _first(leader: dict[Name, Name], name: Name) -> Name:
    while leader[name] != name:
        name = leader[name]
    return name


def _meet(
    parts: Sequence[Part],
    i: int,
    decided: Mapping[tuple[Name, Name | None], bool],
    doubts: list[Doubt],
) -> list[tuple[Name, Name]]:
    """The pairs between part `i` and the next; what cannot be said is added to `doubts`."""
    first, second = parts[i], parts[i + 1]
    shared = shared_frames(first.times_s, second.times_s)
    scores = _scores(first, second, shared)
    named = {((i, a), (i + 1, b)): score for (a, b), score in scores.items()}
    pairs = [pair for pair, is_same in decided.items() if is_same and pair in named]
    used = {name for pair in pairs for name in pair}
    open_ = {p: s for p, s in named.items() if s >= SAME_IOU and decided.get(p) is not False}
    for pair in sorted(open_, key=lambda p: (-open_[p], p)):
        if used & set(pair):
            continue
        rivals = [p for p in open_ if p != pair and set(p) & set(pair) and not used & set(p)]
        if any(open_[rival] > open_[pair] - MARGIN for rival in rivals):
            doubts.append(Doubt(pair[0], pair[1], _seen(first, pair[0][1], shared, 0)))
            continue
        pairs.append(pair)
        used |= set(pair)
    doubtful = {name for doubt in doubts for name in (doubt.one, doubt.other)}
    for side, (position, part) in enumerate(((i, first), (i + 1, second))):
        for name in part.tracks:
            whole = (position, name)
            is_there = any(pair[side] in part.tracks[name].boxes for pair in shared)
            if is_there and whole not in used | doubtful and (whole, None) not in decided:
                doubts.append(Doubt(whole, None, _seen(part, name, shared, side)))
    return pairs


def shared_frames(first: Sequence[float], second: Sequence[float]) -> list[tuple[int, int]]:
    """The frames that two parts have both, as numbers in the one and in the other."""
    places = {round(time * 1e6): number for number, time in enumerate(second)}
    found = ((number, places.get(round(time * 1e6))) for number, time in enumerate(first))
    return [(number, other) for number, other in found if other is not None]


def _scores(
    first: Part, second: Part, shared: Sequence[tuple[int, int]]
) -> dict[tuple[str, str], float]:
    """Mean overlap of each two tracks of one label, over the shared frames where either is."""
    scores = {}
    for a, one in first.tracks.items():
        for b, other in second.tracks.items():
            if one.label != other.label:
                continue
            both = [(one.boxes.get(i), other.boxes.get(j)) for i, j in shared]
            there = [pair for pair in both if pair != (None, None)]
            if there:
                met = [(x, y) for x, y in there if x is not None and y is not None]
                total = sum(float(ious([x], [y])[0, 0]) for x, y in met)
                scores[a, b] = total / len(there)
    return scores


def _seen(part: Part, name: str, shared: Sequence[tuple[int, int]], side: int) -> float:
    boxes = part.tracks[name].boxes
    number = next((pair[side] for pair in shared if pair[side] in boxes), shared[0][side])
    return float(part.times_s[number])
