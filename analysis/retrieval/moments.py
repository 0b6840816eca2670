"""Passages that lie together become one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from analysis.retrieval.fusion import fuse

TOGETHER_S = 3.0  # passages no further apart are one moment
LONGEST_S = 60.0  # a moment grows no longer: who clicks wants to be where it is


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage that was found: where it is, and in which of the rankings."""

    key: int
    asset: Hashable
    start_s: float
    end_s: float


@dataclass(slots=True)
class Span:
    """Passages of one asset that lie together, by time."""

    asset: Hashable
    start_s: float
    end_s: float
    score: float = 0.0
    pieces: list[Piece] = field(default_factory=list)


def moments(
    pieces: Sequence[Piece],
    rankings: Sequence[Sequence[int]],
    weights: Sequence[float] | None = None,
) -> list[Span]:
    """The moments that the pieces make, best first: by reciprocal rank over all rankings, in each
    of which a moment stands where the first of its pieces does. Of equal score the longer list of
    pieces first, then the order in which the rankings named them. weights: of the rankings, as
    `fuse` takes them; a moment that is as near to what is unwanted is none."""
    spans = _merged(pieces)
    number = {piece.key: n for n, span in enumerate(spans) for piece in span.pieces}
    named = [[number[key] for key in ranking if key in number] for ranking in rankings]
    scores = fuse(named, weights=weights)
    for n, score in scores.items():
        spans[n].score = score
    return [spans[n] for n, score in scores.items() if score > 0]


def _merged(pieces: Sequence[Piece]) -> list[Span]:
    by_asset: dict[Hashable, list[Piece]] = defaultdict(list)
    for piece in {p.key: p for p in pieces}.values():
        by_asset[piece.asset].append(piece)
    spans: list[Span] = []
    for asset, some in by_asset.items():
        last: Span | None = None
        for piece in sorted(some, key=lambda p: (p.start_s, p.end_s, p.key)):
            if last is None or not _belongs(last, piece):
                last = Span(asset, piece.start_s, piece.end_s)
                spans.append(last)
            last.end_s = max(last.end_s, piece.end_s)
            last.pieces.append(piece)
    return spans


def _belongs(span: Span, piece: Piece) -> bool:
    is_near = piece.start_s <= span.end_s + TOGETHER_S
    return is_near and max(span.end_s, piece.end_s) - span.start_s <= LONGEST_S
