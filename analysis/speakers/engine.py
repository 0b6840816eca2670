"""What tells voices apart here: its weights lie in the package resemblyzer, whose code never runs.

Looks whether they are there, and loads nothing (`weights` does).

The network is GE2E's (Wan et al. 2018, “Generalized end-to-end loss for speaker verification”),
trained by Corentin Jemine on LibriSpeech, VoxCeleb 1 and 2; package and weights are Apache-2.0.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from analysis.errors import NeedsTorch, NotInstalled

PACKAGE, _VERSION = "resemblyzer", "0.1.4"
_INSIDE = "resemblyzer/pretrained.pt"
_DIGEST = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
_GONE = (
    "Telling speakers apart needs the package resemblyzer 0.1.4, which is not installed: "
    "`pip install --no-deps -r requirements-voices.txt`."
)


@dataclass(frozen=True, slots=True)
class VoiceEngine:
    """What tells voices apart. Prints of one engine are never compared with those of another.

    key: lasting name. title: for people. path: the file of its weights. digest: their SHA-256.
    """

    key: str
    title: str
    path: Path
    digest: str


def voice_engine() -> VoiceEngine | None:
    """The one of this machine; None where the weights, torch, or voice activity are missing."""
    importlib.invalidate_caches()  # they may have been installed since this process began
    path = _weights_file()
    needed = ("torch", "onnxruntime", "faster_whisper")
    if path is None or any(find_spec(name) is None for name in needed):
        return None
    return VoiceEngine("resemblyzer/ge2e", "GE2E voice encoder (resemblyzer)", path, _DIGEST)


def require_voice_engine() -> VoiceEngine:
    """The same. Raises NotInstalled or NeedsTorch, which say what is missing."""
    if (engine := voice_engine()) is not None:
        return engine
    if _weights_file() is None:
        raise NotInstalled(_GONE)
    if find_spec("torch") is None:
        raise NeedsTorch
    raise NotInstalled(
        "Telling speakers apart needs voice activity: `pip install -r requirements-speech.txt`."
    )


def _weights_file() -> Path | None:
    try:
        found = distribution(PACKAGE)
    except PackageNotFoundError:
        return None
    path = Path(str(found.locate_file(_INSIDE)))
    return path if found.version == _VERSION and path.is_file() else None
