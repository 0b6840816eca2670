"""One segment of sound → voice prints. They are replaced in one transaction: never twice."""

from __future__ import annotations

import time

from django.db import transaction

from analysis.speakers.types import VoicePrints
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.voices import HeardVoices
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.speakers import listeners


def listen(segment: IndexingSegment, beat: Heartbeat) -> None:
    """Make the voice prints of one segment and store them, with its finish."""
    indexing = segment.indexing
    listener = listeners.listener(indexing)
    started = time.monotonic()
    length_s = segment.end_s - segment.start_s

    def progress(share: float) -> None:
        beat.note(done_s=share * length_s, busy_s=time.monotonic() - started)

    heard = listener.listen(
        local_path(indexing.asset.file),
        segment.start_s,
        segment.end_s,
        track=indexing.options["track"],
        progress=progress,
        should_stop=beat.should_stop,
    )
    store(segment, heard, busy_s=time.monotonic() - started)


@transaction.atomic
def store(segment: IndexingSegment, heard: VoicePrints, *, busy_s: float) -> bool:
    """Replace what is stored of this segment. False: the lease was lost; nothing was written."""
    if not segment.finish(done_s=segment.end_s - segment.start_s, busy_s=busy_s):
        return False
    HeardVoices.objects.update_or_create(segment=segment, defaults={"data": heard.packed()})
    return True
