"""The weights of the voice encoder, read as numbers only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.models.pickled import UNREADABLE, nothing_trusted
from analysis.speakers.engine import PACKAGE, VoiceEngine


def read_weights(engine: VoiceEngine) -> Mapping[str, Any]:
    """The network's tensors by name. Raises AnalysisError where the file is gone or another."""
    import torch

    try:
        if _digest_of(engine.path, engine.path.stat().st_mtime_ns) != engine.digest:
            raise AnalysisError(
                f"{engine.path.name} of the package {PACKAGE} is not the file that this was "
                "tested with, and was not used. Install the package again.",
                permanent=False,
            )
        with nothing_trusted():
            content = torch.load(engine.path, map_location="cpu", weights_only=True)
    except UNREADABLE as e:
        raise AnalysisError(
            f"The weights of the {engine.title} cannot be read: install the package {PACKAGE} "
            "again.",
            permanent=False,
        ) from e
    tensors: Mapping[str, Any] = content["model_state"]
    return tensors


@lru_cache(maxsize=2)
def _digest_of(path: Path, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
