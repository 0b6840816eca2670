"""A model in the formats that other programs run: ONNX, OpenVINO, TorchScript.

`python -m analysis.model_exports FORMAT MODEL TARGET` does one in a process of its own, so that
what it needs (torch: a gigabyte) is gone afterwards. TARGET is a .onnx, a .zip with the OpenVINO
folder, or a .torchscript.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from analysis.checkpoints import (
    REFUSED,
    ModelDescription,
    describe,
    export_onnx,
    for_inference,
    load_model,
)
from analysis.errors import AnalysisError, Stopped, UnusableModel

SUFFIXES = {"onnx": ".onnx", "openvino": ".zip", "torchscript": ".torchscript"}
_TICK_S = 0.2


def export(
    model: Path,
    format: str,
    target: Path,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Write `model` in `format` to `target`, in a child process.

    Raises UnusableModel with a sentence; Stopped when `should_stop` says so; KeyError for a
    format that is not in SUFFIXES.
    """
    SUFFIXES[format]
    child = subprocess.Popen(
        [sys.executable, "-m", "analysis.model_exports", format, str(model), str(target)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while True:
        try:
            said, errors = child.communicate(timeout=_TICK_S)
            break
        except subprocess.TimeoutExpired:
            if should_stop():
                child.kill()
                child.communicate()
                raise Stopped from None
    if child.returncode == REFUSED:
        raise UnusableModel(said.strip())
    if child.returncode:
        raise RuntimeError(f"exporting {model.name} as {format} failed:\n{errors}")


def write(model: Path, format: str, target: Path) -> None:
    """Do it here. Raises UnusableModel."""
    {"onnx": _onnx, "openvino": _openvino, "torchscript": _torchscript}[format](model, target)


def _onnx(model: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target.write_bytes(export_onnx(model, folder).read_bytes())


def _openvino(model: Path, target: Path) -> None:
    """The graph in half precision with its metadata.yaml, as ultralytics lays it out."""
    import openvino
    import yaml

    about = describe(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        graph = openvino.convert_model(export_onnx(model, folder))
        openvino.save_model(graph, folder / "model.xml", compress_to_fp16=True)
        meta = yaml.safe_dump(_metadata(about), allow_unicode=True, sort_keys=False)
        (folder / "metadata.yaml").write_text(meta)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in ("model.xml", "model.bin", "metadata.yaml"):
                archive.write(folder / part, part)


def _torchscript(model: Path, target: Path) -> None:
    """A traced network with its names in `config.txt`, where ultralytics looks for them."""
    import warnings

    import torch

    about = describe(model)
    if about.format in ("onnx", "openvino"):
        raise UnusableModel(
            f"{model.name} holds a graph and no network, so TorchScript cannot be made of it."
        )
    network = for_inference(load_model(model), end_to_end=False)
    example = torch.zeros(1, 3, about.imgsz, about.imgsz)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of every shape it reads
        network(example)  # once, so that its anchors are laid out for this size
        traced = torch.jit.trace(network, example, strict=False)
        torch.jit.save(traced, target, {"config.txt": json.dumps(_metadata(about)).encode()})


def _metadata(about: ModelDescription) -> dict[str, object]:
    """What ultralytics' own exports say beside the graph."""
    return {
        "description": "Exported by Sightline",
        "stride": 32,
        "task": "classify" if about.task == "concept" else "detect",
        "batch": 1,
        "imgsz": [about.imgsz, about.imgsz],
        "names": dict(enumerate(about.labels)),
        "end2end": False,
    }


def main(arguments: list[str]) -> int:
    format, model, target = arguments
    try:
        write(Path(model), format, Path(target))
    except AnalysisError as e:
        print(e.message)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
