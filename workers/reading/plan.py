"""Where a film is cut to be read, and which engine reads all of it."""

from __future__ import annotations

from django.conf import settings

from analysis.errors import AnalysisError
from analysis.film.schedule import stretches
from analysis.media.frame_table import FrameTable
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.reading import readers

SHORTEST_SEGMENT_S = 10.0


def plan(indexing: Indexing, beat: Heartbeat) -> None:
    """Cut the film at key frames into segments, and settle on an engine. A picture is one."""
    engine = readers.choose(indexing.options)
    segments = [
        IndexingSegment(indexing=indexing, index=index, start_s=start_s, end_s=end_s)
        for index, (start_s, end_s) in enumerate(film_spans(indexing.asset))
    ]
    indexing.plan(
        segments,
        duration_s=segments[-1].end_s,
        engine=engine.key,
        engine_title=engine.title,
        engine_digest=engine.digest,
    )


def film_spans(asset: Asset) -> list[tuple[float, float]]:
    """Where a film is cut, at key frames; of a picture the whole. Raises AnalysisError."""
    if asset.kind == Asset.Kind.IMAGE:
        return [(0.0, 0.0)]
    table = frame_table(asset)
    # a tenth of a short film, so that something can be seen soon
    length_s = max(min(settings.SEGMENT_SECONDS, table.end_s / 10), SHORTEST_SEGMENT_S)
    times = table.times_s
    spans = [
        (start_s, end_s)
        for start_s, end_s in stretches(table, length_s)
        if ((times >= start_s) & (times < end_s)).any()
    ]
    if not spans:
        raise AnalysisError(f"{asset.name} has no frame that could be read.")
    return spans


def frame_table(asset: Asset) -> FrameTable:
    """When each frame is shown, as it was found out when the asset was prepared."""
    rendition = asset.rendition("frame_table")
    if rendition is None:
        raise AnalysisError(
            "The list of this video's frames is missing. Press Retry on the asset, then here.",
            permanent=False,
        )
    return FrameTable.unpack(local_path(rendition.file).read_bytes())
