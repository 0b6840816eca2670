"""Where a text goes on to something else.

Of all ways to cut a text into parts, the one is taken whose parts are told in the fewest bits: each
part by the words that are frequent in it, and each cut at its price (Utiyama & Isahara, “A
statistical model for domain-independent text segmentation”, ACL 2001). It is found exactly, by
dynamic programming. Where there are vectors of the sentences, a part also pays for how far its
sentences lie from their mean (Alemi & Ginsparg, “Text segmentation based on semantic word
embeddings”, 2015).

Times play no part in it, so that the same words said twice as fast are cut at the same words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Price:
    """What a cut costs, and what counts beside words.

    cut: in units of the logarithm of the number of words, as Utiyama & Isahara have it: more makes
    fewer parts. smoothing: what is added to each word's count. vocabulary: words that might have
    been said, at the least: reckoned with only those of a short text, it would be cut for nothing.
    meaning: nats
    for each sentence that lies as far from the mean as it is long (vectors have length 1).
    shortest, longest: sentences of a part.
    """

    cut: float = 0.5
    smoothing: float = 0.8
    vocabulary: int = 700
    meaning: float = 1.0
    shortest: int = 1
    longest: int = 400


def boundaries(
    sentences: Sequence[Sequence[str]],
    vectors: Vectors | None = None,
    price: Price = Price(),
    *,
    may_cut: Callable[[int], bool] = lambda _: True,
    tick: Callable[[], None] = lambda: None,
) -> list[int]:
    """The sentences that begin something new, ascending; 0, which always does, is not among them.

    sentences: of each the words that count, in one form (see `analysis.text.language`). vectors:
    float32 (sentences, d), each of length 1. may_cut: whether a part may begin at a sentence.
    tick is called now and then, and may raise to stop. Needs time in proportion to the sentences
    times the longest part. Raises ValueError where vectors are not one a sentence.
    """
    n = len(sentences)
    if vectors is not None and len(vectors) != n:
        raise ValueError(f"{len(vectors)} vectors for {n} sentences")
    total = sum(map(len, sentences))
    if n < 2 or not total:
        return []
    kinds = max(len({word for sentence in sentences for word in sentence}), price.vocabulary)
    sums = _sums(vectors)
    cut = price.cut * log(max(total, 2))
    best = [0.0] + [inf] * n  # of the first so many sentences
    came_from = [0] * (n + 1)
    for start in range(n):
        if start % 64 == 0:
            tick()
        if best[start] == inf or (start and not may_cut(start)):
            continue
        costs = _costs(sentences, start, kinds, price)
        if sums is not None:
            costs = costs + price.meaning * _spread(sums, start, len(costs))
        for length, cost in enumerate(costs.tolist(), 1):
            end = start + length
            is_whole = start == 0 and end == n  # a text may be shorter than any part
            if length < price.shortest and not is_whole:
                continue
            if best[start] + cost + cut < best[end]:
                best[end], came_from[end] = best[start] + cost + cut, start
    return _back(came_from, n) if best[n] < inf else []


def _costs(
    sentences: Sequence[Sequence[str]], start: int, kinds: int, price: Price
) -> NDArray[np.float64]:
    """The nats that tell the words of each part that begins at `start`, by its length."""
    counts: defaultdict[str, int] = defaultdict(int)
    seen, told, costs, extra = 0, 0.0, [], price.smoothing
    for sentence in sentences[start : start + price.longest]:
        for word in sentence:
            f = counts[word]
            # f·log(f + extra) becomes (f + 1)·log(f + 1 + extra)
            told += (f + 1) * log(f + 1 + extra) - (f * log(f + extra) if f else 0.0)
            counts[word] = f + 1
        seen += len(sentence)
        costs.append(seen * log(seen + extra * kinds) - told)
    return np.array(costs)


def _sums(vectors: Vectors | None) -> NDArray[np.float64] | None:
    """Running sums of the vectors, from none to all."""
    if vectors is None:
        return None
    all_of_them = np.cumsum(vectors, axis=0, dtype=np.float64)
    return np.concatenate([np.zeros((1, vectors.shape[1])), all_of_them])


def _spread(sums: NDArray[np.float64], start: int, longest: int) -> NDArray[np.float64]:
    """Of each part that begins at `start`, how far its sentences lie from their mean, in all."""
    of_parts = sums[start + 1 : start + 1 + longest] - sums[start]
    lengths = np.arange(1, len(of_parts) + 1)
    return lengths - (of_parts**2).sum(axis=1) / lengths


def _back(came_from: Sequence[int], end: int) -> list[int]:
    found = []
    while (end := came_from[end]) > 0:
        found.append(end)
    return found[::-1]
