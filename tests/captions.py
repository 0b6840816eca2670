"""Films and pictures with writing of which everything is known, and indexings of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import font_roboto
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.analysis.clips import constant, write_clip

ENGINE = "PP-OCRv6 (test)"
SIZE = (640, 360)
RATE = 25


def needs_a_reader() -> Any:
    """A reader, the same for all tests; skip where none is installed."""
    needs_a_reading_engine()
    return _reader()


def needs_a_reading_engine() -> None:
    """Skip where none is installed."""
    from analysis.reading import engines

    if not engines():
        pytest.skip("needs requirements-speech.txt and requirements-reading.txt")


@lru_cache(maxsize=1)
def _reader() -> Any:
    from analysis.reading import engines
    from analysis.reading.reader import Reader

    return Reader(engines()[0])


def lettered(
    image: NDArray[np.uint8], text: str, at: tuple[int, int], height: int, ink: int = 255
) -> tuple[float, float, float, float]:
    """Write into a picture, RGB or BGR; returns the letters' box as shares of it."""
    font = ImageFont.truetype(font_roboto.RobotoBold, height)
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    draw.text(at, text, font=font, fill=(ink,) * 3)
    x1, y1, x2, y2 = draw.textbbox(at, text, font=font)
    image[:] = np.asarray(canvas)
    return x1 / image.shape[1], y1 / image.shape[0], x2 / image.shape[1], y2 / image.shape[0]


@lru_cache(maxsize=1)
def _ground() -> NDArray[np.uint8]:
    """Coarse texture, three pictures wide."""
    shades = np.random.default_rng(3).integers(40, 130, (30, 160), np.uint8)
    grown = np.kron(shades, np.ones((12, 12), np.uint8))
    return np.repeat(grown[..., None], 3, axis=2)


def match_film(path: Path, *, pan: int = 4) -> Path:
    """Four seconds: the ground pans by `pan` pixels a frame with a sign HARBOUR on it; over it the
    caption NORRA BANK from 1 to 3 s, and a score that turns from 1-0 to 2-0 at 2 s."""

    def paint(number: int) -> NDArray[np.uint8]:
        moved = number * pan
        wide = _ground().copy()
        lettered(wide, "HARBOUR", (430, 150), 40)
        image = wide[: SIZE[1], moved : moved + SIZE[0]].copy()
        image[20:60, 20:150] = 20
        lettered(image, "HBR 1-0" if number < 2 * RATE else "HBR 2-0", (28, 24), 28)
        if RATE <= number < 3 * RATE:
            image[290:340, 60:400] = 15
            lettered(image, "NORRA BANK", (80, 295), 34)
        return image

    return write_clip(path, constant(4 * RATE, RATE), size=SIZE, paint=paint, gop=50)


def still_film(path: Path, seconds: float = 3.0) -> Path:
    """One picture with KESTREL on it, all the time."""
    image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    lettered(image, "KESTREL", (200, 150), 48)
    n = int(seconds * RATE)
    return write_clip(path, constant(n, RATE), size=SIZE, paint=lambda _: image, gop=25)


# --- indexings, as workers leave them ---------------------------------------------------------


def item(
    text: str, start_s: float, end_s: float, box: Any = (0.1, 0.8, 0.4, 0.9), **more: Any
) -> Any:
    from analysis.reading import TextItem
    from analysis.types import Box

    return TextItem(text, start_s, end_s, Box(*box), **{"confidence": 0.9} | more)


def a_reading_worker(languages: str = "ch", queues: str = "batch") -> Any:
    from django.utils import timezone

    from webapp.runs.workers import Worker

    about = {"queues": queues, "reading": ENGINE, "reading_languages": languages}
    return Worker.objects.create(name="reader:1:1", seen=timezone.now(), **about)


def stored(segment: Any, items: Iterable[Any], *, sampled: int = 10, read: int = 4) -> bool:
    """What was read in a segment, as a worker stores it."""
    from analysis.reading import ReadFilm
    from webapp.indexing.segments import IndexingSegment
    from workers.reading.segment import store

    mine = IndexingSegment.objects.claim(segment.pk, "reader:1:1")
    return store(mine, ReadFilm(tuple(items), sampled, read), busy_s=1.0)


WRITTEN = (
    item("Norra Bank", 2.0, 6.5, kind="overlay"),
    item("KESTREL", 4.0, 20.0, (0.5, 0.4, 0.6, 0.45), kind="scene"),
    item("HBR 1-0", 0.0, 60.0, (0.05, 0.05, 0.15, 0.1), kind="overlay"),
)


def read_asset(asset: Any, items: Iterable[Any] = WRITTEN, *, by: Any = None) -> Any:
    """A done indexing of the writing on an asset."""
    from tests.spoken import finished, planned
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.refusals import reading_engine

    worker = None if reading_engine() else a_reading_worker()
    indexing = Indexing.objects.request(asset, "text", by=by)
    if worker is not None:
        worker.delete()
    (segment,) = planned(indexing, 0, asset.duration_s)
    assert stored(segment, items)
    return finished(indexing)
