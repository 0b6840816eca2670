"""The regions of an analysis that keeps none: its film is decoded once more, about a frame a
second, and what it found is taken as it is stored; no detector looks."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import transaction

from analysis.errors import Stopped
from analysis.film.columns import SOURCES, Columns
from analysis.media.frames import Frame, FrameReader
from analysis.novelty.keeping import EVERY_S, Keeper, Kept
from analysis.types import Box, Detection, FrameResult, Sample
from webapp.assets.models import Asset
from webapp.novelty.work import NoveltyWork
from webapp.runs.run import Run
from webapp.runs.segments import Segment
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.runs import regions


def keep(row: NoveltyWork, beat: Heartbeat) -> dict[str, Any]:
    """Part by part, each stored when it is done: what a crash leaves is gone on from."""
    run = row.run
    assert run is not None
    segments = list(run.segments.filter(result__isnull=False).order_by("index"))
    waiting = [one for one in segments if not hasattr(one, "regions")]
    for segment in waiting:
        if beat.should_stop():
            raise Stopped
        share = (len(segments) - len(waiting) + waiting.index(segment)) / max(len(segments), 1)
        beat.note(step="cutting regions out of the film", progress=round(share, 3))
        kept = _kept(run, segment, beat)
        sheet = regions.keep_sheet(segment, kept)
        with transaction.atomic():
            regions.store(segment, kept.regions(run.label_ids()), sheet)
    NoveltyWork.objects.ask_gather(row.project, by=row.requested_by)
    return {"progress": 1.0, "step": ""}


def _kept(run: Run, segment: Segment, beat: Heartbeat) -> Kept:
    results = _results(Columns.unpack(segment.result.columns), run)
    keeper = Keeper()
    path = local_path(run.asset.file)
    by_time = {result.sample.time_s: result for result in results}
    if run.asset.kind != Asset.Kind.VIDEO:
        keeper.see(Frame.from_file(path), results[0].detections if results else [])
        return keeper.finish(results)
    times = _spread(sorted(by_time))
    with FrameReader(path, times, track=run.options.get("track"), hop=True) as reader:
        for frame in reader:
            if beat.should_stop():
                raise Stopped
            nearest = min(times, key=lambda time_s: abs(time_s - frame.time_s))
            frame.time_s = nearest
            keeper.see(frame, by_time[nearest].detections)
    return keeper.finish(results)


def _spread(times: list[float]) -> list[float]:
    """Those of them that are about a second apart."""
    chosen: list[float] = []
    for time_s in times:
        if not chosen or time_s >= chosen[-1] + EVERY_S - 1e-6:
            chosen.append(time_s)
    return chosen


def _results(columns: Columns, run: Run) -> list[FrameResult]:
    names = {number: name for name, number in run.label_ids().items()}
    starts = np.searchsorted(columns.detections["frame"], np.arange(len(columns.frames) + 1))
    results = []
    for at, (time_s, start_s, end_s) in enumerate(columns.frames.tolist()):
        found = [
            _detection(one, names)
            for one in columns.detections[starts[at] : starts[at + 1]]
            if int(one["label"]) in names
        ]
        results.append(FrameResult(Sample(time_s, start_s, end_s), found))
    return results


def _detection(one: np.void, names: dict[int, str]) -> Detection:
    track = int(one["track"])
    return Detection(
        Box(*(float(one[side]) for side in ("x1", "y1", "x2", "y2"))),
        names[int(one["label"])],
        min(float(one["confidence"]), 1.0),
        SOURCES[int(one["source"])],
        track=track if track >= 0 else None,
    )
