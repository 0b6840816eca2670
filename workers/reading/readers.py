"""The reader of on-screen text, loaded once per process and kept while it is of use."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from analysis.errors import AnalysisError
from analysis.reading import ReadingEngine, best_engine, engines
from analysis.reading.languages import LANGUAGES, pack_of
from analysis.reading.reader import Reader
from webapp.indexing.indexing import Indexing
from webapp.runs.workers import Worker
from workers.engine.identity import this_worker
from workers.engine.piece import NotYet
from workers.indexing.kept import ELSEWHERE_S, LOOKS_EVERY_S, Kept

_kept: Kept[Reader] = Kept()


def here() -> list[ReadingEngine]:
    """Those that can be used on this machine."""
    return engines(Path(settings.WEIGHTS_DIR))


@lru_cache(maxsize=1)
def _said(minute: int) -> dict[str, str]:
    found = here()
    best = best_engine(found) or next(iter(found), None)
    languages = dict.fromkeys(engine.language for engine in found)
    return {"reading": best.title if best else "", "reading_languages": ",".join(languages)}


def said() -> dict[str, str]:
    """What this worker says of itself: the engine that would read, and what it and others know.
    Weights may come and go, so it is looked again now and then."""
    return _said(int(time.monotonic() / LOOKS_EVERY_S))


def choose(options: dict[str, Any]) -> ReadingEngine:
    """The engine to read with. Raises NotYet where another worker has one, AnalysisError."""
    language = options["language"]
    found = here()
    best = best_engine(found, language) or (None if language else next(iter(found), None))
    if best is None:
        what = f" {LANGUAGES.get(language, language)}" if language else ""
        how = f"fetch {pack_of(language)}` brings it" if language else "doctor` says what there is"
        raise _missing(
            f"Nothing on this machine can read{what} any more. `manage.py {how}.", language
        )
    return best


def reader(indexing: Indexing) -> Reader:
    """The one that the indexing was planned with, and no other. Raises as `choose` does."""
    for engine in here():
        if (engine.key, engine.digest) == (indexing.engine, indexing.engine_digest):
            break
    else:
        raise _missing(
            f"The reading engine {indexing.engine_title} is not on this machine any more, and what "
            "is read by another would not go with the rest. Bring its weights back and press "
            "Retry, or index the asset again.",
            indexing.options["language"],
        )
    return _kept.get(f"{engine.key} {engine.digest}", lambda: Reader(engine))


def _missing(sentence: str, language: str) -> Exception:
    others = Worker.objects.reading().exclude(name=this_worker())
    known = (codes.split(",") for codes in others.values_list("reading_languages", flat=True))
    is_elsewhere = any(not language or language in codes for codes in known)
    return NotYet(ELSEWHERE_S) if is_elsewhere else AnalysisError(sentence, permanent=False)


def tend() -> None:
    """Let go of it when nothing was read for a while."""
    _kept.tend()
