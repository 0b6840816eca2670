"""A new version of a run in which one label is looked for again: segment by segment, as its parent
was cut, with all that the parent found of other labels taken over as it is stored."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from django.core.files.storage import default_storage

from analysis.errors import AnalysisError
from analysis.film.again import look_again, look_at_picture_again, merged
from analysis.film.columns import Columns
from analysis.film.stretch import StretchResult
from analysis.media.frames import CHANGE
from analysis.types import Box, Detection
from webapp.assets.models import Asset
from webapp.runs.run import Run
from webapp.runs.segments import Segment, SegmentResult
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, local_path
from workers.runs import loaded, store
from workers.runs.frame_tables import frame_table
from workers.runs.stint import Stint

_GONE = "The analysis that this one goes out from was deleted meanwhile."


def plan(run: Run) -> None:
    """The segments of the parent."""
    if run.parent is None:
        raise AnalysisError(_GONE, permanent=True)
    same = ("index", "start_s", "end_s", "frames_total")
    segments = [Segment(run=run, **row) for row in run.parent.segments.values(*same)]
    said = f"{run.looked_again_for} was looked for again; all else is as in run {run.parent_id}."
    run.plan(segments, duration_s=run.parent.duration_s, notes=[said, *run.parent.notes])


def analyse(segment: Segment, beat: Heartbeat, stint: Stint) -> None:
    """Look for the label in one segment, and store it with what is taken over."""
    run = segment.run
    before = _before(segment)
    label = run.again["label"] if run.again else 0
    columns = Columns.unpack(before.columns)
    result = _look(segment, columns, np.frombuffer(before.changes, CHANGE), beat)
    found = Columns.from_results(result.results, run.label_ids())
    sprite = _copied_sprite(segment, before.segment)
    all_found = merged(columns, found, label)
    stored = store.again(segment, result, all_found, before, sprite=sprite, goes_on=stint.goes_on())
    stint.following = stored.following
    if stored.kept:
        run.all_analysed()
    elif not Segment.objects.filter(pk=segment.pk).exists():
        default_storage.delete(sprite[0])  # the asset was deleted meanwhile


def _before(segment: Segment) -> SegmentResult:
    """What the parent stored of this segment."""
    of_parent = {"segment__run": segment.run.parent_id, "segment__index": segment.index}
    found = SegmentResult.objects.filter(**of_parent).select_related("segment").first()
    if found is None:
        raise AnalysisError(_GONE, permanent=True)
    return found


def _look(segment: Segment, before: Columns, changes: np.ndarray, beat: Heartbeat) -> StretchResult:
    run = segment.run
    names = {number: name for name, number in run.label_ids().items()}
    label = run.looked_again_for
    detector = loaded.detector(run.inputs, run.options, only=label, should_stop=beat.should_stop)
    path = local_path(run.asset.file)
    told = _told(run, label, before)
    if run.asset.kind == Asset.Kind.IMAGE:
        return look_at_picture_again(path, detector, told=told.get(0.0, []))
    began = time.monotonic()

    def on_progress(frames_done: int) -> None:
        beat.note(frames_done=frames_done, busy_s=time.monotonic() - began)

    return look_again(
        path,
        before,
        changes,
        detector,
        told=told,
        rivals={number: name for number, name in names.items() if name != label},
        span_s=(segment.start_s, segment.end_s),
        keys_s=_keys_s(segment),
        on_progress=on_progress,
        should_stop=beat.should_stop,
        track=run.options.get("track"),
    )


def _keys_s(segment: Segment) -> np.ndarray:
    """When key frames are shown in a segment; none where that is no longer known."""
    try:
        keys_s = frame_table(segment.run).key_times_s
    except AnalysisError:
        return np.empty(0)
    return keys_s[(keys_s >= segment.start_s) & (keys_s < segment.end_s)]


def _told(run: Run, label: str, before: Columns) -> Mapping[float, list[Detection]]:
    """What people saw in this segment, by the time of the analysed frame."""
    told: dict[float, list[Detection]] = {}
    times = before.frames["time_s"]
    for seen in run.again["boxes"] if run.again else ():
        near = np.flatnonzero(np.abs(times - seen["time_s"]) < 1e-4)
        if len(near):
            detection = Detection(Box(*seen["box"]), label, 1.0, "person")
            told.setdefault(float(times[near[0]]), []).append(detection)
    return told


def _copied_sprite(segment: Segment, before: Segment) -> tuple[str, dict[str, Any]]:
    """The parent's sheet of thumbnails, as a file of this run's own."""
    if not before.sprite:
        return "", {}
    try:
        with default_storage.open(before.sprite) as file:
            sheet = file.read()
    except FileNotFoundError:
        return "", {}
    name = f"runs/{segment.run_id}/{segment.index:05}.jpg"
    return keep(name, sheet), before.sprite_data
