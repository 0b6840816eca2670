"""Weights that CTranslate2 converted, turned back into a checkpoint of openai-whisper.

    python -m bench.whisper_checkpoint FOLDER OUT.pt

So both engines can be measured on the same numbers where no hub can be reached. The file format is
that of CTranslate2's `ModelSpec.save`, version 6: names, shapes and numbers one after the other.
Numbers of 16 and 32 bits only; a model quantised to 8 bits has lost what a checkpoint holds.
"""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

KINDS = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
Arrays = dict[str, NDArray[Any]]


def read_converted(data: bytes) -> Arrays:
    """The variables of a model.bin by name."""
    file = io.BytesIO(data)
    version = _number(file, "I")
    assert version == 6, f"version {version} of the format"
    assert _text(file) == "WhisperSpec"
    _number(file, "I")
    found: Arrays = {}
    for _ in range(_number(file, "I")):
        name = _text(file)
        shape = [_number(file, "I") for _ in range(_number(file, "B"))]
        kind = KINDS[_number(file, "B")]
        found[name] = np.frombuffer(file.read(_number(file, "I")), kind).reshape(shape)
    return found


def checkpoint_of(variables: Arrays, n_vocab: int) -> dict[str, Any]:
    """What `torch.save` is to write: dims and model_state_dict."""
    import torch

    state = dict(_renamed(variables))
    layers = {
        side: 1 + max(int(n.split("_")[1].split("/")[0]) for n in variables if f"{side}/layer_" in n
                      and n.split("/")[1] != "layer_norm")
        for side in ("encoder", "decoder")
    }  # fmt: skip
    width = variables["encoder/conv1/weight"].shape[0]
    dims = {
        "n_mels": variables["encoder/conv1/weight"].shape[1],
        "n_audio_ctx": 1500,
        "n_audio_state": width,
        "n_audio_head": int(variables["encoder/num_heads"]),
        "n_audio_layer": layers["encoder"],
        "n_vocab": n_vocab,
        "n_text_ctx": 448,
        "n_text_state": width,
        "n_text_head": int(variables["decoder/num_heads"]),
        "n_text_layer": layers["decoder"],
    }
    tensors = {name: torch.from_numpy(np.array(values)) for name, values in state.items()}
    return {"dims": dims, "model_state_dict": tensors}


def _renamed(variables: Arrays) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, values in variables.items():
        side, *rest = name.split("/")
        path = "/".join(rest)
        if path.startswith("conv"):
            yield f"encoder.{path.replace('/', '.')}", values
        elif path == "embeddings/weight":
            yield "decoder.token_embedding.weight", values
        elif path == "position_encodings/encodings":
            yield f"{side}.positional_embedding", values
        elif path.startswith("layer_norm/"):
            yield f"{side}.{'ln_post' if side == 'encoder' else 'ln'}.{_ln(path)}", values
        elif path.startswith("layer_"):
            block, part, *inner = path.split("/")
            yield from _in_block(f"{side}.blocks.{block.split('_')[1]}", part, inner, values)


def _in_block(
    block: str, part: str, inner: list[str], values: NDArray[Any]
) -> Iterator[tuple[str, NDArray[Any]]]:
    layer, kind = inner
    short = {"self_attention": "attn", "attention": "cross_attn", "ffn": "mlp"}[part]
    if layer == "layer_norm":
        yield f"{block}.{short}_ln.{_ln(kind)}", values
        return
    if short == "mlp":
        yield f"{block}.mlp.{0 if layer == 'linear_0' else 2}.{kind}", values
        return
    joined = {
        ("attn", "linear_0"): ("query", "key", "value"),
        ("attn", "linear_1"): ("out",),
        ("cross_attn", "linear_0"): ("query",),
        ("cross_attn", "linear_1"): ("key", "value"),
        ("cross_attn", "linear_2"): ("out",),
    }[short, layer]
    for target, share in zip(joined, np.split(values, len(joined)), strict=True):
        if (target, kind) != ("key", "bias"):  # Whisper's keys have none; it is all zeros
            yield f"{block}.{short}.{target}.{kind}", share


def _ln(name: str) -> str:
    return "weight" if name.endswith("gamma") else "bias"


def _number(file: BinaryIO, kind: str) -> int:
    return int(struct.unpack(f"<{kind}", file.read(struct.calcsize(kind)))[0])


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "H")).rstrip(b"\0").decode()


def write_checkpoint(model: bytes, n_vocab: int, out: Path) -> Path:
    """Write the checkpoint of a model.bin."""
    import torch

    torch.save(checkpoint_of(read_converted(model), n_vocab), out)
    return out


def main() -> int:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    tokens = (folder / "vocabulary.txt").read_text().count("\n")
    write_checkpoint((folder / "model.bin").read_bytes(), tokens, out)
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
