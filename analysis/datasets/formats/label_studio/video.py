"""Label Studio for video: a task for each video, its tracks as sequences of keys.

A key that moves along with its neighbours is left out, because Label Studio draws the same line
between those. Frames without a box come back only by their pictures, in `images/video_0/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

from analysis.datasets.fidelity import reduce
from analysis.datasets.formats import TITLES, xml
from analysis.datasets.formats.label_studio import tasks as label_studio_tasks
from analysis.datasets.picture_files import Pictures, put
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.datasets.video_frames import Track, by_video, tracks, without_boxes

TITLE = TITLES["label_studio_video"]
HOLDS = frozenset({"track", "fractions", "video"})
_STRAIGHT = 1e-12  # fractions of the picture; over thousands of frames still no pixel


def detects(folder: Path) -> bool:
    """Whether there is a file of Label Studio tasks in the folder, with a video among them."""
    return any(label_studio_tasks.is_of_video(row) for _, row in label_studio_tasks.tasks(folder))


def read(folder: Path) -> tuple[LabelledSet, list[Problem]]:
    """The set in `folder`. Raises AnalysisError where there are no tasks."""
    return label_studio_tasks.read(folder)


# --- writing ------------------------------------------------------------------------------


def write(labelled: LabelledSet, folder: Path, pictures: Pictures | None = None) -> list[Problem]:
    """`tasks.json`, `label_config.xml` and the frames; returns what Label Studio cannot hold.

    The videos themselves are not among them: put them where the tasks say.
    """
    kept, problems = reduce(labelled, HOLDS, TITLE)
    videos, left_out = by_video(kept, TITLE)
    problems += left_out
    rates = {video: _rate(labelled, video) for video in videos}
    knows_rates = bool(rates) and all(rates.values())
    tasks = []
    for number, (video, frames) in enumerate(videos.items()):
        place = Path("images") / f"video_{number}"
        problems += _put_frames(frames, folder / place, pictures)
        more: dict[str, Any] = {"frames": place.as_posix()} if pictures else {}
        more |= {"fps": rates[video]} if knows_rates else {}
        tasks.append(_task(video, frames, more))
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(tasks, ensure_ascii=False, indent=1)
    (folder / "tasks.json").write_text(text, encoding="utf-8")
    xml.save(_interface(kept.labels, knows_rates=knows_rates), folder / "label_config.xml")
    return problems


def _rate(labelled: LabelledSet, video: str) -> float | None:
    """Frames a second, where times are known: Label Studio finds a frame by it."""
    known = sorted(
        (p.frame, p.time_s)
        for p in labelled.pictures
        if p.video == video and p.frame is not None and p.time_s is not None
    )
    steps = [
        (frame - before) / (time_s - before_s)
        for (before, before_s), (frame, time_s) in pairwise(known)
        if time_s > before_s
    ]
    return round(median(steps), 3) if steps else None


def _put_frames(
    frames: Sequence[LabelledPicture], folder: Path, pictures: Pictures | None
) -> list[Problem]:
    if pictures is None:
        return without_boxes(frames, TITLE)
    files = {frame.source: pictures(frame) for frame in frames}

    def place(frame: LabelledPicture) -> Path:
        path = files[frame.source]
        suffix = path.suffix.lower() if path else ".jpg"
        return folder / f"frame_{frame.frame:06}{suffix}"

    called = {source: source for source in files}  # the number is the name: nothing is renamed
    return put(frames, called, lambda frame: files[frame.source], place)


def _task(video: str, frames: Sequence[LabelledPicture], more: dict[str, Any]) -> dict[str, Any]:
    size = {"width": frames[0].width, "height": frames[0].height}
    data = {"video": f"/data/local-files/?d={quote(video)}"} | size | more
    n_frames = (frames[-1].frame or 0) + 1
    results = [
        {
            "id": name,
            "type": "videorectangle",
            "from_name": "box",
            "to_name": "video",
            "original_width": size["width"],
            "original_height": size["height"],
            "value": {"framesCount": n_frames, "labels": [label], "sequence": _sequence(boxes)},
        }
        for name, label, boxes in _named(tracks(frames))
    ]
    return {"data": data, "annotations": [{"result": results}]}


def _named(found: Sequence[Track]) -> Iterator[tuple[str, str, dict[int, LabelledBox]]]:
    """Tracks with an id each, by which their number is known again."""
    n_same: dict[int | None, int] = {}
    for number, label, boxes in found:
        n = n_same[number] = n_same.get(number, -1) + 1
        again = f"-{n}" if n else ""
        yield f"box-{n}" if number is None else f"track-{number}{again}", label, boxes


def _sequence(boxes: Mapping[int, LabelledBox]) -> list[dict[str, Any]]:
    """The keys of a track: where it begins, turns, and ends; from an end on it is not enabled."""
    keys = []
    for frame, box in sorted(boxes.items()):
        before, after = boxes.get(frame - 1), boxes.get(frame + 1)
        if before is None or after is None or not _is_straight(before, box, after):
            x1, y1, x2, y2 = (side * 100 for side in box.box)
            place = {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1, "rotation": 0}
            keys.append({"frame": frame + 1, "enabled": after is not None, **place})
    return keys


def _is_straight(before: LabelledBox, box: LabelledBox, after: LabelledBox) -> bool:
    sides = zip(before.box, box.box, after.box, strict=True)
    return all(abs(a + c - 2 * b) <= _STRAIGHT for a, b, c in sides)


def _interface(labels: Sequence[str], *, knows_rates: bool) -> Element:
    """The labelling interface: tracks with these labels."""
    root = Element("View")
    names = xml.add(root, "Labels", name="label", toName="video")
    for label in labels:
        xml.add(names, "Label", value=label)
    rate = {"framerate": "$fps"} if knows_rates else {}
    xml.add(root, "Video", name="video", value="$video", **rate)
    xml.add(root, "VideoRectangle", name="box", toName="video")
    return root
