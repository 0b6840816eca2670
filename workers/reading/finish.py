"""The end of reading: a line that goes on past the border of two segments becomes one row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from django.db import transaction

from analysis.reading.continuing import joined
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.written import text_item
from workers.engine.heartbeat import Heartbeat
from workers.reading.carrying import carry_edits

AT_THE_BORDER_S = 0.05


def finish(indexing: Indexing, beat: Heartbeat) -> None:
    """Everything that needs the whole: it happens once, or not yet."""
    with transaction.atomic():
        if not indexing.finish(notes=_notes(indexing)):
            return
        open_rows: list[TextRegion] = []
        for before, after in pairwise(indexing.segments.order_by("index")):
            open_rows = _stitch(before, after, open_rows)
        carry_edits(indexing)


def _notes(indexing: Indexing) -> list[str]:
    remarks = dict.fromkeys(
        remark
        for some in indexing.segments.order_by("index").values_list("remarks", flat=True)
        for remark in some
    )
    empty = [] if indexing.text_regions.exists() else ["Nothing is written on it."]
    return [*empty, *remarks]


def _stitch(
    before: IndexingSegment, after: IndexingSegment, open_rows: Sequence[TextRegion]
) -> list[TextRegion]:
    """Make one row of each line that both show at their border. Returns those that have come from
    earlier segments and reach the end of `after`."""
    border_s = before.end_s
    last = before.text_regions.filter(end_s__gte=border_s - AT_THE_BORDER_S)
    reaching = [*open_rows, *last.exclude(pk__in=[row.pk for row in open_rows])]
    first_s = border_s + AT_THE_BORDER_S
    beginning = list(after.text_regions.filter(start_s__lte=first_s).order_by("pk"))
    going_on: list[TextRegion] = []
    for row in reaching:
        for other in beginning:
            if (whole := joined(text_item(row), text_item(other))) is not None:
                beginning.remove(other)
                other.delete()
                row.end_s, row.text, row.confidence = whole.end_s, whole.text, whole.confidence
                row.kind, row.looks, row.box = whole.kind, whole.looks, list(whole.box)
                row.path = [[time_s, *box] for time_s, box in whole.path]
                row.save()
                going_on.append(row)
                break
    return [row for row in going_on if row.end_s >= after.end_s - AT_THE_BORDER_S]
