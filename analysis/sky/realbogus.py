"""Is what was found real? A probability, learnt from people and from what was put in.

A small convolutional network as that of the Zwicky Transient Facility (braai: Duev et al. 2019,
MNRAS 489, 3582) looks at the exposure, the reference and their difference. Where there are too few
examples, and where it is better, a logistic model of eleven numbers (`shape_features`) takes its
place, or stands beside it: which is best is asked of examples that neither saw.

    trained = train(examples, Path("work"))
    model = RealBogus.load(trained.file)
    model.score(sigmas)  # (n,), 0 to 1

The file is ONNX with its settings in it; nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit
from scipy.stats import rankdata

from analysis.errors import AnalysisError, UnusableModel
from analysis.models.formats import written_aside
from analysis.sky.shape_features import FEATURES, features
from analysis.sky.triplets import ABOVE, BELOW, SIDE, Greys, Sigmas, unstretched
from analysis.torch_here import require_torch

if TYPE_CHECKING:
    import torch

Numbers = NDArray[np.float64]
Kind = Literal["features", "network", "both"]
KINDS: tuple[Kind, ...] = ("features", "network", "both")

LEAST, LEAST_FOR_NETWORK = 10, 60  # examples of each kind
FILE, CHECKPOINT = "realbogus.onnx", "epoch.safetensors"
_FORMAT = "sightline real-bogus 1"
_AT_ONCE = 256
_SHARES = (0.6, 0.8)  # of examples: learnt from, then chosen and calibrated by, then measured by
_RIDGE = 1e-2


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What is learnt from; one example a row."""

    greys: Greys  # (n, 3, SIDE, SIDE): exposure, reference, difference, as `triplets.stretched`
    real: NDArray[np.bool_]
    group: NDArray[np.int64]  # examples of one thing, which stay on one side of a split

    def __post_init__(self) -> None:
        if self.greys.shape[1:] != (3, SIDE, SIDE):
            raise ValueError(f"triplets are (n, 3, {SIDE}, {SIDE})")
        if not len(self.greys) == len(self.real) == len(self.group):
            raise ValueError("every example is real or not, and of a group")

    def __len__(self) -> int:
        return len(self.real)

    @property
    def fewest(self) -> int:
        """Of the kind of which there are fewer."""
        return int(min(self.real.sum(), (~self.real).sum()))


@dataclass(frozen=True, slots=True)
class Settings:
    """How it is trained; the same settings and examples give the same network."""

    epochs: int = 30
    patience: int = 6  # epochs without getting better until it ends
    batch: int = 64
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.patience, self.batch) < 1 or not 0 < self.learning_rate <= 1:
            raise ValueError("epochs, patience and batch are at least 1; a learning rate up to 1")


@dataclass(frozen=True, slots=True)
class Trained:
    """The file, which of the two it is, and how good both are on what neither saw."""

    file: Path
    kind: Kind
    figures: dict[str, Any]  # auc and calibration by kind, examples of each side
    curve: list[dict[str, float]]  # of the network, a row for each epoch
    held: NDArray[np.intp]  # rows of the examples that both were measured by
    scores: Numbers  # of those, by the one that was taken
    notes: list[str] = field(default_factory=list)  # sentences


class RealBogus:
    """Scores triplets. `about` is what was noted when it was trained."""

    def __init__(self, session: Any, about: Mapping[str, Any]) -> None:
        self.about = dict(about)
        self.kind: Kind = self.about["kind"]
        self._session = session

    @classmethod
    def load(cls, path: Path) -> RealBogus:
        """Raises UnusableModel for a file that is none of ours or is damaged."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
            about = json.loads(session.get_modelmeta().custom_metadata_map["sightline"])
            known = about["format"] == _FORMAT and about["kind"] in KINDS
        except OSError as error:
            raise UnusableModel("The model of what is real is gone: teach it again.") from error
        except Exception as error:  # onnxruntime's own have no base class but this
            raise UnusableModel(f"{path.name} is not a model of what is real.") from error
        if not known:
            raise UnusableModel(f"{path.name} is of another version of Sightline: teach it again.")
        return cls(session, about)

    def score(self, sigmas: Sigmas) -> Numbers:
        """How likely each of (n, 3, SIDE, SIDE), in units of the noise, is real: (n,), 0 to 1, as
        where there are as many real ones as others. Without a number in its middle: NaN."""
        found = np.full(len(sigmas), np.nan)
        middle = sigmas.shape[-1] // 2
        rows = np.nonzero(np.isfinite(sigmas[:, :, middle, middle]).all(axis=1))[0]
        for first in range(0, len(rows), _AT_ONCE):
            some = rows[first : first + _AT_ONCE]
            found[some] = self._session.run(None, self._given(sigmas[some]))[0].ravel()
        return found

    def _given(self, sigmas: Sigmas) -> dict[str, NDArray[np.float32]]:
        given = {}
        if self.kind != "features":
            given["network"] = prepared(sigmas)
        if self.kind != "network":
            given["features"] = features(sigmas).astype(np.float32)
        return given


def prepared(sigmas: Sigmas) -> NDArray[np.float32]:
    """What the network is given of triplets (n, 3, side, side): the middle, (n, 4, 31, 31).

    Each picture within robust limits and bent by an inverse hyperbolic sine, to about ±1; where it
    has no number 0, which is the sky. The fourth says where all three have one.
    """
    first = (sigmas.shape[-1] - _SEEN) // 2
    near = slice(first, first + _SEEN)
    sigmas = sigmas[:, :, near, near]
    known = np.isfinite(sigmas)
    bent = np.arcsinh(np.clip(np.where(known, sigmas, 0), BELOW, ABOVE)) / np.arcsinh(ABOVE)
    return np.concatenate([bent, known.all(axis=1, keepdims=True)], axis=1).astype(np.float32)


def area_under_curve(scores: Numbers, real: NDArray[np.bool_]) -> float:
    """Of the receiver operating characteristic: how often a real one has the higher score (Mann
    and Whitney 1947). Half of equal scores count. NaN where one kind is missing."""
    n, m = int(real.sum()), int((~real).sum())
    if not n or not m:
        return math.nan
    return float((rankdata(scores)[real].sum() - n * (n + 1) / 2) / (n * m))


def train(
    examples: Examples,
    folder: Path,
    settings: Settings = Settings(),
    *,
    take: Kind | None = None,
    on_epoch: Callable[[list[dict[str, float]]], None] = lambda curve: None,
    tick: Callable[[], None] = lambda: None,
) -> Trained:
    """The best of network, classical numbers and the mean of both, as `folder/realbogus.onnx`;
    or the one that is named, where it was trained.

    Called again with the same folder, examples and settings it goes on after the last finished
    epoch. on_epoch: told the rows so far, tick: called between batches; either may raise to stop.
    Raises AnalysisError where there are too few examples of a kind, NeedsTorch.
    """
    if examples.fewest < LEAST:
        raise AnalysisError(
            f"There are {int(examples.real.sum())} examples of what is real and "
            f"{int((~examples.real).sum())} of what is not; at least {LEAST} of each are needed. "
            "Decide more candidates, or have objects put in."
        )
    folder.mkdir(parents=True, exist_ok=True)
    sides = split(examples, settings.seed)
    logits = {"features": _fit_features(examples, sides)}
    notes: list[str] = []
    curve: list[dict[str, float]] = []
    if examples.fewest >= LEAST_FOR_NETWORK:
        require_torch()
        on = _Network(examples, sides, settings, folder, on_epoch, tick)
        network, curve = on.trained()
        logits["network"] = on.logits(network)
    else:
        notes.append(
            f"There are fewer than {LEAST_FOR_NETWORK} examples of each kind: too few for a "
            "network. What is real is judged by eleven numbers of its shape."
        )
    return _better(examples, sides, logits, curve, notes, folder, take)


# ---- Which examples are for what ---------------------------------------------------------------


def split(examples: Examples, seed: int) -> tuple[NDArray[np.intp], ...]:
    """Rows that are learnt from, chosen and calibrated by, and measured by; groups stay whole, and
    each side has as much of both kinds as it can."""
    side = np.empty(len(examples), np.intp)
    draw = np.random.default_rng(seed)
    first: dict[int, bool] = {}
    for group, real in zip(examples.group.tolist(), examples.real.tolist(), strict=True):
        first.setdefault(group, real)
    place: dict[int, int] = {}
    for kind in (True, False):
        groups = np.array([group for group, real in first.items() if real is kind], np.int64)
        draw.shuffle(groups)
        shares = (np.arange(len(groups)) + 0.5) / max(len(groups), 1)
        place |= dict(zip(groups.tolist(), np.digitize(shares, _SHARES).tolist(), strict=True))
    side[:] = [place[group] for group in examples.group.tolist()]
    return tuple(np.nonzero(side == n)[0] for n in range(3))


# ---- The classical numbers ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Logits:
    """How sure one of the two is of each example, and what it is written by."""

    values: Numbers  # of all examples
    weights: Mapping[str, NDArray[np.float32]]


def _fit_features(examples: Examples, sides: tuple[NDArray[np.intp], ...]) -> _Logits:
    """Logistic regression with a ridge, both kinds counting the same, by Newton's steps."""
    given = np.concatenate(
        [
            features(unstretched(examples.greys[n : n + _AT_ONCE]))
            for n in range(0, len(examples), _AT_ONCE)
        ]
    )
    learnt, real = given[sides[0]], examples.real[sides[0]]
    middle, spread = learnt.mean(axis=0), np.maximum(learnt.std(axis=0), 1e-3)
    rows = np.column_stack([(learnt - middle) / spread, np.ones(len(learnt))])
    weight = np.where(real, 0.5 / max(real.sum(), 1), 0.5 / max((~real).sum(), 1))
    ridge = _RIDGE * np.diag([*np.ones(len(middle)), 1e-6])
    found = np.zeros(rows.shape[1])
    for _ in range(30):
        chance = expit(rows @ found)
        slope = rows.T @ (weight * (chance - real)) + ridge @ found
        curve = (rows * (weight * chance * (1 - chance))[:, None]).T @ rows + ridge
        step = np.linalg.solve(curve, slope)
        found -= step
        if np.abs(step).max() < 1e-8:
            break
    slopes = found[:-1] / spread
    offset = found[-1] - float(slopes @ middle)
    weights = {
        "slopes": slopes.astype(np.float32)[:, None],
        "offset": np.array([offset], np.float32),
    }
    return _Logits(given @ slopes + offset, weights)


# ---- The network -------------------------------------------------------------------------------

_CONVOLUTIONS = ((4, 16), (16, 16), (16, 32), (32, 32), (32, 64))  # 3 × 3
_POOLED = (1, 3, 4)  # after which of them the picture is halved
_SEEN = 31  # pixels of the side that it looks at
_LEFT = _SEEN // 8
_DENSE = ((64 * _LEFT * _LEFT, 64), (64, 1))
_EPSILON = 1e-5  # of what normalises


class _Network:
    """A training: its state is written after every epoch, and found again by who comes next."""

    def __init__(
        self,
        examples: Examples,
        sides: tuple[NDArray[np.intp], ...],
        settings: Settings,
        folder: Path,
        on_epoch: Callable[[list[dict[str, float]]], None],
        tick: Callable[[], None],
    ) -> None:
        import torch

        self.examples, self.sides, self.settings = examples, sides, settings
        self.on_epoch, self.tick = on_epoch, tick
        self.path = folder / CHECKPOINT
        self.key = _digest(examples, settings)
        torch.manual_seed(settings.seed)
        self.net = _net()
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), settings.learning_rate, weight_decay=1e-3
        )
        real = examples.real[sides[0]]
        self.weigh = torch.tensor(float((~real).sum()) / max(float(real.sum()), 1.0))
        self.curve: list[dict[str, float]] = []
        self.best = _copied(self.net)

    def trained(self) -> tuple[dict[str, NDArray[np.float32]], list[dict[str, float]]]:
        """The weights of the best epoch, and a row for each."""
        self._go_on()
        while len(self.curve) < self.settings.epochs and not self._is_enough():
            loss = self._epoch(len(self.curve))
            scores, real = self._scores(self.sides[1]), self.examples.real[self.sides[1]]
            row = {
                "loss": loss,
                "val_loss": _balanced_loss(scores, real, 1.0),
                "auc": area_under_curve(scores, real),
            }
            if row["val_loss"] < min((one["val_loss"] for one in self.curve), default=math.inf):
                self.best = _copied(self.net)
            self.curve.append(row)
            self._keep()
            self.on_epoch(self.curve)
        return {name: value.numpy() for name, value in self.best.items()}, self.curve

    def logits(self, weights: Mapping[str, NDArray[np.float32]]) -> _Logits:
        """Of all examples, by the best epoch."""
        self.net.load_state_dict(self.best)
        return _Logits(self._scores(np.arange(len(self.examples))), weights)

    def _is_enough(self) -> bool:
        losses = [row["val_loss"] for row in self.curve]
        return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= self.settings.patience

    def _epoch(self, number: int) -> float:
        import torch

        draw = torch.Generator().manual_seed(self.settings.seed * 10_007 + number)
        order = torch.randperm(len(self.sides[0]), generator=draw).numpy()
        rows, size = self.sides[0][order], self.settings.batch
        torch.manual_seed(self.settings.seed * 10_007 + number)  # of what is dropped out
        self.net.train()
        total = 0.0
        for first in range(0, len(rows), size):
            self.tick()
            some = rows[first : first + size]
            pictures = _turned(self._pictures(some), draw)
            real = torch.from_numpy(self.examples.real[some]).float()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                self.net(pictures)[:, 0], real, pos_weight=self.weigh
            )
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            total += float(loss.detach()) * len(some)
        return total / len(rows)

    def _pictures(self, rows: NDArray[np.intp]) -> torch.Tensor:
        import torch

        return torch.from_numpy(prepared(unstretched(self.examples.greys[rows])))

    def _scores(self, rows: NDArray[np.intp]) -> Numbers:
        import torch

        self.net.eval()
        found = [np.empty(0)]
        with torch.inference_mode():
            for first in range(0, len(rows), _AT_ONCE):
                self.tick()
                found.append(self.net(self._pictures(rows[first : first + _AT_ONCE]))[:, 0].numpy())
        return np.concatenate(found).astype(np.float64)

    def _keep(self) -> None:
        from safetensors.torch import save_file

        kept = {f"net.{name}": value.clone() for name, value in self.net.state_dict().items()}
        kept |= {f"best.{name}": value for name, value in self.best.items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            kept |= {f"adam.{number}.{name}": value.clone() for name, value in state.items()}
        about = {"key": self.key, "curve": json.dumps(self.curve)}
        with written_aside(self.path) as aside:
            save_file(kept, aside, about)

    def _go_on(self) -> None:
        """From the last finished epoch of the same training; a damaged one is begun anew."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, "pt") as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError):
            return
        if about.get("key") != self.key:
            return
        self.curve = json.loads(about["curve"])
        self.net.load_state_dict(_under("net.", tensors))
        self.best = _under("best.", tensors)
        state = self.optimiser.state_dict()
        for name, value in _under("adam.", tensors).items():
            number, _, what = name.partition(".")
            state["state"].setdefault(int(number), {})[what] = value
        self.optimiser.load_state_dict(state)


def _net() -> Any:
    from torch import nn

    layers: dict[str, Any] = {}
    for n, (into, out) in enumerate(_CONVOLUTIONS):
        layers[f"conv{n}"] = nn.Conv2d(into, out, 3, padding=1, bias=False)
        layers[f"norm{n}"] = nn.BatchNorm2d(out)
        layers[f"bend{n}"] = nn.ReLU()
        if n in _POOLED:
            layers[f"pool{n}"] = nn.MaxPool2d(2)
    layers |= {"flat": nn.Flatten(), "drop0": nn.Dropout(0.3), "dense0": nn.Linear(*_DENSE[0])}
    layers |= {"bend": nn.ReLU(), "drop1": nn.Dropout(0.3), "dense1": nn.Linear(*_DENSE[1])}
    return nn.Sequential(OrderedDict(layers))


def _turned(pictures: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Each by one of the eight symmetries of the square."""
    import torch

    for turn in (
        lambda given: given.flip(-1),
        lambda given: given.flip(-2),
        lambda given: given.transpose(-1, -2),
    ):
        chosen = torch.rand(len(pictures), generator=draw) < 0.5
        pictures = torch.where(chosen[:, None, None, None], turn(pictures), pictures)
    return pictures


def _copied(net: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _under(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _digest(examples: Examples, settings: Settings) -> str:
    found = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
    for values in (examples.greys, examples.real, examples.group):
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


# ---- Which is better ---------------------------------------------------------------------------


def _better(
    examples: Examples,
    sides: tuple[NDArray[np.intp], ...],
    logits: dict[str, _Logits],
    curve: list[dict[str, float]],
    notes: list[str],
    folder: Path,
    take: Kind | None,
) -> Trained:
    """The one with the largest area on what none saw, calibrated by what they were chosen by."""
    chosen_by, held, real = sides[1], sides[2], examples.real
    heats = {
        kind: _temperature(of.values[chosen_by], real[chosen_by]) for kind, of in logits.items()
    }
    values = {kind: of.values / heats[kind] for kind, of in logits.items()}
    if len(values) == 2:
        mean = (values["network"] + values["features"]) / 2
        heats["both"] = _temperature(mean[chosen_by], real[chosen_by])
        values["both"] = mean / heats["both"]
    figures: dict[str, Any] = {
        "learnt_from": len(sides[0]), "chosen_by": len(chosen_by), "held": len(held),
        "held_real": int(real[held].sum()),
    }  # fmt: skip
    taken: Kind = "features"
    for kind in KINDS:
        if kind not in values:
            continue
        auc = area_under_curve(values[kind][held], real[held])
        loss = _balanced_loss(values[kind][held], real[held], 1.0)
        figures[kind] = {"auc": auc, "loss": loss, "temperature": heats[kind]}
        if auc > figures[taken]["auc"]:
            taken = kind
    if take is not None and take in values:
        taken = take
    if "network" in logits and taken == "features":
        notes.append(
            "A network was trained, and eleven numbers of the shape do as well on what neither "
            "saw: they are taken."
        )
    parts = {taken: heats[taken]} if taken != "both" else {
        kind: 2 * heats[kind] * heats["both"] for kind in logits
    }  # fmt: skip
    file = folder / FILE
    about = {"format": _FORMAT, "kind": taken, "figures": figures, "features": list(FEATURES)}
    _write(file, {kind: (logits[kind].weights, heat) for kind, heat in parts.items()}, about)
    return Trained(file, taken, figures, curve, held, expit(values[taken][held]), notes)


def _balanced_loss(logits: Numbers, real: NDArray[np.bool_], heat: float) -> float:
    """Cross entropy, both kinds counting the same; of one kind alone, of that one."""
    loss = np.logaddexp(0, np.where(real, -logits, logits) / heat)
    parts = [float(loss[of].mean()) for of in (real, ~real) if of.any()]
    return sum(parts) / len(parts) if parts else math.nan


def _temperature(logits: Numbers, real: NDArray[np.bool_]) -> float:
    """What logits are divided by to be probabilities (Guo et al. 2017, ICML)."""
    if not real.any() or real.all():
        return 1.0
    found = minimize_scalar(
        lambda log: _balanced_loss(logits, real, math.exp(log)),
        bounds=(-2.0, 3.0),
        method="bounded",
    )
    return math.exp(float(found.x))


# ---- The file ----------------------------------------------------------------------------------


def _write(
    path: Path,
    parts: Mapping[str, tuple[Mapping[str, NDArray[np.float32]], float]],
    about: Mapping[str, Any],
) -> None:
    """One ONNX graph from pictures, numbers or both to a probability. parts: weights by what is
    given, and what their logits are divided by before they are added."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = _Graph()
    shapes: dict[str, list[int | str]] = {
        "network": ["n", 4, _SEEN, _SEEN],
        "features": ["n", len(FEATURES)],
    }
    logits = []
    for kind, (weights, heat) in parts.items():
        if kind == "network":
            last = _layers(graph, weights)
        else:
            last = graph.add("Gemm", kind, weights["slopes"], weights["offset"])
        logits.append(graph.add("Div", last, np.array([heat], np.float32)))
    last = graph.add("Add", *logits) if len(logits) == 2 else logits[0]
    graph.add("Sigmoid", last, out="y")
    made = helper.make_graph(
        [helper.make_node(*node[:3], **node[3]) for node in graph.nodes],
        "real-bogus",
        [helper.make_tensor_value_info(kind, TensorProto.FLOAT, shapes[kind]) for kind in parts],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(value, name) for name, value in graph.values.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"sightline": json.dumps(about)})
    onnx.checker.check_model(model)
    with written_aside(path) as aside:
        aside.write_bytes(model.SerializeToString())


class _Graph:
    """Nodes and constants by name, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, list[str], list[str], dict[str, Any]]] = []
        self.values: dict[str, NDArray[np.float32]] = {}

    def add(self, kind: str, *given: str | NDArray[np.float32], out: str = "", **about: Any) -> str:
        """A node of names and constants. Returns the name of what comes out."""
        names = []
        for value in given:
            if not isinstance(value, str):
                self.values[name := f"w{len(self.values)}"] = np.ascontiguousarray(value)
                value = name
            names.append(value)
        out = out or f"t{len(self.nodes)}"
        self.nodes.append((kind, names, [out], about))
        return out


def _layers(graph: _Graph, weights: Mapping[str, NDArray[np.float32]]) -> str:
    """Those of `_net`; what normalises is a part of the convolution before it."""
    last = "network"
    for n in range(len(_CONVOLUTIONS)):
        norm = {k.rpartition(".")[2]: v for k, v in weights.items() if k.startswith(f"norm{n}.")}
        gain = norm["weight"] / np.sqrt(norm["running_var"] + _EPSILON)
        weight = weights[f"conv{n}.weight"] * gain[:, None, None, None]
        bias = norm["bias"] - norm["running_mean"] * gain
        last = graph.add("Conv", last, weight, bias, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        last = graph.add("Relu", last)
        if n in _POOLED:
            last = graph.add("MaxPool", last, kernel_shape=[2, 2], strides=[2, 2])
    last = graph.add("Flatten", last, axis=1)
    last = graph.add("Gemm", last, weights["dense0.weight"].T, weights["dense0.bias"])
    last = graph.add("Relu", last)
    return graph.add("Gemm", last, weights["dense1.weight"].T, weights["dense1.bias"])
