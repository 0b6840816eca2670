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
from analysis.speech.languages import LANGUAGES
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
def _said(minute: int) -> dict[str, Any]:
    found = here()
    best = best_engine(found)
    languages = {language: None for engine in found for language in engine.languages}
    return {
        "speech": best.title if best else "",
        "speech_engines": {engine.key: engine.title for engine in found},
        "speech_languages": ",".join(languages),
    }


def said() -> dict[str, Any]:
    """What this worker says of itself: the engine that would listen, which others there are, and
    what languages they know. Weights may come and go, so it is looked again now and then."""
    return _said(int(time.monotonic() / LOOKS_EVERY_S))


def choose(options: dict[str, Any]) -> Engine:
    """The engine to listen with. Raises NotYet where another worker has one, AnalysisError."""
    language, task, wanted = options["language"], options["task"], options.get("engine", "")
    found = [engine for engine in here() if wanted in ("", engine.key)]
    if wanted and not found:
        raise _missing(
            f"The speech engine {wanted} is not on this machine any more. Bring its weights back "
            "and press Retry, or index the asset again with another.",
            wanted,
        )
    best = best_engine(found, language, task)
    if best is None and wanted:
        lacks = LANGUAGES.get(language, language)
        cannot = "cannot translate" if found[0].knows(language) else f"does not know {lacks}"
        raise AnalysisError(f"{found[0].title} {cannot}. Index the asset again with another one.")
    if best is None:
        raise _missing(
            "No speech engine of this machine can do that any more. `manage.py doctor` says which "
            "there are."
        )
    return best


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
    return loaded(engine)


def loaded(engine: Engine) -> Recogniser:
    """Kept while it is of use."""
    return _kept.get(f"{engine.key} {engine.digest}", lambda: Recogniser(engine))


def _missing(sentence: str, key: str = "") -> Exception:
    others = Worker.objects.speaking().exclude(name=this_worker())
    there = others.values_list("speech_engines", flat=True)
    is_elsewhere = any(not key or key in titles for titles in there)
    return NotYet(ELSEWHERE_S) if is_elsewhere else AnalysisError(sentence, permanent=False)


def tend() -> None:
    """Let go of it when nothing was heard for a while."""
    _kept.tend()
