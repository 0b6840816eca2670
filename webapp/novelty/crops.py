"""Small pictures of regions: a part of a sheet each, in the shape of the region."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

from django.urls import reverse

from webapp.assets.links import media_link
from webapp.assets.models import Asset
from webapp.runs.run import Run
from webapp.runs.segments import SegmentRegions

_WIDEST, _TALLEST = 4.0, 2.0  # times as wide as high, or the other way round, that are drawn so


def shown(sights: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sights (`webapp.novelty.moments`) whose analysis is still there, each with its film, the
    address of its moment, and `style`, what draws its small picture."""
    runs = Run.living.filter(asset__removed=None).select_related("asset")
    there = runs.in_bulk({sight["run"] for sight in sights})
    sheets = _sheets(there)
    return [
        sight
        | {
            "asset": there[sight["run"]].asset,
            "url": moment_url(sight),
            "style": _style(sight, there[sight["run"]].asset, sheets),
        }
        for sight in sights
        if sight["run"] in there
    ]


def moment_url(sight: dict[str, Any]) -> str:
    """The asset's page at that moment, with that analysis."""
    address = reverse("asset", args=[sight["asset"]])
    return f"{address}?run={sight['run']}&t={sight['time_s']:.3f}"


def _sheets(runs: Iterable[int]) -> dict[tuple[int, int], tuple[str, int, int]]:
    rows = SegmentRegions.objects.filter(segment__run__in=list(runs)).exclude(sheet="")
    values = rows.values_list("segment__run", "segment__index", "sheet", "columns", "tiles")
    return {(run, index): (sheet, columns, n) for run, index, sheet, columns, n in values}


def _style(
    sight: dict[str, Any], asset: Asset, sheets: dict[tuple[int, int], tuple[str, int, int]]
) -> str:
    """ "" where the small picture is gone."""
    found = sheets.get((sight["run"], sight["segment"]))
    if found is None or not found[1]:
        return ""
    sheet, columns, n = found
    rows = ceil(n / columns)
    down, across = divmod(sight["tile"], columns)
    x = 100 * across / (columns - 1) if columns > 1 else 0
    y = 100 * down / (rows - 1) if rows > 1 else 0
    x1, y1, x2, y2 = sight["box"]
    shape = (x2 - x1) * (asset.width or 16) / max((y2 - y1) * (asset.height or 9), 1e-6)
    shape = min(max(shape, 1 / _TALLEST), _WIDEST)
    return (
        f"--shape:{shape:.3f};background-image:url('{media_link(sheet)}');"
        f"background-size:{columns * 100}% {rows * 100}%;background-position:{x:.3f}% {y:.3f}%"
    )
