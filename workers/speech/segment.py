"""One segment of sound → rows. They are replaced in one transaction: never twice."""

from __future__ import annotations

import time
from dataclasses import asdict

from django.db import transaction

from analysis.speech.types import Heard, SpeechOptions, Utterance
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.speech import SpeechSegment
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.speech import engines
from workers.speech.borders import within


def listen(segment: IndexingSegment, beat: Heartbeat) -> None:
    """Hear one segment and store it, with its finish."""
    indexing = segment.indexing
    recogniser = engines.recogniser(indexing)
    started = time.monotonic()
    length_s = segment.end_s - segment.start_s

    def progress(share: float) -> None:
        beat.note(done_s=share * length_s, busy_s=time.monotonic() - started)

    asked = {name: value for name, value in indexing.options.items() if name != "engine"}
    options = SpeechOptions(**asked | {"vocabulary": tuple(asked["vocabulary"])})
    heard = recogniser.transcribe(
        local_path(indexing.asset.file),
        options,
        segment.start_s,
        segment.end_s,
        progress=progress,
        should_stop=beat.should_stop,
    )
    store(segment, heard, busy_s=time.monotonic() - started)


@transaction.atomic
def store(segment: IndexingSegment, heard: Heard, *, busy_s: float) -> bool:
    """Replace what is stored of this segment. False: the lease was lost; nothing was written."""
    is_last = not segment.indexing.segments.filter(index__gt=segment.index).exists()
    kept = segment.finish(
        done_s=segment.end_s - segment.start_s,
        busy_s=busy_s,
        language=heard.language,
        remarks=list(heard.remarks),
        dropped=[asdict(passage) for passage in heard.dropped],
    )
    if not kept:
        return False
    start_s = segment.start_s if segment.index else None
    mine = within(heard.utterances, start_s, None if is_last else segment.end_s)
    segment.speech_segments.all().delete()
    SpeechSegment.objects.bulk_create(_row(segment, utterance) for utterance in mine)
    return True


def _row(segment: IndexingSegment, utterance: Utterance) -> SpeechSegment:
    words = utterance.words
    return SpeechSegment(
        indexing_id=segment.indexing_id,
        segment=segment,
        start_s=utterance.start_s,
        end_s=utterance.end_s,
        text=utterance.text,
        language=utterance.language,
        confidence=utterance.confidence,
        channel=utterance.channel,
        words={
            "text": [word.text for word in words],
            "start_s": [round(word.start_s, 3) for word in words],
            "end_s": [round(word.end_s, 3) for word in words],
            "confidence": [round(word.confidence, 3) for word in words],
        },
    )
