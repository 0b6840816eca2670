"""Boxes as files say them: what is wrong with them, and what is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import isfinite

from analysis.datasets.types import LabelledBox, Problem
from analysis.types import Box

# Fractions. What is further out than rounding explains is said; what is nearer is a rounding.
_ROUNDING = 1e-6


def from_pixels(x1: float, y1: float, x2: float, y2: float, width: float, height: float) -> Box:
    """A box of pixels in a picture of `width` × `height` as fractions."""
    return Box(x1 / width, y1 / height, x2 / width, y2 / height)


def in_pixels(box: Box, width: int, height: int) -> tuple[float, float, float, float]:
    """xyxy in pixels, with the last digits of floating point taken off."""
    x1, y1, x2, y2 = box
    sides = x1 * width, y1 * height, x2 * width, y2 * height
    return tuple(round(side, 6) for side in sides)  # type: ignore[return-value]


def around(points: Iterable[tuple[float, float]]) -> Box:
    """The box around points, as of a polygon or a turned rectangle."""
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def sound(
    boxes: Iterable[LabelledBox], where: str
) -> tuple[tuple[LabelledBox, ...], list[Problem]]:
    """The boxes that can be kept, cut to the picture and each once; and what befell the others.

    Without a size, off the picture, or not made of numbers: an error, left out. Partly off the
    picture, or said twice: kept once and cut, and told.
    """
    kept: dict[tuple[object, ...], LabelledBox] = {}
    problems = []
    for said in boxes:
        box, problem = _kept(said, where)
        if problem:
            problems.append(problem)
        if box is None:
            continue
        key = (box.label, box.track, *(round(side, 6) for side in box.box))
        if key in kept:
            message = f"“{box.label}” is marked twice in the same place; one is kept."
            problems.append(Problem(where, "WARNING_DUPLICATE_BOX", message, is_error=False))
        kept.setdefault(key, box)
    return tuple(kept.values()), problems


def _kept(said: LabelledBox, where: str) -> tuple[LabelledBox | None, Problem | None]:
    name, box = f"A box of “{said.label}”", said.box
    if not all(isfinite(side) for side in box):
        return None, Problem(where, "ERROR_INVALID_BOUNDING_BOX", f"{name} has no position.")
    if box.width <= 0 or box.height <= 0:
        return None, Problem(where, "ERROR_BOUNDING_BOX_TOO_SMALL", f"{name} has no size.")
    inside = box.clipped()
    if inside.width <= 0 or inside.height <= 0:
        message = f"{name} lies outside the picture."
        return None, Problem(where, "ERROR_INVALID_BOUNDING_BOX", message)
    if inside == box:
        return said, None
    cut = replace(said, box=inside)
    if max(abs(a - b) for a, b in zip(inside, box, strict=True)) <= _ROUNDING:
        return cut, None
    message = f"{name} reaches outside the picture; the part inside is kept."
    return cut, Problem(where, "WARNING_BOX_CUT", message, is_error=False)
