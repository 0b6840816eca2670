"""A detector that knows nothing yet, as a checkpoint, compact and exported."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from analysis.models.compact import save_compact
from analysis.models.onnx_graph import export_onnx
from analysis.models.ultralytics_fence import ultralytics

LABELS = ("Aurora", "Borealis", "Cirrus")
ultralytics()


@pytest.fixture(scope="session")
def model():
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(0)
    network = DetectionModel("yolo26n.yaml", nc=len(LABELS), verbose=False).eval()
    network.names = dict(enumerate(LABELS))
    return network


@pytest.fixture(scope="session")
def checkpoint(model, tmp_path_factory):
    """A file with everything that ultralytics' trainer writes."""
    path = tmp_path_factory.mktemp("pt") / "best.pt"
    content = {
        "epoch": -1,
        "model": copy.deepcopy(model).half(),
        "ema": None,
        "optimizer": None,
        "train_args": {"imgsz": 512, "data": "data.yaml", "project": Path("runs")},
        "train_metrics": {"fitness": np.float64(0.5)},
        "date": "2026-01-01",
    }
    torch.save(content, path)
    return path


@pytest.fixture(scope="session")
def compact(model, tmp_path_factory):
    return save_compact(model, tmp_path_factory.mktemp("compact") / "m.safetensors", imgsz=512)


@pytest.fixture(scope="session")
def exported(compact, tmp_path_factory):
    return export_onnx(compact, tmp_path_factory.mktemp("exports"))
