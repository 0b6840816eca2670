"""What a model file says about itself: labels, size, checksum. Nothing in it is run."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import UnusableModel
from analysis.models.compact import read_compact
from analysis.models.formats import (
    Format,
    Task,
    label_names,
    longest_side,
    model_format,
    openvino_graph,
    sha256,
)
from analysis.models.layers import task_of
from analysis.models.onnx_graph import read_onnx
from analysis.models.pickled import read_pickled


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What a model file says about itself."""

    labels: tuple[str, ...]
    imgsz: int  # longest side, in pixels, of the pictures it was trained for
    format: Format
    parameters: int
    sha256: str
    end_to_end: bool  # True: its own output needs no non-maximum suppression
    task: Task = "boxes"


def describe(path: Path | str) -> ModelDescription:
    """The labels, size and checksum of a model file, from its content and not its name.

    Accepts ONNX, our compact `.safetensors`, an ultralytics `.pt` detection checkpoint, or a
    folder with an OpenVINO model that ultralytics exported.

    Raises UnusableModel with a sentence for anything else.
    """
    path = Path(path)
    kind = model_format(path)
    if kind == "onnx":
        labels, imgsz, parameters, end_to_end, task = _describe_onnx(path)
    elif kind == "openvino":
        labels, imgsz, parameters, end_to_end, task = _describe_openvino(path)
    elif kind == "compact":
        meta, tensors = read_compact(path)
        labels, imgsz = tuple(meta["names"]), int(meta["imgsz"])
        parameters = _count({k: t for k, t in tensors.items() if not k.endswith("#scale")})
        end_to_end, task = False, task_of(meta.get("yaml"))
    else:
        saved = read_pickled(path)
        labels, imgsz = saved.names, saved.imgsz
        parameters = _count(saved.state)
        end_to_end, task = False, task_of(saved.layers)
    return ModelDescription(labels, imgsz, kind, parameters, sha256(path), end_to_end, task)


def _count(state: Mapping[str, NDArray[np.generic]]) -> int:
    """How many numbers training adjusts: all but the statistics of normalisation layers."""
    return sum(int(t.size) for k, t in state.items() if k.endswith(("weight", "bias")))


def _describe_onnx(path: Path) -> tuple[tuple[str, ...], int, int, bool, Task]:
    model = read_onnx(path)
    meta = {prop.key: prop.value for prop in model.metadata_props}
    parameters = sum(int(np.prod(t.dims)) for t in model.graph.initializer)
    shape = [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim]
    return (
        label_names(_literal(meta.get("names")), path),
        longest_side(_literal(meta.get("imgsz"))),
        parameters,
        meta.get("end2end") == "True" or (len(shape) == 3 and shape[2] == 6),
        "concept" if meta.get("task") == "classify" else "boxes",
    )


def _describe_openvino(folder: Path) -> tuple[tuple[str, ...], int, int, bool, Task]:
    import openvino
    import yaml

    graph = openvino_graph(folder)
    try:
        meta = yaml.safe_load((folder / "metadata.yaml").read_text()) or {}
        model = openvino.Core().read_model(graph)
    except (OSError, yaml.YAMLError, RuntimeError) as e:
        raise UnusableModel(f"The OpenVINO model in {folder.name} cannot be read.") from e
    constants = [op for op in model.get_ops() if op.get_type_name() == "Constant"]
    shape = model.output(0).get_partial_shape()
    return (
        label_names(meta.get("names"), folder),
        longest_side(meta.get("imgsz")),
        sum(int(np.prod(list(op.output(0).get_shape()))) for op in constants),
        len(shape) == 3 and shape[2].is_static and shape[2].get_length() == 6,
        "concept" if meta.get("task") == "classify" else "boxes",
    )


def _literal(text: str | None) -> Any:
    try:
        return ast.literal_eval(text or "None")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
