"""A line that is seen on both sides of a border is one. Light: no pixels are looked at."""

from __future__ import annotations

from dataclasses import replace

from rapidfuzz.distance import Levenshtein

from analysis.boxes import overlap
from analysis.reading.types import Kind, TextItem

SPELLED_ALIKE = 0.7
IN_PLACE = 0.3  # intersection over union


def plain(text: str) -> str:
    """Its letters and digits, in lower case."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def spelled_alike(text: str, other: str) -> bool:
    """Whether two readings are likely of the same letters; with other digits they are not."""
    one, two = plain(text), plain(other)
    if [c for c in one if c.isdigit()] != [c for c in two if c.isdigit()]:
        return False
    return Levenshtein.normalized_similarity(one, two) >= SPELLED_ALIKE


def joined(before: TextItem, after: TextItem) -> TextItem | None:
    """Both as one item, where `after` is the line `before` that goes on; else None."""
    last = before.path[-1][1] if before.path else before.box
    first = after.path[0][1] if after.path else after.box
    if not spelled_alike(before.text, after.text) or overlap(last, first) <= IN_PLACE:
        return None
    best = max(before, after, key=lambda item: item.confidence * item.looks)
    return replace(
        best,
        start_s=before.start_s,
        end_s=after.end_s,
        kind=_kind(before, after),
        path=_path(before, after),
        looks=before.looks + after.looks,
    )


def _kind(before: TextItem, after: TextItem) -> Kind:
    told = [item for item in (before, after) if item.kind != "untold"]
    return max(told, key=lambda item: item.looks).kind if told else "untold"


def _path(before: TextItem, after: TextItem) -> tuple:
    """Where it went, if it moved on either side."""
    if not before.path and not after.path:
        return ()
    one = before.path or ((before.start_s, before.box),)
    return (*one, *(after.path or ((after.start_s, after.box),)))
