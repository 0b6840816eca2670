"""A network's list of layers, checked before anything is built from it.

ultralytics' builder looks names up among functions and evaluates the activation, so both are held
to an allow-list before it sees them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from analysis.errors import UnusableModel
from analysis.models.formats import Task

MAX_ROWS = 400  # layers in a model's layer list
MAX_WIDTH = 8_192  # the largest number that may stand in it
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


def task_of(layers: Any) -> Task:
    """What a layer list is for, by its last layer."""
    try:
        return "concept" if layers["head"][-1][2] == "Classify" else "boxes"
    except (LookupError, TypeError):
        return "boxes"  # and refused when it is built


def check_layers(layers: Mapping[str, Any], path: Path) -> None:
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
