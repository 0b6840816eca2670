"""The graph that an engine runs: read with care, and made from a checkpoint or compact file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from analysis.children import PYTHON
from analysis.errors import UnusableModel
from analysis.models.formats import (
    model_format,
    openvino_graph,
    own_side,
    sha256,
    written_aside,
)
from analysis.models.layers import task_of
from analysis.models.network import for_inference, load_model
from analysis.torch_here import require_torch

REFUSED = 3  # exit status of an export that raised UnusableModel
EXPORT_VERSION = 1  # part of the cache key: raise it when the exported graph changes


def read_onnx(path: Path) -> Any:
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

    Raises UnusableModel; NeedsTorch where it must be made and torch is not installed.
    """
    path, folder = Path(path), Path(folder)
    kind = model_format(path)
    if kind == "openvino":
        return openvino_graph(path)
    if kind == "onnx":
        read_onnx(path)
        return path
    key = f"{sha256(path)}-{imgsz or 'own'}-v{EXPORT_VERSION}{'-e2e' if end_to_end else ''}"
    target = folder / f"{key}.onnx"
    if not target.is_file():
        with written_aside(target) as aside:
            export = _export if "torch" in sys.modules else export_elsewhere
            export(path, aside, imgsz, end_to_end)
    return target


def _export(path: Path, target: Path, imgsz: int | None, end_to_end: bool) -> None:
    model = load_model(path)
    _write_onnx(model, target, imgsz or own_side(model), end_to_end)


def export_elsewhere(path: Path, target: Path, imgsz: int | None, end_to_end: bool) -> None:
    """Export in a process of its own: torch would stay in this one, a gigabyte for ever."""
    require_torch()
    order = json.dumps([str(path.absolute()), str(target.absolute()), imgsz, end_to_end])
    script = (
        "import sys; from analysis.models.onnx_graph import export_as_told as e; e(sys.argv[1])"
    )
    done = subprocess.run(
        [*PYTHON, "-c", script, order],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    if done.returncode == REFUSED:
        raise UnusableModel(done.stdout.strip())
    if done.returncode:
        raise RuntimeError(f"exporting {path.name} failed:\n{done.stderr}")


def export_as_told(order: str) -> None:
    """The other end of `export_elsewhere`."""
    path, target, imgsz, end_to_end = json.loads(order)
    try:
        _export(Path(path), Path(target), imgsz, end_to_end)
    except UnusableModel as e:
        print(e.message)
        sys.exit(REFUSED)


def _write_onnx(model: Any, target: Path, imgsz: int, end_to_end: bool) -> None:
    """Trace the fused network, with batch, height and width open, and note its labels."""
    import warnings

    import onnx
    import torch

    model = for_inference(model, end_to_end)
    model.model[-1].format, model.model[-1].dynamic = "onnx", True
    task, is_end_to_end = task_of(model.yaml), bool(getattr(model, "end2end", False))
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
