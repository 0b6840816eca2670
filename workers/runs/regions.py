"""The regions that a run keeps → rows, part by part, beside its columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.core.files.storage import default_storage

from analysis.media.thumbnails import sprite
from analysis.novelty.keeping import Kept
from analysis.novelty.regions import Regions
from webapp.runs.found import Track
from webapp.runs.segments import Segment, SegmentRegions
from workers.engine.originals import keep


class Sheet(NamedTuple):
    """A file of small pictures, and how many stand in a row of it and on all of it."""

    name: str = ""
    columns: int = 0
    tiles: int = 0


def keep_sheet(segment: Segment, kept: Kept | None) -> Sheet:
    """Store small pictures of regions as one sheet. Of nothing there is none.

    A segment that is done again writes the same name.
    """
    if kept is None or not kept.tiles:
        return Sheet()
    sheet, columns = sprite(kept.tiles)
    name = f"runs/{segment.run_id}/{segment.index:05}-regions.jpg"
    return Sheet(keep(name, sheet), columns, len(kept.tiles))


def store(segment: Segment, found: Regions, sheet: Sheet) -> None:
    """In place of what was kept of this segment."""
    about = {"sheet": sheet.name, "columns": sheet.columns, "tiles": sheet.tiles}
    values = {"data": found.pack(), **about}
    SegmentRegions.objects.update_or_create(segment=segment, defaults=values)


def numbered(found: Regions, index: int) -> Regions:
    """Those of segment `index`, with track numbers that are unique in the run."""
    rows = found.rows.copy()
    rows["track"][rows["track"] >= 0] += index * Track.PER_SEGMENT
    return Regions(rows, found.looks)


def rename_tracks(segment_id: int, joined: Mapping[int, int]) -> None:
    """Give tracks that go on what began earlier the number of that."""
    row = SegmentRegions.objects.filter(segment=segment_id).first()
    if row is None:
        return
    found = Regions.unpack(row.data)
    rows = found.rows.copy()
    for head, tail in joined.items():
        rows["track"][found.rows["track"] == head] = tail
    row.data = Regions(rows, found.looks).pack()
    row.save(update_fields=["data"])


def take_over(segment: Segment, before: Segment, *, without: int) -> None:
    """What an earlier analysis keeps of the same part, but of one label, which was looked for
    again: its tracks are others now. The small pictures are copied, as each run has its own."""
    row = SegmentRegions.objects.filter(segment=before).first()
    if row is None:
        return
    found = Regions.unpack(row.data)
    name = _copied(row.sheet, segment)
    store(segment, found.of(found.rows["label"] != without), Sheet(name, row.columns, row.tiles))


def _copied(sheet: str, segment: Segment) -> str:
    if not sheet:
        return ""
    try:
        with default_storage.open(sheet) as file:
            return keep(f"runs/{segment.run_id}/{segment.index:05}-regions.jpg", file.read())
    except FileNotFoundError:
        return ""
