"""A space without pairs: each modality compared with itself, by looks or by sound alone.

Nothing is taught. Numbers are whitened, which helps comparing by cosines (Jégou and Chum 2012,
"Negative evidences and co-occurences in image retrieval: the benefit of PCA and whitening"), and
parts are clustered to codes, so that what two items share can be said as in a taught space. numpy
only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from analysis.crossmodal.clusters import clustered, squares
from analysis.crossmodal.items import Items, Whitening, check_spread, left_out
from analysis.crossmodal.space import (
    Head,
    Placed,
    Side,
    Space,
    continuous_scores,
    discrete_scores,
    pair_name,
)
from analysis.crossmodal.types import Floats
from analysis.errors import AnalysisError

LEAST_ITEMS = 8  # of a modality; with fewer every one is as far from every other
_SUMMARY_AXES, _PART_AXES = 256, 64
_AN_AXIS = 4  # items, or parts: with fewer all whitened items lie equally far apart
_POWER = 0.5  # as spaces are taught: whitened altogether, the smallest axes are mostly noise
_FITTED = 40_000  # parts, to cluster and to whiten by
_A_CODE = 48  # parts: a code is to fire on some items, not on one
_SHARED = 4.0  # codes that a part falls to, as a perplexity
_FAR = 30.0  # between the codes of two modalities, beyond the farthest part
_BESIDE = 256  # codes of a modality that stands beside those that were taught
_FROM = 400  # items, by which the weight of codes is set


def untaught(
    kinds: Mapping[str, Items],
    *,
    codes: int = 1024,
    seed: int = 0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Space:
    """A space from the encodings of one or more modalities; clips come in as pictures do.

    Each modality has codes of its own, an even share of at most `codes`, and fewer where there are
    few parts: nothing shows which picture belongs to which sound, so a code that both fell to would
    tell of agreement where there is none. The shares lie apart in one number for each modality, so
    that no part falls to another's.

    Summaries and parts are whitened; codes are the centres of whitened parts by k-means in small
    batches (Sculley 2010) from k-means++ (Arthur and Vassilvitskii 2007). Parts are scaled so that
    one falls to four codes on average, by the perplexity of its distribution, as neighbours are
    counted in t-SNE (van der Maaten and Hinton 2008). Codes count so much that they move a score
    as far as the cosine does.

    Raises AnalysisError where there is too little, or all the same; Stopped.
    """
    if not kinds or codes < 2 * len(kinds):
        raise ValueError(f"{codes} codes for {len(kinds)} modalities")
    heads: dict[str, tuple[Head, Head]] = {}
    centres: dict[str, Floats] = {}
    for name, items in kinds.items():
        if len(items) < LEAST_ITEMS:
            raise AnalysisError(
                f"There are {len(items)} × {name}, and {LEAST_ITEMS} are needed to tell what sets "
                "them apart."
            )
        check_spread(items)
        rng = np.random.default_rng(seed)
        heads[name], centres[name] = _fitted(items, codes // len(kinds), rng, should_stop)
    space = _together(kinds, heads, centres)
    weights = {pair_name(name, name): _weight(space, name, items) for name, items in kinds.items()}
    return replace(space, weights=weights).with_clips()


def with_untaught(
    taught: Space, kinds: Mapping[str, Items], should_stop: Callable[[], bool] = lambda: False
) -> Space:
    """A taught space that knows other modalities as well, each compared with itself alone, as in
    `untaught`: so that nothing that could be compared before is lost by teaching.

    What it was taught with lies where it lay. Raises as `untaught` does.
    """
    if not kinds:
        return taught
    taught = _of_temperature_one(taught)
    codes = max(_BESIDE * len(kinds), 2 * len(kinds))
    other = untaught(kinds, codes=codes, should_stop=should_stop)
    size = max(_sizes(taught)[0], _sizes(other)[0])
    width = max(taught.codebook.shape[1], other.codebook.shape[1])
    reach = float(np.linalg.norm(taught.codebook, axis=1).max())
    reach += float(np.linalg.norm(other.codebook, axis=1).max()) + _FAR
    apart = {id(taught): 0.0, id(other): reach}  # in the last number
    sides: dict[str, Side] = {}
    rows = []
    for space in (taught, other):
        for name, side in space.sides.items():
            bias = np.zeros(width + 1, np.float32)
            bias[: len(side.parts.bias)] = side.parts.bias
            bias[-1] = apart[id(space)]
            parts = _widened(side.parts, width + 1, bias)
            summary = _widened(side.summary, size, _padded(side.summary.bias, size))
            sides[name] = replace(side, summary=summary, parts=parts)
        own = np.zeros((len(space.codebook), width + 1), np.float32)
        own[:, : space.codebook.shape[1]] = space.codebook
        own[:, -1] = apart[id(space)]
        rows.append(own)
    banks = {
        name: Placed(
            np.pad(bank.continuous, ((0, 0), (0, size - bank.continuous.shape[1]))),
            np.pad(bank.codes, ((0, 0), (0, len(other.codebook)))),
        )
        for name, bank in taught.banks.items()
    }
    return Space(
        sides,
        np.concatenate(rows),
        1.0,
        {**taught.weights, **other.weights},
        banks,
        {**taught.about, "untaught": sorted(kinds)},
        (*taught.compared(), *other.compared()),
    )


def _of_temperature_one(space: Space) -> Space:
    """The same space with its parts and codes as much farther apart as it is colder."""
    by = np.float32(1 / space.temperature)
    sides = {
        name: replace(
            side,
            parts=replace(
                side.parts,
                straight=side.parts.straight * by,
                bias=side.parts.bias * by,
                outer=side.parts.outer * by,
            ),
        )
        for name, side in space.sides.items()
    }
    return replace(space, sides=sides, codebook=space.codebook * by, temperature=1.0)


def _sizes(space: Space) -> tuple[int, int]:
    """Numbers of a vector, and of a code."""
    side = next(iter(space.sides.values()))
    return side.summary.straight.shape[1], side.parts.straight.shape[1]


def _padded(x: Floats, size: int) -> Floats:
    return np.pad(x, (0, size - len(x)))


def _fitted(
    items: Items, most: int, rng: np.random.Generator, should_stop: Callable[[], bool]
) -> tuple[tuple[Head, Head], Floats]:
    """Heads of a modality's summaries and parts, and its codes."""
    summaries = _whitening(items.summaries, _SUMMARY_AXES)
    rows = np.sort(rng.permutation(len(items.parts))[:_FITTED])
    some = np.asarray(items.parts[rows], np.float32)
    whitening = _whitening(some, _PART_AXES)
    x = whitening(some)
    centres = clustered(x, min(most, max(len(x) // _A_CODE, 2)), rng, should_stop)
    scale = _scale(x[rng.permutation(len(x))[:2000]], centres)
    parts = Whitening(whitening.mean, whitening.basis * np.float32(scale))
    return (_head(summaries), _head(parts)), centres * np.float32(scale)


def _whitening(x: np.ndarray, most: int) -> Whitening:
    return Whitening.fitted(x, max(min(most, len(x) // _AN_AXIS), 2), _POWER)


def _head(whitening: Whitening) -> Head:
    """Whitened numbers as they are."""
    size = whitening.basis.shape[1]
    none = np.zeros(0, np.float32)
    return Head(
        whitening,
        np.eye(size, dtype=np.float32),
        np.zeros(size, np.float32),
        none.reshape(size, 0),
        none,
        none.reshape(0, size),
    )


def _scale(x: Floats, centres: Floats) -> float:
    """By what parts and codes are multiplied so that a part falls to `_SHARED` codes."""
    far = np.sqrt(squares(x, centres))
    least, most = 1e-3, 1e4
    for _ in range(40):
        scale = float(np.sqrt(least * most))
        shared = _perplexity(far * np.float32(scale))
        least, most = (scale, most) if shared > _SHARED else (least, scale)
    return scale


def _perplexity(far: Floats) -> float:
    fires = np.exp(far.min(1, keepdims=True) - far)
    share = fires / fires.sum(1, keepdims=True)
    return float(np.exp(-(share * np.log(np.maximum(share, 1e-12))).sum(1)).mean())


def _together(
    kinds: Mapping[str, Items],
    heads: Mapping[str, tuple[Head, Head]],
    centres: Mapping[str, Floats],
) -> Space:
    """One codebook, in which each modality has a number of its own that sets it apart."""
    size = max(summary.straight.shape[1] for summary, _ in heads.values())
    width = max(codes.shape[1] for codes in centres.values())
    reach = max(float(np.sqrt(squares(codes, codes).max())) for codes in centres.values()) + _FAR
    apart = reach * np.eye(len(kinds), dtype=np.float32) if len(kinds) > 1 else np.zeros((1, 0))
    sides, rows = {}, []
    for (name, items), own in zip(kinds.items(), np.asarray(apart, np.float32), strict=True):
        summary, parts = heads[name]
        gate = np.zeros(parts.whitening.basis.shape[1] + 1, np.float32)
        bias = np.concatenate([np.zeros(width, np.float32), own])
        wide = _widened(parts, len(bias), bias)
        sides[name] = Side(items.engine, _widened(summary, size), wide, gate)
        codes = centres[name]
        rows.append(np.tile(bias, (len(codes), 1)))
        rows[-1][:, : codes.shape[1]] = codes
    pairs = tuple(pair_name(name, name) for name in kinds)
    about = {"told": _told(kinds), "items": {name: len(items) for name, items in kinds.items()}}
    return Space(sides, np.concatenate(rows), 1.0, {}, {}, about, pairs)


def _widened(head: Head, size: int, bias: Floats | None = None) -> Head:
    """With numbers that are 0, or the bias, at its end."""
    straight = np.zeros((len(head.straight), size), np.float32)
    straight[:, : head.straight.shape[1]] = head.straight
    outer = np.zeros((len(head.outer), size), np.float32)
    outer[:, : head.outer.shape[1]] = head.outer
    return Head(
        head.whitening,
        straight,
        np.zeros(size, np.float32) if bias is None else bias,
        head.inner,
        head.inner_bias,
        outer,
    )


def _told(kinds: Mapping[str, Items]) -> list[str]:
    told = [
        left_out(items.blanks, name, "nothing to see or hear in them")
        for name, items in kinds.items()
        if items.blanks
    ]
    for one, other in combinations(kinds, 2):
        told.append(f"Nothing shows which {one} belongs to which {other}: they are not compared.")
    return told


def _weight(space: Space, name: str, items: Items) -> float:
    """Of the codes beside the cosine: they move a score as far."""
    rows = np.linspace(0, len(items) - 1, min(len(items), _FROM)).astype(np.int64)
    placed: Placed = space.place(name, items.chosen(np.unique(rows)))
    others = ~np.eye(len(placed), dtype=bool)
    near = float(continuous_scores(placed, placed)[others].std())
    codes = float(discrete_scores(placed, placed)[others].std())
    return round(near / codes, 6) if codes > 1e-9 else 0.0
