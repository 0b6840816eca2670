"""A model in the formats that other programs run: ONNX, OpenVINO, TorchScript.

`python -m analysis.models.exports FORMAT MODEL TARGET` does one in a process of its own, so that
what it needs (torch: a gigabyte) is gone afterwards. TARGET is a .onnx, a .zip with the OpenVINO
folder, or a .torchscript. It says what it does in lines of JSON.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

from analysis.children import PYTHON, die_with_parent
from analysis.errors import AnalysisError, Stopped, UnusableModel
from analysis.models.describe import ModelDescription, describe
from analysis.models.network import for_inference, load_model
from analysis.models.onnx_graph import REFUSED, export_onnx
from analysis.models.ultralytics_fence import ultralytics
from analysis.torch_here import require_torch

SUFFIXES = {"onnx": ".onnx", "openvino": ".zip", "torchscript": ".torchscript"}
Say = Callable[[float, str], None]  # the share that is done, 0 to 1, and what comes next, in words
DISK_FULL = 5  # how the child ends then
_TICK_S = 0.2


def _nobody(share: float, step: str) -> None:
    pass


# ---- Outside the child ---------------------------------------------------------------------------


def export(
    model: Path,
    format: str,
    target: Path,
    *,
    on_progress: Say = _nobody,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Write `model` in `format` to `target`, in a child process that ends with this one.

    Raises UnusableModel and other AnalysisErrors with a sentence; Stopped when `should_stop` says
    so; KeyError for a format that is not in SUFFIXES.
    """
    SUFFIXES[format]
    require_torch()
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            [*PYTHON, "-m", "analysis.models.exports", format, str(model), str(target)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=die_with_parent,
        )
        try:
            refusal = _follow(child, on_progress, should_stop)
            code = child.wait()
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
        log.seek(0)
        _check(code, refusal, f"exporting {model.name} as {format}", log)


def _follow(
    child: subprocess.Popen[bytes], on_progress: Say, should_stop: Callable[[], bool]
) -> str:
    """Pass on what the child says until it has nothing more to say; why it refused, or ""."""
    assert child.stdout is not None
    said: Queue[dict[str, Any] | None] = Queue()
    threading.Thread(target=_read, args=(child.stdout, said), daemon=True).start()
    refusal = ""
    while True:
        if should_stop():
            raise Stopped
        try:
            news = said.get(timeout=_TICK_S)
        except Empty:
            continue
        if news is None:
            return refusal
        refusal = news.get("refused", refusal)
        if "step" in news:
            on_progress(news["share"], news["step"])


def _read(pipe: IO[bytes], said: Queue[dict[str, Any] | None]) -> None:
    with pipe:
        for line in pipe:
            said.put(json.loads(line))
    said.put(None)


def _check(code: int, refusal: str, what: str, log: IO[bytes]) -> None:
    if code == REFUSED:
        raise UnusableModel(refusal)
    if code == DISK_FULL:
        raise AnalysisError("The disk is full. Free some space, then press Retry.", permanent=False)
    if code < 0:
        raise AnalysisError(
            f"The system ended the export ({signal.Signals(-code).name}). The machine may have "
            "too little memory for it.",
            permanent=False,
        )
    if code:
        raise RuntimeError(f"{what} failed:\n{log.read().decode(errors='replace')}")


# ---- In the child --------------------------------------------------------------------------------


def write(model: Path, format: str, target: Path, say: Say = _nobody) -> None:
    """Do it here. Raises UnusableModel."""
    {"onnx": _onnx, "openvino": _openvino, "torchscript": _torchscript}[format](model, target, say)


def _onnx(model: Path, target: Path, say: Say) -> None:
    with tempfile.TemporaryDirectory() as folder:
        target.write_bytes(_graph(model, folder, say, until=1.0).read_bytes())


def _graph(model: Path, folder: Path | str, say: Say, *, until: float) -> Path:
    """The ONNX graph of a model; `until`: the share of the work that is done then."""
    if describe(model).format in ("pytorch", "compact"):
        say(0.0, "starting PyTorch")
        ultralytics()
        say(0.3 * until, "writing the graph")
    return export_onnx(model, folder)


def _openvino(model: Path, target: Path, say: Say) -> None:
    """The graph in half precision with its metadata.yaml, as ultralytics lays it out."""
    import openvino
    import yaml

    about = describe(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exported = _graph(model, folder, say, until=0.75)
        say(0.75, "converting the graph")
        graph = openvino.convert_model(exported)
        openvino.save_model(graph, folder / "model.xml", compress_to_fp16=True)
        say(0.95, "packing it")
        meta = yaml.safe_dump(_metadata(about), allow_unicode=True, sort_keys=False)
        (folder / "metadata.yaml").write_text(meta)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in ("model.xml", "model.bin", "metadata.yaml"):
                archive.write(folder / part, part)


def _torchscript(model: Path, target: Path, say: Say) -> None:
    """A traced network with its names in `config.txt`, where ultralytics looks for them."""
    import warnings

    about = describe(model)
    if about.format in ("onnx", "openvino"):
        raise UnusableModel(
            f"{model.name} holds a graph and no network, so TorchScript cannot be made of it."
        )
    say(0.0, "starting PyTorch")
    ultralytics()
    import torch

    say(0.1, "reading the network")
    network = for_inference(load_model(model), end_to_end=False)
    example = torch.zeros(1, 3, about.imgsz, about.imgsz)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of every shape it reads
        say(0.2, "tracing the network")
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
    """The child: export, and say so in lines of JSON. Returns the exit status."""
    format, model, target = arguments
    # What libraries print is no news: it goes to the log.
    news = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(share: float, step: str) -> None:
        print(json.dumps({"share": share, "step": step}), file=news)

    try:
        write(Path(model), format, Path(target), say)
    except AnalysisError as e:
        print(json.dumps({"refused": e.message}), file=news)
        return REFUSED
    except OSError as e:
        if e.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return DISK_FULL
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
