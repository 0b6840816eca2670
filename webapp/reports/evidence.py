"""Pictures that stand behind the numbers: the tile of a run's sprite nearest to a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webapp.assets.links import media_link
from webapp.runs.models import Run, Segment


@dataclass(frozen=True, slots=True)
class Tile:
    """One small picture inside a sprite."""

    file: str
    time_s: float
    x: int
    y: int
    width: int
    height: int
    columns: int

    @property
    def link(self) -> str:
        return media_link(self.file)

    @property
    def style(self) -> str:
        """CSS that shows this tile of the sprite and no other, at its own size."""
        return (
            f"width:{self.width}px;height:{self.height}px;"
            f"background:url('{self.link}') -{self.x}px -{self.y}px no-repeat"
        )


def tiles(run: Run, times: list[float]) -> dict[float, Tile]:
    """For each time the tile nearest to it, where the run has kept pictures."""
    found = {}
    segments = list(
        run.segments.exclude(sprite="").only("start_s", "end_s", "sprite", "sprite_data")
    )
    for time_s in times:
        tile = _nearest(segments, time_s)
        if tile is not None:
            found[time_s] = tile
    return found


def _nearest(segments: list[Segment], time_s: float) -> Tile | None:
    for segment in segments:
        if segment.start_s <= time_s <= segment.end_s and segment.sprite_data.get("times"):
            return _tile(segment.sprite, segment.sprite_data, time_s)
    return None


def _tile(file: str, data: dict[str, Any], time_s: float) -> Tile:
    times = data["times"]
    index = min(range(len(times)), key=lambda i: abs(times[i] - time_s))
    width, height = data["tile"]
    row, column = divmod(index, data["columns"])
    return Tile(file, times[index], column * width, row * height, width, height, data["columns"])


def longest_episodes(exposure: dict[str, Any]) -> dict[int, float]:
    """The middle of each brand's longest exposure, by label."""
    middles = {}
    for brand in exposure["brands"]:
        if brand["episodes"]:
            longest = max(brand["episodes"], key=lambda e: e["on_screen_s"])
            middles[brand["label"]] = (longest["start_s"] + longest["end_s"]) / 2
    return middles
