"""COCO's run-length masks → the box around them.

A mask is told as lengths of runs, of background first and then in turn, down the columns one after
the other; as numbers, or packed into text five bits a character (maskApi.c of the COCO API, Lin et
al. 2014).
"""

from __future__ import annotations

from typing import Any

from analysis.types import Box

_MOST_RUNS = 4_000_000


def box_of_mask(mask: dict[str, Any]) -> Box:
    """xyxy in pixels around what is masked. Raises ValueError where that is nothing."""
    height, width = (int(side) for side in mask["size"])
    counts = mask["counts"]
    runs = _unpacked(counts) if isinstance(counts, str) else [int(n) for n in counts]
    if height <= 0 or width <= 0 or len(runs) > _MOST_RUNS:
        raise ValueError("this is no mask")
    low, high, top, bottom, at = width, -1, height, -1, 0
    for number, length in enumerate(runs):
        if length < 0:
            raise ValueError("a run has no length below nothing")
        if number % 2 and length:
            first, last = divmod(at, height), divmod(at + length - 1, height)
            low, high = min(low, first[0]), max(high, last[0])
            spans = first[0] != last[0]  # goes on in the next column: from top to bottom
            top = min(top, 0 if spans else first[1])
            bottom = max(bottom, height - 1 if spans else last[1])
        at += length
    if high < 0 or high >= width:
        raise ValueError("nothing is masked")
    return Box(low, top, high + 1, bottom + 1)


def _unpacked(text: str) -> list[int]:
    """Each number is 5 bits a character, low ones first, told as a difference from the one two
    before from the fourth on."""
    runs: list[int] = []
    value, shift = 0, 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError("this is no packed mask")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value, shift = 0, 0
    return runs
