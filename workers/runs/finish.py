"""The end of a run: join tracks across segment borders, find the shots, say what was held."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from django.db import transaction

from analysis.film.columns import SOURCES, Columns
from analysis.film.shots import find_shots
from analysis.film.tracking import stitch
from analysis.media.frames import CHANGE
from analysis.types import Box, FrameResult, Sample
from analysis.types import Detection as Found
from webapp.leases import Status
from webapp.runs.kept import make_ready
from webapp.runs.models import Detection, Run, SegmentResult, Shot, Track

NEAR_S = 2.0  # what is looked at on both sides of a border


@transaction.atomic
def finish(run: Run) -> None:
    """Everything that needs the whole run. One transaction: it happens once, or not yet."""
    locked = Run.objects.select_for_update().filter(
        pk=run.pk, stage=Run.Stage.FINISH, worker=run.worker
    )
    if not locked.exists():
        return
    results = list(
        SegmentResult.objects.filter(segment__run=run)
        .select_related("segment")
        .order_by("segment__index")
    )
    _find_shots(run, results)
    _join_tracks(run, results)
    run.succeed(_notes(run))
    transaction.on_commit(lambda: make_ready(run.pk), robust=True)  # the run is done without it


def _find_shots(run: Run, results: list[SegmentResult]) -> None:
    changes = np.concatenate(
        [np.frombuffer(result.changes, CHANGE) for result in results] or [np.empty(0, CHANGE)]
    )
    run.shots.all().delete()
    if run.duration_s:
        shots = find_shots(changes, run.duration_s)
        Shot.objects.bulk_create(
            Shot(run=run, index=s.index, start_s=s.start_s, end_s=s.end_s) for s in shots
        )


def _join_tracks(run: Run, results: list[SegmentResult]) -> None:
    cuts = list(run.shots.values_list("start_s", flat=True))
    names = {number: name for name, number in run.label_ids().items()}
    unpacked = [Columns.unpack(result.columns) for result in results]
    joined: dict[int, int] = {}
    for before, after in pairwise(unpacked):
        if len(before.frames) and len(after.frames):
            border = float(after.frames["start_s"][0])
            tail = _near(before, border, names)
            pairs = stitch(tail, _near(after, border, names), cuts)
            joined |= {head: joined.get(tail, tail) for head, tail in pairs.items()}
    _rename_tracks(run, joined)
    _rewrite(results, unpacked, joined)


def _near(columns: Columns, border_s: float, names: dict[int, str]) -> list[FrameResult]:
    """The frames within two seconds of a segment's border, as tracking wants them."""
    frames = columns.frames
    near = np.flatnonzero(np.abs(frames["time_s"] - border_s) <= NEAR_S)
    results = []
    for index in near:
        found = columns.detections[columns.detections["frame"] == index]
        time_s, start_s, end_s = (float(value) for value in frames[index])
        tracked = [_value(d, names) for d in found if d["track"] >= 0]
        results.append(FrameResult(Sample(time_s, start_s, end_s), tracked))
    return results


def _value(row: np.void, names: dict[int, str]) -> Found:
    return Found(
        box=Box(*(float(row[c]) for c in ("x1", "y1", "x2", "y2"))),
        label=names[int(row["label"])],
        confidence=min(float(row["confidence"]), 1.0),
        source=SOURCES[int(row["source"])],
        track=int(row["track"]),
    )


def _rename_tracks(run: Run, joined: dict[int, int]) -> None:
    tracks = {track.number: track for track in run.tracks.all()}
    for head, tail in sorted(joined.items()):
        kept, gone = tracks[tail], tracks[head]
        kept.end_s = max(kept.end_s, gone.end_s)
        kept.count += gone.count
        kept.confidence = max(kept.confidence, gone.confidence)
        Detection.objects.filter(track=gone).update(track=kept)
        kept.save(update_fields=["end_s", "count", "confidence"])
    Track.objects.filter(run=run, number__in=joined).delete()


def _rewrite(results: list[SegmentResult], unpacked: list[Columns], joined: dict[int, int]) -> None:
    """Put the joined numbers into the columns of the segments they occur in."""
    for result, columns in zip(results, unpacked, strict=True):
        tracks = columns.detections["track"]
        here = [head for head in joined if (tracks == head).any()]
        if not here:
            continue
        detections = columns.detections.copy()
        for head in here:
            detections["track"][tracks == head] = joined[head]
        result.columns = Columns(columns.frames, detections).pack()
        result.save(update_fields=["columns"])


def _notes(run: Run) -> list[str]:
    problems = run.segments.exclude(problem="").filter(status=Status.DONE)
    sentences = list(dict.fromkeys(problems.values_list("problem", flat=True)))
    sums = run.progress()
    if sums["held"]:
        sentences.append(
            f"{sums['held']} of {sums['frames']} samples looked like the one before and were held."
        )
    missing = sum(run.segments.values_list("missing", flat=True))
    if missing:
        sentences.append(f"{missing} of {sums['frames']} samples could not be decoded.")
    return sentences
