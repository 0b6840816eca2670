"""A network that was exported to be run, opened again to be trained further.

An export holds no list of layers, and its normalisation is folded into its convolutions. But
each kernel still bears the name of its layer: so the network is the one among those that
ultralytics publishes whose layers have these names and shapes, and its normalisation is put back
from what it measures on pictures. Kernels that were stored in 8 or 16 bits are read as the
numbers they stand for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import UnusableModel
from analysis.models.describe import describe
from analysis.models.formats import Task, model_format
from analysis.models.network import build
from analysis.models.onnx_graph import export_onnx
from analysis.models.pickled import Saved
from analysis.models.ultralytics_fence import ultralytics

EXPORTS = ("onnx", "openvino")  # formats of `describe` that `recover` opens
FAMILIES = ("26", "11", "v8", "12")
SIZES = "nsmlx"
LAYER = re.compile(r"(?:__module\.|/)?(model[./].+?)/(?:aten::|Conv|Gemm|MatMul)")
NORMALISATION_EPS = 1e-3  # ultralytics' own
_HEAD = re.compile(r"^(model\.\d+\.)(one2one_)?(cv[23]\.\d)")
_WEIGHED = ("Convolution", "GroupConvolution", "MatMul")
_UNPACKING = ("Convert", "Multiply", "Subtract", "Reshape", "Transpose", "FakeQuantize")

Arrays = dict[str, NDArray[np.float32]]


def recover(path: Path | str, pictures: Sequence[NDArray[np.uint8]]) -> Any:
    """An ultralytics network, in evaluation mode on the CPU, with the weights of an export.

    It answers as the export does, and goes on from there when it is trained.

    Args:
        path: an ONNX file or an OpenVINO folder, exported by ultralytics or by us.
        pictures: BGR, (height, width, 3) each, sides multiples of 32: some of those that it will
            be trained on. Normalisation in training uses the statistics of a batch, so the
            network is given those that it sees on them.

    Raises UnusableModel where the network is none that ultralytics publishes.
    """
    path = Path(path)
    described = describe(path)
    state = _state(_read_weights(export_onnx(path, path.parent)))
    for layers in _published(described.task):
        known = state | _other_head(state) if layers.get("end2end") else state
        try:
            network = build(Saved(layers, described.labels, described.imgsz, known), path)
        except UnusableModel:
            continue
        _restore_normalisation(network, pictures)
        return network
    raise UnusableModel(
        f"{path.name} can be used but not trained further: it is no network that we know. "
        "Use the .pt file that it was exported from."
    )


def trains_further(graph: Path) -> bool:
    """Do its kernels bear names of layers, without which `recover` cannot open it?"""
    return bool(_read_weights(graph))


def is_export(path: Path | str) -> bool:
    """Is it a file that `recover` would open, and `load_model` would not?"""
    return model_format(Path(path)) in EXPORTS


# ---- Reading -------------------------------------------------------------------------------------


def _read_weights(graph: Path) -> Arrays:
    """Kernels and biases by name, as `state_dict` would name them had the network been fused."""
    import openvino

    core = openvino.Core()
    # Converting an ONNX graph also computes what only depends on shapes.
    network = core.read_model(graph) if graph.suffix == ".xml" else openvino.convert_model(graph)
    found = {}
    for node in network.get_ordered_ops():
        name = LAYER.match(node.get_friendly_name())
        if node.get_type_name() not in _WEIGHED or not name or not _is_constant(_source(node, 1)):
            continue
        layer = _layer(name[1])
        found[f"{layer}.weight"] = node.input_value(1)
        if (bias := _bias(node)) is not None:
            found[f"{layer}.bias"] = bias
    if not found:
        return {}
    # OpenVINO computes them itself, whatever they are compressed by.
    constants = openvino.Model(list(found.values()), [], "weights")
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    values = core.compile_model(constants, "CPU", exact)({})
    return {name: _shaped(name, np.array(values[n], np.float32)) for n, name in enumerate(found)}


def _layer(scopes: str) -> str:
    """A layer's name: "model.2.cv2.0.conv" from itself or "model.2/cv2/cv2.0/conv"."""
    parts: list[str] = []
    for part in scopes.split("/"):
        if parts and part.startswith(parts[-1] + "."):
            parts.pop()  # a list of layers is named again with the number in it
        parts.append(part)
    return ".".join(parts)


def _source(node: Any, port: int) -> Any:
    return node.input_value(port).get_node()


def _is_constant(node: Any) -> bool:
    """Is it a stored kernel, plain or compressed, and nothing that a picture changes?"""
    if node.get_type_name() == "Constant":
        return True
    is_unpacking = node.get_type_name() in _UNPACKING
    return is_unpacking and all(
        _is_constant(_source(node, n)) for n in range(node.get_input_size())
    )


def _bias(node: Any) -> Any:
    """What is added to a layer's output, where that is a constant."""
    for target in node.output(0).get_target_inputs():
        after = target.get_node()
        other = 1 - target.get_index()
        if after.get_type_name() == "Add" and _is_constant(_source(after, other)):
            return after.input_value(other)
    return None


def _shaped(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """As torch has it: biases flat, grouped kernels without an axis of their own."""
    if name.endswith("bias"):
        return values.reshape(-1)
    return values.reshape(-1, *values.shape[2:]) if values.ndim == 5 else values


# ---- The network ---------------------------------------------------------------------------------


def _published(task: Task) -> Iterator[dict[str, Any]]:
    """The layer lists that ultralytics brings, smallest first."""
    ultralytics()
    from ultralytics.nn.tasks import yaml_model_load

    suffix = "-cls" if task == "concept" else ""
    for size in SIZES:
        for family in FAMILIES:
            try:
                yield yaml_model_load(f"yolo{family}{size}{suffix}.yaml")
            except FileNotFoundError:
                continue  # not every family has one for whole pictures


def _state(weights: Mapping[str, NDArray[np.float32]]) -> Arrays:
    """A state for the unfused network: normalisation that adds the bias and does nothing else."""
    state: Arrays = {}
    for name, values in weights.items():
        layer, _, kind = name.rpartition(".")
        module = layer.removesuffix(".conv")
        if module == layer or module.endswith(".dfl"):
            state[name] = values
        elif kind == "weight":
            state[name] = values
            one = np.ones(len(values), np.float32)
            state[f"{module}.bn.weight"] = one
            state[f"{module}.bn.running_mean"] = 0 * one
            state[f"{module}.bn.running_var"] = one - np.float32(NORMALISATION_EPS)
            state.setdefault(f"{module}.bn.bias", 0 * one)
        else:
            state[f"{module}.bn.bias"] = values
    return state


def _other_head(state: Mapping[str, NDArray[np.float32]]) -> Arrays:
    """Of a head with two answers an export holds one; the other starts as a copy of it."""
    return {_twin(name): values for name, values in state.items() if _HEAD.match(name)}


def _twin(name: str) -> str:
    """The same part of the head's other half."""
    return _HEAD.sub(lambda m: m[1] + ("" if m[2] else "one2one_") + m[3], name)


# ---- Normalisation -------------------------------------------------------------------------------


def _restore_normalisation(network: Any, pictures: Sequence[NDArray[np.uint8]]) -> None:
    """Put the statistics of these pictures into its normalisation; its answers stay as they are."""
    import torch
    from torch import nn

    layers = {k: m for k, m in network.named_modules() if isinstance(m, nn.BatchNorm2d)}
    seen = {name: _Statistics(layer.num_features) for name, layer in layers.items()}
    hooks = [layer.register_forward_pre_hook(seen[name].add) for name, layer in layers.items()]
    with torch.no_grad():
        for picture in pictures:
            rgb = np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1), np.float32) / 255
            network(torch.from_numpy(rgb)[None])
    for hook in hooks:
        hook.remove()
    for name, layer in layers.items():  # only one head of two answers outside training
        kernel = network.get_submodule(name.removesuffix("bn") + "conv").weight
        _settle(kernel, layer, seen[name] if seen[name].n else seen[_twin(name)])


class _Statistics:
    """Mean and variance of what comes to a layer, by channel."""

    def __init__(self, channels: int) -> None:
        self.n = 0
        self.sums = np.zeros((2, channels))

    def add(self, layer: Any, given: tuple[Any]) -> None:
        values = given[0].double()
        self.n += values.shape[0] * values.shape[2] * values.shape[3]
        self.sums += [values.sum((0, 2, 3)).numpy(), (values**2).sum((0, 2, 3)).numpy()]

    @property
    def mean(self) -> NDArray[np.float64]:
        return self.sums[0] / self.n

    @property
    def variance(self) -> NDArray[np.float64]:
        return np.maximum(self.sums[1] / self.n - self.mean**2, 0)


def _settle(kernel: Any, layer: Any, seen: _Statistics) -> None:
    """Statistics in, and scale and shift so that the layers' answer does not change.

    Folding made some kernels many times larger than others; each is brought to where its answer
    has a variance of one, because an optimiser's steps are the same for all.
    """
    import torch

    size = np.where(seen.variance > layer.eps, np.sqrt(seen.variance), 1.0)
    variance = seen.variance / size**2
    bias = layer.bias.detach().numpy() + seen.mean
    for tensor, values in (
        (layer.running_mean, seen.mean / size),
        (layer.running_var, variance),
        (layer.weight.data, size * np.sqrt(variance + layer.eps)),
        (layer.bias.data, bias),
        (kernel.data, kernel.detach().numpy() / size.reshape(-1, 1, 1, 1)),
    ):
        tensor.copy_(torch.from_numpy(values))
