"""What of an item stands for it as a whole: numbers of its encoder, which kinds its parts are of,
and which words it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal import words
from analysis.crossmodal.clusters import clustered, squares
from analysis.crossmodal.items import Items, Whitening, pooled_roots
from analysis.crossmodal.types import Floats

_KINDS, _AXES = 256, 96
_A_KIND = 24  # parts: a kind is to stand for some, not for one
_FITTED = 4000  # parts, to whiten by
_CLUSTERED = 40_000
_REACH = 0.25  # of the spread of a part's distances
_AT_ONCE = 256  # items
_KINDS_COUNT, _WORDS_COUNT = 0.5, 0.7  # beside the numbers of the encoder


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Kinds of parts, as the visual words of Sivic and Zisserman 2003: centres (V, k) of whitened
    parts. reach: the distance by which a part is e times less of a kind."""

    whitening: Whitening
    centres: Floats
    reach: float

    def __call__(self, items: Items) -> Floats:
        """How much of each item is of each kind, (N, V): the root of it (Hellinger), so that what
        there is much of does not drown what there is little of."""
        found = np.empty((len(items), len(self.centres)), np.float32)
        for at in range(0, len(items), _AT_ONCE):
            ends = items.offsets[at : at + _AT_ONCE + 1]
            share = self.shares(items.parts[ends[0] : ends[-1]])
            total = np.add.reduceat(share, ends[:-1] - ends[0])
            found[at : at + _AT_ONCE] = np.sqrt(total / np.diff(ends)[:, None])
        return found

    def shares(self, parts: NDArray[np.floating]) -> Floats:
        """How much each part (n, P) is of each kind: (n, V), rows add up to 1."""
        far = np.sqrt(squares(self.whitening(parts), self.centres)) / np.float32(self.reach)
        share = np.exp(far.min(1, keepdims=True) - far)
        return np.asarray(share / share.sum(1, keepdims=True), np.float32)

    @classmethod
    def fitted(cls, items: Items) -> Kinds | None:
        """Of the parts of some items; None where they are too few. The same items give the same."""
        rng = np.random.default_rng(0)
        rows = np.sort(rng.permutation(len(items.parts))[:_CLUSTERED])
        kinds = min(_KINDS, len(rows) // _A_KIND)
        if kinds < 2:
            return None
        some = rng.permutation(rows)[:_FITTED]
        whitening = Whitening.fitted(items.parts[some], _AXES, 0.5, of_roots=True)
        x = whitening(items.parts[rows])
        centres = clustered(x, kinds, rng, lambda: False)
        spread = float(np.sqrt(squares(x[:_FITTED], centres)).std(1).mean())
        return cls(whitening, centres, max(_REACH * spread, 1e-6))

    def tensors(self, name: str) -> dict[str, Floats]:
        return {
            f"{name}.mean": self.whitening.mean,
            f"{name}.basis": self.whitening.basis,
            f"{name}.centres": self.centres,
            f"{name}.reach": np.array([self.reach], np.float32),
        }

    @classmethod
    def read(cls, tensors: Mapping[str, Floats], name: str) -> Kinds | None:
        """None where there are none. Raises KeyError."""
        if f"{name}.centres" not in tensors:
            return None
        whitening = Whitening(tensors[f"{name}.mean"], tensors[f"{name}.basis"], of_roots=True)
        return cls(whitening, tensors[f"{name}.centres"], float(tensors[f"{name}.reach"][0]))


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What stands for an item. pools: the mean of its parts' roots, instead of its summary. kinds:
    and of which kinds its parts are; has_words: and the words that it holds."""

    pools: bool = False
    has_words: bool = False
    kinds: Kinds | None = None

    def __call__(self, items: Items) -> Floats:
        """(N, S), one after the other."""
        found = [pooled_roots(items) if self.pools else items.summaries]
        if self.kinds is not None:
            found.append(self.kinds(items))
        if self.has_words:
            none = np.zeros((len(items), words.SIZE), np.uint8)
            said = none if items.words is None else items.words
            found.append(said.astype(np.float32))
        return np.hstack(found) if len(found) > 1 else found[0]

    def parted(self, x: Floats) -> list[Floats]:
        """What `__call__` gave, in its pieces."""
        sizes = [len(self.kinds.centres)] if self.kinds is not None else []
        sizes += [words.SIZE] if self.has_words else []
        ends = np.cumsum([x.shape[1] - sum(sizes), *sizes])[:-1]
        return np.split(x, ends, axis=1)

    def counts(self) -> list[float]:
        """How much each piece counts beside the first, which is 1."""
        return [1.0] + [_KINDS_COUNT] * (self.kinds is not None) + [_WORDS_COUNT] * self.has_words
