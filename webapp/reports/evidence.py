"""Pictures that stand behind the numbers: small ones for the page, whole frames for paper.

The tile of a run's sprite nearest to a time is cut out and put into the page. So it prints, and
who was sent a report sees the moments it speaks of and not the film around them. The frame that
shows a brand best is made by a worker when a report is issued, or asked for on paper.
"""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage
from PIL import Image

from webapp.assets.models import Rendition
from webapp.leases import Status
from webapp.reports.document import Document
from webapp.runs.run import Run
from webapp.runs.segments import Segment
from webapp.runs.workers import Worker
from webapp.timeline.frames import frame_picture

WAIT_S = 8.0  # for frames that are being made, before a PDF goes without them
_PRINTED = (1800, 1800)  # pixels at most: 260 an inch over the width of the page


@dataclass(frozen=True, slots=True)
class Tile:
    """One small picture of the film."""

    time_s: float
    width: int
    height: int
    picture: str  # as a data URI


def tiles(run: Run, times: Sequence[float]) -> dict[float, Tile]:
    """For each time the tile nearest to it, where the run has kept pictures."""
    kept = run.segments.exclude(sprite="").only("start_s", "end_s", "sprite", "sprite_data")
    segments = list(kept.order_by("index"))
    found = {time_s: _nearest(segments, time_s) for time_s in times}
    return {time_s: tile for time_s, tile in found.items() if tile is not None}


def _nearest(segments: list[Segment], time_s: float) -> Tile | None:
    for segment in segments:
        if segment.start_s <= time_s <= segment.end_s and segment.sprite_data.get("times"):
            return _tile(segment.sprite, segment.sprite_data, time_s)
    return None


def _tile(file: str, data: dict[str, Any], time_s: float) -> Tile | None:
    times = data["times"]
    index = min(range(len(times)), key=lambda i: abs(times[i] - time_s))
    width, height = data["tile"]
    row, column = divmod(index, data["columns"])
    picture = _cut(file, column * width, row * height, width, height)
    return Tile(times[index], width, height, picture) if picture else None


def _cut(file: str, x: int, y: int, width: int, height: int) -> str:
    """A part of a picture file as a data URI; "" when the file is gone."""
    try:
        with default_storage.open(file) as stored, Image.open(stored) as sprite:
            part = sprite.convert("RGB").crop((x, y, x + width, y + height))
    except OSError:
        return ""
    jpeg = io.BytesIO()
    part.save(jpeg, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode()


def longest_episodes(exposure: dict[str, Any]) -> dict[int, float]:
    """The middle of each brand's longest exposure, by label."""
    middles = {}
    for brand in exposure["brands"]:
        if brand["episodes"]:
            longest = max(brand["episodes"], key=lambda e: e["on_screen_s"])
            middles[brand["label"]] = (longest["start_s"] + longest["end_s"]) / 2
    return middles


# --- whole frames, for paper --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BestFrame:
    """The frame that shows a brand best, and its boxes; without a picture, why there is none."""

    time_s: float
    boxes: list[list[float]]  # xyxy, fractions of the frame
    confidence: float
    size: float
    picture: bytes  # JPEG
    width: int
    height: int
    missing: str = ""


def ask(run: Run, numbers: dict[str, Any]) -> dict[int, Rendition]:
    """Have the frame of each brand made, where it is not. By label."""
    return {best["label"]: frame_picture(run, best["time_s"]) for best in numbers["evidence"]}


def best_frames(document: Document) -> dict[int, BestFrame]:
    """By label. Waits a little for those that are being made."""
    bests = document.numbers.get("evidence", [])
    if document.run is None:
        gone = "The film was deleted, and its frames with it. The figures stand."
        return {best["label"]: _frame(best, missing=gone) for best in bests}
    pictures = ask(document.run, {"evidence": bests})
    made = _waited_for([picture.pk for picture in pictures.values()])
    return {best["label"]: _frame_of(best, made[pictures[best["label"]].pk]) for best in bests}


def _waited_for(keys: list[int]) -> dict[int, Rendition]:
    """These renditions once they are over, or as they are when it took too long."""
    until = time.monotonic() + WAIT_S
    rows = Rendition.objects.filter(pk__in=keys)
    while rows.unfinished().exists() and time.monotonic() < until:
        if not Worker.objects.serving("soon").exists():
            break
        time.sleep(0.2)
    return rows.in_bulk()


def _frame_of(best: dict[str, Any], rendition: Rendition) -> BestFrame:
    if rendition.status == Status.FAILED:
        return _frame(best, missing=f"This frame could not be made: {rendition.error}")
    if rendition.status != Status.DONE:
        late = "This frame was still being made. It is in the PDF when you get it again."
        return _frame(best, missing=late)
    try:
        with default_storage.open(rendition.file) as stored, Image.open(stored) as whole:
            picture = whole.convert("RGB")
    except OSError:
        return _frame(best, missing="The picture of this frame can no longer be read.")
    picture.thumbnail(_PRINTED)
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=86)
    return _frame(best, jpeg.getvalue(), *picture.size)


def _frame(
    best: dict[str, Any], picture: bytes = b"", width: int = 16, height: int = 9, missing: str = ""
) -> BestFrame:
    about = (best["time_s"], best["boxes"], best["confidence"], best["size"])
    return BestFrame(*about, picture, width, height, missing)
