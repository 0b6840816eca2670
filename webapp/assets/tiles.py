"""Small pictures of moments of assets: rectangles of their film strips, or their posters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from webapp.assets.links import media_link
from webapp.assets.models import Asset, Rendition
from webapp.leases import Status


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture of the moment: a rectangle of an asset's film strip, or its whole poster."""

    url: str
    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0
    sheet_width: int = 0
    sheet_height: int = 0


@dataclass(frozen=True, slots=True)
class Tiles:
    """Small pictures of some assets: of their film strips, or their posters."""

    strips: Mapping[int, tuple[str, dict[str, Any]]]
    posters: Mapping[int, str]

    @classmethod
    def of(cls, assets: Iterable[Asset]) -> Tiles:
        rows = Rendition.objects.filter(
            asset__in=[a.pk for a in assets], recipe__in=("strip", "poster"), status=Status.DONE
        ).exclude(file="")
        kept: dict[str, dict[int, tuple[str, dict[str, Any]]]] = {"strip": {}, "poster": {}}
        for row in rows:
            kept[row.recipe][row.asset_id] = media_link(row.file), row.data
        return cls(kept["strip"], {pk: url for pk, (url, _) in kept["poster"].items()})

    def at(self, asset: int, time_s: float) -> Tile | None:
        url, data = self.strips.get(asset, ("", {}))
        times = data.get("times") or []
        if not times:
            poster = self.posters.get(asset)
            return Tile(poster) if poster else None
        index = min(range(len(times)), key=lambda n: abs(times[n] - time_s))
        (width, height), columns = data["tile"], data["columns"]
        rows = -(-len(times) // columns)
        x, y = index % columns * width, index // columns * height
        return Tile(url, x, y, width, height, columns * width, rows * height)
