"""What makes voice prints, loaded once per process and kept while it is of use."""

from __future__ import annotations

import time
from functools import lru_cache

from analysis.errors import AnalysisError
from analysis.speakers.engine import VoiceEngine, require_voice_engine, voice_engine
from analysis.speakers.listening import Listener
from webapp.indexing.indexing import Indexing
from webapp.runs.workers import Worker
from workers.engine.identity import this_worker
from workers.engine.piece import NotYet
from workers.indexing.kept import ELSEWHERE_S, LOOKS_EVERY_S, Kept

_kept: Kept[Listener] = Kept()


@lru_cache(maxsize=1)
def _said(minute: int) -> dict[str, str]:
    engine = voice_engine()
    return {"voices": engine.title if engine else ""}


def said() -> dict[str, str]:
    """What this worker says of itself: what would tell speakers apart. Packages may come while it
    runs, so it is looked again now and then."""
    return _said(int(time.monotonic() / LOOKS_EVERY_S))


def choose() -> VoiceEngine:
    """The engine of this machine. Raises NotYet where another worker has one, AnalysisError."""
    if (engine := voice_engine()) is not None:
        return engine
    if _is_elsewhere():
        raise NotYet(ELSEWHERE_S)
    return require_voice_engine()  # says what is missing


def listener(indexing: Indexing) -> Listener:
    """By the engine that the indexing was planned with, and no other. Raises as `choose` does."""
    engine = choose()
    if (engine.key, engine.digest) != (indexing.engine, indexing.engine_digest):
        raise AnalysisError(
            f"The {indexing.engine_title} is not on this machine any more, and prints of another "
            "would not go with the rest. Tell the speakers apart again.",
            permanent=False,
        )
    return _kept.get(f"{engine.key} {engine.digest}", lambda: Listener(engine))


def _is_elsewhere() -> bool:
    return Worker.objects.telling_voices().exclude(name=this_worker()).exists()


def tend() -> None:
    """Let go of it when nobody was listened to for a while."""
    _kept.tend()
