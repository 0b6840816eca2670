"""Which networks of the CLIP family somebody put on this machine. Nothing of them is loaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def networks_in(folder: Path) -> dict[str, Path]:
    """Their weights in a weights folder, by the architecture that the file is called by: "ViT-B-32"
    of open_clip/ViT-B-32.safetensors. None where open_clip is missing."""
    if find_spec("open_clip") is None:
        return {}
    return {path.stem: path for path in sorted((folder / "open_clip").glob("*.safetensors"))}
