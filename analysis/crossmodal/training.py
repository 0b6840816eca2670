"""Teaching a space from items that match.

The same pairs and seed give the same space on one machine. Each finished epoch is kept in a folder,
and a training that was killed goes on from the last of them as if nothing had happened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import isfinite
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor

from analysis.crossmodal.codebook import mean_of_items, perplexity
from analysis.crossmodal.items import (
    Items,
    Pairs,
    Whitening,
    Whole,
    checked,
    matched_groups,
    shared_axes,
)
from analysis.crossmodal.losses import both_ways, code_matching_loss
from analysis.crossmodal.measures import both_ways as both_ways_found
from analysis.crossmodal.measures import each_way
from analysis.crossmodal.network import Batch, Coded, Network, TorchHead
from analysis.crossmodal.space import (
    Placed,
    Space,
    banked,
    continuous_scores,
    corrected,
    discrete_scores,
    way_name,
)
from analysis.crossmodal.types import Floats
from analysis.crossmodal.wholes import chosen, whitened, whitened_wholes
from analysis.errors import AnalysisError, Stopped
from analysis.models.formats import written_aside

WEIGHTS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 3.0)
_AT_ONCE = 200  # items
_BANK = 1000  # items of a modality
_PATIENCE_COLLAPSED = 3  # epochs
_OWN_WAY = 0.75  # of what tells a weight


class Collapsed(AnalysisError):
    """All parts fall to a few codes, or all items to one point: there is nothing to learn from."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a space is taught. Raises ValueError with a sentence for what cannot be."""

    codes: int = 1024
    dimensions: int = 96  # of a code's vector
    size: int = 256  # of the continuous vector
    hidden: int = 256
    summary_axes: int = 512
    part_axes: int = 512
    whitening: float = 0.6  # 0: axes as large as they are, 1: all alike
    epochs: int = 25
    batch: int = 256  # groups
    items_each: int = 1  # of a modality, of each group of a batch
    parts_each: int = 16  # of an item, drawn at random
    rate: float = 1e-3
    decay: float = 1e-2  # of the heads' numbers
    dropout: float = 0.3
    loss: Literal["infonce", "masked-margin"] = "infonce"
    margin: float = 0.1  # of masked margin softmax, in cosines
    temperature: float = 0.1  # of the cosines
    matching: float = 1.0  # weight of code matching; 0 leaves it out
    quantised: float = 0.5  # weight of the contrast between quantised vectors
    commitment: float = 0.1
    code_temperature: float = 0.3  # of the distances to codes
    code_decay: float = 0.99
    held_out: float = 0.1  # of the groups, to choose the epoch and the weights by
    patience: int = 5  # epochs without getting better; 0: never
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least, most in (
            *(("codes", 2, 65_536), ("dimensions", 1, 4096), ("size", 1, 4096)),
            *(("hidden", 1, 8192), ("summary_axes", 1, 8192), ("part_axes", 1, 8192)),
            *(("epochs", 1, 10_000), ("batch", 2, 65_536), ("items_each", 1, 100)),
            *(("parts_each", 1, 10_000), ("patience", 0, 10_000), ("seed", 0, 2**31 - 1)),
            *(("rate", 1e-9, 1), ("decay", 0, 1), ("dropout", 0, 0.95), ("margin", 0, 1)),
            *(("temperature", 1e-3, 10), ("matching", 0, 100), ("quantised", 0, 100)),
            *(("commitment", 0, 100), ("code_temperature", 1e-3, 100), ("code_decay", 0, 0.9999)),
            *(("held_out", 0, 0.5), ("whitening", 0, 1)),
        ):
            value = getattr(self, name)
            if not isfinite(value) or not least <= value <= most:
                raise ValueError(f"{name} must be between {least} and {most}")
        if self.loss not in ("infonce", "masked-margin"):
            raise ValueError("loss must be infonce or masked-margin")


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's figures, for a curve. found: the mean of 1/rank over held-out pairs, both ways,
    of cosines alone; by_codes: of code distributions alone; by both with the best weights.
    codes_used: codes that held-out parts fall to; perplexity: how diverse they are."""

    number: int
    loss: float
    found: float
    by_codes: float
    by_both: float
    codes_used: int
    perplexity: float


def train(
    pairs: Pairs | Prepared,
    settings: Settings = Settings(),
    *,
    folder: Path | None = None,
    tell: Callable[[Epoch], None] = lambda epoch: None,
    should_stop: Callable[[], bool] = lambda: False,
    is_enough: Callable[[], bool] = lambda: False,
) -> Space:
    """A space taught from pairs: of its epochs those whose cosines, and whose codes, find held-out
    pairs best.

    folder: where finished epochs are kept, and gone on from; of other pairs or settings they are
    not. tell: called after each epoch. is_enough: asked after each; the training ends there where
    it says so. Raises AnalysisError for pairs that nothing can be learnt from, Collapsed, Stopped.
    """
    prepared = pairs if isinstance(pairs, Prepared) else Prepared(pairs, settings)
    begun = _Training(prepared, settings)
    if folder is not None:
        begun.go_on(folder)
        for epoch in begun.history:
            tell(epoch)
    while not (begun.is_over() or (begun.history and is_enough())):
        if should_stop():
            raise Stopped
        begun.epoch(should_stop)
        if folder is not None:
            begun.keep(folder)
        tell(begun.history[-1])
        begun.check_collapse()
    return begun.best_space()


def weighed(trials: Sequence[tuple[float, float]]) -> tuple[int, int]:
    """Which weight is best one way, and which the other way.

    trials: by weight, what is found either way (`measures.each_way`). Codes may be worth more one
    way than the other, but held-out pairs are few: what the other way says counts a third as much.
    """
    found = np.array(trials)
    best = (_OWN_WAY * found + (1 - _OWN_WAY) * found[:, ::-1]).argmax(0)
    return int(best[0]), int(best[1])


class Prepared:
    """Pairs that were checked, parted into those to learn from and those to choose by, and
    whitened: for several trainings whose `summary_axes`, `part_axes`, `whitening` and `held_out`
    are the same. Raises AnalysisError for pairs that nothing can be learnt from."""

    def __init__(self, pairs: Pairs, settings: Settings) -> None:
        kept, self.told = checked(pairs)
        taught, held = parted(kept, settings.held_out)
        self.engines = {name: items.engine for name, items in taught.items()}
        self.groups = matched_groups(taught)
        self.sides: dict[str, _Side] = {}
        self.held: dict[str, _Side] = {}
        axes, power = settings.summary_axes, settings.whitening
        self.taken = chosen(taught, held, axes, power)
        for name, items in taught.items():
            taken = self.taken[name]
            wholes = taken(items)
            whitenings = (
                whitened_wholes(taken, wholes, axes, power),
                whitened(items.parts, settings.part_axes, power, of_roots=taken.pools),
            )
            self.sides[name] = _Side(items, wholes, whitenings)
            if name in held:
                self.held[name] = _Side(held[name], taken(held[name]), whitenings)


def parted(pairs: Pairs, share: float) -> tuple[dict[str, Items], dict[str, Items]]:
    """To learn from, and to choose by. Few pairs are used for both."""
    groups = matched_groups(pairs)
    n = round(share * len(groups))
    if n < 2 or len(groups) - n < 2:
        return dict(pairs), dict(pairs)
    mixed = np.random.default_rng(0).permutation(groups)
    taught, held = (
        {name: items.of_groups(some) for name, items in pairs.items()}
        for some in (mixed[n:], mixed[:n])
    )
    if any(not len(items) for items in taught.values()):
        return dict(pairs), dict(pairs)
    return taught, {name: items for name, items in held.items() if len(items)}


class _Side:
    """The items of one modality as tensors, ready to be drawn from."""

    def __init__(
        self, items: Items, wholes: Floats, whitenings: tuple[Whitening, Whitening]
    ) -> None:
        self.whitenings = whitenings
        self.summaries = torch.from_numpy(whitenings[0](wholes))
        self.parts = torch.from_numpy(whitenings[1](items.parts))
        self.groups, self.offsets = items.groups, items.offsets
        order = np.argsort(items.groups, kind="stable")
        groups, starts = np.unique(items.groups[order], return_index=True)
        of_each = np.split(order, starts[1:])
        self.of_group: dict[int, Whole] = dict(zip(groups.tolist(), of_each, strict=True))

    def draw(
        self, groups: Whole, rng: np.random.Generator, items_each: int, parts_each: int
    ) -> Batch | None:
        """Some items of each group, some parts of each; None where no group has any."""
        rows: list[int] = []
        for group in groups.tolist():
            have = self.of_group.get(group)
            if have is not None:
                rows += rng.choice(have, min(items_each, len(have)), replace=False).tolist()
        if not rows:
            return None
        parts, owners = [], []
        for at, row in enumerate(rows):
            first, end = self.offsets[row], self.offsets[row + 1]
            some = np.arange(first, end)
            if len(some) > parts_each:
                some = rng.choice(some, parts_each, replace=False)
            parts.append(some)
            owners.append(np.full(len(some), at))
        return Batch(
            self.summaries[torch.tensor(rows)],
            self.parts[torch.from_numpy(np.concatenate(parts))],
            torch.from_numpy(np.concatenate(owners)),
            torch.from_numpy(self.groups[rows]),
        )

    def owner_groups(self) -> Whole:
        """The group of each part."""
        return np.repeat(self.groups, np.diff(self.offsets))

    def means(self, rows: Tensor, groups: Whole | None = None) -> tuple[Whole, np.ndarray]:
        """Groups, ascending, and the mean of the rows of each."""
        found, owners = np.unique(self.groups if groups is None else groups, return_inverse=True)
        return found, mean_of_items(rows, torch.from_numpy(owners), len(found)).numpy()

    def batches(self, every: int = 1) -> Iterator[Batch]:
        """All items, or some, with all of their parts, in order."""
        for rows in _chunks(np.arange(0, len(self.groups), every)):
            spans = [np.arange(self.offsets[row], self.offsets[row + 1]) for row in rows]
            yield Batch(
                self.summaries[torch.from_numpy(rows)],
                self.parts[torch.from_numpy(np.concatenate(spans))],
                torch.from_numpy(np.repeat(np.arange(len(rows)), [len(span) for span in spans])),
                torch.from_numpy(self.groups[rows]),
            )


class _Training:
    """A training under way."""

    def __init__(self, prepared: Prepared, settings: Settings) -> None:
        self.settings, self.prepared = settings, prepared
        self.sides, self.held, self.groups = prepared.sides, prepared.held, prepared.groups
        self.has_codes = bool(settings.matching or settings.quantised)
        self.history: list[Epoch] = []
        self.weights: dict[str, float] = {}
        self.banks: dict[str, Placed] = {}
        self.thin = 0
        torch.manual_seed(settings.seed)
        sizes = {
            name: (side.summaries.shape[1], side.parts.shape[1])
            for name, side in self.sides.items()
        }
        self.network = Network(
            sizes,
            codes=settings.codes,
            dimensions=settings.dimensions,
            size=settings.size,
            hidden=settings.hidden,
            dropout=settings.dropout,
            temperature=settings.code_temperature,
            decay=settings.code_decay,
        )
        self._begin_heads()
        self._begin_codebook()
        self.best = {k: v.clone() for k, v in self.network.state_dict().items()}
        self.first = self._measured(0, 0.0)  # what linear algebra finds may be best already
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), settings.rate, weight_decay=settings.decay
        )

    def _begin_heads(self) -> None:
        """From what linear algebra finds at once: few pairs do not suffice to find it by steps."""
        settings, heads = self.settings, self.network
        summaries = {n: side.means(side.summaries) for n, side in self.sides.items()}
        parts = {n: side.means(side.parts, side.owner_groups()) for n, side in self.sides.items()}
        for name, axes in shared_axes(summaries, settings.size).items():
            head = cast(TorchHead, heads.summary_heads[name])
            head.begin(torch.from_numpy(axes), self.sides[name].summaries)
        for name, axes in shared_axes(parts, settings.dimensions).items():
            head = cast(TorchHead, heads.part_heads[name])
            head.begin(torch.from_numpy(axes), self.sides[name].parts)

    def _begin_codebook(self) -> None:
        rng = np.random.default_rng(self.settings.seed)
        some = []
        with torch.no_grad():
            for name, side in self.sides.items():
                rows = rng.choice(len(side.parts), min(len(side.parts), 4000), replace=False)
                some.append(self.network.part_heads[name](side.parts[torch.from_numpy(rows)]))
            self.network.codebook.begin(torch.cat(some))

    def is_over(self) -> bool:
        settings, done = self.settings, len(self.history)
        better = max(self._best_epoch("found"), self._best_epoch("by_codes"))
        tired = settings.patience and done - better > settings.patience
        return done >= settings.epochs or bool(tired)

    def epoch(self, should_stop: Callable[[], bool]) -> None:
        """One time through all groups. What is drawn depends on its number alone, so that it is
        the same after a kill."""
        number = len(self.history) + 1
        seed = self.settings.seed * 100_003 + number
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        self.network.train()
        losses = []
        batches = self._batches(rng)
        steps = max(len(self.groups) // self.settings.batch, 1)
        for at, some in enumerate(batches):
            if should_stop():
                raise Stopped
            self._set_rate((number - 1 + min(at / steps, 1.0)) / self.settings.epochs)
            losses.append(self._step(some))
        self.history.append(self._measured(number, float(np.mean(losses))))
        self._keep_what_is_best(number)

    def _keep_what_is_best(self, number: int) -> None:
        """The heads of summaries by what cosines find, and all that makes codes by what codes
        find. They share no number, and codes get better for long after cosines have overfitted."""
        state = self.network.state_dict()
        for figure, is_its in (("found", _is_continuous), ("by_codes", _is_discrete)):
            if self._best_epoch(figure) == number:
                self.best |= {k: v.clone() for k, v in state.items() if is_its(k)}

    def _best_epoch(self, figure: str) -> int:
        """The last of those that are best by a figure; 0: as it began."""
        if figure == "by_codes" and not self.has_codes:
            return 0
        values = [getattr(epoch, figure) for epoch in (self.first, *self.history)]
        return max(number for number, value in enumerate(values) if value == max(values))

    def _batches(self, rng: np.random.Generator) -> Iterator[dict[str, Batch]]:
        mixed, settings = rng.permutation(self.groups), self.settings
        count = max(round(len(mixed) / settings.batch), 1)
        for groups in np.array_split(mixed, count):
            drawn = {
                name: side.draw(groups, rng, settings.items_each, settings.parts_each)
                for name, side in self.sides.items()
            }
            yield {name: batch for name, batch in drawn.items() if batch is not None}

    def _set_rate(self, done: float) -> None:
        """Up over the first twentieth, then down along half a cosine."""
        shape = min(done / 0.05, 1.0) * (0.5 + 0.5 * np.cos(np.pi * min(done, 1.0)))
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate * max(float(shape), 1e-3)

    def _step(self, some: Mapping[str, Batch]) -> float:
        continuous = {name: self.network.continuous(name, batch) for name, batch in some.items()}
        loss = self._contrast(some, continuous, self.settings.loss == "masked-margin")
        coded: dict[str, Coded] = {}
        if self.has_codes:
            coded = {name: self.network.coded(name, batch) for name, batch in some.items()}
            loss = loss + self._loss_of_codes(some, coded)
        if not torch.isfinite(loss):
            raise AnalysisError("Training went astray: lower the learning rate.")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        if coded:
            parts = torch.cat([one.parts.detach() for one in coded.values()])
            self.network.codebook.follow(parts, torch.cat([one.codes for one in coded.values()]))
        return float(loss.detach())

    def _contrast(
        self, some: Mapping[str, Batch], vectors: Mapping[str, Tensor], with_margin: bool
    ) -> Tensor:
        temperature = self.settings.temperature
        margin = self.settings.margin / temperature if with_margin else 0.0
        losses = [
            both_ways(vectors[a] @ vectors[b].T / temperature, _same(some, a, b), margin)
            for a, b in combinations(vectors, 2)
        ]
        return torch.stack(losses).sum()

    def _loss_of_codes(self, some: Mapping[str, Batch], coded: Mapping[str, Coded]) -> Tensor:
        settings = self.settings
        loss = settings.commitment * torch.stack([one.commitment for one in coded.values()]).sum()
        if settings.quantised:
            quantised = {name: one.quantised for name, one in coded.items()}
            loss = loss + settings.quantised * self._contrast(some, quantised, False)
        if settings.matching:
            for a, b in combinations(coded, 2):
                p, q = coded[a].distribution, coded[b].distribution
                loss = loss + settings.matching * code_matching_loss(p, q, _same(some, a, b))
        return loss

    @torch.no_grad()
    def _space(self) -> Space:
        self.network.eval()
        whitenings = {name: side.whitenings for name, side in self.sides.items()}
        settings = self.settings
        return Space(
            self.network.sides(self.prepared.engines, whitenings, self.prepared.taken),
            self.network.codebook.vectors.numpy().copy(),
            settings.code_temperature,
            dict(self.weights),
            dict(self.banks),
            {
                "settings": asdict(settings),
                "epochs": [asdict(epoch) for epoch in self.history],
                "told": self.prepared.told,
            },
        )

    def _measured(self, number: int, loss: float) -> Epoch:
        self.network.eval()
        counts = torch.zeros(self.settings.codes)
        placed = {name: self._placed(name, side, counts) for name, side in self.held.items()}
        self.banks = {name: self._bank(name) for name in placed}
        found, by_codes, by_both = [], [], []
        for a, b in combinations(placed, 2):
            groups = self.held[a].groups, self.held[b].groups
            rows = np.isin(groups[0], groups[1]), np.isin(groups[1], groups[0])
            if not rows[0].any():
                continue
            one, other = placed[a].some(rows[0]), placed[b].some(rows[1])
            ask = groups[0][rows[0]], groups[1][rows[1]]
            banks = self.banks[a], self.banks[b]
            near = corrected(continuous_scores, one, other, *banks)
            trials = [each_way(near, *ask)]
            found.append(_mean(trials[0]))
            if self.has_codes:
                codes = corrected(discrete_scores, one, other, *banks)
                by_codes.append(both_ways_found(codes, *ask))
                trials += [each_way(near + w * codes, *ask) for w in WEIGHTS[1:]]
            forth, back = weighed(trials)
            by_both.append(_mean((trials[forth][0], trials[back][1])))
            self.weights[way_name(a, b)] = WEIGHTS[forth]
            self.weights[way_name(b, a)] = WEIGHTS[back]
        return Epoch(
            number,
            loss,
            _mean(found),
            _mean(by_codes),
            _mean(by_both),
            int((counts > 0).sum()),
            perplexity(counts) if self.has_codes else 0.0,
        )

    def _bank(self, name: str) -> Placed:
        side = self.sides[name]
        every = max(len(side.groups) // _BANK, 1)
        placed = self._placed(name, side, torch.zeros(self.settings.codes), every)
        return banked(placed.continuous, placed.codes)

    @torch.no_grad()
    def _placed(self, name: str, side: _Side, counts: Tensor, every: int = 1) -> Placed:
        """Where items lie; how many of their parts fall to each code is added up."""
        continuous, codes = [], []
        for batch in side.batches(every):
            continuous.append(self.network.continuous(name, batch).numpy())
            if self.has_codes:
                coded = self.network.coded(name, batch)
                codes.append(coded.distribution.numpy())
                counts += torch.bincount(coded.codes, minlength=len(counts))
        return Placed(
            np.concatenate(continuous),
            np.concatenate(codes) if codes else _none_of(self.settings.codes, continuous),
        )

    def check_collapse(self) -> None:
        """Raises Collapsed where it has been so for a few epochs."""
        last, settings = self.history[-1], self.settings
        least = min(4.0, settings.codes / 2)
        self.thin = self.thin + 1 if self.has_codes and last.perplexity < least else 0
        if self.thin >= _PATIENCE_COLLAPSED:
            raise Collapsed(
                f"The codebook collapsed: of {settings.codes} codes {last.codes_used} are in use, "
                f"as diverse as {last.perplexity:.1f}. Add pairs that differ more, take fewer "
                "codes, or give code matching less weight."
            )

    def best_space(self) -> Space:
        self.network.load_state_dict(self.best)
        self.weights = {}
        self._measured(0, 0.0)  # for the weights of that epoch
        return self._space()

    def _fingerprint(self) -> str:
        facts: list[Any] = [asdict(self.settings), sorted(self.prepared.engines.items())]
        for name, side in sorted(self.sides.items()):
            facts.append([name, side.groups.tolist()[:50], len(side.groups)])
            facts.append([float(side.summaries.double().sum()), float(side.parts.double().sum())])
        return json.dumps(facts)

    def keep(self, folder: Path) -> None:
        """The last epoch, so that it can be gone on from."""
        from safetensors.torch import save_file

        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        for at, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{at}.{k}": torch.as_tensor(v) for k, v in state.items()}
        tensors = {k: v.detach().clone().contiguous() for k, v in tensors.items()}
        about = {
            "of": self._fingerprint(),
            "history": [asdict(epoch) for epoch in self.history],
            "thin": self.thin,
        }
        with written_aside(folder / "training.safetensors") as aside:
            save_file(tensors, aside, metadata={"training": json.dumps(about)})

    def go_on(self, folder: Path) -> None:
        """From what `keep` kept; from the start where there is nothing, or it is damaged or of
        something else."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(folder / "training.safetensors", framework="pt") as file:
                about = json.loads((file.metadata() or {})["training"])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            if about["of"] != self._fingerprint():
                return
            history = [Epoch(**epoch) for epoch in about["history"]]
        except (SafetensorError, OSError, ValueError, KeyError, TypeError):
            return
        self.network.load_state_dict(_under(tensors, "network."))
        self.best = _under(tensors, "best.")
        state = self.optimiser.state_dict()
        for key, tensor in _under(tensors, "optimiser.").items():
            at, _, name = key.partition(".")
            state["state"].setdefault(int(at), {})[name] = tensor
        self.optimiser.load_state_dict(state)
        self.history, self.thin = history, int(about["thin"])


def _is_continuous(name: str) -> bool:
    """Of a tensor of the network."""
    return name.startswith("summary_heads.")


def _is_discrete(name: str) -> bool:
    return not _is_continuous(name)


def _under(tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def _chunks(rows: Whole) -> Iterator[Whole]:
    for at in range(0, len(rows), _AT_ONCE):
        yield rows[at : at + _AT_ONCE]


def _none_of(codes: int, continuous: list[np.ndarray]) -> np.ndarray:
    """Even distributions, where there are no codes."""
    return np.full((sum(map(len, continuous)), codes), 1 / codes, np.float32)


def _same(some: Mapping[str, Batch], a: str, b: str) -> Tensor:
    """Which items match: (n, m)."""
    return some[a].groups[:, None] == some[b].groups[None]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
