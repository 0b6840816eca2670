"""Where an asset's sound is cut, and which engine listens to all of it."""

from __future__ import annotations

from django.conf import settings

from analysis.errors import AnalysisError
from analysis.speech import plan_speech
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.speech import engines

# A recogniser listens to half a minute at a time, and to several of those together.
SHORTEST_SEGMENT_S = 30.0
LEAST_S = 10.0  # as `plan_speech` has it


def plan(indexing: Indexing, beat: Heartbeat) -> None:
    """Cut the sound at silences into segments, and settle on an engine."""
    engine = engines.choose(indexing.options)
    segments = cut_at_pauses(indexing, beat)
    indexing.plan(
        segments,
        duration_s=segments[-1].end_s,
        engine=engine.key,
        engine_title=engine.title,
        engine_digest=engine.digest,
    )


def cut_at_pauses(indexing: Indexing, beat: Heartbeat) -> list[IndexingSegment]:
    """The segments of an asset's sound, not yet stored. Raises AnalysisError where it has none."""
    asset = indexing.asset
    stretches = plan_speech(
        local_path(asset.file),
        track=indexing.options["track"],
        target_s=_segment_s(asset.duration_s),
        should_stop=beat.should_stop,
    )
    if not stretches:
        raise AnalysisError(f"{asset.name} has no sound that could be listened to.")
    return [
        IndexingSegment(indexing=indexing, index=index, start_s=start_s, end_s=end_s)
        for index, (start_s, end_s) in enumerate(stretches)
    ]


def _segment_s(duration_s: float) -> float:
    """A tenth of a short asset, so that something is read soon; of a long one twice what a segment
    of pictures lasts, which takes less time."""
    tenth = max(SHORTEST_SEGMENT_S, duration_s / 10)
    return max(min(2 * settings.SEGMENT_SECONDS, tenth), LEAST_S)
