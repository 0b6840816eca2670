"""What a logo picture offers, in sentences: how small a logo is found by it, and what it lacks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from webapp.projects.models import Reference

_FRAME_WIDTH = 1920  # pixels: `smallest_width` is told in frames of 1080p
_LARGE = 100  # pixels: a logo found only from such a square on is missed in most of a broadcast
_FEW = 20  # features
_FAINT = 20.0  # grey levels of contrast
_BY_COLOUR = "Nearly no contrast in brightness; found by its colour."
_SMALL = 100  # pixels: the side of a square of the picture's area; the detector works at 192


@dataclass(frozen=True)
class Offer:
    """What is said of one logo picture. Empty until a worker has looked at it, or where it has a
    problem, which says it all; nothing is found by a *not this* picture."""

    found_from: int | None  # pixels wide in a 1080p frame, rounded up
    side: float  # the same as the side of a square of the logo's area; inf where it is not found
    facts: list[str]
    lacks: list[str]
    advice: list[str]
    suggests_a_model: bool = False  # its shape says too little, whatever the picture

    @classmethod
    def of(cls, reference: Reference) -> Offer:
        if not reference.is_checked or reference.problem or reference.not_this:
            return cls(None, math.inf, [], [], [])
        width = reference.smallest_width
        side = math.inf
        if width:
            side = width * math.sqrt(reference.height / max(reference.width, 1))
        found_from = 5 * math.ceil(width / 5) if width else None
        lacks, advice = _lacks(reference, side)
        is_plain = (reference.features or 0) < _FEW
        return cls(found_from, side, _facts(reference, found_from), lacks, advice, is_plain)

    @property
    def is_by_colour(self) -> bool:
        return _BY_COLOUR in self.facts

    @property
    def is_weak(self) -> bool:
        return bool(self.lacks)

    @property
    def sentences(self) -> list[str]:
        return [*self.facts, *self.lacks, *self.advice]


def _facts(reference: Reference, found_from: int | None) -> list[str]:
    facts = []
    if found_from:
        share = f"{100 * found_from / _FRAME_WIDTH:.2g}"
        facts.append(
            f"Found from about {found_from} px wide ({share} % of a 1080p frame’s width). "
            "Smaller it will be missed."
        )
    if _is_known_by_colour(reference):
        facts.append(_BY_COLOUR)
    return facts


def _is_known_by_colour(reference: Reference) -> bool:
    contrast, colour = reference.contrast or 0.0, reference.colour_contrast or 0.0
    return contrast < _FAINT and colour > contrast


def _lacks(reference: Reference, side: float) -> tuple[list[str], list[str]]:
    """What it lacks, and what to do about it; nothing where it is found small enough."""
    lacks, advice = [], []
    if math.isinf(side):
        lacks.append("Not found at any size in pictures made to try it.")
    elif side > _LARGE:
        lacks.append("It is found only where it is large.")
    if (reference.features or 0) < _FEW:
        lacks.append("Hardly any detail: it is found only where it is large and sharp.")
        advice.append("Add one that shows its ground too, such as the board or shirt it is on.")
    if not lacks:
        return [], []
    if math.sqrt(reference.width * reference.height) < _SMALL:
        lacks.append(f"Small: {reference.width} × {reference.height} px.")
        advice.append("Add a larger picture; of an SVG, save a PNG 500 px wide or more.")
    if (reference.contrast or 0.0) < _FAINT and not _is_known_by_colour(reference):
        lacks.append("Little contrast in brightness and in colour.")
        advice.append("Add one with more contrast, such as the logo on its own ground.")
    if not advice:
        advice.append("Add a larger or sharper picture, cut close around the logo with its ground.")
    return lacks, advice
