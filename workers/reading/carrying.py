"""Corrections of the version before, where the new one read the same line in the same place."""

from __future__ import annotations

from analysis.boxes import overlap
from analysis.types import Box
from webapp.indexing.indexing import Indexing
from webapp.indexing.line_edits import LineEdit
from webapp.indexing.text_regions import TextRegion

NEAR_S = 0.5
_SAME_PLACE = 0.3  # intersection over union


def carry_edits(indexing: Indexing) -> int:
    """Let what people corrected in the last version hold in this one too. Returns how many.

    A line that is read otherwise now is left as it is: it may be right.
    """
    before = Indexing.objects.succeeded().filter(
        asset=indexing.asset_id, step=indexing.step, version__lt=indexing.version
    )
    last = before.order_by("-version").first()
    if last is None:
        return 0
    edited = last.text_regions.as_it_reads().exclude(edit=None)
    carried = []
    for row in edited:
        if (there := _same_line(indexing, row)) is not None:
            edit = LineEdit.objects.get(pk=row.edit)
            carried.append(LineEdit(region=there, text=edit.text, by=edit.by))
    LineEdit.objects.bulk_create(carried)
    return len(carried)


def _same_line(indexing: Indexing, row: TextRegion) -> TextRegion | None:
    near = indexing.text_regions.filter(
        text=row.text, start_s__lte=row.end_s + NEAR_S, end_s__gte=row.start_s - NEAR_S
    )
    box = Box(*row.box)
    there = [one for one in near if overlap(Box(*one.box), box) >= _SAME_PLACE]
    return min(there, key=lambda one: abs(one.start_s - row.start_s), default=None)
