"""An explanation as pictures in SVG: parts of the frame with what lies over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webapp.assets.links import media_link
from webapp.explaining.explanations import Explanation

_WIDE = 360.0  # of a drawing, in its own units
_GAP = 24.0
_FAINT = 0.01  # confidence: a smaller difference is not drawn


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a picture that fills a drawing: where the whole picture lies in its units."""

    width: float
    height: float
    x: float
    y: float
    full_width: float
    full_height: float

    @classmethod
    def of(cls, area: list[float], size: tuple[int, int], wide: float = _WIDE) -> Part:
        """area: xyxy fractions of a picture of that size."""
        x1, y1, x2, y2 = area
        scale = wide / max((x2 - x1) * size[0], 1.0)
        full = size[0] * scale, size[1] * scale
        return cls(wide, (y2 - y1) * full[1], -x1 * full[0], -y1 * full[1], *full)

    def at(self, x: float, y: float) -> tuple[float, float]:
        return round(self.x + x * self.full_width, 1), round(self.y + y * self.full_height, 1)


def heat_drawing(row: Explanation, picture: str) -> dict[str, Any] | None:
    heat = row.result.get("heat")
    if not heat:
        return None
    part = Part.of(heat["area"], _size(row))
    effects = heat["effects"]
    most = max((abs(value) for line in effects for value in line), default=0.0) or 1.0
    height, width = part.height / len(effects), part.width / len(effects[0])
    cells = [
        {
            "x": round(c * width, 2),
            "y": round(r * height, 2),
            "width": round(width, 2),
            "height": round(height, 2),
            "speaks": "for" if value > 0 else "against",
            "opacity": round(0.75 * abs(value) / most, 3),
            "effect": value,
        }
        for r, line in enumerate(effects)
        for c, value in enumerate(line)
        if abs(value) >= _FAINT
    ]
    (left, top), (right, bottom) = part.at(*row.box[:2]), part.at(*row.box[2:])
    box = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return {"part": part, "picture": picture, "cells": cells, "box": box, "most": most} | {
        "rows": [[round(value, 2) for value in line] for line in effects],
        "words": _words(heat, most),
    }


def _words(heat: dict[str, Any], most: float) -> str:
    """What the colours say, in a sentence."""
    if most < _FAINT:
        return "No part matters more than another: half of it is enough, whichever half."
    best = max(0.0, *(value for line in heat["effects"] for value in line))
    said = f"The part that matters most makes it {best:.2f} surer when it is in view."
    outside = heat["outside_share"]
    if outside > 0.5:
        said += (
            f" {outside:.0%} of what speaks for it lies at the edge of the box or outside: it may "
            "have learned the surroundings."
        )
    return said


def match_drawings(row: Explanation, picture: str) -> list[dict[str, Any]]:
    """Each logo picture beside the box, with lines between the points that are the same."""
    return [_match(row, one, picture) for one in row.result.get("matches", [])]


def _match(row: Explanation, one: dict[str, Any], picture: str) -> dict[str, Any]:
    logo = Part.of([0, 0, 1, 1], tuple(one["size"]), _WIDE)
    around = _around(row.box)
    seen = Part.of(around, _size(row), _WIDE)
    right = _WIDE + _GAP
    lines = []
    for x, y, u, v in one["points"]:
        (x1, y1), (x2, y2) = logo.at(x, y), seen.at(u, v)
        lines.append({"x1": x1, "y1": y1, "x2": round(right + x2, 1), "y2": y2})
    return {
        "logo": media_link(one["file"]),
        "picture": picture,
        "logo_part": logo,
        "seen": seen,
        "seen_x": right,
        "width": right + _WIDE,
        "height": max(logo.height, seen.height),
        "lines": lines,
        "n": len(one["points"]),
    }


def _around(box: list[float]) -> list[float]:
    x, y = 0.15 * (box[2] - box[0]), 0.15 * (box[3] - box[1])
    return [max(box[0] - x, 0), max(box[1] - y, 0), min(box[2] + x, 1), min(box[3] + y, 1)]


def alike_drawings(row: Explanation) -> list[dict[str, Any]]:
    """The training examples, each cut to its box."""
    return [
        {
            "picture": media_link(one["file"]),
            "part": Part.of(one["box"], tuple(one["size"]), 120.0),
            "likeness": one["likeness"],
            "source": one["source"],
        }
        for one in row.result.get("alike", [])
    ]


def _size(row: Explanation) -> tuple[int, int]:
    asset = row.run.asset
    return asset.width or 16, asset.height or 9
