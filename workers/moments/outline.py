"""An outline of what is said → rows: seconds for an hour of talk, so it is done in one piece.

They are stored in one transaction with the finish: a worker that dies leaves nothing behind, and
the next one begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from django.db import transaction

from analysis.errors import NoSound, Stopped
from analysis.media.loudness import Standout, standouts
from analysis.retrieval.encoder import Encoder, model_folder
from analysis.speech.types import WRITTEN_WITHOUT_BLANKS
from analysis.text.boundaries import Vectors
from analysis.text.outline import Outline as Found
from analysis.text.outline import Topic, outline
from webapp.indexing.indexing import Indexing
from webapp.indexing.transcript import n_edits, read_rows
from webapp.moments.moments import LONGEST, Moment, MomentEdit
from webapp.moments.outlines import Outline
from webapp.projects.models import Label
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.engine.piece import piece

NEAR_S = 1.0  # a moment of the outline before, found again
_BRANDS = 1000
_AT_ONCE = 64  # lines
_SAID = 0.6  # the share of the work that is reading


@dataclass(frozen=True, slots=True)
class Line:
    """A speech segment as people read it. places: of each part between blanks, its word."""

    row: int
    text: str
    start_s: float
    end_s: float
    places: tuple[int, ...]


@piece(Outline, tries=3)
def make(row: Outline, beat: Heartbeat) -> None:
    """Find the topics and moments of an asset."""

    beat.note(step="reading what is said", progress=0.0)
    indexing, edited = row.indexing, n_edits(row.indexing)
    lines = list(spoken(indexing))
    meanings = _meanings(lines, beat)
    found = outline(lines, indexing.language or "en", brands(row), meanings, tick=beat.tick)
    beat.note(step="listening for what stands out", progress=_SAID)
    store(row, lines, found, _standouts(row, beat), n_edits=edited)


def spoken(indexing: Indexing) -> Iterator[Line]:
    """The lines of a transcript, with what people corrected."""
    for row, words in read_rows(indexing):
        blank = "" if row.language in WRITTEN_WITHOUT_BLANKS else " "
        text = blank.join(word.text.strip() for word in words)
        if text.strip():
            parts = (word.place for word in words for _ in word.text.split())
            yield Line(row.pk, text, row.start_s, row.end_s, tuple(parts))


def brands(row: Outline) -> list[str]:
    """The names that the projects of the workspace look for, and that are no ordinary words."""
    labels = Label.objects.filter(
        project__workspace=row.asset.workspace, archived=None, is_ordinary=False
    )
    names = (name for label in labels[:_BRANDS] for name in (label.name, *label.aliases))
    return list(dict.fromkeys(names))


def _meanings(lines: Sequence[Line], beat: Heartbeat) -> Vectors | None:
    """A vector for each line; None where the weights are not installed."""
    if not lines or model_folder() is None:
        return None
    encode, found = Encoder(), []
    for start in range(0, len(lines), _AT_ONCE):
        if beat.should_stop():
            raise Stopped
        beat.note(progress=_SAID * start / len(lines))
        found.append(encode([line.text for line in lines[start : start + _AT_ONCE]]))
    return np.concatenate(found)


def _standouts(row: Outline, beat: Heartbeat) -> list[Standout]:
    asset, track = row.asset, row.indexing.options.get("track", 0)

    def progress(seconds: float) -> None:
        share = min(seconds / asset.duration_s, 1.0) if asset.duration_s else 0.0
        beat.note(progress=_SAID + (1 - _SAID) * share)

    try:
        return standouts(
            local_path(asset.file), track=track, progress=progress, should_stop=beat.should_stop
        )
    except NoSound:
        return []


@transaction.atomic
def store(
    row: Outline,
    lines: list[Line],
    found: Found,
    loud: Iterable[Standout],
    *,
    n_edits: int = 0,
) -> bool:
    """Rows, with the finish. False: the lease was lost; nothing was written."""
    names = {
        str(line.row): sorted({line.places[at] for at in places if at < len(line.places)})
        for line, places in zip(lines, found.names, strict=True)
        if places
    }
    about = {"made_by": found.made_by, "names": names, "n_edits": n_edits}
    if not row.finish(progress=1.0, step="", **about):
        return False
    moments = [_said(row, Moment.Kind.CHAPTER, chapter) for chapter in found.chapters]
    moments += [_said(row, Moment.Kind.TOPIC, topic) for topic in found.topics]
    moments += [_heard(row, one) for one in loud]
    Moment.objects.bulk_create(moments)
    carry_edits(row)
    return True


def _said(row: Outline, kind: str, topic: Topic) -> Moment:
    return Moment(
        outline=row,
        kind=kind,
        start_s=round(topic.start_s, 3),
        end_s=round(topic.end_s, 3),
        title=topic.title[:LONGEST],
        phrases=list(topic.phrases),
        entities=[asdict(entity) | {"count": n} for entity, n in topic.entities],
        score=topic.score,
        chapter=topic.chapter,
    )


def _heard(row: Outline, one: Standout) -> Moment:
    title = "Applause, or a crowd" if one.kind == "applause" else f"Loud, by {one.above_db:.0f} dB"
    score = min(max(one.above_db / 24, 0.0), 1.0)
    times = {"start_s": one.start_s, "end_s": one.end_s}
    return Moment(outline=row, kind=one.kind, title=title, score=score, **times)


def carry_edits(row: Outline) -> int:
    """Let what people corrected in the outline before hold for the same moments of this one."""
    before = Outline.objects.filter(asset=row.asset_id, status="done").exclude(pk=row.pk)
    last = before.defer("names").order_by("-pk").first()
    if last is None:
        return 0
    carried = []
    edits = MomentEdit.objects.standing().filter(moment__outline=last).order_by("pk")
    for edit in edits.select_related("moment", "by"):
        old = edit.moment
        near = row.moments.filter(
            kind=old.kind,
            start_s__range=(old.start_s - NEAR_S, old.start_s + NEAR_S),
            end_s__range=(old.end_s - NEAR_S, old.end_s + NEAR_S),
        )
        if (same := near.first()) is not None:
            carried.append(MomentEdit(moment=same, by=edit.by, **edit.values()))
    MomentEdit.objects.bulk_create(carried)
    return len(carried)
