"""How to train: the options, and what each may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

AUGMENTATIONS = ("normal", "light", "strong", "mirrored", "none")
STARTS = ("pretrained", "version", "scratch")
DEVICES = ("auto", "cpu", "cuda")
ARCHITECTURE = re.compile(r"yolo(26|12|11|v8)[nsmlx]")
# Our own, by the list of their layers; for what is small in every picture.
OWN_ARCHITECTURES = {"points": Path(__file__).with_name("points.yaml")}


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train. Kept with a training, so that it can be made again.

    Raises ValueError with a sentence for what cannot be.
    """

    imgsz: int = 640  # longest side in pixels; of whole pictures both sides
    epochs: int = 50
    epoch_size: int = 200  # pictures shown in an epoch, at least: a small set is shown repeatedly
    patience: int = 10  # epochs without getting better until it ends; 0: never
    seed: int = 0
    device: str = "auto"
    batch: int | None = None  # None: 16, or what fits
    augment: str = "normal"
    freeze: int = 0  # layers from the first on that stay as they are
    start: str = "pretrained"
    architecture: str = "yolo26n"
    learning_rate: float | None = None
    search: int = 0  # short trainings to find the learning rate and augmentation by
    average: int = 1  # trainings, with other seeds and picture sizes, whose weights are averaged
    synthetic: bool = True  # also train on pictures that were made

    def __post_init__(self) -> None:
        for name, least, most in (
            *(("imgsz", 64, 2048), ("epochs", 1, 1000), ("patience", 0, 1000)),
            *(("seed", 0, 2**31 - 1), ("freeze", 0, 30), ("search", 0, 50)),
            *(("epoch_size", 0, 100_000), ("average", 1, 10)),
        ):
            _check_whole(name, getattr(self, name), least, most)
        if self.batch is not None:
            _check_whole("batch", self.batch, 1, 512)
        if self.imgsz % 32:
            raise ValueError("imgsz must be a multiple of 32")
        for name, allowed in (("augment", AUGMENTATIONS), ("start", STARTS), ("device", DEVICES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}")
        is_own = self.architecture in OWN_ARCHITECTURES
        if not is_own and not ARCHITECTURE.fullmatch(str(self.architecture)):
            raise ValueError("architecture must be one such as yolo26n, yolo11s or yolov8m")
        rate = self.learning_rate
        if rate is not None and not (isfinite(rate) and 0 < rate <= 1):
            raise ValueError("learning_rate must be above 0 and at most 1")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrainingOptions:
        """Options as a training keeps them; what is left out has its default."""
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"there is no option {min(unknown)}")
        return cls(**values)


def _check_whole(name: str, value: Any, least: int, most: int) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")
