"""The scheme before: each box a row of a table, beside the columns. For the benches alone.

Importing this makes the model known to Django, as it was in `webapp.runs.models`, so that deleting
a run deletes its boxes too. `make_table` makes the table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection, models, transaction

from analysis.film.columns import Columns
from analysis.types import Detection as Found
from analysis.types import FrameResult
from webapp.projects.models import Label
from webapp.runs.found import Track
from webapp.runs.run import Run
from webapp.runs.segments import Segment, SegmentResult

BATCH = 2000
COLUMNS = (
    *("run_id", "segment_id", "label_id", "track_id", "time_s", "dwell_s"),
    *("x1", "y1", "x2", "y2", "confidence", "clarity", "source"),
)


class Detection(models.Model):
    run = models.ForeignKey(Run, models.CASCADE, related_name="detections")
    segment = models.ForeignKey(Segment, models.CASCADE, related_name="detections")
    label = models.ForeignKey(Label, models.PROTECT, related_name="detections", db_index=False)
    track = models.ForeignKey(
        Track, models.SET_NULL, null=True, blank=True, related_name="detections"
    )
    time_s = models.FloatField()
    dwell_s = models.FloatField()
    x1 = models.FloatField()
    y1 = models.FloatField()
    x2 = models.FloatField()
    y2 = models.FloatField()
    confidence = models.FloatField()
    clarity = models.FloatField(null=True)
    source = models.CharField(max_length=9)

    class Meta:
        app_label = "runs"
        ordering = ["run_id", "time_s", "pk"]
        indexes = [
            models.Index(fields=["run", "time_s"], name="detection_frame"),
            models.Index(fields=["label", "run", "time_s"], name="detection_label"),
        ]

    def __str__(self) -> str:
        return f"{self.label} at {self.time_s:.3f} s"


def make_table() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Detection)


@transaction.atomic
def store_segment(segment: Segment, result: Any, *, sprite: tuple[str, dict[str, Any]]) -> bool:
    """Store what was found in a segment, as it was done: tracks, boxes, columns."""
    segment.finish(
        frames_done=segment.frames_total,
        busy_s=result.seconds,
        held=result.n_held,
        missing=result.n_missing,
        problem=result.problem or "",
        sprite=sprite[0],
        sprite_data=sprite[1],
    )
    label_ids = segment.run.label_ids()
    results = _numbered(result.results, segment.index)
    Detection.objects.filter(segment=segment).delete()
    segment.tracks.all().delete()
    tracks = _tracks(segment, results, label_ids)
    insert(
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


def _numbered(results: Sequence[FrameResult], index: int) -> list[FrameResult]:
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


def _row(
    segment: Segment, frame: FrameResult, found: Found, label_id: int, tracks: dict[int, Track]
) -> tuple[Any, ...]:
    """The values of COLUMNS."""
    track = None if found.track is None else tracks[found.track].pk
    time = frame.sample.time_s, frame.sample.dwell_s
    look = found.confidence, found.clarity, found.source
    return segment.run_id, segment.pk, label_id, track, *time, *found.box, *look


def insert(rows: Sequence[tuple[Any, ...]]) -> None:
    """In plain SQL, as it was done."""
    start = f"INSERT INTO {Detection._meta.db_table} ({', '.join(COLUMNS)}) VALUES"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            from psycopg2.extras import execute_values

            execute_values(cursor.cursor, f"{start} %s", rows, page_size=BATCH)
        else:
            cursor.executemany(f"{start} ({', '.join(['%s'] * len(COLUMNS))})", rows)


def page(run: Run, query: dict[str, Any]) -> tuple[list[Any], str | None]:
    """A page of boxes as the API gave them, and the address of the next."""
    from rest_framework.request import Request
    from rest_framework.serializers import CharField, ModelSerializer, SerializerMethodField
    from rest_framework.test import APIRequestFactory

    from webapp.pagination import Cursor

    class ByTime(Cursor):
        ordering = ("time_s", "pk")

    class DetectionSerializer(ModelSerializer):
        label_name = CharField(source="label.name")
        box = SerializerMethodField()

        class Meta:
            model = Detection
            fields = (
                *("id", "time_s", "dwell_s", "label", "label_name", "track", "box"),
                *("confidence", "clarity", "source"),
            )

        def get_box(self, row: Detection) -> list[float]:
            return [row.x1, row.y1, row.x2, row.y2]

    found = Detection.objects.filter(run=run).select_related("label")
    if "label" in query:
        found = found.filter(label=query["label"])
    if "min_confidence" in query:
        found = found.filter(confidence__gte=query["min_confidence"])
    if "from" in query:
        found = found.filter(time_s__gte=query["from"])
    pages = ByTime()
    rows = pages.paginate_queryset(found, Request(APIRequestFactory().get("/", query)))
    return DetectionSerializer(rows, many=True).data, pages.get_next_link()
