"""A `.pt` checkpoint, opened without running anything that it holds.

It is a pickle, and a pickle can run any code. Here it is read by torch's weights-only reader with
stand-ins for the model classes: the file yields numbers, names and the layer list, and the network
is built anew from those (see `network`).
"""

from __future__ import annotations

import pickle
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from analysis.errors import UnusableModel
from analysis.models.formats import label_names, longest_side
from analysis.torch_here import require_torch

_READING = threading.Lock()
# What torch's reader raises for a file that is damaged, or no checkpoint.
UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    OSError,
)
# Names a checkpoint may mention; each is read as an empty stand-in and none is ever run.
PICKLED_NAMES = re.compile(
    r"(ultralytics\.nn\.(modules(\.\w+)?|tasks)|ultralytics\.utils\.(loss|tal)"
    r"|torch\.nn\.modules\.\w+|torchvision\.transforms(\.\w+)?)\.[A-Z]\w*"
    r"|ultralytics\.(yolo\.)?utils\.IterableSimpleNamespace"
    r"|pathlib(\._local)?\.(Posix|Windows|Pure\w+)?Path"
    r"|numpy\.(dtype|dtypes\.\w+)|numpy\.(_core|core)\.multiarray\.(scalar|_reconstruct)"
)


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


def read_pickled(path: Path) -> Saved:
    """A `.pt` checkpoint's numbers, names and layers. Raises UnusableModel."""
    require_torch()
    import torch

    try:
        with nothing_trusted():
            mentioned = torch.serialization.get_unsafe_globals_in_checkpoint(path)
            stand_ins: list[Any] = [(type("_Stand_in", (_Shell,), {}), name) for name in mentioned]
            _refuse_other_names(mentioned, path)
            with torch.serialization.safe_globals(stand_ins):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as e:
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
def nothing_trusted() -> Iterator[None]:
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
    return Saved(
        layers, label_names(getattr(model, "names", None), path), longest_side(size), state
    )


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
