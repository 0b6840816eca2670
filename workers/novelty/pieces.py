"""The pieces of long work about what is new, each by its kind."""

from __future__ import annotations

from typing import Any

from webapp.novelty.work import NoveltyWork
from workers.engine.heartbeat import Heartbeat
from workers.engine.piece import piece
from workers.novelty.ask import ask
from workers.novelty.gather import gather
from workers.novelty.keep import keep
from workers.novelty.name import name
from workers.novelty.take import take

_BY_KIND = {
    NoveltyWork.Kind.GATHER: gather,
    NoveltyWork.Kind.NAME: name,
    NoveltyWork.Kind.KEEP: keep,
    NoveltyWork.Kind.ASK: ask,
    NoveltyWork.Kind.TAKE: take,
}


@piece(NoveltyWork, tries=3)
def novelty(row: NoveltyWork, beat: Heartbeat) -> dict[str, Any] | None:
    """Gather what is new, name a group, keep regions, ask people, or take logo pictures."""
    return _BY_KIND[NoveltyWork.Kind(row.kind)](row, beat)
