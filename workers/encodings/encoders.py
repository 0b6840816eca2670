"""Encoders of pictures and of sound, loaded once per process and kept while they are of use."""

from __future__ import annotations

import time
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from analysis.crossmodal.pictures import BackboneEncoder, LogoEncoder, MirroredEncoder, Pixels
from analysis.crossmodal.published import PublishedNetwork, PublishedPictureEncoder
from analysis.crossmodal.sound import SoundEncoder
from analysis.crossmodal.types import Encoder
from analysis.crossmodal.weights import networks_in
from analysis.errors import AnalysisError
from analysis.speech.engines import Engine
from webapp.accounts.models import Workspace
from webapp.indexing import encoders
from webapp.runs.workers import Worker
from workers.engine.identity import this_worker
from workers.engine.originals import local_path
from workers.engine.piece import NotYet
from workers.indexing.kept import ELSEWHERE_S, LOOKS_EVERY_S, Kept
from workers.speech import engines as speech

Sound = NDArray[np.float32]
PUBLISHED = "published:"
_pictures: Kept[Encoder[Pixels]] = Kept()
_sound: Kept[SoundEncoder] = Kept()


@lru_cache(maxsize=1)
def _said(minute: int) -> dict[str, Any]:
    pictures = {encoders.LOGOS: "our own embedding of logos"}
    for name in networks_in(Path(settings.WEIGHTS_DIR)):
        pictures[f"{PUBLISHED}{name}"] = name
    if find_spec("openvino") is not None:
        pictures[encoders.MODEL] = "models of the registry"
    sound = {engine.key: engine.title for engine in _converted()}
    return {"picture_encoders": pictures, "sound_encoders": sound}


def said() -> dict[str, Any]:
    """What this worker says of itself: by what it can encode. Weights may come and go, so it is
    looked again now and then."""
    return _said(int(time.monotonic() / LOOKS_EVERY_S))


def title_of(key: str, workspace: Workspace | int) -> str:
    """What an encoder of pictures is called."""
    if (version := encoders.version_of(key, workspace)) is not None:
        return f"What {version} sees"
    known: dict[str, str] = said()["picture_encoders"]
    return known.get(key, key)


def of_pictures(key: str, workspace: Workspace | int) -> Encoder[Pixels]:
    """The encoder of a key. Raises NotYet where another worker has it, AnalysisError."""
    return _pictures.get(_lasting(key, workspace), lambda: _load(key, workspace))


def _lasting(key: str, workspace: Workspace | int) -> str:
    """Names the weights, so that an export that is made anew is read anew."""
    version = encoders.version_of(key, workspace)
    return f"{key} {encoders.graph_of(version)}" if version else key


def _load(key: str, workspace: Workspace | int) -> Encoder[Pixels]:
    if key == encoders.LOGOS:
        return LogoEncoder()
    if key.startswith(PUBLISHED):
        name = key.removeprefix(PUBLISHED)
        if (weights := networks_in(Path(settings.WEIGHTS_DIR)).get(name)) is None:
            raise _missing(key, "picture_encoders", f"The weights of {name} are not here any more.")
        return PublishedPictureEncoder(PublishedNetwork(name, weights))
    version = encoders.version_of(key, workspace)
    if version is None:
        raise AnalysisError("The model that was to encode the pictures was deleted.")
    if not (graph := encoders.graph_of(version)):
        raise AnalysisError(f"{version} is no ONNX file. Export it to ONNX, and press Retry.")
    if find_spec("openvino") is None:
        raise _missing(encoders.MODEL, "picture_encoders", "OpenVINO is missing on this machine.")
    return MirroredEncoder(BackboneEncoder(local_path(graph), rgb=True, name="model"))


def _converted() -> list[Engine]:
    """The speech engines whose encoder can be asked by itself, the best first."""
    return [engine for engine in speech.here() if engine.family == "faster-whisper"]


def sound_engine(key: str) -> Engine:
    """The speech engine that encodes sound; the best where none is named. Raises as `of_pictures`
    does."""
    found = next((engine for engine in _converted() if key in ("", engine.key)), None)
    if found is None:
        what = f"The speech engine {key}" if key else "A speech engine"
        raise _missing(key, "sound_encoders", f"{what} is not on this machine any more.")
    return found


def of_sound(key: str) -> SoundEncoder:
    """The encoder of a speech engine. Raises as `of_pictures` does."""
    engine = sound_engine(key)
    return _sound.get(f"{engine.key} {engine.digest}", lambda: SoundEncoder(engine))


def _missing(key: str, column: str, sentence: str) -> Exception:
    rows = Worker.objects.filter(queues__contains="batch").exclude(name=this_worker())
    there = rows.values_list(column, flat=True)
    is_elsewhere = any(titles and (not key or key in titles) for titles in there)
    advice = "Bring it back and press Retry, or index the asset again with another."
    return (
        NotYet(ELSEWHERE_S)
        if is_elsewhere
        else AnalysisError(f"{sentence} {advice}", permanent=False)
    )


def tend() -> None:
    """Let go of them when nothing was encoded for a while."""
    _pictures.tend()
    _sound.tend()
