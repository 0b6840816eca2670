"""A taught space: where items lie in it, how well two match, and which codes they share.

numpy only, so that whatever answers a search can use it. `training` makes one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.items import Items, Whitening
from analysis.crossmodal.kinds import Kinds, Taken
from analysis.crossmodal.types import CLIP, PICTURE, Encoded, Floats, Place
from analysis.errors import UnusableModel
from analysis.models.formats import written_aside

VERSION = 1
_KEY = "sightline-space"
_BANK = "bank:"
_ROOTS = "of_roots"
_CLIPS = "clip-"  # before the engine of the frames, in that of clips
_SHARPNESS = 10.0  # of cosines: one over the temperature that they are taught with
_LEAST = 1e-9  # of a distribution, below its logarithm
MOST = 4.0  # of a gate: one part counts at most e⁸ times as much as another
_AT_ONCE = 4096  # parts, times codes


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """x → x · straight + bias + relu(x · inner + inner_bias) · outer, of whitened numbers."""

    whitening: Whitening
    straight: Floats
    bias: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats

    def __call__(self, x: NDArray[np.floating]) -> Floats:
        """(n, S) → (n, size)."""
        x = self.whitening(x)
        hidden = np.maximum(x @ self.inner + self.inner_bias, 0)
        out: Floats = x @ self.straight + self.bias + hidden @ self.outer
        return out

    def tensors(self, name: str) -> dict[str, Floats]:
        how = {f"{name}.{_ROOTS}": np.ones(1, np.float32)} if self.whitening.of_roots else {}
        return how | {
            f"{name}.mean": self.whitening.mean,
            f"{name}.basis": self.whitening.basis,
            f"{name}.straight": self.straight,
            f"{name}.bias": self.bias,
            f"{name}.inner": self.inner,
            f"{name}.inner_bias": self.inner_bias,
            f"{name}.outer": self.outer,
        }

    @classmethod
    def read(cls, tensors: Mapping[str, Floats], name: str) -> Head:
        """Raises KeyError."""
        mean, basis, *others = (
            tensors[f"{name}.{part}"]
            for part in ("mean", "basis", "straight", "bias", "inner", "inner_bias", "outer")
        )
        return cls(Whitening(mean, basis, f"{name}.{_ROOTS}" in tensors), *others)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """How items of one modality come into the space, and by which encoder's numbers. taken: what
    of an item stands for it as a whole."""

    engine: str
    summary: Head  # to (C,)
    parts: Head  # to (D,), where the codebook is
    gate: Floats  # (k + 1,): how much a whitened part counts, the last number by itself
    taken: Taken = field(default_factory=Taken)

    def counts(self, parts: NDArray[np.floating]) -> Floats:
        """How much each part counts beside the others of its item, (n,), above 0."""
        gate = self.parts.whitening(parts) @ self.gate[:-1] + self.gate[-1]
        counts: Floats = np.exp(np.clip(gate, -MOST, MOST))
        return counts


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """N items in a space.

    continuous: (N, C) of unit length. codes: (N, V), how much of each item is of each code; rows
    add up to 1.
    """

    continuous: Floats
    codes: Floats

    def __len__(self) -> int:
        return len(self.continuous)

    def some(self, rows: NDArray[Any]) -> Placed:
        return Placed(self.continuous[rows], self.codes[rows])


@dataclass(frozen=True, slots=True)
class SharedCode:
    """A code that two items share.

    weight: 0 to 1, its part of all that they share. in_query, in_item: how much of the item each
    part gives to the code, 0 to 1, with the part's place, the strongest first.
    """

    code: int
    weight: float
    in_query: tuple[tuple[Place, float], ...]
    in_item: tuple[tuple[Place, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Heads for each modality, and one codebook (V, D). `weights`: how much the codes count beside
    the cosine, by `way_name` of what is asked in and what answers, or for both ways of two
    modalities by `pair_name`. `banks`: where
    some of what it was taught with lies, by modality (see `corrected`). `pairs`: the modalities
    that may be compared, each two as `weights` names them; none: any two that it knows."""

    sides: Mapping[str, Side]
    codebook: Floats
    temperature: float
    weights: Mapping[str, float]
    banks: Mapping[str, Placed] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    pairs: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Names these very numbers: what was placed by one version is never compared with what
        was placed by another."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self._tensors().items()):
            digest.update(name.encode() + np.ascontiguousarray(tensor).tobytes())
        digest.update(repr(self.temperature).encode())
        return f"space-{VERSION}-{digest.hexdigest()[:16]}"

    def place(self, modality: str, items: Items | Sequence[Encoded]) -> Placed:
        """Where items of a modality lie. Raises UnusableModel for a modality, or numbers of an
        encoder, that it was not taught with, and for numbers that are none (NaN)."""
        side = self._side(modality)
        if not isinstance(items, Items):
            items = Items.of(
                modality, side.engine, [_filled(one) for one in items], range(len(items))
            )
        if items.engine != side.engine:
            raise UnusableModel(
                f"This {modality} was encoded by {items.engine}, and the space was taught with "
                f"{side.engine}. Encode it again."
            )
        continuous = _unit(side.summary(side.taken(items)))
        codes = np.zeros((len(items), len(self.codebook)), np.float32)
        counts = np.diff(items.offsets)
        step = max(_AT_ONCE // max(int(counts.max(initial=1)), 1), 1)
        for at in range(0, len(items), step):
            until = min(at + step, len(items))
            parts = items.parts[items.offsets[at] : items.offsets[until]]
            starts = items.offsets[at:until] - items.offsets[at]
            count = side.counts(parts)
            total = np.add.reduceat(self.fires(modality, parts) * count[:, None], starts)
            codes[at:until] = total / np.add.reduceat(count, starts)[:, None]
        if not (np.isfinite(continuous).all() and np.isfinite(codes).all()):
            raise UnusableModel(
                f"This {modality} was encoded to numbers that are none (NaN). Encode it again."
            )
        return Placed(continuous, codes)

    def fires(self, modality: str, parts: NDArray[np.floating]) -> Floats:
        """p(v | x) of each part: (n, V) of (n, P) numbers of the encoder."""
        x = self._side(modality).parts(parts)
        squares = (x * x).sum(1, keepdims=True) + (self.codebook**2).sum(1)
        far = np.sqrt(np.maximum(squares - 2 * x @ self.codebook.T, 1e-6)) / self.temperature
        fires = np.exp(far.min(1, keepdims=True) - far)
        share: Floats = (fires / fires.sum(1, keepdims=True)).astype(np.float32)
        return share

    def weight(self, asked: str, answered: str) -> float:
        """How much the codes count beside the cosine, where items of one modality are asked by and
        those of another answer."""
        both = self.weights.get(pair_name(asked, answered), 0.0)
        return self.weights.get(way_name(asked, answered), both)

    def compares(self, one: str, other: str) -> bool:
        """Whether items of two modalities may be compared."""
        known = one in self.sides and other in self.sides
        return known and (not self.pairs or pair_name(one, other) in self.pairs)

    def compared(self) -> list[str]:
        """All pairs of modalities that may be, as `pair_name` writes them."""
        every = combinations_with_replacement(sorted(self.sides), 2)
        return [pair_name(*pair) for pair in every if self.compares(*pair)]

    def with_clips(self) -> Space:
        """The same, which knows clips as well: a clip is the mean of its frames and holds their
        parts (`pictures.ClipEncoder`), so that it comes into the space by the heads of pictures."""
        if PICTURE not in self.sides or CLIP in self.sides:
            return self
        side = self.sides[PICTURE]
        sides = {**self.sides, CLIP: replace(side, engine=f"{_CLIPS}{side.engine}")}
        banks = dict(self.banks)
        if PICTURE in banks:
            banks[CLIP] = banks[PICTURE]
        weights, pairs = dict(self.weights), list(self.pairs)
        for name in sides:
            other = PICTURE if name == CLIP else name
            for own, like in (
                (pair_name(CLIP, name), pair_name(PICTURE, other)),
                (way_name(CLIP, name), way_name(PICTURE, other)),
                (way_name(name, CLIP), way_name(other, PICTURE)),
            ):
                if like in self.weights:
                    weights[own] = self.weights[like]
            if pair_name(PICTURE, other) in self.pairs:
                pairs.append(pair_name(CLIP, name))
        return replace(self, sides=sides, banks=banks, weights=weights, pairs=tuple(pairs))

    def scores(self, asked: str, a: Placed, answered: str, b: Placed) -> Floats:
        """How well items of a modality answer those of another: cosine + weight · similarity of
        codes, both corrected, (N, M). Raises UnusableModel where the two were never compared."""
        near, codes = self.parts_of_scores(asked, a, answered, b)
        return near + self.weight(asked, answered) * codes

    def parts_of_scores(self, one: str, a: Placed, other: str, b: Placed) -> tuple[Floats, Floats]:
        """The continuous and the discrete part of `scores`, the second without its weight."""
        self.check_pair(one, other)
        are_kin = self._are_kin(one, other)
        banks = (None, None) if are_kin else (self.banks.get(one), self.banks.get(other))
        return corrected(continuous_scores, a, b, *banks), corrected(discrete_scores, a, b, *banks)

    def crowds(self, modality: str, placed: Placed) -> dict[str, Floats]:
        """What items of a modality score with everything of each, and which `scores` takes off:
        float32 (N, 2), of cosines and of codes, by the modality of whoever asks."""
        none = np.zeros((len(placed), 2), np.float32)
        if modality not in self.banks:
            return dict.fromkeys(self.banks, none)
        return {
            name: none
            if self._are_kin(modality, name)
            else np.stack(
                [_crowd(score, placed, bank) for score in (continuous_scores, discrete_scores)], 1
            )
            for name, bank in self.banks.items()
        }

    def explain(
        self, query_is: str, query: Encoded, item_is: str, item: Encoded, most: int = 8
    ) -> list[SharedCode]:
        """The codes that two items share, the weightiest first, and where they fire.

        A code weighs √(P(v | query) · P(v | item)), its part of the Bhattacharyya coefficient of
        both distributions. Codes below a hundredth of all that is shared are left out.
        """
        self.check_pair(query_is, item_is)
        fires = []
        for name, one in ((query_is, query), (item_is, item)):
            count = self._side(name).counts(one.parts)
            fires.append(self.fires(name, one.parts) * (count / count.sum())[:, None])
        shared = np.sqrt(fires[0].sum(0) * fires[1].sum(0))
        shared /= max(float(shared.sum()), _LEAST)
        best = np.argsort(-shared, kind="stable")[:most]
        return [
            SharedCode(
                int(code),
                float(shared[code]),
                _where(query.places, fires[0][:, code]),
                _where(item.places, fires[1][:, code]),
            )
            for code in best
            if shared[code] >= 0.01
        ]

    def save(self, path: Path) -> Path:
        """One safetensors file, with what is no tensor as JSON in its head."""
        from safetensors.numpy import save_file

        about = {
            "version": VERSION,
            "temperature": self.temperature,
            "weights": dict(self.weights),
            "engines": {name: side.engine for name, side in self.sides.items()},
            "banks": list(self.banks),
            "pairs": list(self.pairs),
            "about": dict(self.about),
        }
        with written_aside(path) as aside:
            tensors: dict[str, NDArray[Any]] = {
                name: np.ascontiguousarray(
                    tensor.astype(np.float16) if name.startswith(_BANK) else tensor
                )
                for name, tensor in self._tensors().items()
            }
            save_file(tensors, aside, metadata={_KEY: json.dumps(about, sort_keys=True)})
        return path

    @classmethod
    def load(cls, path: Path) -> Space:
        """Raises UnusableModel where the file is missing, damaged, or of another kind or version.
        Nothing in it is run."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                header = dict(file.metadata() or {})
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if _KEY not in header:
                raise UnusableModel(f"{path.name} holds tensors, but no space of Sightline's.")
            if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
                # All that it places would score NaN, which no order of answers can hold.
                raise UnusableModel(f"{path.name} holds numbers that are none (NaN): make it anew.")
            about = json.loads(header[_KEY])
            if about["version"] != VERSION:
                raise UnusableModel(
                    f"{path.name} was written by another version of Sightline. Train it again."
                )
            sides = {
                name: Side(
                    str(engine),
                    Head.read(tensors, f"{name}.summary"),
                    Head.read(tensors, f"{name}.parts"),
                    tensors[f"{name}.gate"],
                    Taken(
                        f"{name}.pools" in tensors,
                        f"{name}.has_words" in tensors,
                        Kinds.read(tensors, f"{name}.kinds"),
                    ),
                )
                for name, engine in about["engines"].items()
            }
            weights = {str(k): float(v) for k, v in about["weights"].items()}
            temperature = float(about["temperature"])
            banks = {
                name: banked(tensors[f"{_BANK}{name}.near"], tensors[f"{_BANK}{name}.codes"])
                for name in about["banks"]
            }
            pairs = tuple(str(pair) for pair in about.get("pairs", ()))
            codebook = tensors["codebook"]
            return cls(sides, codebook, temperature, weights, banks, about["about"], pairs)
        except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            raise UnusableModel(f"{path.name} is no space of Sightline's, or is damaged.") from e

    def _side(self, modality: str) -> Side:
        if modality not in self.sides:
            known = ", ".join(self.sides)
            raise UnusableModel(f"This space knows {known}, and not {modality}.")
        return self.sides[modality]

    def check_pair(self, one: str, other: str) -> None:
        """Raises UnusableModel where items of two modalities are never compared."""
        for name in (one, other):
            self._side(name)
        if not self.compares(one, other):
            can = ", ".join(pair.replace("+", " with ") for pair in self.compared())
            raise UnusableModel(
                f"This space cannot compare {one} with {other}: nothing has shown it which belong "
                f"together. It compares {can}. Teach a space from pairs of {one} and {other}."
            )

    def _are_kin(self, one: str, other: str) -> bool:
        """Whether both come by one encoder. From what such items score nothing is taken off: the
        bank holds some of them themselves, and near ones are what is looked for."""
        engines = {self._side(name).engine.removeprefix(_CLIPS) for name in (one, other)}
        return len(engines) == 1

    def _tensors(self) -> dict[str, Floats]:
        tensors = {"codebook": self.codebook}
        for name, side in self.sides.items():
            tensors |= side.summary.tensors(f"{name}.summary")
            tensors |= side.parts.tensors(f"{name}.parts") | {f"{name}.gate": side.gate}
            if side.taken.pools:
                tensors[f"{name}.pools"] = np.ones(1, np.float32)  # so that the version tells it
            if side.taken.has_words:
                tensors[f"{name}.has_words"] = np.ones(1, np.float32)
            if side.taken.kinds is not None:
                tensors |= side.taken.kinds.tensors(f"{name}.kinds")
        for name, bank in self.banks.items():
            tensors[f"{_BANK}{name}.near"] = bank.continuous
            tensors[f"{_BANK}{name}.codes"] = bank.codes
        return tensors


def pair_name(one: str, other: str) -> str:
    """By what `Space.weights` knows two modalities."""
    return "+".join(sorted((one, other)))


def way_name(asked: str, answered: str) -> str:
    """By what `Space.weights` knows one way between two modalities."""
    return f"{asked}>{answered}"


def continuous_scores(a: Placed, b: Placed) -> Floats:
    """(N, M) cosines, −1 to 1."""
    cosines: Floats = a.continuous @ b.continuous.T
    return cosines


def discrete_scores(a: Placed, b: Placed) -> Floats:
    """(N, M) negative symmetric cross-entropies of the code distributions, below 0 (Liu et al.
    2022; `losses.code_similarity`)."""
    log_a, log_b = (np.log(np.maximum(one.codes, _LEAST)) for one in (a, b))
    return np.asarray(a.codes @ log_b.T + log_a @ b.codes.T, np.float32)


def corrected(
    score: Callable[[Placed, Placed], Floats],
    a: Placed,
    b: Placed,
    bank_a: Placed | None,
    bank_b: Placed | None,
) -> Floats:
    """Scores without what an item scores with everything: in spaces of many dimensions some items
    are near to all ("hubs", Radovanović et al. 2010).

    An item's part is the soft maximum of its scores with a bank of the other modality, taken off as
    in the inverted softmax (Smith et al. 2017; of a bank of training queries, Bogolin et al. 2022).
    No other query or answer has a say. bank_a, bank_b: of a's and of b's modality; without either
    the scores are as they are. (N, M).
    """
    scores = score(a, b)
    if bank_a is None or bank_b is None:
        return scores
    crowds = _crowd(score, a, bank_b), _crowd(score, b, bank_a)
    taken_off: Floats = scores - crowds[0][:, None] - crowds[1][None]
    return taken_off


def _crowd(score: Callable[[Placed, Placed], Floats], one: Placed, bank: Placed) -> Floats:
    """What each item scores with a bank, softly the most: (n,)."""
    sharpness = _SHARPNESS if score is continuous_scores else 1.0
    some = [
        _soft_maximum(score(one.some(np.arange(at, min(at + _AT_ONCE, len(one)))), bank), sharpness)
        for at in range(0, len(one), _AT_ONCE)
    ]
    return np.concatenate(some) if some else np.zeros(0, np.float32)


def banked(continuous: NDArray[Any], codes: NDArray[Any]) -> Placed:
    """For a space's banks: to the half precision that they are kept in."""
    return Placed(*(x.astype(np.float16).astype(np.float32) for x in (continuous, codes)))


def _soft_maximum(scores: Floats, sharpness: float) -> Floats:
    """log(mean(e^(sharpness · score))) / sharpness of each row."""
    scaled = scores * sharpness
    top = scaled.max(1, keepdims=True)
    soft: Floats = (np.log(np.exp(scaled - top).mean(1)) + top[:, 0]) / sharpness
    return soft


def _where(places: Sequence[Place], fires: Floats) -> tuple[tuple[Place, float], ...]:
    order = np.argsort(-fires, kind="stable")
    return tuple((places[at], float(fires[at])) for at in order if at < len(places))


def _filled(one: Encoded) -> Encoded:
    """A blank is placed as well, where somebody asks for it: `Items.of` leaves it out."""
    return Encoded(one.summary, one.parts, one.places) if one.blank else one


def _unit(x: Floats) -> Floats:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
