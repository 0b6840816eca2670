"""What a file of the sky holds, found in the guarded child that reads every upload first.

`survey` gives the facts, a small picture, and hands out the blocks of a pyramid as they are made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.media.guard import Child, Limits
from analysis.sky.pyramid import Block

MOST_PIXELS = 1 << 30  # a gigapixel goes through in bands; its pyramid takes some 4 GB
MOST_SIDE = 1 << 17
_STEP = "analysis.sky.decoding:survey"
_MOST_UNPACKED = 40  # times its size that a packed file may hold


@dataclass(frozen=True, slots=True)
class Overview:
    """The facts of one exposure, as `analysis.sky.decoding` sends them, and its small picture."""

    facts: dict[str, Any]
    poster: bytes  # JPEG


def survey(
    path: Path,
    extension: int | None = None,
    *,
    on_shape: Callable[[tuple[int, int]], None] = lambda shape: None,
    on_block: Callable[[Block], None] = lambda block: None,
    on_progress: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool] = lambda: False,
    limits: Limits | None = None,
) -> Overview:
    """Go through the picture of a file once, in the guarded child.

    extension: which of a FITS file; by default the first that is a picture. on_shape is told
    height and width before the first block. Raises UnreadableMedia, RefusedMedia, NeedsAstropy,
    Stopped, and whatever `on_block` raises.
    """
    work_s = path.stat().st_size / 20e6  # packing takes longest
    request = {
        "extension": extension,
        "most_pixels": MOST_PIXELS,
        "most_side": MOST_SIDE,
        "most_unpacked": _MOST_UNPACKED,
    }
    facts: dict[str, Any] = {}
    poster = b""
    with Child(
        _STEP, path, request, limits=limits, should_stop=should_stop, work_s=work_s
    ) as child:
        while (message := child.receive()) is not None:
            said = message.fields
            if "facts" in said:
                facts |= said["facts"]
            if "shape" in said:
                on_shape((said["shape"][0], said["shape"][1]))
            elif "block" in said:
                level, row, column = said["block"]
                on_block(Block(level, row, column, message.payload))
            elif "done_share" in said:
                on_progress(said["done_share"])
            elif "poster" in said:
                poster = message.payload
    return Overview(facts, poster)
