"""The end of a run: join tracks across segment borders, find the shots, say what was held."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from analysis.film.columns import SOURCES, Columns
from analysis.film.shots import find_shots
from analysis.film.tracking import stitch
from analysis.media.frames import CHANGE
from analysis.types import Box, FrameResult, Sample
from analysis.types import Detection as Found
from webapp import jobs
from webapp.contracts.models import Contract
from webapp.leases import Status
from webapp.novelty.work import NoveltyWork
from webapp.review_queue.siftings import Sifting
from webapp.runs.found import Shot, Track
from webapp.runs.kept import make_ready
from webapp.runs.run import Run, looked_again
from webapp.runs.segments import SegmentResult
from webapp.spaces.indexes import SpaceIndex
from workers.encodings import passing
from workers.runs import regions
from workers.search.pieces import make_run_findable

NEAR_S = 2.0  # what is looked at on both sides of a border
_AT_ONCE = 500  # rows of one statement


def finish(run: Run) -> None:
    """Everything that needs the whole run: it happens once, or not yet.

    What takes time is worked out first, from rows that nobody changes any more. One short
    transaction writes it all: it keeps nobody waiting, and who dies before its end changed nothing.
    """
    shots = _shots(run)
    joined = _joined(run, [shot.start_s for shot in shots])
    wanted = passing.wanted_now(run)
    with transaction.atomic():
        if not run.is_mine_to_finish():
            return
        run.shots.all().delete()
        Shot.objects.bulk_create(shots)
        _rename_tracks(run, joined)
        _rewrite(run, joined)
        passing.become_indexing(run, wanted)
        run.succeed([note for note in _notes(run) if note not in run.notes])
        Sifting.objects.request(run, by=None)
        if not run.is_shadow:
            NoveltyWork.objects.ask_gather(run.project, by=None)
            SpaceIndex.objects.request_for(run.asset.workspace_id)  # clips are its shots
        if Contract.objects.figures_changed(run.project_id):
            jobs.check_contracts()
        # the run is done without it
        transaction.on_commit(lambda: make_ready(run.pk), robust=True)
        transaction.on_commit(lambda: make_run_findable(run.pk), robust=True)
        if run.again:
            transaction.on_commit(lambda: looked_again.send(Run, run=run.pk), robust=True)


def _results(run: Run) -> QuerySet[SegmentResult]:
    return SegmentResult.objects.filter(segment__run=run).order_by("segment__index")


def _shots(run: Run) -> list[Shot]:
    if not run.duration_s:
        return []
    scores = _results(run).values_list("changes", flat=True)
    changes = np.concatenate(
        [np.empty(0, CHANGE), *(np.frombuffer(some, CHANGE) for some in scores)]
    )
    return [
        Shot(run=run, index=s.index, start_s=s.start_s, end_s=s.end_s)
        for s in find_shots(changes, run.duration_s)
    ]


def _joined(run: Run, cuts: list[float]) -> dict[int, int]:
    """Tracks that go on what began in an earlier segment: {number: that of the beginning}.

    Segment by segment, so that a long film costs no more memory than two minutes of it.
    """
    names = {number: name for name, number in run.label_ids().items()}
    if run.again:  # those of all others are joined as they were
        names = {run.again["label"]: run.looked_again_for}
    joined: dict[int, int] = {}
    packed = _results(run).values_list("columns", flat=True).iterator(chunk_size=2)
    for before, after in pairwise(map(Columns.unpack, packed)):
        if len(before.frames) and len(after.frames):
            border = float(after.frames["start_s"][0])
            tail = _near(before, border, names)
            pairs = stitch(tail, _near(after, border, names), cuts)
            joined |= {head: joined.get(tail, tail) for head, tail in pairs.items()}
    return joined


def _near(columns: Columns, border_s: float, names: dict[int, str]) -> list[FrameResult]:
    """The frames within two seconds of a segment's border, as tracking wants them."""
    frames = columns.frames
    near = np.flatnonzero(np.abs(frames["time_s"] - border_s) <= NEAR_S)
    results = []
    for index in near:
        found = columns.detections[columns.detections["frame"] == index]
        time_s, start_s, end_s = (float(value) for value in frames[index])
        tracked = [_value(d, names) for d in found if d["track"] >= 0 and int(d["label"]) in names]
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
    grown = [tracks[number] for number in set(joined.values())]
    Track.objects.bulk_update(grown, ["end_s", "count", "confidence"], batch_size=_AT_ONCE)
    gone_keys = [tracks[head].pk for head in joined]
    for start in range(0, len(gone_keys), _AT_ONCE):
        Track.objects.filter(pk__in=gone_keys[start : start + _AT_ONCE]).delete()


def _rewrite(run: Run, joined: dict[int, int]) -> None:
    """Put the joined numbers into the columns of the segments that gave the numbers out."""
    by_segment: dict[int, list[int]] = defaultdict(list)
    for head in joined:
        by_segment[head // Track.PER_SEGMENT].append(head)
    for index, heads in by_segment.items():
        result = _results(run).get(segment__index=index)
        columns = Columns.unpack(result.columns)
        detections = columns.detections.copy()
        for head in heads:
            detections["track"][columns.detections["track"] == head] = joined[head]
        result.columns = Columns(columns.frames, detections).pack()
        result.save(update_fields=["columns"])
        regions.rename_tracks(result.segment_id, {head: joined[head] for head in heads})


def _notes(run: Run) -> list[str]:
    problems = run.segments.exclude(problem="").filter(status=Status.DONE)
    sentences = list(dict.fromkeys(problems.values_list("problem", flat=True)))
    sums = run.progress()
    if sums["held"]:
        sentences.append(
            f"{sums['held']} of {sums['frames']} samples looked like the one before and kept its "
            "result."
        )
    missing = sum(run.segments.values_list("missing", flat=True))
    if missing:
        sentences.append(f"{missing} of {sums['frames']} samples could not be decoded.")
    return sentences
