"""Weights that others published, where somebody put them on this machine: nothing is fetched."""

from __future__ import annotations

from pathlib import Path

# As ultralytics publishes and names them; of several the one that lost the least.
FORMS = ("{}.pt", "{}.onnx", "{}_openvino_model", "{}_int8_openvino_model")


def published_weights(folder: Path | str, network: str) -> Path | None:
    """The file or folder that holds a network such as "yolo26n", or "yolo26n-cls"; None if none."""
    places = (Path(folder) / form.format(network) for form in FORMS)
    return next((place for place in places if place.exists()), None)
