"""Analysis values → rows. A segment's results are replaced in one transaction: never twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from analysis.film.columns import Columns
from analysis.types import Detection as Found
from analysis.types import FrameResult
from webapp.runs.models import Detection, Segment, SegmentResult, Track

BATCH = 2000


@transaction.atomic
def segment(segment: Segment, result: Any, *, sprite: tuple[str, dict[str, Any]]) -> bool:
    """Replace what is stored of this segment. False: the lease was lost, so nothing was written."""
    kept = segment.finish(
        frames_done=segment.frames_total,
        busy_s=result.seconds,
        held=result.n_held,
        missing=result.n_missing,
        problem=result.problem or "",
        sprite=sprite[0],
        sprite_data=sprite[1],
    )
    if not kept:
        return False
    label_ids = segment.run.label_ids()
    results = numbered(result.results, segment.index)
    segment.detections.all().delete()
    segment.tracks.all().delete()
    tracks = _tracks(segment, results, label_ids)
    _insert(
        [
            _row(segment, frame, found, label_ids[found.label], tracks)
            for frame in results
            for found in frame.detections
        ]
    )
    SegmentResult.objects.update_or_create(
        segment=segment,
        defaults={
            "columns": Columns.from_results(results, label_ids).pack(),
            "changes": result.changes.tobytes(),
        },
    )
    return True


def numbered(results: Sequence[FrameResult], index: int) -> list[FrameResult]:
    """The results with track numbers that are unique in the run."""
    from dataclasses import replace

    first = index * Track.PER_SEGMENT

    def renumber(found: Found) -> Found:
        return found if found.track is None else replace(found, track=first + found.track)

    return [replace(r, detections=[renumber(d) for d in r.detections]) for r in results]


def _tracks(
    segment: Segment, results: Sequence[FrameResult], label_ids: dict[str, int]
) -> dict[int, Track]:
    seen: dict[int, list[tuple[FrameResult, Found]]] = defaultdict(list)
    for frame in results:
        for found in frame.detections:
            if found.track is not None:
                seen[found.track].append((frame, found))
    rows = [
        Track(
            run_id=segment.run_id,
            segment=segment,
            label_id=label_ids[points[0][1].label],
            number=number,
            start_s=points[0][0].sample.start_s,
            end_s=points[-1][0].sample.end_s,
            count=len(points),
            confidence=max(found.confidence for _, found in points),
        )
        for number, points in sorted(seen.items())
    ]
    return {row.number: row for row in Track.objects.bulk_create(rows, batch_size=BATCH)}


_COLUMNS = (
    *("run_id", "segment_id", "label_id", "track_id", "time_s", "dwell_s"),
    *("x1", "y1", "x2", "y2", "confidence", "clarity", "source"),
)


def _row(
    segment: Segment, frame: FrameResult, found: Found, label_id: int, tracks: dict[int, Track]
) -> tuple[Any, ...]:
    """The values of _COLUMNS."""
    track = None if found.track is None else tracks[found.track].pk
    time = frame.sample.time_s, frame.sample.dwell_s
    look = found.confidence, found.clarity, found.source
    return segment.run_id, segment.pk, label_id, track, *time, *found.box, *look


def _insert(rows: Sequence[tuple[Any, ...]]) -> None:
    """In plain SQL: at every frame, making objects for bulk_create takes longer than tracking."""
    table, names = Detection._meta.db_table, ", ".join(_COLUMNS)
    insert = f"INSERT INTO {table} ({names}) VALUES"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            from psycopg2.extras import execute_values

            execute_values(cursor.cursor, f"{insert} %s", rows, page_size=BATCH)
        else:
            cursor.executemany(f"{insert} ({', '.join(['%s'] * len(_COLUMNS))})", rows)
