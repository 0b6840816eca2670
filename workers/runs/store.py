"""Analysis values → rows. A segment's results are replaced in one transaction: never twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max

from analysis.film.columns import Columns
from webapp.encodings.kept import EncodedInPassing
from webapp.runs.found import Track
from webapp.runs.segments import Segment, SegmentResult
from workers.encodings import passing
from workers.engine.identity import this_worker
from workers.runs import regions


@dataclass(frozen=True)
class Stored:
    """Whether it was: not when the lease was lost. Then nothing is written."""

    kept: bool
    following: Segment | None = None  # claimed with the finish, to go on with


@transaction.atomic
def segment(
    segment: Segment,
    result: Any,
    *,
    sprite: tuple[str, dict[str, Any]],
    sheet: regions.Sheet = regions.Sheet(),  # noqa: B008  it never changes
    encoded: EncodedInPassing | None = None,
    goes_on: bool = False,
) -> Stored:
    """Replace what is stored of this segment, unless its lease was lost.

    sheet: the file with small pictures of the regions that are kept, and how many are in a row.
    encoded: what was encoded of it in passing, not saved yet. goes_on: claim the next as well.
    """
    stored = _finish(
        segment,
        goes_on,
        frames_done=segment.frames_total,
        busy_s=result.seconds,
        held=result.n_held,
        missing=result.n_missing,
        problem=result.problem or "",
        sprite=sprite[0],
        sprite_data=sprite[1],
    )
    if not stored.kept:
        return stored
    columns = numbered(Columns.from_results(result.results, segment.run.label_ids()), segment.index)
    segment.tracks.all().delete()
    Track.objects.bulk_create(tracks_of(columns, segment))
    SegmentResult.objects.update_or_create(
        segment=segment, defaults={"columns": columns.pack(), "changes": result.changes.tobytes()}
    )
    if result.kept:
        found = result.kept.regions(segment.run.label_ids())
        regions.store(segment, regions.numbered(found, segment.index), sheet)
    passing.store(segment, encoded)
    return stored


@transaction.atomic
def again(
    segment: Segment,
    result: Any,
    columns: Columns,
    before: SegmentResult,
    *,
    sprite: tuple[str, dict[str, Any]],
    goes_on: bool = False,
) -> Stored:
    """Replace what is stored of a segment in which one label was looked for again, unless its lease
    was lost.

    The tracks of other labels keep their numbers, and the new ones come after them. goes_on: claim
    the next segment as well.
    """
    label = segment.run.again["label"] if segment.run.again else 0
    then = before.segment
    stored = _finish(
        segment,
        goes_on,
        frames_done=segment.frames_total,
        busy_s=result.seconds,
        held=then.held,
        missing=then.missing,
        problem=then.problem,
        sprite=sprite[0],
        sprite_data=sprite[1],
    )
    if not stored.kept:
        return stored
    columns = _numbered_after(columns, label, then)
    segment.tracks.all().delete()
    others = list(then.tracks.exclude(label=label))
    for track in others:
        track.pk, track.run_id, track.segment = None, segment.run_id, segment
    mine = columns.detections["label"] == label
    own = tracks_of(Columns(columns.frames, columns.detections[mine]), segment)
    Track.objects.bulk_create([*others, *own])
    SegmentResult.objects.update_or_create(
        segment=segment, defaults={"columns": columns.pack(), "changes": before.changes}
    )
    regions.take_over(segment, then, without=label)
    return stored


def _finish(segment: Segment, goes_on: bool, **changes: Any) -> Stored:
    if goes_on:
        return Stored(*segment.finish_and_claim_next(this_worker(), **changes))
    return Stored(segment.finish(**changes))


def _numbered_after(columns: Columns, label: int, then: Segment) -> Columns:
    """With numbers for the label's tracks that no track of the parent's segment ever had."""
    last = then.tracks.aggregate(last=Max("number"))["last"]
    first = then.index * Track.PER_SEGMENT if last is None else last + 1
    detections = columns.detections.copy()
    mine = (detections["label"] == label) & (detections["track"] >= 0)
    detections["track"][mine] += first
    return Columns(columns.frames, detections)


def numbered(columns: Columns, index: int) -> Columns:
    """The columns of segment `index`, with track numbers that are unique in the run."""
    detections = columns.detections.copy()
    tracked = detections["track"] >= 0
    detections["track"][tracked] += index * Track.PER_SEGMENT
    return Columns(columns.frames, detections)


def tracks_of(columns: Columns, segment: Segment) -> list[Track]:
    """A row for each track: from when to when, how often seen, and how sure at best."""
    found = columns.detections[columns.detections["track"] >= 0]
    found = found[np.argsort(found["track"], kind="stable")]  # by track, then by time
    numbers, first, counts = np.unique(found["track"], return_index=True, return_counts=True)
    if not len(numbers):
        return []
    last = first + counts - 1
    rows = zip(
        numbers.tolist(),
        found["label"][first].tolist(),
        columns.frames["start_s"][found["frame"][first]].tolist(),
        columns.frames["end_s"][found["frame"][last]].tolist(),
        counts.tolist(),
        np.maximum.reduceat(found["confidence"], first).tolist(),
        strict=True,
    )
    return [
        Track(
            run_id=segment.run_id,
            segment=segment,
            number=number,
            label_id=label,
            start_s=start_s,
            end_s=end_s,
            count=count,
            confidence=confidence,
        )
        for number, label, start_s, end_s, count, confidence in rows
    ]
