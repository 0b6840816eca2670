"""The engine that listens, loaded once per process and kept while it is of use."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from analysis.errors import AnalysisError
from analysis.speech import Recogniser
from analysis.speech.engines import Engine, best_engine, engines
from webapp.indexing.indexing import Indexing
from webapp.runs.workers import Worker
from workers.engine.identity import this_worker
from workers.engine.piece import NotYet
from workers.indexing.kept import ELSEWHERE_S, LOOKS_EVERY_S, Kept

_kept: Kept[Recogniser] = Kept()


def here() -> list[Engine]:
    """Those that can be used on this machine."""
    return engines(Path(settings.WEIGHTS_DIR))


@lru_cache(maxsize=1)
def _said(minute: int) -> dict[str, str]:
    found = here()
    best = best_engine(found)
    languages = {language: None for engine in found for language in engine.languages}
    return {"speech": best.title if best else "", "speech_languages": ",".join(languages)}


def said() -> dict[str, str]:
    """What this worker says of itself: the engine that would listen, and what languages it and
    the others know. Weights may come and go, so it is looked again now and then."""
    return _said(int(time.monotonic() / LOOKS_EVERY_S))


def choose(options: dict[str, Any]) -> Engine:
    """The engine to listen with. Raises NotYet where another worker has one, AnalysisError."""
    found = best_engine(here(), options["language"], options["task"])
    if found is None:
        raise _missing(
            "No speech engine of this machine can do that any more. `manage.py doctor` says which "
            "there are."
        )
    return found


def recogniser(indexing: Indexing) -> Recogniser:
    """The one that the indexing was planned with, and no other. Raises as `choose` does."""
    for engine in here():
        if (engine.key, engine.digest) == (indexing.engine, indexing.engine_digest):
            break
    else:
        raise _missing(
            f"The speech engine {indexing.engine_title} is not on this machine any more, and what "
            "is heard by another would not go with the rest. Bring its weights back and press "
            "Retry, or index the asset again."
        )
    return _kept.get(f"{engine.key} {engine.digest}", lambda: Recogniser(engine))


def _missing(sentence: str) -> Exception:
    others = Worker.objects.speaking().exclude(name=this_worker())
    return NotYet(ELSEWHERE_S) if others.exists() else AnalysisError(sentence, permanent=False)


def tend() -> None:
    """Let go of it when nothing was heard for a while."""
    _kept.tend()
