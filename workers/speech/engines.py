"""The engine that listens, loaded once per process and kept while it is of use."""

from __future__ import annotations

import gc
import threading
import time
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

KEPT_S = 600.0  # after its last use
ELSEWHERE_S = 10.0  # until another worker may have taken what this one cannot do

_lock = threading.Lock()
_kept: tuple[str, Recogniser] | None = None
_used = 0.0


def title() -> str:
    """What the engine of this machine is called; "" where there is none."""
    found = best_engine(Path(settings.WEIGHTS_DIR))
    return found.title if found else ""


def choose(options: dict[str, Any]) -> Engine:
    """The engine to listen with. Raises NotYet where another worker has one, AnalysisError."""
    found = best_engine(Path(settings.WEIGHTS_DIR), language=options["language"])
    if found is None:
        raise _missing("No speech engine is on this machine any more. Run `manage.py doctor`.")
    return found


def recogniser(indexing: Indexing) -> Recogniser:
    """The one that the indexing was planned with, and no other. Raises as `choose` does."""
    global _kept, _used
    for engine in engines(Path(settings.WEIGHTS_DIR)):
        if (engine.key, engine.digest) == (indexing.engine, indexing.engine_digest):
            break
    else:
        raise _missing(
            f"The speech engine {indexing.engine_title} is not on this machine any more, and what "
            "is heard by another would not go with the rest. Bring its weights back and press "
            "Retry, or index the asset again."
        )
    key = f"{engine.key} {engine.digest}"
    with _lock:
        _used = time.monotonic()
        if _kept is None or _kept[0] != key:
            _kept = None
            gc.collect()
            _kept = (key, Recogniser(engine))
        return _kept[1]


def _missing(sentence: str) -> Exception:
    others = Worker.objects.speaking().exclude(name=this_worker())
    return NotYet(ELSEWHERE_S) if others.exists() else AnalysisError(sentence, permanent=False)


def tend() -> None:
    """Let go of it when nothing was heard for a while."""
    global _kept
    with _lock:
        if _kept is not None and time.monotonic() - _used > KEPT_S:
            _kept = None
            gc.collect()
