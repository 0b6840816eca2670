"""How much a network on tiles finds, beside what `detect` finds in the same differences."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.sky.detection import TRAILS
from analysis.sky.matching import Method
from analysis.sky.pairs import Pair
from analysis.sky.streaming import ScoreMap, search
from analysis.sky.tiles import PutIn, Seen, TileNetwork, put_in

By = Literal["network", "classical"]
SIGNALS = ((3.0, 8.0), (8.0, 30.0))  # of what is told apart
_WITHIN = 3.0  # pixels from the line from end to end
_NOWHERE = np.empty((0, 2))
_FAINTEST = 3.0  # that `detect` lists, before a threshold is chosen


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What was put into a copy of an exposure, and what each lists: the surest first."""

    made: PutIn
    listed: dict[str, Seen]  # by "network" and "classical"
    good: NDArray[np.bool_]  # what was put where neither picture is bad
    megapixels: float
    seconds: float  # of the network


class Share(NamedTuple):
    """Of trails or points of these signals, which share was found."""

    is_trail: bool
    low: float
    high: float
    number: int
    found: float


def frame(
    pair: Pair,
    network: TileNetwork,
    count: int,
    *,
    seed: int,
    method: Method = "zogy",
    known: NDArray[np.float64] = _NOWHERE,
) -> Frame:
    """A copy of the pair's new picture with so many things in it, looked at by both.

    known: (n, 2), x and y of what is new in the exposure itself, which is neither put in nor false.
    """
    made, pixels = put_in(pair, count, seed=seed)
    copy = replace(pair, new=replace(pair.new, pixels=pixels))
    found = ScoreMap(pixels.shape)
    points = search(
        copy, method, _FAINTEST, also_gone=False, misfit=np.inf, trails=TRAILS, each=found.take
    )
    begun = time.perf_counter()
    seen = network.look(copy, found)
    seconds = time.perf_counter() - begun
    zeros = np.zeros(len(points))
    x, y = (place.round().astype(int) for place in made.middle)
    height, width = found.bad.shape
    good = ~found.bad[y.clip(0, height - 1), x.clip(0, width - 1)]
    classical = Seen(points.x, points.y, zeros, zeros, points.score)
    listed = {
        "network": _without(seen, known, made),
        "classical": _without(classical, known, made),
    }
    return Frame(made, listed, good, pixels.size / 1e6, seconds)


def _without(seen: Seen, known: NDArray[np.float64], made: PutIn) -> Seen:
    """What is listed but what is known, where nothing was put."""
    apart = np.hypot(seen.x[:, None] - known[:, 0], seen.y[:, None] - known[:, 1])
    is_known = apart.min(axis=1, initial=np.inf) <= _WITHIN
    kept = ~is_known | (_away(made, seen) <= _WITHIN).any(axis=0)
    return Seen(*(getattr(seen, column.name)[kept] for column in fields(Seen)))


def limit_of(frames: Sequence[Frame], by: By, false_per_megapixel: float) -> float:
    """How sure one has to be for so many false ones a megapixel; -∞ where there are fewer."""
    false = np.concatenate([_false(one, by) for one in frames])
    most = round(false_per_megapixel * sum(one.megapixels for one in frames))
    return float(np.sort(false)[::-1][most]) if len(false) > most else -np.inf


def shares(frames: Sequence[Frame], limits: dict[str, float]) -> list[Share]:
    """Of points and of trails, faint and bright, what is found above the limit. limits: by who
    lists; of several what any of them finds counts."""
    found = []
    for is_trail in (False, True):
        for low, high in SIGNALS:
            hits = np.concatenate(
                [_hits(one, limits)[_of(one, is_trail, low, high)] for one in frames]
            )
            share = float(hits.mean()) if len(hits) else float("nan")
            found.append(Share(is_trail, low, high, len(hits), share))
    return found


def _of(one: Frame, is_trail: bool, low: float, high: float) -> NDArray[np.bool_]:
    length = np.hypot(one.made.x1 - one.made.x0, one.made.y1 - one.made.y0)
    signal = one.made.signal
    return np.asarray(one.good & ((length > 0) == is_trail) & (signal >= low) & (signal < high))


def _hits(one: Frame, limits: dict[str, float]) -> NDArray[np.bool_]:
    """Which of what was put in was found, shape (put in,)."""
    found = np.zeros(len(one.made.signal), np.bool_)
    for by, limit in limits.items():
        listed = one.listed[by]
        near = _away(one.made, listed) <= _WITHIN
        found |= (near & (listed.sure > limit)).any(axis=1)
    return found


def _false(one: Frame, by: str) -> NDArray[np.float64]:
    """How sure each listed thing is that nobody put there."""
    near = (_away(one.made, one.listed[by]) <= _WITHIN).any(axis=0)
    return np.asarray(one.listed[by].sure[~near], np.float64)


def _away(made: PutIn, seen: Seen) -> NDArray[np.float64]:
    """Pixels from each line to each listed place: shape (put in, listed)."""
    dx, dy = made.x1 - made.x0, made.y1 - made.y0
    length2 = np.maximum(dx**2 + dy**2, 1e-9)[:, None]
    to_x, to_y = seen.x - made.x0[:, None], seen.y - made.y0[:, None]
    along = ((to_x * dx[:, None] + to_y * dy[:, None]) / length2).clip(0, 1)
    return np.hypot(to_x - along * dx[:, None], to_y - along * dy[:, None])
