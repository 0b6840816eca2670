"""An indexing, piece by piece: planned, done by segments, finished. Each step says how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from analysis.errors import AnalysisError
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.review_queue.siftings import Sifting
from workers.encodings import finish as finish_encodings
from workers.encodings import plan as plan_encodings
from workers.encodings import segment as encoding
from workers.engine.heartbeat import Heartbeat
from workers.engine.piece import piece
from workers.reading import finish as finish_reading
from workers.reading import plan as plan_reading
from workers.reading import segment as reading
from workers.search.pieces import make_findable
from workers.speakers import finish as finish_speakers
from workers.speakers import plan as plan_speakers
from workers.speakers import segment as speakers
from workers.speech import finish as finish_listening
from workers.speech import plan as plan_listening
from workers.speech import segment as listening

TRIES = 3


@dataclass(frozen=True, slots=True)
class Step:
    """`plan` sets out the segments, `segment` does and stores one with its finish, and `finish`
    ends the whole."""

    plan: Callable[[Indexing, Heartbeat], None]
    segment: Callable[[IndexingSegment, Heartbeat], None]
    finish: Callable[[Indexing, Heartbeat], None]


STEPS: Mapping[str, Step] = {
    Indexing.Step.SPEECH: Step(plan_listening.plan, listening.listen, finish_listening.finish),
    Indexing.Step.TEXT: Step(plan_reading.plan, reading.read, finish_reading.finish),
    Indexing.Step.PICTURES: Step(
        plan_encodings.plan_pictures, encoding.encode_pictures, finish_encodings.finish
    ),
    Indexing.Step.SOUND: Step(
        plan_encodings.plan_sound, encoding.encode_sound, finish_encodings.finish
    ),
    Indexing.Step.SPEAKERS: Step(plan_speakers.plan, speakers.listen, finish_speakers.finish),
}


@piece(Indexing, tries=TRIES)
def index(indexing: Indexing, beat: Heartbeat) -> None:
    """Plan an indexing, or finish it."""
    step = STEPS[indexing.step]
    if indexing.asset.removed is not None:
        raise AnalysisError("The asset was deleted.", permanent=False)
    do = step.finish if indexing.stage == Indexing.Stage.FINISH else step.plan
    do(indexing, beat)
    if done := Indexing.objects.succeeded().filter(pk=indexing.pk).first():
        make_findable(done)
        Sifting.objects.request_after(done)


@piece(IndexingSegment, tries=TRIES)
def index_segment(row: IndexingSegment, beat: Heartbeat) -> None:
    """Do one segment of an indexing."""
    STEPS[row.indexing.step].segment(row, beat)
    row.indexing.all_done()


def finish_what_is_done() -> None:
    """A worker may have died between the last segment and saying that it was the last."""
    Indexing.objects.all_done()
