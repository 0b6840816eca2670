"""Paired features → places where a reference may be, and how well each place holds up.

One pair of keypoints already says where the whole logo would be, how large and how turned (Lowe
2004, §7.3). Pairs of one label that say the same are a hypothesis; its place is then fitted, and
every further feature found where the place predicts it is counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.features import Features, Floats, Index, Ints, Pairs, Reference

Place = NDArray[np.float64]  # (2, 3): pixels of the reference → pixels of the frame

_RATIO = 0.9  # a pair counts where it is this much nearer than the nearest rival
_PAIRS = 300  # of one label, the most telling
_MOVED = 0.3  # of the logo's size: how far two pairs may disagree about its middle
_RESIZED = 0.45  # natural logarithm
_TURNED = 0.45  # radians
_ALIKE = 0.75  # cosine of two descriptors at a predicted place
_STRETCHED = 4.0  # the most a logo may be narrowed by perspective


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """A block that may be at one place in the frame."""

    block: int
    frame: Ints  # frame features that say so
    inner: Ints  # and their partners in the block
    weight: Floats
    votes: int  # different frame features, over all blocks of the label
    support: float  # their weights together
    blocks: int  # how many blocks of the label agree


class Votes(NamedTuple):
    """Where each of m pairs puts the logo."""

    frame: Ints
    block: Ints
    inner: Ints
    weight: Floats
    x: Floats
    y: Floats
    size: Floats  # natural logarithm of pixels
    turn: Floats

    def some(self, which: NDArray) -> Votes:
        return Votes(*(column[which] for column in self))


class Agreement(NamedTuple):
    """Features of the frame and of a block that are where a place predicts them."""

    frame: Ints
    inner: Ints
    off: Floats  # how far from the prediction, in sizes of the logo
    likeness: Floats


def find_hypotheses(
    index: Index, features: Features, pairs: Pairs, per_label: int
) -> list[Hypothesis]:
    """Everything that at least one telling pair says, best supported first."""
    votes = _votes(index, features, pairs)
    labels = index.labels[votes.block]
    found = [
        hypothesis
        for label in np.unique(labels)
        for hypothesis in _groups(votes.some(labels == label), per_label)
    ]
    return sorted(found, key=lambda h: -h.support)


def _votes(index: Index, features: Features, pairs: Pairs) -> Votes:
    frame, block = np.nonzero(pairs.distance < _RATIO * pairs.rival)
    inner = pairs.nearest[frame, block]
    ratio = pairs.distance[frame, block] / pairs.rival[frame, block]
    weight = np.clip((1 - ratio) / 0.3, 0.05, 1)
    scale = features.size[frame] / index.size[block, inner]
    turn = features.angle[frame] - index.angle[block, inner]
    arm = (index.centre[block] - index.xy[block, inner]) * scale[:, None]
    x = features.xy[frame, 0] + np.cos(turn) * arm[:, 0] - np.sin(turn) * arm[:, 1]
    y = features.xy[frame, 1] + np.sin(turn) * arm[:, 0] + np.cos(turn) * arm[:, 1]
    return Votes(frame, block, inner, weight, x, y, np.log(scale * index.unit[block]), turn)


def _groups(votes: Votes, limit: int) -> Iterator[Hypothesis]:
    """The largest group of agreeing votes of one label, then the largest of the rest, …"""
    votes = votes.some(np.argsort(-votes.weight, kind="stable")[:_PAIRS])
    agree = _agreement(votes)
    free = np.ones(len(votes.frame), bool)
    for _ in range(limit):
        support = (agree & free) @ votes.weight
        support[~free] = 0
        best = int(support.argmax())
        if support[best] <= 0:
            return
        group = votes.some(np.flatnonzero(agree[best] & free))
        free &= ~agree[best]
        yield _hypothesis(group, float(support[best]))


def _agreement(votes: Votes) -> NDArray[np.bool_]:
    """(m, m): which votes say about the same. A logo and its negative never do."""
    size = np.exp((votes.size[:, None] + votes.size) / 2)
    apart = np.hypot(votes.x[:, None] - votes.x, votes.y[:, None] - votes.y)
    negative = votes.block % 2
    return (
        (apart < _MOVED * size)
        & (np.abs(votes.size[:, None] - votes.size) < _RESIZED)
        & (np.abs(_turn_between(votes.turn[:, None], votes.turn)) < _TURNED)
        & (negative[:, None] == negative)
    )


def _hypothesis(group: Votes, support: float) -> Hypothesis:
    """The group's best block stands for it."""
    blocks = np.unique(group.block)
    weights = [group.weight[group.block == block].sum() for block in blocks]
    best = int(blocks[int(np.argmax(weights))])
    own = group.some(group.block == best)
    return Hypothesis(
        best, own.frame, own.inner, own.weight, len(np.unique(group.frame)), support, len(blocks)
    )


def fit(index: Index, features: Features, hypothesis: Hypothesis) -> tuple[Place, Agreement]:
    """Where the hypothesis puts its reference, and what agrees with that.

    Two rounds: pairs found where the last place predicts them give the next place, first as a
    similarity, and as an affine map once there are enough of them.
    """
    block = hypothesis.block
    reference = index.references[block // 2]
    pairs = hypothesis.frame, hypothesis.inner
    place = _fit_similarity(index, features, block, *pairs, hypothesis.weight)
    for tolerance, enough in ((0.12, 6), (0.08, 4)):
        found = find_agreement(index, features, block, place, tolerance)
        if len(found.frame) < 2:
            break
        pairs = found.frame, found.inner
        if len(found.frame) >= enough:
            better = _fit_affine(index, features, block, *pairs, found.likeness, place)
        else:
            better = _fit_similarity(index, features, block, *pairs, found.likeness)
        if not is_plausible(better, reference):
            break
        place = better
    return place, find_agreement(index, features, block, place, 0.06)


def is_plausible(place: Place, reference: Reference) -> bool:
    """Whether a flat thing seen by a camera could be placed so."""
    stretch = np.linalg.svd(place[:, :2], compute_uv=False)
    is_mirrored = np.linalg.det(place[:, :2]) <= 0
    return not is_mirrored and stretch[0] < _STRETCHED * stretch[1] and scale_of(place) > 1e-3


def scale_of(place: Place) -> float:
    """Pixels of the frame for one of the reference."""
    (a, b), (c, d) = place[:, :2]
    return math.sqrt(abs(a * d - b * c))


def turn_of(place: Place) -> float:
    """How far the logo is turned, radians clockwise, -π to π."""
    return math.atan2(place[1, 0] - place[0, 1], place[0, 0] + place[1, 1])


def _fit_similarity(
    index: Index, features: Features, block: int, frame: Ints, inner: Ints, weight: Floats
) -> Place:
    """Least squares over points, held to what the keypoints say of scale and direction.

    One pair is enough; the more points lie apart, the less the keypoints' own word counts.
    """
    w = weight.astype(np.float64) / weight.sum()
    p = index.xy[block, inner].astype(np.float64) @ (1, 1j)
    q = features.xy[frame].astype(np.float64) @ (1, 1j)
    scale = features.size[frame] / index.size[block, inner]
    turn = features.angle[frame] - index.angle[block, inner]
    said = np.exp(w @ np.log(scale)) * np.exp(1j * np.angle(w @ np.exp(1j * turn)))
    p_mean, q_mean = w @ p, w @ q
    spread = w @ np.abs(p - p_mean) ** 2
    held = 15.0**2 / len(p)
    z = (w @ ((q - q_mean) * np.conj(p - p_mean)) + held * said) / (spread + held)
    t = q_mean - z * p_mean
    return np.array([[z.real, -z.imag, t.real], [z.imag, z.real, t.imag]])


def _fit_affine(
    index: Index,
    features: Features,
    block: int,
    frame: Ints,
    inner: Ints,
    weight: Floats,
    place: Place,
) -> Place:
    """Least squares held near `place`, with far-off pairs weighted down (Cauchy), three rounds."""
    centre, unit = index.centre[block].astype(np.float64), float(index.unit[block])
    x = np.c_[(index.xy[block, inner] - centre) / unit, np.ones(len(inner))]
    base = np.c_[place[:, :2] * unit, place[:, :2] @ centre + place[:, 2]]
    y = features.xy[frame] - x @ base.T
    w = weight.astype(np.float64)
    held = np.diag([0.15, 0.15, 0.02])
    for _ in range(3):
        change = np.linalg.solve(x.T @ (x * w[:, None]) + held, x.T @ (y * w[:, None]))
        off = np.sqrt(((y - x @ change) ** 2).sum(1))
        w = weight / (1 + (off / (2 * max(float(np.median(off)), 0.5))) ** 2)
    fitted = base + change.T
    linear = fitted[:, :2] / unit
    return np.c_[linear, fitted[:, 2] - linear @ centre]


def find_agreement(
    index: Index, features: Features, block: int, place: Place, tolerance: float
) -> Agreement:
    """Pairs that look alike and lie where `place` predicts, each feature used once at most.

    tolerance: in sizes of the logo.
    """
    n = len(index.references[block // 2].features)
    linear, shift = place[:, :2].astype(np.float32), place[:, 2].astype(np.float32)
    predicted = index.xy[block, :n] @ linear.T + shift
    scale, turn = scale_of(place), turn_of(place)
    reach = np.float32(tolerance * index.unit[block] * scale)
    near = (features.xy >= predicted.min(0) - reach) & (features.xy <= predicted.max(0) + reach)
    candidates = np.flatnonzero(near.all(1))
    # Few pairs lie close enough: only theirs are compared.
    x = features.xy[candidates, :1] - predicted[:, 0]
    y = features.xy[candidates, 1:] - predicted[:, 1]
    row, inner = np.nonzero(x * x + y * y < reach * reach)
    frame, off = candidates[row], np.hypot(x[row, inner], y[row, inner]) * (tolerance / reach)
    likeness = np.einsum("ij,ij->i", features.descriptors[frame], index.descriptors[block, inner])
    alike = np.flatnonzero(likeness > _ALIKE)
    inner, frame, off, likeness = inner[alike], frame[alike], off[alike], likeness[alike]
    resized = np.abs(np.log(features.size[frame] / (index.size[block, inner] * scale)))
    turned = np.abs(_turn_between(features.angle[frame] - turn, index.angle[block, inner]))
    fits = np.flatnonzero((resized < 0.6) & (turned < 0.6))
    order = fits[np.argsort(0.5 * off[fits] - likeness[fits], kind="stable")]
    kept = order[_first_of(frame[order]) & _first_of(inner[order])]
    return Agreement(frame[kept], inner[kept], off[kept], likeness[kept])


def _first_of(values: Ints) -> NDArray[np.bool_]:
    """True where a value occurs for the first time."""
    first = np.zeros(len(values), bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def _turn_between(a: Floats, b: Floats) -> Floats:
    return (a - b + math.pi) % (2 * math.pi) - math.pi
