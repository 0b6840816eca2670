"""The analysed frames of a run: what the player lays over the picture, and the frame view."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
from django.urls import reverse
from numpy.typing import NDArray

from analysis.film.columns import KNOWN, SOURCES, Columns
from webapp import jobs
from webapp.assets.models import Rendition
from webapp.claiming import without_waiting_for_the_disk
from webapp.leases import Status
from webapp.reviewing.said import Said
from webapp.runs.refusals import RunRefused
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.runs.segments import Segment
from webapp.timeline.corrected import said_of

_WAKES = 4  # workers at most, for frames that are asked for together
_BOX = ("x1", "y1", "x2", "y2")


def segments_json(run: Run) -> list[dict[str, Any]]:
    """Where the segments of a run lie and which are done, for the page to fetch their boxes."""
    rows = run.segments.values_list("index", "start_s", "end_s", "status")
    return [
        {"index": index, "start": start_s, "end": end_s, "done": status == Status.DONE}
        for index, start_s, end_s, status in rows
    ]


def shots_json(run: Run) -> list[float]:
    """When each shot begins; it lasts until the next."""
    return list(run.shots.order_by("index").values_list("start_s", flat=True))


def segment_json(segment: Segment, said: Said | None = None) -> dict[str, Any]:
    """The frames and boxes of one segment as columns; `frame` is a position in `times`, `place` a
    box's position among those that were found in its frame, −1 where a person drew it.

    said: what people say counts. Without a result there are none, as in the run's figures.
    """
    result = getattr(segment, "result", None)
    columns = Columns.unpack(result.columns) if result else Columns.empty()
    frames, found = columns.frames, columns.detections
    place = np.arange(len(found)) - np.searchsorted(found["frame"], found["frame"])
    if said:
        found, place = _as_said(segment, frames, place, said)
    return {
        "index": segment.index,
        "times": _rounded(frames["time_s"]),
        "starts": _rounded(frames["start_s"]),
        "ends": _rounded(frames["end_s"]),
        "frame": found["frame"].tolist(),
        "place": place.tolist(),
        "label": found["label"].tolist(),
        "track": found["track"].tolist(),
        "box": [_rounded(found[side], 4) for side in _BOX],
        "confidence": _rounded(found["confidence"]),
        "clarity": [None if np.isnan(c) else round(c, 2) for c in found["clarity"].tolist()],
        "known": [KNOWN[known] for known in found["known"].tolist()],
        "sprite": _sprite(segment),
    }


def _as_said(
    segment: Segment, frames: NDArray[np.void], place: NDArray[np.intp], said: Said
) -> tuple[NDArray[np.void], NDArray[np.intp]]:
    """The boxes of the segment as people say they are, and their places."""
    run = segment.run
    whole = said_of(run, said)
    if not len(frames):
        return whole.boxes[:0], place
    first = int(np.searchsorted(whole.found.frames["time_s"], frames["time_s"][0]))
    starts = np.searchsorted(whole.found.detections["frame"], [first, first + len(frames)])
    rows = slice(*starts.tolist())
    kept = whole.kept[rows]
    drawn = [row for row in whole.drawn if 0 <= row["frame"] - first < len(frames)]
    there = [row for row in drawn if row["label"] >= 0]
    found = np.concatenate([whole.boxes[rows][kept], np.array(there, whole.boxes.dtype)])
    place = np.concatenate([place[kept], np.full(len(there), -1)])
    found["frame"] -= first
    order = np.argsort(found["frame"], kind="stable")
    return found[order], place[order]


def _sprite(segment: Segment) -> dict[str, Any] | None:
    if not segment.sprite:
        return None
    return {"url": reverse("run-sprite", args=[segment.run_id, segment.index])} | (
        segment.sprite_data
    )


def _rounded(values: NDArray, digits: int = 6) -> list[float]:
    return np.round(values.astype(float), digits).tolist()


def analysed_time(run: Run, time_s: float) -> float:
    """When the analysed frame is shown that answers for `time_s`. Raises RunRefused."""
    columns = columns_of(run)
    index = frame_at(columns, time_s) if isfinite(time_s) else None
    if index is None:
        raise RunRefused("This analysis has no frame there.")
    return float(columns.frames["time_s"][index])


def frame_at(columns: Columns, time_s: float) -> int | None:
    """The analysed frame that answers for `time_s`: the one whose cell holds it, else the nearest.

    None where nothing was analysed.
    """
    if not len(columns.frames):
        return None
    starts = columns.frames["start_s"]
    index = max(int(np.searchsorted(starts, time_s + 1e-6, "right")) - 1, 0)
    if time_s >= columns.frames["end_s"][index] and index + 1 < len(starts):
        times = columns.frames["time_s"][index : index + 2]
        index += int(np.argmin(np.abs(times - time_s)))
    return index


def frame_analysis(run: Run, columns: Columns, index: int) -> dict[str, Any]:
    """One frame in the form that Rekognition Custom Labels users know, and what it leaves out.

    `Confidence` is a percentage and `BoundingBox` a share of the frame, as there.
    """
    frame = columns.frames[index]
    names = {label["id"]: label["name"] for label in run.inputs["labels"]}
    time_s = float(frame["time_s"])
    found = columns.detections[columns.detections["frame"] == index]
    return {
        "FrameNumber": round(time_s * run.asset.probe.get("frame_rate", 0)),
        "TimestampMillis": round(time_s * 1000),
        "CustomLabels": [_custom_label(row, names) for row in found],
        "Sightline": {
            "Asset": {"Name": run.asset.name, "SHA256": run.asset.sha256},
            "Run": run.pk,
            "SoftwareVersion": run.software_version,
            "TimeSeconds": time_s,
            "StandsFor": [float(frame["start_s"]), float(frame["end_s"])],
        },
    }


def _custom_label(row: np.void, names: dict[int, str]) -> dict[str, Any]:
    x1, y1, x2, y2 = (float(row[side]) for side in _BOX)
    box = {"Width": x2 - x1, "Height": y2 - y1, "Left": x1, "Top": y1}
    return {
        "Name": names.get(int(row["label"]), ""),
        "Confidence": round(float(row["confidence"]) * 100, 3),
        "Geometry": {"BoundingBox": {name: round(value, 6) for name, value in box.items()}},
        "Track": int(row["track"]) if row["track"] >= 0 else None,
        "Clarity": None if np.isnan(row["clarity"]) else round(float(row["clarity"]), 3),
        "Source": SOURCES[int(row["source"])],
        "Known": KNOWN[int(row["known"])],
    }


def frame_picture(run: Run, time_s: float) -> Rendition:
    """The full frame that the run saw at `time_s`; asked for when it was not made yet."""
    asked = frame_pictures([(run, time_s)])[0]
    return asked if asked.pk else _kept([(asked.asset_id, asked.recipe)]).popitem()[1]


def frame_pictures(frames: Sequence[tuple[Run, float]]) -> list[Rendition]:
    """The same of many frames at once, in their order; those that are asked for only now are not
    read again: they wait."""
    keys = [(run.asset_id, _recipe(run, time_s)) for run, time_s in frames]
    found = _kept(keys)
    if missing := [key for key in dict.fromkeys(keys) if key not in found]:
        new = [Rendition(asset_id=asset, recipe=recipe) for asset, recipe in missing]
        with without_waiting_for_the_disk():
            # somebody else may ask for the same just now
            Rendition.objects.bulk_create(new, ignore_conflicts=True)
        jobs.wake(Rendition.PIECE.task, "soon", times=min(len(missing), _WAKES))
        found |= dict(zip(missing, new, strict=True))
    for key in set(keys) - set(missing):
        found[key].retry_when_rested()
    return [found[key] for key in keys]


def _recipe(run: Run, time_s: float) -> str:
    track = run.options.get("track")
    return f"frame@{time_s:.6f}" + ("" if track is None else f"@{track}")


def _kept(keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Rendition]:
    rows = Rendition.objects.filter(
        asset__in={asset for asset, _ in keys}, recipe__in={recipe for _, recipe in keys}
    )
    return {(row.asset_id, row.recipe): row for row in rows}
