"""The end of encoding: what is notable is said, and indexes of spaces take it in."""

from __future__ import annotations

from django.db import transaction

from webapp.indexing.indexing import Indexing
from webapp.spaces.indexes import SpaceIndex
from workers.engine.heartbeat import Heartbeat

_NOTHING = {
    Indexing.Step.PICTURES.value: "There is nothing to see on it: every picture is of one colour.",
    Indexing.Step.SOUND.value: "There is nothing to hear in it: it is silent.",
}


def finish(indexing: Indexing, beat: Heartbeat) -> None:
    """It happens once, or not yet."""
    with transaction.atomic():
        if indexing.finish(notes=_notes(indexing)):
            SpaceIndex.objects.request_for(indexing.asset.workspace_id)


def _notes(indexing: Indexing) -> list[str]:
    rows = list(indexing.segments.order_by("index").values_list("remarks", "frames"))
    remarks = dict.fromkeys(remark for some, _ in rows for remark in some)
    told = sum(frames.get("read", 0) for _, frames in rows)
    return [*([] if told else [_NOTHING[indexing.step]]), *remarks]
