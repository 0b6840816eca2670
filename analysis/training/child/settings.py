"""Our options in ultralytics' words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.training.child.work import Work
from analysis.training.options import OWN_ARCHITECTURES

RATES = {"scratch": 0.002, "tuned": 0.001}  # of AdamW with a step after every batch
RAM_BYTES = 2 << 30  # decoded pictures kept in memory up to here
# Mirrored letters are not letters, so no preset flips but the one for things without.
PLAIN = {
    "mosaic": 0.0, "mixup": 0.0, "fliplr": 0.0, "flipud": 0.0, "degrees": 0.0, "shear": 0.0,
    "perspective": 0.0, "scale": 0.0, "translate": 0.0, "hsv_h": 0.0, "hsv_s": 0.0, "hsv_v": 0.0,
    "erasing": 0.0, "auto_augment": None,
}  # fmt: skip
LIGHT = PLAIN | {
    "scale": 0.3, "translate": 0.08, "hsv_h": 0.01, "hsv_s": 0.4, "hsv_v": 0.3
}  # fmt: skip
AUGMENT: Mapping[str, Mapping[str, Any]] = {
    "none": PLAIN,
    "light": LIGHT,
    "normal": LIGHT | {"scale": 0.5, "translate": 0.1, "hsv_s": 0.6, "hsv_v": 0.4, "mosaic": 0.7},
    "strong": LIGHT | {
        "scale": 0.7, "translate": 0.15, "hsv_h": 0.02, "hsv_s": 0.7, "hsv_v": 0.5, "mosaic": 1.0,
        "mixup": 0.1, "degrees": 8.0, "shear": 4.0, "perspective": 0.0004, "erasing": 0.3,
    },
    "mirrored": LIGHT | {
        "scale": 0.8, "translate": 0.15, "hsv_s": 0.6, "hsv_v": 0.4, "mosaic": 0.7,
        "fliplr": 0.5, "flipud": 0.5,
    },
}  # fmt: skip


def overrides(
    work: Work, data: Path, batch: int, values: Mapping[str, Any], turn: int = 0
) -> dict[str, Any]:
    """Ultralytics' settings for our options; `values` are what a search found."""
    options = work.options
    suffix = "-cls" if work.task == "concept" else ""
    own = OWN_ARCHITECTURES.get(options.architecture)
    rate = values.get("learning_rate") or learning_rate(work)
    augment = dict(AUGMENT[values.get("augment", options.augment)])
    if work.task == "concept" and augment["scale"]:
        augment["fliplr"] = 0.5
    return {
        "model": str(own or f"{options.architecture}{suffix}.yaml"),
        "pretrained": work.start is not None,
        "data": str(data), "epochs": options.epochs, "patience": options.patience or 10_000,
        "imgsz": work.side(turn), "batch": batch, "nbs": batch,  # a step after every batch
        "seed": options.seed + turn, "device": device_for(options.device),
        "freeze": options.freeze or None, "workers": 4, "amp": False, "cache": _fits_memory(work),
        "plots": False, "val": True, "optimizer": "AdamW", "lr0": rate,
        "lrf": 0.02, "warmup_epochs": min(1.0, options.epochs / 10), "warmup_bias_lr": 0.0,
        "close_mosaic": min(10, options.epochs // 4), "verbose": False, "exist_ok": True,
        "project": str(work.folder / "runs"), "name": "main", **augment,
    }  # fmt: skip


def learning_rate(work: Work) -> float:
    """Of AdamW, where no search chose one."""
    return work.options.learning_rate or RATES["tuned" if work.start else "scratch"]


def device_for(wanted: str) -> str:
    """ultralytics' name for one of DEVICES. Raises AnalysisError where there is no such card."""
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise AnalysisError("There is no graphics card that we can use here. Choose the processor.")
    return "cpu" if wanted == "cpu" or not torch.cuda.is_available() else "0"


def compute_in_16_bits(device: str) -> None:
    """On processors that can do so themselves it is a third faster; elsewhere nothing changes.

    Ultralytics would do this on a graphics card alone, and there wants to fetch a network first.
    """
    import torch
    from ultralytics.engine import trainer

    if device == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        trainer.autocast = lambda *_, **__: torch.autocast("cpu", torch.bfloat16)


def _fits_memory(work: Work) -> str | bool:
    side = work.largest_side
    n_pictures = len(work.pictures) * work.times
    return "ram" if work.task == "boxes" and n_pictures * side**2 * 3 < RAM_BYTES else False
