"""Where an asset's sound is cut so that voices can be told apart in it, and by which engine."""

from __future__ import annotations

from webapp.indexing.indexing import Indexing
from workers.engine.heartbeat import Heartbeat
from workers.speakers import listeners
from workers.speech.plan import cut_at_pauses


def plan(indexing: Indexing, beat: Heartbeat) -> None:
    """Cut the sound at pauses into segments, and settle on an engine."""
    engine = listeners.choose()
    segments = cut_at_pauses(indexing, beat)
    indexing.plan(
        segments,
        duration_s=segments[-1].end_s,
        engine=engine.key,
        engine_title=engine.title,
        engine_digest=engine.digest,
    )
