"""Labelled sets for the tests of formats: drawn by hypothesis, with real pictures."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.types import Box

SIZES = ((64, 48), (33, 70), (100, 100))
LABELS = ("Kestrel", "Norra Bank", "Ünïcode & <tag>", "pizza: slice", 'O\'Neill "s"')
SOURCES = (
    "a.jpg",
    "b.png",
    "day 1/a.jpg",
    "day 2/a.jpg",
    "film#1.5&+.jpg",
    "é.jpeg",
    "c.v2.png",
)


@functools.cache
def _drawn() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="sightline-pictures-")


@functools.cache
def pixels(width: int, height: int, suffix: str = ".png") -> Path:
    """A real picture file of that size, of this process alone: others may be writing theirs."""
    path = Path(_drawn().name) / f"{width}x{height}{suffix}"
    Image.new("RGB", (width, height), (200, 120, 40)).save(path)
    return path


def pixels_of(picture: LabelledPicture) -> Path:
    return pixels(picture.width, picture.height, Path(picture.source).suffix)


texts = st.text("abc ñ<&>\"'", min_size=1, max_size=8).map(str.strip).filter(bool)


@st.composite
def _ends(draw: st.DrawFn, steps: int) -> tuple[float, float]:
    first = draw(st.integers(0, steps - 1))
    return first / steps, draw(st.integers(first + 1, steps)) / steps


@st.composite
def boxes(draw: st.DrawFn, size: tuple[int, int], whole: bool = False) -> Box:
    """A box inside the picture, with corners on eighths of pixels or `whole` ones."""
    (x1, x2), (y1, y2) = (draw(_ends(length * (1 if whole else 8))) for length in size)
    return Box(x1, y1, x2, y2)


@st.composite
def labelled_boxes(draw: st.DrawFn, size: tuple[int, int], labels: Sequence[str]) -> LabelledBox:
    return LabelledBox(
        draw(st.sampled_from(labels)),
        draw(boxes(size, whole=draw(st.booleans()))),
        occluded=draw(st.booleans()),
        track=draw(st.none() | st.integers(0, 9)),
        confidence=draw(st.just(1.0) | st.sampled_from([0.25, 0.5])),
        attributes=draw(st.dictionaries(st.sampled_from(["hand", "side"]), texts, max_size=2)),
    )


@st.composite
def pictures(draw: st.DrawFn, source: str, labels: Sequence[str]) -> LabelledPicture:
    size = draw(st.sampled_from(SIZES))
    is_labelled = draw(st.booleans())
    found = draw(st.lists(labelled_boxes(size, labels), max_size=4)) if is_labelled else []
    apart = {(b.label, b.track, tuple(round(v, 1) for v in b.box)): b for b in found}
    is_frame = draw(st.booleans())
    return LabelledPicture(
        source,
        *size,
        boxes=tuple(apart.values()),
        labels=tuple(draw(st.sets(st.sampled_from(labels)))) if is_labelled else (),
        is_labelled=is_labelled,
        split=draw(st.sampled_from(["train", "val", "test", None])),
        group=draw(st.sampled_from(["", "asset:3"])),
        is_synthetic=draw(st.booleans()),
        is_golden=draw(st.booleans()),
        video="film.mp4" if is_frame else "",
        time_s=draw(st.floats(0, 1e4)) if is_frame else None,
        frame=draw(st.integers(0, 1000)) if is_frame else None,
        changed="2026-03-01T12:00:00.000Z" if is_labelled and draw(st.booleans()) else "",
    )


@st.composite
def labelled_sets(draw: st.DrawFn) -> LabelledSet:
    """Whatever a set may say, on pictures that are there (`pixels_of`)."""
    labels = tuple(draw(st.lists(st.sampled_from(LABELS), min_size=1, unique=True)))
    sources = draw(st.lists(st.sampled_from(SOURCES), min_size=1, max_size=4, unique=True))
    drawn = tuple(draw(pictures(source, labels)) for source in sources)
    is_concept = any(p.labels for p in drawn) and not any(p.boxes for p in drawn)
    return LabelledSet("concept" if is_concept else "boxes", labels, drawn, "A set")


def comparable(labelled: LabelledSet, digits: int = 9) -> LabelledSet:
    """The set without what no round trip keeps: order, where files are, the last digits."""
    return replace(
        labelled,
        pictures=tuple(
            sorted((_comparable(p, digits) for p in labelled.pictures), key=lambda p: p.source)
        ),
    )


def _comparable(picture: LabelledPicture, digits: int) -> LabelledPicture:
    rounded = [
        replace(b, box=Box(*(round(v, digits) + 0.0 for v in b.box)), attributes={**b.attributes})
        for b in picture.boxes
    ]
    return replace(
        picture,
        is_mentioned=True,
        boxes=tuple(sorted(rounded, key=repr)),
        labels=tuple(sorted(picture.labels)),
        file="",
        sha256="",
        extra={},
    )


def round_trip(
    labelled: LabelledSet, write: Callable, read: Callable
) -> tuple[LabelledSet, list[Problem], list[Problem]]:
    """The set after it went through files, and what was said on writing and on reading."""
    with tempfile.TemporaryDirectory() as folder:
        said = write(labelled, Path(folder), pixels_of)
        back, problems = read(Path(folder))
    return back, said, problems
