"""An indexing, piece by piece: planned, done by segments, finished. Each step says how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from analysis.errors import AnalysisError
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from workers.engine.heartbeat import Heartbeat
from workers.engine.piece import piece
from workers.search.pieces import make_findable
from workers.speech import finish, plan, segment

TRIES = 3


@dataclass(frozen=True, slots=True)
class Step:
    """`plan` sets out the segments, `segment` does and stores one with its finish, and `finish`
    ends the whole."""

    plan: Callable[[Indexing, Heartbeat], None]
    segment: Callable[[IndexingSegment, Heartbeat], None]
    finish: Callable[[Indexing, Heartbeat], None]


STEPS: Mapping[str, Step] = {
    Indexing.Step.SPEECH: Step(plan.plan, segment.listen, finish.finish),
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


@piece(IndexingSegment, tries=TRIES)
def index_segment(row: IndexingSegment, beat: Heartbeat) -> None:
    """Do one segment of an indexing."""
    STEPS[row.indexing.step].segment(row, beat)
    row.indexing.all_done()


def finish_what_is_done() -> None:
    """A worker may have died between the last segment and saying that it was the last."""
    Indexing.objects.all_done()
