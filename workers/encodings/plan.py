"""Where an asset is cut to be encoded, and by which encoder all of it is."""

from __future__ import annotations

from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.spaces.space import Space
from workers.encodings import encoders
from workers.engine.heartbeat import Heartbeat
from workers.reading.plan import film_spans
from workers.speech.plan import cut_at_pauses


def plan_pictures(indexing: Indexing, beat: Heartbeat) -> None:
    """Cut the film at key frames, and load the encoder to know that it is there."""
    key, workspace = indexing.options["encoder"], indexing.asset.workspace_id
    encoder = encoders.of_pictures(key, workspace)
    segments = [
        IndexingSegment(indexing=indexing, index=index, start_s=start_s, end_s=end_s)
        for index, (start_s, end_s) in enumerate(film_spans(indexing.asset))
    ]
    indexing.plan(
        segments,
        duration_s=segments[-1].end_s,
        engine=key,
        engine_title=encoders.title_of(key, workspace)[:120],
        engine_digest=encoder.engine[:80],
    )


def plan_sound(indexing: Indexing, beat: Heartbeat) -> None:
    """Cut the sound at silences, and settle on an encoder."""
    key = indexing.options["encoder"] or _of_the_space(indexing.asset.workspace_id)
    engine = encoders.sound_engine(key)
    segments = cut_at_pauses(indexing, beat)
    indexing.plan(
        segments,
        duration_s=segments[-1].end_s,
        engine=engine.key,
        engine_title=engine.title,
        engine_digest=encoders.of_sound(engine.key).engine[:80],
    )


def _of_the_space(workspace: int) -> str:
    """The speech engine that the sound of the serving space was encoded by, where this worker has
    it: what is new can be found beside what there is. Else "", and the best encodes."""
    space = Space.objects.serving(workspace)
    if space is None or "sound" not in space.engines:
        return ""
    known = Indexing.objects.filter(
        step=Indexing.Step.SOUND, engine_digest=space.engines["sound"][:80]
    )
    key: str = known.values_list("engine", flat=True).first() or ""
    return key if key in encoders.said()["sound_encoders"] else ""
