"""Pictures that stand behind the numbers: the tile of a run's sprite nearest to a time.

A tile is cut out and put into the page. So it prints, and who was sent a report sees the moments
it speaks of and not the film around them.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage
from PIL import Image

from webapp.runs.models import Run, Segment


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
