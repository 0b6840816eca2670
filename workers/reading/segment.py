"""One segment of film, or a picture → rows. They are replaced in one transaction: never twice."""

from __future__ import annotations

import time

from django.db import transaction

from analysis.reading.film import read_film, read_picture_file
from analysis.reading.types import ReadFilm, ReadingOptions, TextItem
from webapp.assets.models import Asset
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.text_regions import TextRegion
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.reading import readers
from workers.reading.plan import frame_table


def read(segment: IndexingSegment, beat: Heartbeat) -> None:
    """Read one segment and store it, with its finish."""
    indexing = segment.indexing
    reader = readers.reader(indexing)
    started = time.monotonic()
    path = local_path(indexing.asset.file)
    if indexing.asset.kind == Asset.Kind.IMAGE:
        found = read_picture_file(path, reader)
    else:

        def progress(time_s: float) -> None:
            beat.note(done_s=time_s - segment.start_s, busy_s=time.monotonic() - started)

        times = frame_table(indexing.asset).times_s
        found = read_film(
            path,
            reader,
            times[(times >= segment.start_s) & (times < segment.end_s)],
            segment.end_s,
            ReadingOptions(**indexing.options),
            progress=progress,
            should_stop=beat.should_stop,
        )
    store(segment, found, busy_s=time.monotonic() - started)


@transaction.atomic
def store(segment: IndexingSegment, found: ReadFilm, *, busy_s: float) -> bool:
    """Replace what is stored of this segment. False: the lease was lost; nothing was written."""
    kept = segment.finish(
        done_s=segment.end_s - segment.start_s,
        busy_s=busy_s,
        remarks=[found.problem] if found.problem else [],
        frames={"sampled": found.n_sampled, "read": found.n_read},
    )
    if not kept:
        return False
    segment.text_regions.all().delete()
    TextRegion.objects.bulk_create(_row(segment, item) for item in found.items)
    return True


def _row(segment: IndexingSegment, item: TextItem) -> TextRegion:
    return TextRegion(
        indexing_id=segment.indexing_id,
        segment=segment,
        start_s=item.start_s,
        end_s=item.end_s,
        text=item.text,
        confidence=item.confidence,
        kind=item.kind,
        box=[round(side, 5) for side in item.box],
        path=[[round(time_s, 3), *(round(side, 5) for side in box)] for time_s, box in item.path],
        looks=item.looks,
    )
