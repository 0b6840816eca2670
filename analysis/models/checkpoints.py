"""Model files: described and opened without running anything that they hold.

A `.pt` checkpoint is a pickle, and a pickle can run any code. Here it is read by torch's
weights-only reader with stand-ins for the model classes: the file yields numbers, names and
the layer list, and the network is built anew from those. ONNX files may not point at other
files. The compact format is safetensors, which can hold numbers only.

This is one of three modules that may import ultralytics, and the one that fences it in.
"""

from __future__ import annotations

import argparse
import ast
import atexit
import copy
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError, UnusableModel

Format = Literal["onnx", "openvino", "pytorch", "compact"]
Task = Literal["boxes", "concept"]  # concept: labels of the whole picture

_READING = threading.Lock()

METADATA_KEY = "sightline-detector"
COMPACT_VERSION = 1
REFUSED = 3  # exit status of an export that raised UnusableModel
EXPORT_VERSION = 1  # part of the cache key: raise it when the exported graph changes
MAX_BYTES = 2 * 1024**3
MAX_ROWS = 400  # layers in a model's layer list
MAX_WIDTH = 8_192  # the largest number that may stand in it
SMALL_KERNEL = 4_096  # kernels below this many numbers are kept in half precision

# What a model may be built of: the layers of ultralytics' own YOLO v3 to v12 and 26, for boxes
# and for whole pictures.
# fmt: off
LAYERS = frozenset({
    "A2C2f", "AConv", "ADown", "AIFI", "Bottleneck", "BottleneckCSP", "C1", "C2", "C2PSA", "C2f",
    "C2fCIB", "C2fPSA", "C3", "C3Ghost", "C3TR", "C3k2", "C3x", "CBFuse", "CBLinear", "CIB",
    "Classify", "Concat", "Conv", "ConvTranspose", "DWConv", "Detect", "ELAN1", "Focus",
    "GhostConv", "HGBlock", "HGStem", "PSA", "RepC3", "RepConv", "RepNCSPELAN4", "SCDown",
    "SPP", "SPPELAN", "SPPF", "nn.BatchNorm2d", "nn.ConvTranspose2d", "nn.Identity",
    "nn.MaxPool2d", "nn.Upsample", "nn.ZeroPad2d", "v10Detect",
})
# fmt: on
ACTIVATION = re.compile(r"(torch\.)?nn\.[A-Za-z0-9]+\((\w+=)?[0-9.eE+-]*(True|False)?\)")
# Names a checkpoint may mention; each is read as an empty stand-in and none is ever run.
PICKLED_NAMES = re.compile(
    r"(ultralytics\.nn\.(modules(\.\w+)?|tasks)|ultralytics\.utils\.(loss|tal)"
    r"|torch\.nn\.modules\.\w+|torchvision\.transforms(\.\w+)?)\.[A-Z]\w*"
    r"|ultralytics\.(yolo\.)?utils\.IterableSimpleNamespace"
    r"|pathlib(\._local)?\.(Posix|Windows|Pure\w+)?Path"
    r"|numpy\.(dtype|dtypes\.\w+)|numpy\.(_core|core)\.multiarray\.(scalar|_reconstruct)"
)


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


# ---- What a file is --------------------------------------------------------------------------


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
        meta, tensors = _read_compact(path)
        labels, imgsz = tuple(meta["names"]), int(meta["imgsz"])
        parameters = _count({k: t for k, t in tensors.items() if not k.endswith("#scale")})
        end_to_end, task = False, _task_of(meta.get("yaml"))
    else:
        saved = _read_pickled(path)
        labels, imgsz = saved.names, saved.imgsz
        parameters = _count(saved.state)
        end_to_end, task = False, _task_of(saved.layers)
    return ModelDescription(labels, imgsz, kind, parameters, sha256(path), end_to_end, task)


def _task_of(layers: Any) -> Task:
    """What a layer list is for, by its last layer."""
    try:
        return "concept" if layers["head"][-1][2] == "Classify" else "boxes"
    except (LookupError, TypeError):
        return "boxes"  # and refused when it is built


def _count(state: Mapping[str, NDArray[np.generic]]) -> int:
    """How many numbers training adjusts: all but the statistics of normalisation layers."""
    return sum(int(t.size) for k, t in state.items() if k.endswith(("weight", "bias")))


def model_format(path: Path) -> Format:
    """Which of the accepted formats a file or folder has. Raises UnusableModel for others."""
    if path.is_dir():
        _openvino_graph(path)
        return "openvino"
    if not path.is_file():
        raise UnusableModel(f"There is no model file {path.name}.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise UnusableModel(f"{path.name} is larger than 2 GB; no detection model is.")
    with path.open("rb") as file:
        head = file.read(16)
    if head[:4] == b"PK\x03\x04":
        return "pytorch"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        return "compact"
    if head[:1] == b"\x80":
        raise UnusableModel(
            f"{path.name} is a Python pickle, which can run any code when it is opened. "
            "Save it with a current PyTorch, or export it as ONNX."
        )
    if head[:1] == b"\x08":  # ONNX: protobuf, whose first field is the IR version
        return "onnx"
    raise UnusableModel(
        f"{path.name} is not a model we can read. Use ONNX (.onnx), an ultralytics detection "
        "checkpoint (.pt), or a Sightline model (.safetensors)."
    )


def sha256(path: Path) -> str:
    """Checksum of a file, or of a folder's files in the order of their names."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _describe_onnx(path: Path) -> tuple[tuple[str, ...], int, int, bool, Task]:
    model = _read_onnx(path)
    meta = {prop.key: prop.value for prop in model.metadata_props}
    parameters = sum(int(np.prod(t.dims)) for t in model.graph.initializer)
    shape = [d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim]
    return (
        _labels(_literal(meta.get("names")), path),
        _imgsz(_literal(meta.get("imgsz"))),
        parameters,
        meta.get("end2end") == "True" or (len(shape) == 3 and shape[2] == 6),
        "concept" if meta.get("task") == "classify" else "boxes",
    )


def _read_onnx(path: Path) -> Any:
    """The graph, with whatever could make a runtime open another file refused."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as e:
        raise UnusableModel(f"{path.name} is not an ONNX model, or it is damaged.") from e
    if len(model.graph.input) == 0 or len(model.graph.output) == 0:
        raise UnusableModel(f"{path.name} is not an ONNX model, or it is damaged.")
    if _points_outside(model):
        raise UnusableModel(
            f"{path.name} keeps its weights in another file. Export it again as one single file."
        )
    return model


def _points_outside(message: Any) -> bool:
    """Does any tensor, however deep in the graph, lie in an external file?"""
    if message.DESCRIPTOR.name == "TensorProto":
        return message.data_location == 1 or len(message.external_data) > 0
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        parts = [value] if hasattr(value, "DESCRIPTOR") else value
        if any(_points_outside(part) for part in parts):
            return True
    return False


def _openvino_graph(folder: Path) -> Path:
    """The .xml of an exported OpenVINO folder."""
    graphs = sorted(folder.glob("*.xml"))
    if len(graphs) != 1 or not graphs[0].with_suffix(".bin").is_file():
        raise UnusableModel(
            f"The folder {folder.name} does not hold one OpenVINO model: "
            "an .xml, its .bin and metadata.yaml."
        )
    return graphs[0]


def _describe_openvino(folder: Path) -> tuple[tuple[str, ...], int, int, bool, Task]:
    import openvino
    import yaml

    graph = _openvino_graph(folder)
    try:
        meta = yaml.safe_load((folder / "metadata.yaml").read_text()) or {}
        model = openvino.Core().read_model(graph)
    except (OSError, yaml.YAMLError, RuntimeError) as e:
        raise UnusableModel(f"The OpenVINO model in {folder.name} cannot be read.") from e
    constants = [op for op in model.get_ops() if op.get_type_name() == "Constant"]
    shape = model.output(0).get_partial_shape()
    return (
        _labels(meta.get("names"), folder),
        _imgsz(meta.get("imgsz")),
        sum(int(np.prod(list(op.output(0).get_shape()))) for op in constants),
        len(shape) == 3 and shape[2].is_static and shape[2].get_length() == 6,
        "concept" if meta.get("task") == "classify" else "boxes",
    )


def _literal(text: str | None) -> Any:
    try:
        return ast.literal_eval(text or "None")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _labels(names: Any, path: Path) -> tuple[str, ...]:
    """Names as ultralytics keeps them, {0: "cup", 1: "sign"}, in the order of their numbers."""
    if isinstance(names, Mapping):
        names = [names[key] for key in sorted(names)]
    if not isinstance(names, Sequence) or isinstance(names, str) or not names:
        raise UnusableModel(
            f"{path.name} does not name its labels. Export it with ultralytics, which writes them."
        )
    return tuple(str(name) for name in names)


def _imgsz(value: Any) -> int:
    sizes = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    numbers = [int(v) for v in sizes if isinstance(v, int | float) and 32 <= v <= MAX_WIDTH]
    return max(numbers, default=640)


# ---- ultralytics, fenced in --------------------------------------------------------------------


def ultralytics() -> Any:
    """The ultralytics package, kept from the user's home folder, the network and pip.

    Importing it writes a settings file, may ask the internet, caps OpenMP at one thread for the
    whole process, and puts its own function, which fetches plug-ins, in the place of
    `PIL.Image.open`: the first goes to a private folder that is removed at exit, the others are
    undone.
    """
    if "YOLO_CONFIG_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="sightline-ultralytics-")
        os.environ["YOLO_CONFIG_DIR"] = folder
        atexit.register(_remove_if_ours, folder, os.getpid())
    for name in ("YOLO_OFFLINE", "ULTRALYTICS_SAFE_LOAD"):
        os.environ[name] = "true"
    for name in ("YOLO_AUTOINSTALL", "YOLO_VERBOSE"):
        os.environ.setdefault(name, "false")

    threads = os.environ.get("OMP_NUM_THREADS")
    import torch  # noqa: F401  first, so that it keeps its own number of threads
    import ultralytics as package
    from PIL import Image
    from ultralytics.utils import patches

    Image.open = patches._image_open
    if threads is None:
        os.environ.pop("OMP_NUM_THREADS", None)
    if package.settings.get("sync"):
        package.settings.update(sync=False)
    return package


def _remove_if_ours(folder: str, pid: int) -> None:
    if os.getpid() == pid:  # not in a forked worker: its parent still uses the folder
        shutil.rmtree(folder, ignore_errors=True)


# ---- .pt ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """What we take from a file: numbers, names and the list of layers."""

    layers: dict[str, Any]
    names: tuple[str, ...]
    imgsz: int
    state: Mapping[str, NDArray[Any]]


class _Shell:
    """Stands for any class that a checkpoint mentions. Holds its values, does nothing."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


def _read_pickled(path: Path) -> Saved:
    """A `.pt` checkpoint's numbers, names and layers. Raises UnusableModel."""
    import pickle

    import torch

    try:
        with _nothing_trusted():
            mentioned = torch.serialization.get_unsafe_globals_in_checkpoint(path)
            stand_ins: list[Any] = [(type("_Stand_in", (_Shell,), {}), name) for name in mentioned]
            _refuse_other_names(mentioned, path)
            with torch.serialization.safe_globals(stand_ins):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        ValueError,
        EOFError,
        LookupError,
        TypeError,
        AttributeError,
        OSError,
    ) as e:
        raise UnusableModel(f"{path.name} is not a PyTorch checkpoint, or it is damaged.") from e
    return _saved_from(content, path)


def _refuse_other_names(mentioned: Sequence[str], path: Path) -> None:
    refused = sorted(name for name in mentioned if not PICKLED_NAMES.fullmatch(name))
    if refused:
        raise UnusableModel(
            f"{path.name} was not opened: it asks to run {refused[0]}, which no detection "
            "checkpoint needs. If you trust its maker, ask for an ONNX export."
        )


@contextmanager
def _nothing_trusted() -> Iterator[None]:
    """Empty torch's list of classes that it may build, and put it back afterwards.

    The list is the process's own, and ultralytics adds its real classes to it: they would be
    taken instead of our stand-ins.
    """
    import torch

    with _READING:
        known = torch.serialization.get_safe_globals()
        torch.serialization.clear_safe_globals()
        try:
            yield
        finally:
            torch.serialization.add_safe_globals(known)


def _saved_from(content: Any, path: Path) -> Saved:
    """Find the model in the dictionary that ultralytics saves."""
    import torch

    content = content if isinstance(content, dict) else {"model": content}
    model = content.get("ema") or content.get("model")
    layers = getattr(model, "yaml", None)
    if not isinstance(model, _Shell) or not isinstance(layers, dict):
        raise UnusableModel(
            f"{path.name} holds weights but not an ultralytics detection model. "
            "Export it as ONNX and use that."
        )
    arguments = content.get("train_args")
    size = arguments.get("imgsz") if isinstance(arguments, dict) else None
    state = {
        key: tensor.detach()
        .to(torch.float32 if tensor.is_floating_point() else tensor.dtype)
        .numpy()
        for key, tensor in _tensors(model, "")
    }
    return Saved(layers, _labels(getattr(model, "names", None), path), _imgsz(size), state)


def _tensors(module: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """The named tensors of a torch module: what its `state_dict()` would list."""
    import torch

    values = vars(module)
    transient = values.get("_non_persistent_buffers_set") or ()
    for group in ("_parameters", "_buffers"):
        for name, tensor in (values.get(group) or {}).items():
            if isinstance(tensor, torch.Tensor) and name not in transient:
                yield prefix + name, tensor
    for name, child in (values.get("_modules") or {}).items():
        if isinstance(child, _Shell):
            yield from _tensors(child, f"{prefix}{name}.")


# ---- Building the network ------------------------------------------------------------------------


def load_model(path: Path | str) -> Any:
    """An ultralytics `DetectionModel` or `ClassificationModel` (in evaluation mode, on the CPU).

    Its `names` are {number: label}. For `.pt` and compact files; an export is for running, and
    opened for training by `analysis.models.exported_weights`. Raises UnusableModel.
    """
    path = Path(path)
    kind = model_format(path)
    if kind == "pytorch":
        return build(_read_pickled(path), path)
    if kind == "compact":
        meta, tensors = _read_compact(path)
        state = _expand(tensors)
        return build(Saved(meta["yaml"], tuple(meta["names"]), int(meta["imgsz"]), state), path)
    raise UnusableModel(f"{path.name} can be run but not opened as a network; use the .pt file.")


def build(saved: Saved, path: Path) -> Any:
    """The network of a layer list with its weights. Raises UnusableModel where they do not fit."""
    _check_layers(saved.layers, path)
    ultralytics()
    import torch
    from ultralytics.nn.tasks import ClassificationModel, DetectionModel, parse_model

    layers = {**saved.layers, "nc": len(saved.names)}
    channels = int(layers.get("channels", 3))
    try:
        with torch.device("meta"):  # without memory, to see that it is the network of these weights
            plan, _ = parse_model(copy.deepcopy(layers), ch=channels, verbose=False)
            width = _label_width(saved.state)
            is_wide = width not in (None, _label_width(plan.state_dict(prefix="model.")))
            if is_wide:
                wide, _ = parse_model({**copy.deepcopy(layers), "nc": width}, channels, False)
                _take_width(plan[-1], wide[-1])
        _check_shapes(plan.state_dict(prefix="model."), saved.state, path)
        kind = ClassificationModel if _task_of(layers) == "concept" else DetectionModel
        model: Any = kind(layers, ch=channels, verbose=False)
        if is_wide:
            other: Any = kind({**layers, "nc": width}, ch=channels, verbose=False)
            _take_width(model.model[-1], other.model[-1])
        state = {k: torch.from_numpy(np.array(v)) for k, v in saved.state.items()}
        model.load_state_dict({**_counters(model.state_dict()), **state})
    except UnusableModel:
        raise
    except Exception as e:  # whatever a made-up layer list brings the builder to
        raise UnusableModel(f"The network that {path.name} describes cannot be built.") from e
    model.names = dict(enumerate(saved.names))
    model.args = {"imgsz": saved.imgsz}
    return model.eval()


def _label_width(state: Mapping[str, Any]) -> int | None:
    """How wide the layers before a head's answer for each label are; None for other heads."""
    last = (v for k, v in state.items() if re.fullmatch(r"model\.\d+\.cv3\.0\.2\.weight", k))
    return next((int(v.shape[1]) for v in last), None)


def _take_width(head: Any, wide: Any) -> None:
    """Give a head the layers before its labels of a head of another width.

    They are as wide as there were labels when a network was first trained; ultralytics keeps
    them so when it goes on with other labels.
    """
    from torch import nn

    for name in ("cv3", "one2one_cv3"):
        if getattr(head, name, None) is None:
            continue
        branches = getattr(wide, name)
        for branch, own in zip(branches, getattr(head, name), strict=True):
            branch[-1] = nn.Conv2d(branch[-1].in_channels, own[-1].out_channels, 1)
        setattr(head, name, branches)


def _counters(state: Mapping[str, Any]) -> dict[str, Any]:
    """Batch counters, which only training reads and a compact file leaves out."""
    return {k: v for k, v in state.items() if k.endswith("num_batches_tracked")}


def _check_shapes(
    plan: Mapping[str, Any], state: Mapping[str, NDArray[np.generic]], path: Path
) -> None:
    wanted = {k: tuple(v.shape) for k, v in plan.items() if k not in _counters(plan)}
    given = {k: tuple(v.shape) for k, v in state.items() if k not in _counters(state)}
    if wanted != given:
        raise UnusableModel(
            f"The layers and the weights in {path.name} do not fit together. If it was saved "
            "fused, save it again as training left it."
        )


def _check_layers(layers: Mapping[str, Any], path: Path) -> None:
    """Refuse a layer list that names anything but known layers and modest numbers.

    The builder looks names up among functions and evaluates the activation, so both are held
    to an allow-list before it sees them.
    """
    try:
        rows = [*layers["backbone"], *layers["head"]]
        kinds = {row[2] for row in rows}
        sizes = [abs(n) for n in _numbers([rows, layers.get("scales"), layers.get("nc")])]
    except (LookupError, TypeError) as e:
        raise UnusableModel(f"{path.name} does not describe a detection network.") from e
    unknown = sorted(str(k) for k in kinds if k not in LAYERS)
    if unknown:
        raise UnusableModel(f"{path.name} uses a layer we do not build: {unknown[0][:40]}.")
    activation = layers.get("activation")
    if activation and not (isinstance(activation, str) and ACTIVATION.fullmatch(activation)):
        raise UnusableModel(f"{path.name} asks for an activation we do not build.")
    if len(rows) > MAX_ROWS or max(sizes, default=0) > MAX_WIDTH:
        raise UnusableModel(f"{path.name} describes a network of unreasonable size.")


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, int | float):
        yield float(value)


# ---- The compact format ----------------------------------------------------------------------


def save_compact(
    model: Any, path: Path | str, names: Sequence[str] | None = None, imgsz: int | None = None
) -> Path:
    """Write a model a quarter the size of its checkpoint, for sending and for shipping.

    Convolution kernels become int8 with one scale per output channel; small kernels stay in
    half precision and everything else in single. Written aside and renamed, so a reader never
    sees half a file.

    Args:
        model: an ultralytics `DetectionModel`, or a `YOLO` that holds one. Not fused.
        path: where to write; the name should end in `.safetensors`.
        names: labels in the order of the model's classes; the model's own by default.
        imgsz: longest side in pixels of the pictures to give it; the model's own, or 640.
    """
    from safetensors.numpy import save_file

    path = Path(path)
    model = model.model if hasattr(model.model, "yaml") else model
    meta = {
        "version": COMPACT_VERSION,
        "task": "classify" if _task_of(model.yaml) == "concept" else "detect",
        "yaml": model.yaml,
        "names": list(names or _labels(model.names, path)),
        "imgsz": imgsz or _imgsz(_argument(model, "imgsz")),
    }
    _check_layers(model.yaml, path)
    tensors: dict[str, NDArray[np.generic]] = {}
    for key, tensor in model.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            tensors |= _compress(key, tensor.detach().cpu().float().numpy())
    with _written_aside(path) as aside:
        # One key, because safetensors writes several in random order: the same model must give
        # the same file, and so the same checksum.
        save_file(tensors, aside, metadata={METADATA_KEY: json.dumps(meta, sort_keys=True)})
    return path


def _argument(model: Any, name: str) -> Any:
    arguments = getattr(model, "args", None)
    return arguments.get(name) if isinstance(arguments, dict) else getattr(arguments, name, None)


def _compress(key: str, values: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
    """One tensor as stored: int8 with `key#scale`, float16, or as it is."""
    if values.ndim < 2:
        return {key: np.ascontiguousarray(values)}
    if values.size < SMALL_KERNEL and np.abs(values).max(initial=0) < 60_000:
        return {key: values.astype(np.float16)}
    flat = values.reshape(len(values), -1)
    scale = np.maximum(np.abs(flat).max(axis=1), 1e-12) / 127
    whole = np.rint(flat / scale[:, None]).astype(np.int8).reshape(values.shape)
    return {key: whole, f"{key}#scale": scale.astype(np.float32)}


def _expand(tensors: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """What `_compress` stored, as float32."""
    state: dict[str, NDArray[np.generic]] = {}
    for key, stored in tensors.items():
        if key.endswith("#scale"):
            continue
        values = stored.astype(np.float32)
        if stored.dtype == np.int8:
            scale = tensors[f"{key}#scale"].astype(np.float32)
            values = values * scale.reshape((-1,) + (1,) * (values.ndim - 1))
        state[key] = values
    return state


def _read_compact(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    """Metadata and stored tensors of a compact file. Raises UnusableModel."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = dict(file.metadata() or {})
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as e:
        raise UnusableModel(f"{path.name} is not a Sightline model, or it is damaged.") from e
    if METADATA_KEY not in header:
        raise UnusableModel(f"{path.name} holds tensors, but not a detection model of Sightline's.")
    try:
        meta = json.loads(header[METADATA_KEY])
        if meta["version"] != COMPACT_VERSION:
            raise UnusableModel(f"{path.name} was written by another Sightline; update this one.")
        if any(key.removesuffix("#scale") not in tensors for key in tensors):
            raise ValueError("tensors are missing")
        return {**meta, "names": _labels(meta["names"], path), "imgsz": int(meta["imgsz"])}, tensors
    except (KeyError, ValueError, TypeError, RecursionError) as e:
        raise UnusableModel(f"{path.name} is damaged: its description cannot be read.") from e


@contextmanager
def _written_aside(path: Path) -> Iterator[Path]:
    """A path to write to, renamed to `path` when the block ends well and removed when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        aside.chmod(0o644)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


# ---- Export ------------------------------------------------------------------------------------


def export_onnx(
    path: Path | str, folder: Path | str, imgsz: int | None = None, *, end_to_end: bool = False
) -> Path:
    """The graph an engine runs: made once, then found in `folder` by the model's checksum.

    Height and width stay open in it, so one export serves every picture shape. ONNX files and
    OpenVINO folders are checked and used as they are.

    Args:
        path: a model file that `describe` accepts.
        folder: cache, safe to delete.
        imgsz: longest side in pixels to note in the file; the model's own by default.
        end_to_end: use the model's NMS-free head where it has one (YOLOv10, YOLO26). ultralytics
            itself predicts with the other head and NMS, and so do we by default.

    Raises UnusableModel.
    """
    path, folder = Path(path), Path(folder)
    kind = model_format(path)
    if kind == "openvino":
        return _openvino_graph(path)
    if kind == "onnx":
        _read_onnx(path)
        return path
    key = f"{sha256(path)}-{imgsz or 'own'}-v{EXPORT_VERSION}{'-e2e' if end_to_end else ''}"
    target = folder / f"{key}.onnx"
    if not target.is_file():
        with _written_aside(target) as aside:
            export = _export if "torch" in sys.modules else _export_elsewhere
            export(path, aside, imgsz, end_to_end)
    return target


def _export(path: Path, target: Path, imgsz: int | None, end_to_end: bool) -> None:
    model = load_model(path)
    _write_onnx(model, target, imgsz or _imgsz(_argument(model, "imgsz")), end_to_end)


def _export_elsewhere(path: Path, target: Path, imgsz: int | None, end_to_end: bool) -> None:
    """Export in a process of its own: torch would stay in this one, a gigabyte for ever."""
    order = json.dumps([str(path.absolute()), str(target.absolute()), imgsz, end_to_end])
    script = (
        "import sys; from analysis.models.checkpoints import _export_as_told as e; e(sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, order],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    if done.returncode == REFUSED:
        raise UnusableModel(done.stdout.strip())
    if done.returncode:
        raise RuntimeError(f"exporting {path.name} failed:\n{done.stderr}")


def _export_as_told(order: str) -> None:
    """The other end of `_export_elsewhere`."""
    path, target, imgsz, end_to_end = json.loads(order)
    try:
        _export(Path(path), Path(target), imgsz, end_to_end)
    except UnusableModel as e:
        print(e.message)
        sys.exit(REFUSED)


def for_inference(model: Any, end_to_end: bool) -> Any:
    """Fuse a network that `load_model` gave, in place, so that it returns predictions alone.

    With `end_to_end` they come from its NMS-free head, (batch, boxes, 6), where it has one;
    otherwise they are (batch, 4 + labels, anchors), boxes as centre and size in pixels. Those of
    whole pictures are (batch, labels), adding up to 1.
    """
    head = model.model[-1]
    if getattr(head, "one2one_cv2", None) is not None:
        model.end2end = end_to_end
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.fuse(verbose=False)
    head.export = True
    return model.eval()


def _write_onnx(model: Any, target: Path, imgsz: int, end_to_end: bool) -> None:
    """Trace the fused network, with batch, height and width open, and note its labels."""
    import warnings

    import onnx
    import torch

    model = for_inference(model, end_to_end)
    model.model[-1].format, model.model[-1].dynamic = "onnx", True
    task, is_end_to_end = _task_of(model.yaml), bool(getattr(model, "end2end", False))
    has_anchors = task == "boxes" and not is_end_to_end
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of every shape it reads
        torch.onnx.export(
            model,
            (torch.zeros(1, 3, 320, 384),),
            str(target),
            dynamo=False,
            opset_version=18,
            input_names=["images"],
            output_names=["output0"],
            dynamic_axes={
                "images": {0: "batch", 2: "height", 3: "width"},
                "output0": {0: "batch", 2: "anchors"} if has_anchors else {0: "batch"},
            },
        )
    graph = onnx.load(target)
    meta = {"names": dict(model.names), "imgsz": [imgsz, imgsz], "stride": 32}
    meta |= {"task": "classify" if task == "concept" else "detect", "end2end": is_end_to_end}
    onnx.helper.set_model_props(graph, {key: str(value) for key, value in meta.items()})
    onnx.save(graph, target)


def command(argv: Sequence[str]) -> int:
    """`python -m analysis export MODEL FOLDER`: describe a model and export it."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis export", description="Check a model file and export it."
    )
    parser.add_argument("model", type=Path, help=".pt, .onnx, .safetensors or an OpenVINO folder")
    parser.add_argument("folder", type=Path, help="where the exported graph goes")
    parser.add_argument("--imgsz", type=int, help="longest side in pixels to note in the export")
    parser.add_argument("--end-to-end", action="store_true", help="export the NMS-free head")
    parser.add_argument("--compact", type=Path, help="also write a compact .safetensors here")
    options = parser.parse_args(argv)
    try:
        described = asdict(describe(options.model))
        graph = export_onnx(
            options.model, options.folder, options.imgsz, end_to_end=options.end_to_end
        )
        if options.compact:
            save_compact(load_model(options.model), options.compact, imgsz=options.imgsz)
    except AnalysisError as e:
        parser.exit(1, f"{e.message}\n")
    print(json.dumps({**described, "graph": str(graph)}, indent=2, ensure_ascii=False))
    return 0
