"""The network of a model file, built anew from its layers and weights."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import UnusableModel
from analysis.models.compact import expand, read_compact
from analysis.models.formats import model_format
from analysis.models.layers import check_layers, task_of
from analysis.models.pickled import Saved, read_pickled
from analysis.models.ultralytics_fence import ultralytics


def load_model(path: Path | str) -> Any:
    """An ultralytics `DetectionModel` or `ClassificationModel` (in evaluation mode, on the CPU).

    Its `names` are {number: label}. For `.pt` and compact files; an export is for running, and
    opened for training by `analysis.models.exported_weights`. Raises UnusableModel.
    """
    path = Path(path)
    kind = model_format(path)
    if kind == "pytorch":
        return build(read_pickled(path), path)
    if kind == "compact":
        meta, tensors = read_compact(path)
        state = expand(tensors)
        return build(Saved(meta["yaml"], tuple(meta["names"]), int(meta["imgsz"]), state), path)
    raise UnusableModel(f"{path.name} can be run but not opened as a network; use the .pt file.")


def build(saved: Saved, path: Path) -> Any:
    """The network of a layer list with its weights. Raises UnusableModel where they do not fit."""
    check_layers(saved.layers, path)
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
        kind = ClassificationModel if task_of(layers) == "concept" else DetectionModel
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
