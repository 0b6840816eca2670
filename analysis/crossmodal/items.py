"""Encoded items that match across modalities: what a space is taught from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal import words
from analysis.crossmodal.types import Encoded, Floats
from analysis.errors import AnalysisError

Whole = NDArray[np.int64]
_ALIKE = 1e-6  # of the size of the numbers: a spread below this tells nothing apart
_POOLED = 256  # items at once
LEAST_GROUPS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """N items of one modality, as one encoder sees them.

    summaries: (N, S). parts: (M, P), those of item i from offsets[i] to offsets[i + 1]; offsets:
    int64 (N + 1,). groups: int64 (N,); items of one group match, whatever their modality: a
    picture, its mirror image, its captions, what is said of it. blanks: how many were left out
    because there is nothing in them. words: (N, `words.SIZE`), which words each holds, of items
    that are made of words.
    """

    modality: str
    engine: str
    summaries: Floats
    parts: NDArray[np.floating]
    offsets: Whole
    groups: Whole
    blanks: int = 0
    words: NDArray[np.uint8] | None = None

    @classmethod
    def of(
        cls, modality: str, engine: str, encoded: Sequence[Encoded], groups: Sequence[int]
    ) -> Items:
        """From what an encoder gave, without the blanks.

        Raises AnalysisError where none is left."""
        kept = [(one, group) for one, group in zip(encoded, groups, strict=True) if not one.blank]
        if not kept:
            why = encoded[0].blank if encoded else "There are none."
            raise AnalysisError(f"No {modality} can be learnt from. {why}")
        counts = [len(one.parts) for one, _ in kept]
        said = [[place.word for place in one.places] for one, _ in kept]
        return cls(
            modality,
            engine,
            np.stack([one.summary for one, _ in kept]),
            np.concatenate([one.parts for one, _ in kept]),
            np.cumsum([0, *counts]),
            np.array([group for _, group in kept], np.int64),
            len(encoded) - len(kept),
            np.stack([words.held(some) for some in said]) if any(map(any, said)) else None,
        )

    def __len__(self) -> int:
        return len(self.groups)

    def owners(self) -> Whole:
        """Which item each part belongs to: (M,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def chosen(self, rows: NDArray[np.integer]) -> Items:
        """Only some of them, in the order given."""
        rows = np.asarray(rows, np.int64)
        counts = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], counts)
        return Items(
            self.modality,
            self.engine,
            self.summaries[rows],
            self.parts[places],
            offsets,
            self.groups[rows],
            self.blanks,
            None if self.words is None else self.words[rows],
        )

    def of_groups(self, groups: Whole) -> Items:
        """Those of some groups."""
        return self.chosen(np.flatnonzero(np.isin(self.groups, groups)))

    @classmethod
    def joined(cls, some: Sequence[Items]) -> Items:
        """One after the other; all of one modality, by one encoder."""
        first = some[0]
        if any((one.modality, one.engine) != (first.modality, first.engine) for one in some):
            raise ValueError("items of different encoders")
        sizes = np.concatenate([np.diff(one.offsets) for one in some])
        said = [one.words for one in some if one.words is not None]
        return cls(
            first.modality,
            first.engine,
            np.concatenate([one.summaries for one in some]),
            np.concatenate([one.parts for one in some]),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate([one.groups for one in some]),
            sum(one.blanks for one in some),
            np.concatenate(said) if len(said) == len(some) else None,
        )


Pairs = Mapping[str, Items]  # by modality


def matched_groups(pairs: Pairs) -> Whole:
    """The groups with items of at least two modalities, in order."""
    sides = [np.unique(items.groups) for items in pairs.values()]
    groups, counts = np.unique(np.concatenate(sides), return_counts=True)
    return groups[counts > 1]


def checked(pairs: Pairs) -> tuple[dict[str, Items], list[str]]:
    """What can be learnt from, and sentences on what was left out.

    Raises AnalysisError where no space can be learnt from them: one side missing, too few, all the
    same, numbers that are none.
    """
    if len(pairs) < 2 or any(not len(items) for items in pairs.values()):
        have = ", ".join(name for name, items in pairs.items() if len(items)) or "nothing"
        raise AnalysisError(f"A pair has two sides, and there is only one here: {have}.")
    groups = matched_groups(pairs)
    if not len(groups):
        raise AnalysisError(
            f"None of these match: no {' and '.join(pairs)} have the same name in common."
        )
    if len(groups) < LEAST_GROUPS:
        raise AnalysisError(
            "There is a single pair, and nothing to tell it from. Add pairs: some hundreds at "
            "least, better thousands."
        )
    told, kept = [], {}
    for name, items in pairs.items():
        some = items.of_groups(groups)
        kept[name] = some
        check_spread(some)
        if items.blanks:
            told.append(left_out(items.blanks, name, "nothing to see or hear in them"))
        if len(items) > len(some):
            told.append(left_out(len(items) - len(some), name, "nothing matches them"))
    for a, b in combinations(kept, 2):
        if not len(np.intersect1d(kept[a].groups, kept[b].groups)):
            told.append(f"No {a} has a {b} of its own: they meet only by way of the others.")
    return kept, told


def left_out(n: int, name: str, why: str) -> str:
    """What was not learnt from, as a sentence: “2 pictures left out: nothing matches them.”"""
    one = f"{n:,} {name}{'s' if n > 1 else ''}"
    return f"{one} left out: {why if n > 1 else why.removesuffix('them') + 'it'}."


def check_spread(items: Items) -> None:
    """Raises AnalysisError where all of these are the same, or their numbers are none."""
    for numbers in (items.summaries, items.parts):
        if not np.isfinite(numbers).all():
            raise AnalysisError(
                f"Some {items.modality} were encoded to numbers that are none (NaN). Encode them "
                "again."
            )
    size = float(np.abs(items.summaries).max(initial=0.0))
    spread = float(items.summaries.std(0).max(initial=0.0)) if len(items) else 0.0
    if len(items) > 1 and spread <= _ALIKE * max(size, _ALIKE):
        raise AnalysisError(
            f"Every {items.modality} looks the same to the encoder: there is nothing to learn from."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """Numbers without their mean, turned to their principal axes and scaled: x → (x − mean) ·
    basis, where mean is (S,) and basis (S, k). of_roots: of their `roots`."""

    mean: Floats
    basis: Floats
    of_roots: bool = False

    @classmethod
    def fitted(
        cls, x: NDArray[np.floating], most: int, power: float = 1.0, *, of_roots: bool = False
    ) -> Whitening:
        """k ≤ most axes of (n, S) data; each is divided by its spread to the given power (1: all
        alike, 0: as they are), and all are scaled to a mean square of 1."""
        x = roots(x) if of_roots else np.asarray(x, np.float32)
        mean = x.mean(0)
        values, vectors = _axes(x - mean, most)
        real = values > 1e-5 * float(values[0])
        real[0] = True  # of numbers that are all the same there is nothing, in one axis
        spread = np.sqrt(np.maximum(values[real], 1e-12))
        basis = vectors[:, real] / spread**power
        size = np.sqrt((spread ** (2 - 2 * power)).mean())
        return cls(mean.astype(np.float32), (basis / size).astype(np.float32), of_roots)

    def beside(self, other: Whitening, share: float) -> Whitening:
        """Of rows that are what this one takes and then what the other does: the axes of both, one
        after the other, the other's `share` times as large."""
        mean = np.concatenate([self.mean, other.mean])
        basis = np.zeros((len(mean), self.basis.shape[1] + other.basis.shape[1]), np.float32)
        basis[: len(self.mean), : self.basis.shape[1]] = self.basis
        basis[len(self.mean) :, self.basis.shape[1] :] = share * other.basis
        return Whitening(mean, basis)

    def __call__(self, x: NDArray[np.floating]) -> Floats:
        x = roots(x) if self.of_roots else np.asarray(x, np.float32)
        return np.asarray((x - self.mean) @ self.basis, np.float32)


def roots(x: NDArray[np.floating]) -> Floats:
    """The root of each number, with its sign: what fires strongly in a network counts less beside
    what fires often (the power normalisation of Perronnin, Sánchez and Mensink 2010)."""
    x = np.asarray(x, np.float32)
    return np.asarray(np.sign(x) * np.sqrt(np.abs(x)), np.float32)


def pooled_roots(items: Items) -> Floats:
    """The mean of the `roots` of each item's parts: (N, P)."""
    found = np.empty((len(items), items.parts.shape[1]), np.float32)
    for at in range(0, len(items), _POOLED):  # of all parts together, roots would fill memory
        ends = items.offsets[at : at + _POOLED + 1]
        total = np.add.reduceat(roots(items.parts[ends[0] : ends[-1]]), ends[:-1] - ends[0])
        found[at : at + _POOLED] = total / np.diff(ends)[:, None]
    return found


def shared_axes(means: Mapping[str, tuple[Whole, Floats]], size: int) -> dict[str, Floats]:
    """Linear maps into `size` numbers in which matching items agree most, in closed form.

    means: by modality, groups (n,), ascending, and a row (n, k) of centred numbers for each. The
    maps (k, size) are the first eigenvectors of all cross-covariances, put into one matrix with
    nothing on its diagonal, times the square root of their eigenvalues; of two modalities that is
    the singular value decomposition of one cross-covariance (Tucker 1958), shared out evenly. Axes
    that say nothing are 0. Each pair counts alike: what few pairs say of two modalities weighs
    little.
    """
    widths = [rows.shape[1] for _, rows in means.values()]
    ends = np.cumsum([0, *widths])
    spans = {name: slice(a, b) for name, a, b in zip(means, ends[:-1], ends[1:], strict=True)}
    covariance = np.zeros((ends[-1], ends[-1]))
    most = max(len(groups) for groups, _ in means.values())
    for a, b in combinations(means, 2):
        _, one, other = np.intersect1d(means[a][0], means[b][0], return_indices=True)
        if len(one):
            product = means[a][1][one].T @ means[b][1][other] / most
            covariance[spans[a], spans[b]] = product
            covariance[spans[b], spans[a]] = product.T
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = values[::-1][:size], vectors[:, ::-1][:, :size]
    axes = np.zeros((ends[-1], size), np.float32)
    axes[:, : len(values)] = vectors * np.sqrt(np.maximum(values, 0))
    return {name: axes[span] for name, span in spans.items()}


def _axes(x: Floats, most: int) -> tuple[Floats, Floats]:
    """The largest variances of centred (n, S) data and their axes (S, k), by a randomised range
    finder with two power iterations (Halko, Martinsson and Tropp 2011)."""
    rng = np.random.default_rng(0)
    width = min(most + 16, *x.shape)
    reach = x.T @ (x @ rng.normal(size=(x.shape[1], width)).astype(np.float32))
    for _ in range(2):
        reach = x.T @ (x @ np.linalg.qr(reach)[0])
    some = np.linalg.qr(reach)[0]
    narrow = x @ some
    values, vectors = np.linalg.eigh(narrow.T @ narrow / len(x))
    return values[::-1][:most], some @ vectors[:, ::-1][:, :most]
