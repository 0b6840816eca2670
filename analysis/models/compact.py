"""Our own format: a quarter of a checkpoint's size, in safetensors, which hold numbers only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import UnusableModel
from analysis.models.formats import label_names, own_side, written_aside
from analysis.models.layers import check_layers, task_of

METADATA_KEY = "sightline-detector"
COMPACT_VERSION = 1
SMALL_KERNEL = 4_096  # kernels below this many numbers are kept in half precision


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
        "task": "classify" if task_of(model.yaml) == "concept" else "detect",
        "yaml": model.yaml,
        "names": list(names or label_names(model.names, path)),
        "imgsz": imgsz or own_side(model),
    }
    check_layers(model.yaml, path)
    tensors: dict[str, NDArray[np.generic]] = {}
    for key, tensor in model.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            tensors |= _compress(key, tensor.detach().cpu().float().numpy())
    with written_aside(path) as aside:
        # One key, because safetensors writes several in random order: the same model must give
        # the same file, and so the same checksum.
        save_file(tensors, aside, metadata={METADATA_KEY: json.dumps(meta, sort_keys=True)})
    return path


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


def expand(tensors: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
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


def read_compact(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
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
        return {
            **meta,
            "names": label_names(meta["names"], path),
            "imgsz": int(meta["imgsz"]),
        }, tensors
    except (KeyError, ValueError, TypeError, RecursionError) as e:
        raise UnusableModel(f"{path.name} is damaged: its description cannot be read.") from e
