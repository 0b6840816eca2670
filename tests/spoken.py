"""Indexings as workers leave them, out of words that a test writes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from analysis.speech.types import Dropped, Heard, Utterance, Word

ENGINE = "Whisper tiny.en (test)"
SOUND = {"audio": [{"index": 1, "codec": "aac", "sample_rate": 48000, "channels": 2}]}
SAID = ["Kestrel leads the harbour race", "and Norra Bank is close behind"]


def utterance(
    text: str,
    start_s: float,
    *,
    word_s: float = 0.5,
    language: str = "en",
    confidence: float = 0.9,
) -> Utterance:
    """A sentence whose words last `word_s` each, one after the other."""
    words = tuple(
        Word(word, start_s + n * word_s, start_s + (n + 1) * word_s, confidence)
        for n, word in enumerate(text.split())
    )
    return Utterance(start_s, words[-1].end_s, words, language, confidence)


def heard(*utterances: Utterance, dropped: Iterable[Dropped] = ()) -> Heard:
    return Heard(tuple(utterances), tuple(dropped), "en", ENGINE)


def a_speaking_worker(
    engine: str = ENGINE,
    queues: str = "batch",
    languages: str = "en,es",
    engines: dict[str, str] | None = None,
) -> Any:
    from django.utils import timezone

    from webapp.runs.workers import Worker

    about = {
        "queues": queues,
        "speech": engine,
        "speech_engines": engines or {},
        "speech_languages": languages,
    }
    return Worker.objects.create(name=f"desk:1:{engine}", seen=timezone.now(), **about)


def planned(indexing: Any, *borders: float) -> list[Any]:
    """Claim and plan it as a worker does: segments between these times."""
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.segments import IndexingSegment

    held = Indexing.objects.claim(indexing.pk, "desk:1:1")
    spans = pairwise(borders)
    segments = [
        IndexingSegment(indexing=held, index=index, start_s=start_s, end_s=end_s)
        for index, (start_s, end_s) in enumerate(spans)
    ]
    about = {"engine": "test", "engine_title": ENGINE, "engine_digest": "0"}
    assert held.plan(segments, duration_s=borders[-1], **about)
    indexing.refresh_from_db()
    return list(indexing.segments.all())


def store(segment: Any, *utterances: Utterance, dropped: Iterable[Dropped] = ()) -> bool:
    """What was heard in a segment, as a worker stores it."""
    from webapp.indexing.segments import IndexingSegment
    from workers.speech.segment import store

    mine = IndexingSegment.objects.claim(segment.pk, "desk:1:1")
    return store(mine, heard(*utterances, dropped=dropped), busy_s=1.0)


def finished(indexing: Any) -> Any:
    """The end of it, once its last segment is done."""
    from webapp.indexing.indexing import Indexing
    from workers.indexing.pieces import index

    assert Indexing.objects.filter(pk=indexing.pk).all_done()
    index(indexing.pk)
    indexing.refresh_from_db()
    return indexing


def transcribed(asset: Any, *, by: Any = None, said: Iterable[str] = SAID) -> Any:
    """A done indexing: each sentence ten seconds after the one before, from 2 s on."""
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.refusals import speech_engine

    if not asset.probe.get("audio"):
        asset.probe = asset.probe | SOUND
        asset.save(update_fields=["probe"])
    worker = None if speech_engine() else a_speaking_worker()
    indexing = Indexing.objects.request(asset, "speech", by=by)
    if worker is not None:
        worker.delete()
    sentences = [utterance(text, 2 + 10 * n) for n, text in enumerate(said)]
    end_s = asset.duration_s or 10 * len(sentences) + 2
    (segment,) = planned(indexing, 0, end_s)
    made_up = Dropped(40.0, 44.0, "Thank you for watching.", "nobody speaks there")
    assert store(segment, *sentences, dropped=[made_up])
    return finished(indexing)


def outlined(indexing: Any) -> Any:
    """The outline that waits for a transcript, made and stored as a worker does; its sound is not
    listened to."""
    from analysis.text.outline import outline
    from webapp.moments.outlines import Outline
    from workers.moments.outline import brands, spoken, store

    waiting = Outline.objects.unfinished().get(indexing=indexing)
    held = Outline.objects.claim(waiting.pk, "desk:1:1")
    lines = list(spoken(indexing))
    assert store(held, lines, outline(lines, "en", brands(held)), ())
    held.refresh_from_db()
    return held
