"""Which kind of model file a file or folder is, seen from its content and not its name."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from analysis.errors import UnusableModel

Format = Literal["onnx", "openvino", "pytorch", "compact"]
Task = Literal["boxes", "concept"]  # concept: labels of the whole picture
MAX_BYTES = 2 * 1024**3
MAX_SIDE = 8_192  # of a picture, in pixels


def model_format(path: Path) -> Format:
    """Which of the accepted formats a file or folder has. Raises UnusableModel for others."""
    if path.is_dir():
        openvino_graph(path)
        return "openvino"
    if not path.is_file():
        raise UnusableModel(f"There is no model file {path.name}.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise UnusableModel(f"{path.name} is larger than 2 GB; no detection model is.")
    with path.open("rb") as file:
        head = file.read(16)
    if head[:4] == b"PK\x03\x04":
        return "pytorch"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        return "compact"
    if head[:1] == b"\x80":
        raise UnusableModel(
            f"{path.name} is a Python pickle, which can run any code when it is opened. "
            "Save it with a current PyTorch, or export it as ONNX."
        )
    if head[:1] == b"\x08":  # ONNX: protobuf, whose first field is the IR version
        return "onnx"
    raise UnusableModel(
        f"{path.name} is not a model we can read. Use ONNX (.onnx), an ultralytics detection "
        "checkpoint (.pt), or a Sightline model (.safetensors)."
    )


def openvino_graph(folder: Path) -> Path:
    """The .xml of an exported OpenVINO folder."""
    graphs = sorted(folder.glob("*.xml"))
    if len(graphs) != 1 or not graphs[0].with_suffix(".bin").is_file():
        raise UnusableModel(
            f"The folder {folder.name} does not hold one OpenVINO model: "
            "an .xml, its .bin and metadata.yaml."
        )
    return graphs[0]


def sha256(path: Path) -> str:
    """Checksum of a file, or of a folder's files in the order of their names."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def label_names(names: Any, path: Path) -> tuple[str, ...]:
    """Names as ultralytics keeps them, {0: "cup", 1: "sign"}, in the order of their numbers."""
    if isinstance(names, Mapping):
        names = [names[key] for key in sorted(names)]
    if not isinstance(names, Sequence) or isinstance(names, str) or not names:
        raise UnusableModel(
            f"{path.name} does not name its labels. Export it with ultralytics, which writes them."
        )
    return tuple(str(name) for name in names)


def longest_side(value: Any) -> int:
    """The longest side in pixels that `value` names (one number, or one for each side), or 640."""
    sizes = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    numbers = [int(v) for v in sizes if isinstance(v, int | float) and 32 <= v <= MAX_SIDE]
    return max(numbers, default=640)


def own_side(model: Any) -> int:
    """The longest side in pixels that a network says it was trained for, or 640."""
    given = getattr(model, "args", None)
    return longest_side(
        given.get("imgsz") if isinstance(given, dict) else getattr(given, "imgsz", 0)
    )


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path to write to, renamed to `path` when the block ends well and removed when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        aside.chmod(0o644)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
