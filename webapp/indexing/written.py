"""What is written on the picture of an asset, as words that brands are looked for in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from analysis.reading.types import Kind, TextItem
from analysis.types import Box
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.text_regions import TextRegion
from webapp.leases import Status

# Chinese, Japanese and Thai are written without blanks: each of their letters is a word here.
_ALONE = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(f"[{_ALONE}]|[^\\s{_ALONE}]+")


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A word with the time its item is on screen: `analysis.text.mentions.Spoken`."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class WrittenItem:
    """A line of writing and how long it stands. `region`: the key of its TextRegion. `kind`:
    overlay, scene or untold. In a picture it lasts from 0 to 0."""

    region: int
    text: str
    words: tuple[WrittenWord, ...]
    start_s: float
    end_s: float
    box: Box
    kind: str
    confidence: float


def read_text(asset: Asset) -> Indexing | None:
    """The newest indexing that has read all of it."""
    done = Indexing.objects.succeeded().filter(asset=asset, step=Indexing.Step.TEXT)
    newest: Indexing | None = done.order_by("-version").first()
    return newest


def written_items(asset: Asset, *, edited: bool = True) -> list[WrittenItem]:
    """What is written on its picture, by time, as it reads now or (not `edited`) as it was read;
    nothing where nobody has read it yet."""
    if (indexing := read_text(asset)) is None:
        return []
    rows = indexing.text_regions.as_it_reads().order_by("start_s", "pk")
    texts = [(row, row.reads if edited else row.text) for row in rows]
    return [item(row, text) for row, text in texts if text]


def text_item(row: TextRegion, text: str | None = None) -> TextItem:
    """A row as it was read, or with what people wrote for it."""
    return TextItem(
        text=row.text if text is None else text,
        start_s=row.start_s,
        end_s=row.end_s,
        box=Box(*row.box),
        confidence=row.confidence,
        kind=cast(Kind, row.kind),
        path=tuple((time_s, Box(*box)) for time_s, *box in row.path),
        looks=row.looks,
    )


def item(row: TextRegion, text: str) -> WrittenItem:
    words = tuple(
        WrittenWord(word, row.start_s, row.end_s, row.confidence) for word in _WORD.findall(text)
    )
    about = row.start_s, row.end_s, Box(*row.box), row.kind, row.confidence
    return WrittenItem(row.pk, text, words, *about)


# --- for the page -----------------------------------------------------------------------------

MOST_LINES = 20_000  # of one page; the files have them all


def lines_json(indexing: Indexing) -> dict[str, Any]:
    """What was read by now, by time: each line with the place it was read best in, and where it
    went."""
    rows = indexing.text_regions.as_it_reads().order_by("start_s", "pk")[: MOST_LINES + 1]
    lines = [line_json(row) for row in rows]
    return {
        "lines": lines[:MOST_LINES],
        "more": len(lines) > MOST_LINES,
        "over": not indexing.is_going_on,
    }


def line_json(row: Any) -> dict[str, Any]:
    """row: of `TextRegionQuerySet.as_it_reads`."""
    return {
        "id": row.pk,
        "start": row.start_s,
        "end": row.end_s,
        "text": row.reads,
        "was": row.text,
        "edit": row.edit,
        "kind": row.kind,
        "sure": row.confidence,
        "box": row.box,
        "path": row.path,
    }


def looked_at(indexing: Indexing) -> dict[str, int]:
    """How often it was time to look, and how often something had changed: frames of a film."""
    found = indexing.segments.filter(status=Status.DONE).values_list("frames", flat=True)
    counts = {"sampled": 0, "read": 0}
    for frames in found:
        for name in counts:
            counts[name] += frames.get(name, 0)
    return counts
